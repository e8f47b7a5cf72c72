"""The multiplier bootstrap: signs by cluster, errors by the interquartile range, bands by the largest |t|."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

from evaluator.estimators import GroupTime
from evaluator.inference import aggregate, uniform_band
from evaluator.inference.multiplier import BLOCK, errors, multiplied
from evaluator.vocabulary import NEVER, Cell, Fit, Sections


def fit_of(influence, effect=None, scale=None):
    number = influence.shape[1]
    cells = tuple(Cell("x", 3, period, 2) for period in range(number))
    return Fit(cells, np.arange(number, dtype=float) if effect is None else effect, influence, scale or len(influence))


def world(clusters=60, periods=8):
    rng = np.random.default_rng(4)
    cohort = np.where(np.arange(clusters) < 24, 4 + np.arange(clusters) % 2, NEVER)
    cluster, period = (grid.ravel() for grid in np.mgrid[:clusters, :periods])
    return Sections(
        tuple(range(periods)), rng.normal(size=cluster.size), period, cohort[cluster], np.empty((cluster.size, 0)),
        cluster, rng.integers(5, 90, clusters).astype(float)[cluster], "share",
    )  # fmt: skip


def test_draws_are_sums_under_one_sign_per_cluster():
    signs = multiplied(np.eye(7), draws=70, seed=3)
    assert signs.shape == (70, 7) and set(np.unique(signs)) == {-1.0, 1.0}
    influence = np.random.default_rng(1).normal(size=(7, 3))
    np.testing.assert_allclose(multiplied(influence, draws=70, seed=3), signs @ influence, atol=1e-12)


def test_signs_are_fair_and_independent_between_clusters_and_draws():
    signs = multiplied(np.eye(40), draws=20_000, seed=5)
    np.testing.assert_allclose(signs.mean(axis=0), 0, atol=0.03)
    np.testing.assert_allclose(signs.T @ signs / 20_000, np.eye(40), atol=0.035)
    assert abs((signs[1:] * signs[:-1]).mean()) < 0.005


def test_signs_belong_to_the_cluster_and_the_seed():
    influence = np.random.default_rng(1).normal(size=(2 * BLOCK + 3, 2))
    both = multiplied(influence, draws=65, seed=3)
    np.testing.assert_allclose(multiplied(influence[:, :1], draws=65, seed=3), both[:, :1], atol=1e-9)
    first = np.where(np.arange(len(influence))[:, None] < 9, influence, 0.0)
    np.testing.assert_allclose(
        multiplied(first, draws=65, seed=3), multiplied(influence[:9], draws=65, seed=3), atol=1e-9
    )
    blocks = [np.where(np.arange(len(influence))[:, None] // BLOCK == k, influence, 0.0) for k in range(3)]
    np.testing.assert_allclose(sum(multiplied(b, draws=65, seed=3) for b in blocks), both, atol=1e-9)
    assert not np.allclose(
        multiplied(blocks[0], 65, 3)[:, 0] / both[:, 0], multiplied(blocks[1], 65, 3)[:, 0] / both[:, 0]
    )
    assert not np.allclose(multiplied(influence, draws=65, seed=4), both)
    np.testing.assert_array_equal(multiplied(influence), multiplied(influence, draws=999, seed=20_170_101))


def test_the_error_is_the_interquartile_range_over_that_of_a_normal():
    draws = np.column_stack([np.arange(1.0, 9.0), 10 * np.arange(1.0, 9.0)])  # quartiles: the 2nd and the 6th of eight
    expected = 4 / (2 * norm.ppf(0.75))
    np.testing.assert_allclose(errors(draws[::-1]), [expected, 10 * expected], rtol=1e-12)


def test_a_band_of_independent_numbers_has_the_known_critical_value():
    rng = np.random.default_rng(2)
    for number in (1, 2, 10):
        influence = rng.normal(size=(3000, number))
        band = uniform_band(fit_of(influence), draws=9999)
        expected = norm.ppf((1 + 0.95 ** (1 / number)) / 2)
        assert band.critical == pytest.approx(expected, abs=0.06)
        np.testing.assert_allclose(band.se, np.sqrt((influence**2).sum(axis=0)) / 3000, rtol=0.05)


def test_equal_numbers_need_no_wider_band_than_one_and_opposite_ones_neither():
    column = np.random.default_rng(2).normal(size=(900, 1))
    one, three = (uniform_band(fit_of(column * signs)) for signs in (np.ones(1), np.array([1.0, -1.0, 2.0])))
    assert three.critical == pytest.approx(one.critical, abs=0.03)
    np.testing.assert_allclose(three.se, one.se * [1, 1, 2], rtol=0.05)


def test_the_band_is_the_value_and_the_critical_value_times_the_error():
    influence = np.random.default_rng(2).normal(size=(200, 4))
    found = uniform_band(fit_of(influence, scale=50), level=0.9, draws=400, seed=8)
    draws = multiplied(influence, 400, 8) / 50
    np.testing.assert_allclose(found.se, errors(draws))
    largest = np.sort(np.abs(draws / errors(draws)).max(axis=1))
    assert found.critical == round(largest[359], 6)  # 90 per cent of 400 are at or under it
    np.testing.assert_allclose(found.low, found.value - found.critical * found.se)
    np.testing.assert_allclose(found.high, found.value + found.critical * found.se)
    assert (found.level, found.draws) == (0.9, 400)


def test_columns_without_influence_have_no_band_and_do_not_count():
    influence = np.random.default_rng(2).normal(size=(80, 3))
    holed = influence * [1.0, 0.0, 1.0]
    band, full = uniform_band(fit_of(holed)), uniform_band(fit_of(influence[:, [0, 2]]))
    assert np.isnan([band.se[1], band.low[1], band.high[1]]).all()
    np.testing.assert_allclose(band.se[[0, 2]], full.se)
    assert band.critical == full.critical and np.isfinite(band.low[[0, 2]]).all()
    assert np.isnan(uniform_band(fit_of(0 * influence)).critical)


def test_the_parts_of_an_average_are_banded_and_an_overall_one_alone():
    data = world()
    estimator = GroupTime(base="universal")
    event = aggregate(estimator.fit(data), data, "event")
    band = uniform_band(event)
    assert band.labels == event.labels and np.isnan(band.se[event.labels.index(-1)])
    np.testing.assert_array_equal(band.value, event.effect)
    np.testing.assert_allclose(np.nan_to_num(band.se), np.nan_to_num(event.error), rtol=0.1)
    simple = aggregate(estimator.fit(data), data, "simple")
    overall = uniform_band(simple)
    assert overall.labels == ("overall",) and overall.value[0] == simple.value
    assert overall.se[0] == pytest.approx(simple.se, rel=0.1) and overall.critical == pytest.approx(1.96, abs=0.2)
    assert band.critical > overall.critical
    cells = uniform_band(estimator.fit(data))
    assert cells.labels == estimator.fit(data).cells and cells.critical > band.critical


def test_scaling_the_outcome_scales_the_band_and_moves_no_critical_value():
    data = world()
    loud = replace(data, outcome=data.outcome * 1024)
    one, two = (uniform_band(aggregate(GroupTime().fit(d), d, "event")) for d in (data, loud))
    assert one.critical == two.critical
    np.testing.assert_allclose(two.high, 1024 * one.high)
