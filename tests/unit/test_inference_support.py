"""The persons and clusters behind numbers, counted one by one."""

import numpy as np
import pytest
from cluster_sections import noise

from evaluator.estimators import GroupTime, Saturated
from evaluator.inference.support import compared_with, is_only_never, persons
from evaluator.vocabulary import NEVER, Cell

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
