"""The CPR guard finds personal numbers, and nothing that merely looks long."""

import pytest

from evaluator.extracts import cpr
from evaluator.extracts.cpr import find_cpr, holds_cpr, masked


@pytest.mark.parametrize(
    "text",
    [
        "0101901234",
        "010190-1234",
        "010190 1234",
        "010190–1234",
        "3112850000",
        "2902960000",
        "6101901234",  # replacement number: day plus 60
        "P0101901234",
        "cpr_010190-1234.csv",
        "P0000001;x;0101901234;y",
        "0123456789abcdef0123456789abcdef;0101901234",
    ],
)
def test_a_number_with_a_plausible_date_is_found(text):
    assert holds_cpr(text)


@pytest.mark.parametrize(
    "text",
    [
        "P0000123",
        "0000000000",
        "3201901234",  # day 32
        "0113901234",  # month 13
        "3002901234",  # 30 February
        "9201901234",  # day 32 plus 60
        "01019012345",
        "101019012345",
        "2017-01-01",
        "01-01-2017;02-02-2017",
        "12345678",
        "e3b0c44298fc1c0101901234fbf4c8996fb92427ae41e4649b934ca4",  # ten digits inside a hash
        "f47ac10b-58cc-4372-a567-a0101901234f",
        "010190;1234",
    ],
)
def test_other_numbers_pass(text):
    assert not holds_cpr(text)


def test_the_place_is_given_in_bytes():
    assert find_cpr("æ;3201901234;0101901234".encode()) == 14


def test_a_masked_name_shows_no_digit():
    assert masked("udtræk_010190-1234.csv") == "udtræk_######-####.csv"


@pytest.mark.parametrize("number", ["0101901234", "010190-1234", "010190 1234", "010190–1234", "010190\xa01234"])
def test_a_number_is_found_wherever_the_pieces_are_cut(monkeypatch, number):
    monkeypatch.setattr(cpr, "PIECE", 16)
    for before in range(40):
        data = (";" * before + number + ";20190101;123456;1234").encode()
        assert find_cpr(data) == before
