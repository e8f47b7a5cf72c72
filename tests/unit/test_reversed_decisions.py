"""The share of sanctions that did not stand, as it may leave the store."""

import pytest
from small_register import build_marts, fill, open_store, person

from evaluator.disclosure import ROUNDING_BASE
from evaluator.inference.proportion import wilson_interval
from evaluator.quality.reversed_decisions import ALL, ReversedShare, counted, released
from evaluator.quality.rules import RULES
from evaluator.release_rules import Policy
from reports.pages import quality as page


@pytest.mark.parametrize(
    ("count", "of", "low", "high"),
    [(0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0), (1, 29, 0.0061, 0.1718)],
)
def test_the_interval_is_wilsons(count, of, low, high):
    assert wilson_interval(count, of) == pytest.approx((low, high), abs=5e-5)


def test_a_count_outside_its_cases_is_refused():
    for count, of in ((1, 0), (-1, 5), (6, 5)):
        with pytest.raises(ValueError, match="not between 0"):
            wilson_interval(count, of)


def test_shares_are_quotients_of_released_counts():
    found = released([(ALL, 62, 338), ("101", 40, 160), ("615", 22, 178)])
    assert found[1] == ReversedShare("101", 200, 40, 0.2, *wilson_interval(40, 200))
    assert (found[2].decisions, found[2].reversed) == (200, 20)  # 22 and 178 in steps of five
    assert (found[0].reversed, found[0].decisions) == (60, 400)


def test_small_counts_stay_and_cannot_be_taken_from_the_total():
    found = {each.municipality_code: each for each in released(
        [(ALL, 75, 425), ("101", 40, 160), ("615", 3, 97), ("740", 32, 168)])}  # fmt: skip
    assert found["615"].reversed is None
    assert found["615"].share is None
    hidden = [code for code in ("101", "615", "740") if found[code].reversed is None]
    assert len(hidden) >= 2 or found[ALL].reversed is None
    shown = [each.decisions for each in found.values() if each.decisions is not None]
    assert all(count % ROUNDING_BASE == 0 for count in shown)


def test_one_municipality_alone_does_not_show_twice_what_it_hides():
    found = released([(ALL, 4, 20), ("615", 4, 20)])
    assert [each.share for each in found] == [None, None]


def test_the_decisions_are_those_of_the_mart(tmp_path):
    decisions = [("ophaevet", 8), ("hjemvist", 4), ("truffet", 28)]
    people, rows = [], []
    for status, number in decisions:
        for i in range(number):
            name = f"{status}{i}"
            people.append(person(name))
            rows.append((name, "2016-03-01", "37", "punktsanktion", status))
    spells = [(name, "2016-01-04", "2016-12-25", "730", "615") for name, *_ in people]
    with open_store(tmp_path) as connection:
        fill(connection, {"personer": people, "ydelser": spells, "sanktioner": rows})
        build_marts(connection)
        assert counted(connection, ["kontanthjaelp"]) == [(ALL, 12, 28), ("615", 12, 28)]
        assert counted(connection, ["uddannelseshjaelp"]) == []
        assert counted(connection) == counted(connection, ["kontanthjaelp"])
    [everybody, _] = released([(ALL, 12, 28), ("615", 12, 28)])
    assert (everybody.reversed, everybody.decisions, everybody.share) == (10, 40, 0.25)  # 12 of 40, in fives


def test_the_quality_page_shows_the_total_first_and_leaves_out_the_small():
    given = [("all", 46, 1254), ("101", 40, 160), ("615", 3, 4), ("unknown", 3, 1090)]
    rows = [
        {"municipality_code": code, "municipality_name": {"101": "København"}.get(code, code), "reversed": gone,
         "upheld": upheld}
        for code, gone, upheld in given
    ]  # fmt: skip
    left = RULES["quality_reversed"](rows, Policy(5))
    assert [row["status"] for row in left] == ["shown", "shown", "suppressed", "suppressed"]
    assert all(row["reversed"] is None and row["share"] is None for row in left[2:])
    table = page._reversed(left)
    assert [line[:3] for line in table.rows] == [("Alle", "1.300", "3,5 pct."), ("København", "200", "20,0 pct.")]
    assert RULES["quality_reversed"]([], Policy(5)) == [] and page._reversed([]) is None
