"""Danish formats, and the three ways of having no number."""

import math

import pytest

from reports import numbers


@pytest.mark.parametrize(
    ("value", "decimals", "expected"),
    [
        (1234.5, 1, "1.234,5"),
        (1234567, 0, "1.234.567"),
        (0.05, 1, "0,1"),
        (2.5, 0, "3"),
        (-17.24, 1, "−17,2"),
        (-0.04, 1, "0,0"),
    ],
)
def test_numbers_use_danish_separators_and_round_half_up(value, decimals, expected):
    assert numbers.number(value, decimals) == expected


def test_a_sign_is_put_before_what_is_above_zero_only():
    assert [numbers.number(v, sign=True) for v in (1, 0, -1)] == ["+1,0", "0,0", "−1,0"]


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (0.031, "share", "+3,1 pct.point"),
        (math.log(0.893), "log", "−10,7 pct."),
        (0.0009, "rate", "+0,0900 pr. 100 personer"),
        (-0.31, "weeks", "−0,31 uger"),
        (0.5, "count", "+0,50"),
    ],
)
def test_a_difference_is_shown_in_its_unit(value, unit, expected):
    assert numbers.effect(value, unit) == expected


def test_an_interval_names_its_unit_once():
    assert numbers.interval(0.012, 0.05, "share") == "fra 1,2 til 5,0 pct.point"


def test_an_interval_without_an_end_says_so():
    assert numbers.interval(-math.inf, 0.05, "share") == "op til 5,0 pct.point (uden grænse til den anden side)"
    assert numbers.interval(-math.inf, math.inf, "share") == "uden grænser"


@pytest.mark.parametrize(
    ("status", "expected"),
    [("suppressed", ".."), ("not_estimable", "kan ikke beregnes"), ("missing", "mangler"), (None, "mangler")],
)
def test_suppressed_missing_and_not_estimable_are_three_different_texts(status, expected):
    shown = {numbers.effect(None, "share", status), numbers.percent(None, status), numbers.count(None, status)}
    assert shown == {expected}


def test_zero_is_a_number():
    assert numbers.count(0) == "0"
    assert numbers.percent(0.0) == "0,0 pct."


@pytest.mark.parametrize(
    ("kind", "expected"), [("month", "januar 2017"), ("quarter", "1. kvt. 2017"), ("year", "2017")]
)
def test_periods_are_written_in_danish(kind, expected):
    assert numbers.period("2017-01-01", kind) == expected


def test_dates_are_written_in_danish_and_a_bad_one_is_missing():
    assert numbers.day("2026-11-21T10:15:00") == "21. november 2026"
    assert numbers.day("") == "mangler"
