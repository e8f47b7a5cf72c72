"""The landmark design by hand, in worlds with a known truth, and where it must be seen to fail."""

import datetime as dt
from dataclasses import replace

import duckdb
import numpy as np
import polars as pl
import pytest

from evaluator.design.risk_cells import Band, Matching, cell_sums
from evaluator.errors import PanelError
from evaluator.estimators.landmark import balance_check, landmark
from evaluator.inference.landmark_estimates import landmark_estimates
from evaluator.inference.selection_bounds import Counts, monotone_selection, worst_case
from evaluator.vocabulary import Estimate, Light, NotEstimable
from tests.simulation.landmark_world import World, draw, matched

MONDAY = dt.date(2016, 1, 4)


@pytest.fixture(scope="module")
def seen():
    """A world in which the sanctioned are weak, and a missed meeting is sanctioned by the municipality's practice."""
    return draw(World(persons=2000, reversed_share=0.3), 3)


@pytest.fixture(scope="module")
def unseen():
    """The same, but for the same history the weak are sanctioned four times as often."""
    return draw(World(persons=2000, unseen=0.6), 3)


def far(found, truth):
    """Return how many standard errors each estimate is from the truth."""
    return {key[1:]: abs(each.value - truth[key[1:]]) / each.se for key, each in found.items() if key[1:] in truth
            and isinstance(each, Estimate)}  # fmt: skip


def tables(rows):
    """Return risk and states of persons in one week of 2016: (person, municipality, group, is sanctioned, state)."""
    risk = [
        {"person_id": name, "spell_number": 1, "benefit": "kontanthjaelp", "week": MONDAY, "spell_week": 4,
         "sanction_week": MONDAY if sanctioned else None, "is_reversed": False, "is_on_benefit": True,
         "municipality_code": place, "target_group": group, "has_children": len(name) % 2}
        for name, place, group, sanctioned, _ in rows
    ]  # fmt: skip
    later = MONDAY + dt.timedelta(weeks=4)
    states = [
        {"person_id": row[0], "benefit": "kontanthjaelp", "week": later, "state": row[4]} for row in rows if row[4]
    ]
    return pl.DataFrame(risk), pl.DataFrame(states)


def sums_of(rows, **choices):
    risk, states = tables(rows)
    chosen = {"cells": ("target_group",), "censoring": (), "horizons": (4,), "balance": ("has_children",)} | choices
    with duckdb.connect() as connection:
        connection.register("risk", risk)
        connection.register("states", states)
        return cell_sums(connection, Matching(**chosen), "risk", "states")


def many(counts, place="101"):
    """Return rows for (group, is sanctioned, state, number)."""
    return [
        (f"{place}-{group}-{sanctioned}-{state}-{i}", place, group, sanctioned, state)
        for group, sanctioned, state, number in counts
        for i in range(number)
    ]


def test_each_cell_counts_by_its_sanctioned():
    rows = many([
        ("a", True, "job", 10), ("a", True, "self_support", 20), ("a", False, "job", 60), ("a", False, "education", 60),
        ("b", True, "job", 10), ("b", False, "self_support", 40), ("b", False, "entry_benefit", 10),
        ("alone", True, "job", 5), ("unwarned", False, "job", 30), ("a", False, None, 7),
    ])  # fmt: skip
    found = landmark(sums_of(rows))
    share = {found.label(i)[2]: (found.treated_share[i], found.compared_share[i]) for i in range(len(found.fit.cells))}
    assert share["job"] == pytest.approx((20 / 40, 30 / 40 * 0.5))  # a: 30 of 40 sanctioned, half in a job; b: none
    assert share["self_support"] == pytest.approx((20 / 40, 10 / 40 * 0.8))
    assert found.compared_share.sum() == pytest.approx(1.0)
    assert found.treated_share.sum() == pytest.approx(1.0)
    assert (found.treated == 40).all()
    assert found.share_matched[0] == pytest.approx(40 / 45)  # those of group `alone` have nobody to compare with
    assert found.compared[0] == pytest.approx(40**2 / ((30 / 120) ** 2 * 120 + (10 / 50) ** 2 * 50))
    assert found.weight_kept[0] == 1.0


