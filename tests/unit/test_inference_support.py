"""The persons and clusters behind numbers, counted one by one."""

from dataclasses import replace

import numpy as np
import pytest
from cluster_sections import noise

from evaluator.estimators import GroupTime, Saturated
from evaluator.inference.leave_one_out import averages
from evaluator.inference.offered import few_compared, overall
from evaluator.inference.support import compared_with, is_only_never, persons
from evaluator.vocabulary import NEVER, Cell, Panel

STARTS = [3, 3, 4, 6]
COHORTS = np.array([3, 4, 6, NEVER])
CELLS = (Cell("x", 3, 3, 2), Cell("x", 3, 1, 2), Cell("x", 4, 5, 3), Cell("x", 4, 2, 3), Cell("x", 6, 7, 5))


@pytest.mark.parametrize("ahead", [0, 1])
def test_a_cell_is_compared_with_cohorts_that_start_after_both_of_its_periods(ahead):
    found = compared_with(GroupTime("not_yet", anticipation=ahead), CELLS, COHORTS)
    for row, cell in zip(found, CELLS, strict=True):
        last = max(cell.period, cell.base) + ahead
        assert row.tolist() == [start > last and start != cell.cohort for start in COHORTS]
    assert found[0].tolist() == [False, ahead == 0, True, True]


def test_the_never_exposed_alone_when_the_estimator_says_so():
    for estimator in (GroupTime("never"), Saturated(control="never")):
        assert is_only_never(estimator)
        assert (compared_with(estimator, CELLS, COHORTS) == (COHORTS == NEVER)).all()
    assert not is_only_never(GroupTime("not_yet"))


def test_an_estimator_without_a_word_has_no_anticipation():
    np.testing.assert_array_equal(
        compared_with(object(), CELLS, COHORTS), compared_with(GroupTime("not_yet"), CELLS, COHORTS)
    )


@pytest.mark.parametrize("is_empty", [False, True])
def test_a_comparison_clusters_share_is_its_persons_among_all_compared(is_empty):
    data = noise(STARTS, clusters=9, periods=8)
    if is_empty:
        data.weight[(data.cohort == NEVER) & (data.period == 7)] = 0.0
    weights = np.array([[0.5, 0.0, 0.3, 0.0, 0.2], [0.0, 1.0, 0.0, 0.0, np.nan]])
    free = compared_with(GroupTime("not_yet"), CELLS, COHORTS)
    expected = np.zeros((9, 2))
    for number, row in enumerate(np.nan_to_num(weights)):
        for cell, weight, allowed in zip(CELLS, row, free, strict=True):
            rows = (data.period == cell.period) & np.isin(data.cohort, COHORTS[allowed])
            own = np.bincount(data.cluster, weights=data.weight * rows, minlength=9)
            expected[:, number] += weight * own / own.sum() if own.sum() else 0.0
    np.testing.assert_allclose(persons(data).compared(weights, CELLS, free), expected, atol=1e-12)


def test_a_treated_clusters_share_is_its_persons_in_its_cohort():
    data = noise(STARTS, clusters=9, periods=8)
    weights = np.array([[0.5, 0.0, 0.3, 0.0, 0.2]])
    expected = np.zeros(9)
    for cell, weight in zip(CELLS, weights[0], strict=True):
        rows = (data.period == cell.period) & (data.cohort == cell.cohort)
        own = np.bincount(data.cluster, weights=data.weight * rows, minlength=9)
        expected += weight * own / own.sum()
    np.testing.assert_allclose(persons(data).shares(weights, CELLS)[:, 0], expected, atol=1e-12)


def _without_effect(starts, periods=8):
    """Return a panel of one unit per cluster with these starts."""
    units = len(starts)
    return Panel(
        tuple(range(periods)), np.random.default_rng(1).normal(size=(units, periods)),
        np.ones((units, periods), dtype=bool), np.array(starts), None, np.empty((units, 0)), np.arange(units),
        np.ones(units), "share",
    )  # fmt: skip


def test_the_last_cohort_alone_stands_behind_what_is_compared_with_it():
    data = _without_effect([3] * 15 + [6] * 2 + [NEVER] * 40)
    assert averages(Saturated(control="last"), data, "simple").compared[0] == 2
    assert overall(Saturated(control="last"), data, "simple")[0] == few_compared()
    assert averages(Saturated(control="never"), data, "simple").compared[0] == 40


class NeverAlone:
    """A stranger that compares with the never exposed and says nothing of it."""

    def fit(self, data):
        return GroupTime("never").fit(data)


@pytest.mark.parametrize("mixed", [False, True])
def test_a_strangers_comparison_is_told_by_its_influence(mixed):
    data = _without_effect([3] * 15 + [6] * 15 + [NEVER] * 2)
    if mixed:  # one of the first cohort lies in a cluster of the later one
        data.cluster[15] = 0
        data = replace(data, cluster=np.unique(data.cluster, return_inverse=True)[1])
    first = 1 + list(averages(NeverAlone(), data, "group").aggregate.labels).index(3)
    assert averages(NeverAlone(), data, "group").compared[first] == 2
    assert averages(GroupTime("not_yet"), data, "group").compared[first] == 17
    assert overall(NeverAlone(), data, "simple")[0] == few_compared()


def test_clusters_of_several_cohorts_tell_of_a_cohort_that_has_no_others():
    data = _without_effect([3] * 10 + [NEVER] * 10)
    paired = replace(data, cluster=np.arange(20) % 10)
    assert averages(GroupTime(), paired, "simple").compared[0] == 10


def test_a_cluster_at_the_mean_of_its_cohort_in_one_cell_counts():
    data = _without_effect([3] * 6 + [NEVER] * 7)
    data.outcome[6:] = 0.0
    data.outcome[6:8, 4] = [1.0, -1.0]  # nobody else moves, and the mean stays
    assert averages(GroupTime(base="universal"), data, "event").compared[0] == 2
    data.outcome[8:, 5] = [1.0, 2.0, 3.0, 4.0, 5.0]
    loo = averages(GroupTime(base="universal"), data, "event")
    assert loo.compared[1 + list(loo.aggregate.labels).index(1)] == 7


class Leaving:
    """A stranger that leaves clusters out by a rule of its own."""

    def fit(self, data):
        return GroupTime().fit(replace(data, weight=np.where(data.cluster >= 10, 0.0, data.weight)))


def test_a_cluster_that_is_left_out_of_every_cell_does_not_count():
    data = _without_effect([3] * 6 + [NEVER] * 14)
    loo = averages(Leaving(), data, "simple")
    assert (loo.treated[0], loo.compared[0]) == (6, 4)
    assert overall(Leaving(), data, "simple")[0] == few_compared()


def test_a_comparison_that_never_moves_is_no_measure_of_chance():
    data = _without_effect([3] * 6 + [NEVER] * 7)
    data.outcome[6:] = 0.3
    assert overall(GroupTime(), data, "simple")[0] == few_compared()
