"""Which law a number gets, and its effective degrees of freedom by hand."""

from dataclasses import replace

import numpy as np
import pytest

from evaluator.estimators import GroupTime
from evaluator.inference import event_band, leave_one_cluster_out
from evaluator.inference.leave_one_out import averages
from evaluator.inference.offered import overall
from evaluator.inference.rule import by_influence, freedom, has_error, size_of
from evaluator.vocabulary import NEVER, NotEstimable, Panel, Sections


def test_an_error_needs_five_treated_clusters():
    np.testing.assert_array_equal(has_error(np.array([0, 4, 5, 6])), [False, False, True, True])
    assert has_error(5) and not has_error(4)


def test_the_influence_function_needs_more_than_500_clusters_and_40_degrees_of_freedom():
    np.testing.assert_array_equal(by_influence(np.array([39.9, 40, 41]), 501), [False, True, True])
    np.testing.assert_array_equal(by_influence(np.array([39, 40, 400]), 500), [False, False, False])


def test_degrees_of_freedom_by_hand():
    share = np.array(
        [[0.5, 0.25, 1.0, 0.0, 2.0], [0.5, 0.25, 0.0, 0.0, 1.0], [0.0, 0.25, 0.0, 0.0, 1.0], [0.0, 0.25, 0.0, 0.0, 0.0]]
    )
    # two equal: 2 - 1; four equal: 4 - 1; one: 0; none: 0; shares 1/2, 1/4, 1/4: min(2, 16 / 6)
    np.testing.assert_allclose(freedom(share), [1.0, 3.0, 0.0, 0.0, 2.0])
    # one of five dominates: 1 / (0.8^2 + 4 x 0.05^2) = 1.538462
    assert freedom(np.array([[16.0], [1], [1], [1], [1]]))[0] == 1.538462


def world(weights, starts, periods=6):
    """Return sections of clusters with persons by period: weights (G, T)."""
    clusters = len(weights)
    cluster, period = (grid.ravel() for grid in np.mgrid[:clusters, :periods])
    cohort = np.array(starts)
    rng = np.random.default_rng(1)
    data = Sections(
        tuple(range(periods)), rng.normal(size=cluster.size), period, cohort[cluster], np.empty((cluster.size, 0)),
        cluster, np.asarray(weights, dtype=float).ravel(), "share",
    )  # fmt: skip
    kept = data.weight > 0
    return Sections(
        data.periods, data.outcome[kept], period[kept], data.cohort[kept], data.covariates[kept], cluster[kept],
        data.weight[kept], "share",
    )  # fmt: skip


def test_shares_follow_cells_cohorts_and_persons_by_hand():
    weights = np.ones((8, 6))
    weights[0] = 3  # cohort 4: clusters 0 (3 persons) and 1 (1 person)
    weights[1, 5] = 0  # and cluster 1 has nobody in period 5
    weights[2] = 4  # cohort 5: clusters 2 (4 persons) and 3 (1 person)
    data = world(weights, [4, 4, 5, 5, *[NEVER] * 4])
    loo = leave_one_cluster_out(GroupTime(), data, "simple")
    total = weights.sum()
    of = {4: weights[:2].sum() / total, 5: weights[2:4].sum() / total}
    cells = {(4, 4): of[4], (4, 5): of[4], (5, 5): of[5]}
    mass = sum(cells.values())
    share = np.zeros(4)
    share[:2] += cells[4, 4] / mass * np.array([0.75, 0.25])
    share[:2] += cells[4, 5] / mass * np.array([1.0, 0.0])
    share[2:] += cells[5, 5] / mass * np.array([0.8, 0.2])
    assert share.sum() == pytest.approx(1)
    assert loo.freedom[0] == pytest.approx(min(3, 1 / (share**2).sum()), abs=1e-6) and loo.treated[0] == 4
    assert loo.persons[0] == 3 + 1 + 3 + 4 + 1  # each of the three cells' entrants
    event = leave_one_cluster_out(GroupTime(), data, "event")
    at = dict(zip(event.aggregate.labels, range(1, 9), strict=False))
    assert event.treated[at[1]] == 1 and event.freedom[at[1]] == 0.0  # cluster 0 alone is left a period later
    zero = np.array([0.75 * of[4], 0.25 * of[4], 0.8 * of[5], 0.2 * of[5]]) / (of[4] + of[5])
    assert event.freedom[at[0]] == pytest.approx(min(3, 1 / (zero**2).sum()), abs=1e-6)


def test_followed_persons_count_once_however_many_cells_they_are_in():
    rng = np.random.default_rng(2)
    units, periods = 12, 6
    cohort = np.array([3, 3, 4, 4, *[NEVER] * 8])
    data = Panel(
        tuple(range(periods)), rng.normal(size=(units, periods)), np.ones((units, periods), dtype=bool), cohort, None,
        np.empty((units, 0)), np.arange(units), 1.0 + np.arange(units), "share",
    )  # fmt: skip
    loo = leave_one_cluster_out(GroupTime(), data, "event")
    at = dict(zip(loo.aggregate.labels, range(1, 20), strict=False))
    assert loo.persons[0] == 1 + 2 + 3 + 4 and loo.persons[at[1]] == 10 and loo.persons[at[2]] == 1 + 2
    assert loo.persons[at[-3]] == 3 + 4 and loo.treated[at[-3]] == 2  # cohort 3 has no period so early