def test_one_cell_is_the_difference_of_means_with_its_error():
    rows = many([("a", True, "job", 30), ("a", True, "education", 70), ("a", False, "job", 300),
                 ("a", False, "education", 200)])  # fmt: skip
    found = landmark_estimates(landmark(sums_of(rows, cluster="person_id")))["", 4, "job"]
    assert found.value == pytest.approx(0.3 - 0.6)
    assert found.se == pytest.approx(np.sqrt(0.3 * 0.7 / 100 + 0.6 * 0.4 / 500), rel=1e-9)
    assert found.method == "influence_function"


def test_a_refit_is_the_fit_of_the_others():
    rng = np.random.default_rng(5)
    rows = []
    for place in range(101, 108):
        numbers = rng.integers(1, 9, 6)
        rows += many([("a", True, "job", numbers[0]), ("a", True, "education", numbers[1]),
                      ("a", False, "job", numbers[2]), ("a", False, "education", numbers[3]),
                      ("b", place % 2 == 0, "job", numbers[4]), ("b", False, "education", numbers[5])],
                     str(place))  # fmt: skip
    whole = landmark(sums_of(rows))
    left = landmark(sums_of([row for row in rows if row[1] != "103"]))
    assert whole.refits[2] == pytest.approx(left.fit.effect, abs=1e-12)
    assert np.abs(whole.fit.influence.sum(axis=0)).max() < 1e-12


def test_effects_apart_are_those_of_each_part_alone(seen):
    by = Band("spell_week", (0, 13, 26))
    apart = landmark(seen.sums(matched(by=by)))
    names = {apart.label(i)[0] for i in range(len(apart.fit.cells))}
    assert names == {"0-12", "13-25", "26-"}
    alone = landmark(replace(seen, risk=seen.risk.filter(pl.col("spell_week") < 13)).sums())
    column = [apart.label(i) for i in range(len(apart.fit.cells))].index(("0-12", 52, "job"))
    again = [alone.label(i) for i in range(len(alone.fit.cells))].index(("", 52, "job"))
    assert apart.fit.effect[column] == pytest.approx(alone.fit.effect[again], abs=0.03)  # bands of the history differ


def test_matching_on_the_history_recovers_the_truth_and_the_naive_comparison_does_not(seen):
    found = landmark(seen.sums())
    assert max(far(landmark_estimates(found), seen.truth).values()) < 3
    naive = landmark_estimates(landmark(seen.sums(matched(cells=()))))
    assert naive["", 52, "job"].high < seen.truth[52, "job"]
    weak = next(each for each in found.balance if each.trait == "is_weak")
    assert abs(weak.before) > 0.4 > 0.1 > abs(weak.after)
    assert balance_check(found).verdict is Light.GREEN
    persons = landmark_estimates(landmark(seen.sums(matched(cluster="person_id"))))["", 52, "job"]
    assert persons.value == pytest.approx(landmark_estimates(found)["", 52, "job"].value)
    assert persons.method == "influence_function"


def test_censoring_those_sanctioned_later_compares_with_no_sanction(seen):
    choices = matched(later="censored", horizons=(13,))
    assert max(far(landmark_estimates(landmark(seen.sums(choices))), seen.against_none).values()) < 3
    kept, none = (landmark(seen.sums(each)) for each in (matched(horizons=(13,)), choices))
    column = [kept.label(i)[2] for i in range(len(kept.fit.cells))].index("self_support")
    assert none.fit.effect[column] > kept.fit.effect[column]  # waiting ends in a sanction for some
    assert none.compared[0] < kept.compared[0]
    assert none.weight_kept[0] == pytest.approx(1.0, abs=0.1)


