"""How the path, the placebos and the tests of one municipality leave: in steps of five persons, or not at all."""

import math

import pytest

from evaluator.release_one_treated import RULES
from evaluator.release_rules import Policy

REGISTER, PUBLIC = Policy(5), Policy(5, is_public=True)


def path(persons, actual, gap):
    return {"persons": persons, "actual": actual, "gap": gap, "low": gap - 0.2, "high": gap + 0.2}


def test_levels_of_a_register_are_multiples_of_five_and_gaps_of_five_persons():
    (row,) = RULES["paths"]([path(100, 103.0, -0.1337)], REGISTER)
    assert row["actual"] == 105 and row["status"] == "shown"
    for name in ("gap", "low", "high"):
        steps = row[name] / (5 / 100)
        assert steps == pytest.approx(round(steps))
    assert row["counterfactual"] == pytest.approx(row["actual"] / math.exp(row["gap"]), abs=0.05)


def test_few_persons_leave_nothing_of_their_path():
    (row,) = RULES["paths"]([path(5, 5.0, -0.1)], REGISTER)
    assert row["status"] == "suppressed"
    assert all(row[name] is None for name in ("actual", "counterfactual", "gap", "low", "high"))
    donors = [{"persons": 4, "gap": 0.3}, {"persons": 50, "gap": 0.333}]
    (kept,) = RULES["placebo_paths"](donors, REGISTER)
    assert kept["gap"] == pytest.approx(0.3)  # in steps of 5 / 50
    weights = [{"persons": 4, "weight": 0.4}, {"persons": 60, "weight": 0.61234}]
    assert [row["weight"] for row in RULES["weights"](weights, REGISTER)] == [0.61]


def test_a_public_series_leaves_as_it_is():
    (row,) = RULES["paths"]([path(4, 4.25, -0.1337)], PUBLIC)
    assert (row["actual"], row["gap"]) == (4.25, -0.1337)
    weights = [{"persons": 4, "weight": 0.41234}]
    assert [row["weight"] for row in RULES["weights"](weights, PUBLIC)] == [0.412]


def test_tests_leave_with_their_reason_and_without_numbers_of_few():
    given = {"low": -0.4, "high": 0.1, "unit": "log", "n": 100, "p_value": 0.12345, "size": 0.04321}
    shown, gone, refused = RULES["tests"](
        [
            {**given, "smallest_count": 100, "is_offered": True},
            {**given, "smallest_count": 3, "is_offered": True},
            {**given, "smallest_count": 100, "is_offered": False, "p_value": None, "low": None, "high": None},
        ],
        REGISTER,
    )
    assert (shown["p_value"], shown["size"], shown["status"]) == (0.123, 0.043, "estimated")
    assert (gone["p_value"], gone["low"], gone["status"]) == (None, None, "suppressed")
    assert (refused["p_value"], refused["status"]) == (None, "not_estimable")


def test_fits_of_few_persons_say_nothing():
    names = (
        "before",
        "after",
        "left_out_low",
        "left_out_high",
        "followed",
        "ratio",
        "ratio_p",
        "effective_donors",
        "hull_p",
    )
    row = dict.fromkeys(names, 0.51234)
    hidden, shown = RULES["fits"]([{**row, "persons": 5}, {**row, "persons": 200}], REGISTER)
    assert all(hidden[name] is None for name in names) and hidden["status"] == "suppressed"
    assert shown["ratio"] == 0.512 and shown["after"] == pytest.approx(0.5)  # in steps of 5 / 200 of a log point
