"""Few treated one by one: what sums to the number, what each is held against, and what a total size could not tell."""

from dataclasses import replace

import numpy as np
import pytest
from cluster_sections import noise

from evaluator.conformance import World
from evaluator.estimators import GroupTime
from evaluator.inference import aggregate, estimates, placebos
from evaluator.inference.each_treated import OneByOne, averaged, by_period
from evaluator.inference.offered import not_alone
from evaluator.panel import select
from evaluator.vocabulary import NEVER, Cell, Estimate


@pytest.mark.parametrize("kind", ["simple", "event", "group", "calendar"])
@pytest.mark.parametrize("comparison", ["never", "not_yet"])
def test_the_effects_sum_by_share_to_the_number_of_the_estimator(kind, comparison):
    data, rng = noise([5, 5, 7], clusters=30), np.random.default_rng(2)
    data = replace(data, weight=data.weight * rng.uniform(0.5, 2, data.weight.size))  # persons change over time
    method = GroupTime(comparison)
    whole, found = aggregate(method.fit(data), data, kind), placebos(method, data, kind)
    for column, value in enumerate([whole.value, *whole.effect]):
        each, share = found.behind(column)
        assert share.sum() == pytest.approx(1)
        assert share @ [one.effect[column] for one in each] == pytest.approx(value, abs=1e-12)


def test_of_one_start_and_steady_persons_each_effect_is_its_own_and_donors_are_the_same():
    data = noise([6, 6], clusters=30)
    found, persons = placebos(GroupTime(), data, "simple"), np.bincount(data.cluster, weights=data.weight)
    for row, one in enumerate(found.treated):
        alone = select(data, (data.cohort == NEVER) | (data.cluster == row))
        assert one.effect[0] == pytest.approx(aggregate(GroupTime().fit(alone), alone, "simple").value)
        assert one.treated_size == persons[row]
        np.testing.assert_array_equal(one.size, persons[2:])
    np.testing.assert_array_equal(found.treated[0].donors, found.treated[1].donors)
    np.testing.assert_allclose(found.share[:, 0], persons[:2] / persons[:2].sum())


def test_a_share_counts_exposed_persons_and_a_number_only_its_own():
    data = noise([4, 8], clusters=30)
    found = placebos(GroupTime(), data, "group")
    persons = np.bincount(data.cluster, weights=data.weight)
    simple = placebos(GroupTime(), data, "simple").share[:, 0]
    exposed = persons[:2] * [6, 2]
    np.testing.assert_allclose(simple, exposed / exposed.sum())
    assert found.share[:, 1:].tolist() == [[1.0, 0.0], [0.0, 1.0]]  # each cohort's own number


def test_a_constant_taken_from_the_treated_moves_no_donor():
    data = noise([6, 7], clusters=30)
    moved = replace(data, outcome=data.outcome + 9.0 * (data.period >= data.cohort))
    for one, two in zip(*(placebos(GroupTime(), each, "simple").treated for each in (data, moved)), strict=True):
        np.testing.assert_allclose(one.donors, two.donors)
        np.testing.assert_allclose(one.effect + 9.0, two.effect)


def test_a_treated_cluster_without_a_base_refuses_the_number():
    data = noise([6, 6], clusters=30)
    entered = select(data, ~((data.cluster == 1) & (data.period < 6)))
    refused = estimates(GroupTime(), entered, "simple").overall
    assert refused == not_alone() and "for sig" in refused.reason
    assert not placebos(GroupTime(), entered, "simple").is_known(0)


def test_nothing_to_estimate_has_no_treated():
    data = noise([6, 6], clusters=30)
    assert OneByOne(GroupTime(), select(data, data.cohort != NEVER)).of("simple", np.array([6])).treated == ()


def test_effects_are_averaged_over_the_periods_that_are_known():
    cells = (Cell("x", 3, 3, 2), Cell("x", 3, 5, 2), Cell("x", 3, 5, 2, "again"))
    effects = np.array([[1.0, 2.0, 4.0], [1.0, np.nan, 4.0], [np.nan, np.nan, np.nan]])
    table = by_period(cells, effects, 6)
    np.testing.assert_array_equal(table[:, [3, 5]], [[1, 3], [1, 4], [np.nan, np.nan]])
    assert np.isnan(table[:, [0, 1, 2, 4]]).all()
    weights = np.array([[0, 0, 0, 0.25, 0.5, 0.75], [0, 0, 0, 1.0, 0, 0], np.zeros(6)])
    np.testing.assert_allclose(averaged(table, weights)[:2], [[2.5, 1, np.nan], [3.25, 1, np.nan]])


def test_a_large_and_a_small_one_are_not_taken_for_two_alike():
    """Where all vary alike whatever their size, a pair of 4,000 and 40 persons varies as one, not as half of one."""
    world = World("pair", 2, is_null=True)
    widths = []
    for seed in range(4):
        panel = world.draw(seed)
        for sizes in ((4000.0, 40.0), (2020.0, 2020.0)):
            weight = panel.weight.copy()
            weight[panel.cohort != NEVER] = sizes
            found = estimates(GroupTime(), replace(panel, weight=weight), "simple").overall
            assert isinstance(found, Estimate)
            widths.append(found.high - found.low)
    unlike, alike = np.reshape(widths, (4, 2)).mean(axis=0)
    assert 1.15 < unlike / alike < 2  # sqrt(2) without any error of the comparison