def test_unobserved_cells_hold_nobody():
    rng = np.random.default_rng(2)
    seen = np.ones((10, 6), dtype=bool)
    seen[0, 4:] = seen[1, 5] = False  # cohort 4: units 0 and 1 of cluster 0, unit 2 of cluster 1
    data = Panel(
        tuple(range(6)), np.where(seen, rng.normal(size=(10, 6)), np.nan), seen, np.array([4] * 3 + [NEVER] * 7), None,
        np.empty((10, 0)), np.array([0, 0, 1, 2, 3, 4, 5, 6, 7, 8]), 1.0 + np.arange(10), "share",
    )  # fmt: skip
    loo = leave_one_cluster_out(GroupTime(), data, "event")
    at = dict(zip(loo.aggregate.labels, range(1, 20), strict=False))
    assert (loo.treated[at[0]], loo.freedom[at[0]], loo.persons[at[0]]) == (2, 1.0, 2 + 3)
    assert (loo.treated[at[1]], loo.freedom[at[1]], loo.persons[at[1]]) == (1, 0.0, 3)
    assert loo.persons[at[-1]] == 1 + 2 + 3


def test_a_cohort_without_persons_in_a_period_has_no_share_in_it():
    weights = np.ones((9, 6))
    weights[2:4, 5] = 0  # all of cohort 5 in its only exposed period
    loo = leave_one_cluster_out(GroupTime(), world(weights, [4, 4, 5, 5, *[NEVER] * 5]), "simple")
    assert (loo.treated[0], loo.freedom[0], loo.persons[0]) == (2, 1.0, 4)


def test_the_size_of_a_test_has_no_last_bits():
    assert (size_of(0.9), size_of(0.95), size_of(0.0)) == (0.1, 0.05, 1.0)
    assert size_of(1 - 1e-12) == 1e-12


@pytest.mark.parametrize(
    ("treated", "clusters", "refitted"), [(4, 30, False), (5, 30, True), (40, 501, True), (41, 501, False)]
)
def test_refits_are_made_only_where_the_rule_takes_them(treated, clusters, refitted):
    data = world(np.ones((clusters, 6)), [4] * treated + [NEVER] * (clusters - treated))
    assert np.isfinite(averages(GroupTime(), data, "simple").refits).all() == refitted
    always = leave_one_cluster_out(GroupTime(), data, "simple")
    assert np.isfinite(always.refits).all() and always.refits.shape == (clusters, 1)


def test_columns_are_as_long_as_the_published_errors():
    few = leave_one_cluster_out(GroupTime(), world(np.ones((30, 6)), [4] * 6 + [NEVER] * 24), "simple")
    columns, degrees = few.by_rule()
    assert np.sqrt((columns**2).sum()) == pytest.approx(few.errors()[0]) and degrees[0] == 5
    spread = np.sqrt(29 / 30 * ((few.refits[:, 0] - few.value[0]) ** 2).sum())
    assert few.errors()[0] == pytest.approx(spread)
    many = leave_one_cluster_out(GroupTime(), world(np.ones((501, 6)), [4] * 41 + [NEVER] * 460), "simple")
    columns, degrees = many.by_rule()
    assert np.sqrt((columns**2).sum()) == pytest.approx(many.aggregate.se) and np.isinf(degrees[0])
    assert many.freedom[0] == 40


def test_comparison_clusters_count_by_their_persons():
    """Cohort 3 is compared with 5 and never before 5, with never alone from 5 on; half of its cells are each."""
    weights = np.ones((8, 7))
    weights[7] = 4.0
    data = world(weights, [3, 3, 5, *[NEVER] * 5], periods=7)
    loo = leave_one_cluster_out(GroupTime("not_yet", "universal"), data, "group")
    first = list(loo.aggregate.labels).index(data.periods[3])
    early, late = np.array([1, 1, 1, 1, 1, 4]) / 9, np.array([0, 1, 1, 1, 1, 4]) / 8
    share = (early + late) / 2
    assert loo.compared[1 + first] == 6
    assert loo.freedom[1 + first] == min(1.0, round(1 / (share**2).sum(), 6))
    never = leave_one_cluster_out(GroupTime("never", "universal"), data, "group")
    assert list(never.compared) == [5, 5, 5]


@pytest.mark.parametrize(("never", "freedom_of"), [(4, None), (5, 4.0), (7, 6.0)])
@pytest.mark.parametrize("clusters", [46, 560])
def test_the_smaller_side_rules(never, freedom_of, clusters):
    data = world(np.ones((clusters, 6)), [4] * (clusters - never) + [NEVER] * never)
    found, loo = overall(GroupTime(), data, "simple")
    assert loo.compared[0] == never
    if freedom_of is None:
        assert isinstance(found, NotEstimable) and "sammenligningskommuner" in found.reason
        assert isinstance(event_band(GroupTime(), data), NotEstimable)
    else:
        assert (found.freedom, found.method) == (freedom_of, "leave_one_cluster_out")


def test_the_smaller_side_keeps_the_size():
    """With 40 treated and 5 compared, t with 39 degrees of freedom rejects 7 per cent."""
    starts = [4] * 40 + [NEVER] * 5
    rejected = 0
    data = world(np.ones((45, 6)), starts)
    for seed in range(300):
        drawn = replace(data, outcome=np.random.default_rng(seed).normal(size=data.outcome.size))
        rejected += overall(GroupTime(), drawn, "simple")[0].p_value < 0.05
    assert rejected / 300 < 0.065
