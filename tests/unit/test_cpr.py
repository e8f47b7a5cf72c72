"""What looks like a CPR number, and what merely looks long."""

import pytest

from evaluator.extracts import cpr
from evaluator.extracts.cpr import holds_cpr, masked, may_hold_cpr

NUMBERS = [
    "0101901234",
    "010190-1234",
    "010190 1234",
    "010190–1234",
    "010190\u00a01234",
    "010190 - 1234",
    "010190\u20111234",
    "010190\u22121234",
    "01.01.90-1234",
    "01-01-90-1234",
    "1.01.90-1234",
    "3112850000",
    "2902960000",
    "6101901234",  # replacement number: day plus 60
    "101901234",  # the leading zero is lost
    "10190-1234",
    "101901234,0",
    "0101901234.00",
    "P0101901234",
    "cpr_010190-1234.csv",
    "P0000001;x;0101901234;y",
    "0123456789abcdef0123456789abcdef;0101901234",
    "0101140004",  # no check digit, as may be since 2007
]


@pytest.mark.parametrize("text", NUMBERS)
def test_a_number_with_a_plausible_date_is_found(text):
    assert holds_cpr(text)
    for coding in ("utf-8", "cp1252"):
        assert may_hold_cpr(f"æ;{text};å".encode(coding, "ignore")) or "\u2011" in text or "\u2212" in text
    assert may_hold_cpr(text.encode())


@pytest.mark.parametrize(
    "text",
    [
        "P0000123",
        "0000000000",
        "3201901234",  # day 32
        "0113901234",  # month 13
        "3002901234",  # 30 February
        "9201901234",  # day 32 plus 60
        "101900000",  # a round amount
        "113901234",
        "01019012345",
        "101019012345",
        "2017-01-01",
        "01-01-2017;02-02-2017",
        "01-01-17 1015",
        "12345678",
        "+4512345678",
        "12 34 56 78",
        "0,0101901234",
        "101901234,50",
        "e3b0c44298fc1c0101901234fbf4c8996fb92427ae41e4649b934ca4",  # ten digits inside a hash
        "9f0101901234ab12",
        "f47ac10b-58cc-4372-a567-a0101901234f",
        "010190;1234",
    ],
)
def test_other_numbers_pass(text):
    assert not holds_cpr(text)


@pytest.mark.parametrize("place", range(40))
def test_nine_digits_are_seen_wherever_a_piece_ends(place, monkeypatch):
    monkeypatch.setattr(cpr, "PIECE", 16)
    around = b";" * place, b";" * (40 - place)
    assert may_hold_cpr(b"101901234".join(around))
    assert not may_hold_cpr(b"10190123:4".join(around))


def test_a_masked_name_shows_no_digit():
    assert masked("udtræk_010190-1234.csv") == "udtræk_######-####.csv"