def test_unseen_selection_is_not_matched_away_and_the_bounds_hold_the_truth(unseen):
    found = landmark(unseen.sums())
    estimate, truth = landmark_estimates(found)["", 52, "job"], unseen.truth[52, "job"]
    assert estimate.high < truth - 0.02  # it says that sanctions cost jobs, far more than they do
    assert next(each for each in found.balance if each.trait == "is_weak").after > 0.25
    column = [found.label(i)[1:] for i in range(len(found.fit.cells))].index((52, "job"))
    number, compared = found.treated[column], round(found.compared[column])
    counts = Counts(
        number, round(number * found.treated_share[column]), compared, round(compared * found.compared_share[column])
    )
    for bounds in (worst_case(counts), monotone_selection(counts)):
        assert bounds.interval_low <= truth <= bounds.interval_high
    turned = monotone_selection(counts, "stronger")
    assert turned.interval_high < truth  # the wrong assumption is no help


def test_with_and_without_reversed_decisions_are_two_calls(seen):
    every, upheld = seen.sums(), seen.sums(matched(decisions="upheld"))
    decided = seen.risk.filter(pl.col("week") == pl.col("sanction_week"))
    assert every.treated[""] == decided.height
    assert upheld.treated[""] == decided.filter(~pl.col("is_reversed")).height
    compared = upheld.sums.filter(~pl.col("is_treated"))["persons"].sum()
    assert compared < every.sums.filter(~pl.col("is_treated"))["persons"].sum()  # fewer cells have a sanctioned person
    assert max(far(landmark_estimates(landmark(upheld)), seen.truth).values()) < 3.5


def test_the_sums_do_not_depend_on_threads_or_order(seen):
    choices = matched(later="censored", horizons=(13,), balance=())
    part = replace(seen, risk=seen.risk.filter(pl.col("municipality_code") < "106"))
    once = part.sums(choices)
    shuffled = replace(part, risk=part.risk.sample(fraction=1.0, shuffle=True, seed=1)).sums(choices)
    assert once.sums.equals(shuffled.sums)


def test_a_sum_of_states_is_one_number_with_its_error(seen):
    found = landmark(seen.sums())
    apart = landmark_estimates(found)
    together = landmark_estimates(found, states=("job", "education"))["", 52, "job+education"]
    assert together.value == pytest.approx(apart["", 52, "job"].value + apart["", 52, "education"].value)
    assert together.se < apart["", 52, "job"].se + apart["", 52, "education"].se


def test_what_cannot_be_compared_is_refused():
    few = many([("a", True, "job", 19), ("a", False, "job", 100)])
    assert isinstance(landmark(sums_of(few)), NotEstimable)
    lonely = many([("a", True, "job", 30), ("a", False, "education", 100), ("b", True, "job", 31)])
    assert isinstance(landmark(sums_of(lonely)), NotEstimable)
    nobody = many([("a", True, "job", 30)])
    assert isinstance(landmark(sums_of(nobody)), NotEstimable)
    one_place = many([("a", True, "job", 30), ("a", True, "education", 9), ("a", False, "job", 100),
                      ("a", False, "education", 100)])  # fmt: skip
    found = landmark_estimates(landmark(sums_of(one_place)))
    assert "kommuner" in found["", 4, "job"].reason
    persons = landmark_estimates(landmark(sums_of(one_place, cluster="person_id")))
    assert isinstance(persons["", 4, "job"], Estimate)
    assert "tilstanden" in persons["", 4, "self_support"].reason
    few_compared = many([("a", True, "job", 30), ("a", True, "education", 9), ("a", False, "job", 10)])
    assert isinstance(
        landmark_estimates(landmark(sums_of(few_compared, cluster="person_id")))["", 4, "job"], NotEstimable
    )
    with pytest.raises(PanelError, match="column 'grade' is absent"):
        sums_of(few, cells=("grade",))
