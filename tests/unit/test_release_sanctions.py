"""How numbers about the sanctioned leave: rounded, in steps of five persons, or not at all."""

import math

import pytest

from evaluator.disclosure import MINIMUM_COUNT
from evaluator.release_rules import Policy
from evaluator.release_sanctions import FEWEST_EVENTS, RULES

POLICY = Policy(MINIMUM_COUNT)


def effect(events, method="timing_of_events", **more):
    row = {"method": method, "value": 0.26432, "low": 0.0611, "high": 0.4675, "se": 0.1037, "p_value": 0.01234}
    return {**row, "events": events, "persons": 603, "is_estimable": True, "plausibility": "green", **more}


def share(measure, name, count, persons, **more):
    ends = {"low": None, "high": None, "weeks": None, "arm": ""}
    return (
        {"measure": measure, "group_name": name, "count": count, "persons": persons, "share": count / persons}
        | ends
        | more
    )


def amount(decisions, persons, dkk):
    return {"sanction_type": "andre", "is_reversed": False, "decisions": decisions, "persons": persons,
            "without_amount": 0, "amount_dkk": dkk}  # fmt: skip


@pytest.mark.parametrize("events", [0, 5, FEWEST_EVENTS - 1])
def test_a_hazard_with_few_exits_behind_it_stays(events):
    (row,) = RULES["sanction_effects"]([effect(events)], POLICY)
    assert row["status"] == "suppressed"
    assert all(row[name] is None for name in ("value", "low", "high", "se", "p_value", "plausibility"))


def test_a_hazard_leaves_with_two_decimals_and_rounded_counts():
    (row,) = RULES["sanction_effects"]([effect(57)], POLICY)
    assert (row["value"], row["low"], row["high"], row["p_value"]) == (0.26, 0.06, 0.47, 0.012)
    assert (row["events"], row["persons"], row["status"]) == (55, 605, "estimated")


def test_the_naive_ratio_is_of_counts_and_leaves_in_steps_of_five_exits():
    (row,) = RULES["sanction_effects"]([effect(50, "naive")], POLICY)
    assert row["value"] / (5 / 50) == pytest.approx(round(row["value"] / (5 / 50)))


def test_what_was_not_estimable_keeps_its_reason():
    none = dict.fromkeys(("value", "low", "high", "se", "p_value", "events", "persons", "plausibility"))
    (row,) = RULES["sanction_effects"]([{**effect(0), **none, "is_estimable": False, "reason": "for få"}], POLICY)
    assert (row["status"], row["reason"]) == ("not_estimable", "for få")


def test_end_states_wait_until_enough_have_left_that_way():
    rows = [{"share": 0.0123, "low": 0.008, "high": 0.02, "events": n, "persons": 402} for n in (5, 6)]
    few, enough = RULES["sanction_incidence"](rows, POLICY)
    assert (few["share"], few["status"]) == (None, "suppressed")
    steps = enough["share"] / (5 / 400)
    assert steps == pytest.approx(round(steps), abs=1e-2)


def test_one_small_municipality_hides_another():
    rows = [share("municipality", "A", 3, 60), share("municipality", "B", 9, 70), share("municipality", "C", 90, 400)]
    shown = {row["group_name"]: row for row in RULES["sanction_shares"](rows, POLICY)}
    assert [shown[name]["status"] for name in "ABC"] == ["suppressed", "suppressed", "shown"]
    assert shown["C"]["share"] == pytest.approx(90 / 400)


def test_a_small_rest_is_hidden_too():
    (row,) = RULES["sanction_shares"]([share("reversed", "all", 97, 100)], POLICY)
    assert row["share"] is None


def test_a_followed_share_leaves_in_steps_of_five_persons():
    (row,) = RULES["sanction_shares"]([share("relapse", "job", 31, 103, low=0.21, high=0.39)], POLICY)
    steps = row["share"] / (5 / 105)
    assert steps == pytest.approx(round(steps), abs=1e-2)


def test_the_mean_of_a_fifth_of_the_municipalities_is_a_whole_per_cent():
    (row,) = RULES["sanction_shares"]([{**share("fifth", "1", 19, 19), "share": 0.13579}], POLICY)
    assert row["share"] == 0.14


def test_kroner_leave_in_steps_of_five_decisions_or_not_at_all():
    few, many = RULES["sanction_amounts"]([amount(9, 5, 9e3), amount(203, 104, 612_345.0)], POLICY)
    assert (few["amount_dkk"], few["decisions"], few["status"]) == (None, None, "suppressed")
    assert (many["decisions"], many["persons"]) == (205, 105)
    step = 1000 * math.ceil(5 * 612_345 / 203 / 1000)
    assert many["amount_dkk"] % step == 0 and abs(many["amount_dkk"] - 612_345) <= step / 2
