"""Adjusted p-values of a family: Holm by hand and by a peer, Romano-Wolf by known laws and by simulation."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm, t
from statsmodels.stats.multitest import multipletests

from evaluator.estimators import GroupTime
from evaluator.inference import family_band, family_p_values, holm, overall, romano_wolf
from evaluator.inference.bands import Numbers
from evaluator.vocabulary import NEVER, NotEstimable, Sections


def numbers(value, deviations, freedom=np.inf, treated=None):
    value = np.asarray(value, dtype=float)
    count = np.full(value.size, 20) if treated is None else np.asarray(treated)
    return Numbers(
        tuple(range(value.size)), value, deviations, count, np.broadcast_to(np.float64(freedom), value.shape)
    )


def asked(data):
    return {name: (GroupTime(), one) for name, one in data.items()}


def test_holm_by_hand():
    np.testing.assert_allclose(holm(np.array([0.01, 0.04, 0.03, 0.005])), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(holm(np.array([0.02, 0.02])), [0.04, 0.04])
    np.testing.assert_allclose(holm(np.array([0.6, 0.9])), [1.0, 1.0])
    np.testing.assert_allclose(holm(np.array([0.3])), [0.3])
    assert holm(np.array([])).shape == (0,)


def test_holm_leaves_out_what_was_not_tested():
    np.testing.assert_allclose(holm(np.array([np.nan, 0.02, 0.5, np.nan])), [np.nan, 0.04, 0.5, np.nan])


@pytest.mark.parametrize("seed", range(5))
def test_holm_equals_statsmodels(seed):
    p = np.random.default_rng(seed).uniform(size=9) ** 3
    np.testing.assert_allclose(holm(p), multipletests(p, method="holm")[1], atol=1e-14)


def test_independent_members_have_the_known_adjusted_p():
    value = np.array([1.0, -3.0, 2.0])
    single = 2 * norm.sf(np.abs(value))
    expected = [single[0], 1 - (1 - single[1]) ** 3, 1 - (1 - single[2]) ** 2]
    np.testing.assert_allclose(romano_wolf(numbers(value, np.eye(3))), expected, atol=0.006)


def test_members_that_move_together_pay_nothing():
    deviations = np.full((8, 3), 0.5) * np.array([1.0, -2.0, 3.0])
    value = np.array([2.0, -4.0, 6.0]) * 0.5 * np.sqrt(8)
    adjusted = romano_wolf(numbers(value, deviations))
    np.testing.assert_allclose(adjusted, 2 * norm.sf(2.0), atol=0.004)
    np.testing.assert_array_equal(adjusted, adjusted[0])


def test_adjusted_values_never_fall_along_the_way_and_lie_between_single_and_bonferroni():
    rng = np.random.default_rng(3)
    for _ in range(10):
        deviations = rng.normal(size=(12, 5)) + rng.normal(size=(12, 1))
        value = 2 * rng.normal(size=5) * np.sqrt((deviations**2).sum(axis=0))
        ratio = np.abs(value) / np.sqrt((deviations**2).sum(axis=0))
        single, adjusted = 2 * norm.sf(ratio), romano_wolf(numbers(value, deviations))
        assert (np.diff(adjusted[np.argsort(-ratio)]) >= 0).all()
        assert (adjusted >= single).all() and (adjusted <= np.minimum(5 * single, 1) + 0.01).all()
        assert (adjusted <= holm(single) + 0.01).all()


def test_each_member_has_its_own_degrees_of_freedom():
    found = romano_wolf(numbers([3.0, 3.0], np.eye(2), freedom=np.array([3.0, np.inf])))
    assert found[0] == pytest.approx(2 * t(3).sf(3.0), abs=0.003)  # last: judged alone
    assert found[1] == pytest.approx(1 - (1 - 2 * norm.sf(3.0)) ** 2, abs=0.002)
    swapped = romano_wolf(numbers([3.0, 3.0], np.eye(2), freedom=np.array([np.inf, 3.0])))
    np.testing.assert_allclose(swapped, found[::-1], atol=0.003)


def test_members_without_an_error_are_left_out():
    deviations = np.column_stack([np.eye(4)[:, 0], np.zeros(4), np.eye(4)[:, 1], [np.nan] * 4, np.eye(4)[:, 2]])
    found = romano_wolf(numbers([2.0, 2.0, 1.0, 2.0, 9.0], deviations, treated=[5, 9, 5, 9, 4]))
    np.testing.assert_array_equal(np.isnan(found), [False, True, False, True, True])
    assert found[0] == pytest.approx(1 - (1 - 2 * norm.sf(2.0)) ** 2, abs=0.006)  # of two, not of five
    assert np.isnan(romano_wolf(numbers([1.0], np.zeros((4, 1))))).all()


def test_a_false_finding_in_the_family_is_as_rare_as_declared():
    rng, false, powerless = np.random.default_rng(11), 0, 0
    loadings = np.array([0.9, 0.9, 0.9, 0.0])
    for _ in range(150):
        deviations = rng.normal(size=(25, 1)) * loadings + rng.normal(size=(25, 4)) * np.sqrt(1 - loadings**2)
        value = deviations.T @ rng.normal(size=25) + np.array([0, 0, 0, 4.5]) * np.sqrt(25)
        found = romano_wolf(numbers(value, deviations))
        false += (found[:3] <= 0.1).any()
        powerless += found[3] > 0.1
    assert 0.04 <= false / 150 <= 0.17 and powerless / 150 < 0.05  # 0.1 and its simulation error


def stepped_down(value, deviations, freedom, draws=40_000):
    """The step-down as the paper words it, slowly: drop the member with the largest |t|, draw those left again."""
    rng = np.random.default_rng(5)
    error = np.sqrt((deviations**2).sum(axis=0))
    ratio, left, adjusted, highest = np.abs(value) / error, list(range(len(value))), np.zeros(len(value)), 0.0
    while left:
        now = max(left, key=lambda member: ratio[member])
        beyond = 0
        for _ in range(draws // 400):
            normal = rng.normal(size=(400, len(deviations))) @ deviations[:, left] / error[left]
            spread = np.sqrt(rng.chisquare(freedom, size=400) / freedom)
            beyond += (np.abs(normal).max(axis=1) / spread > ratio[now]).sum()
        highest = max(highest, beyond / (draws // 400 * 400))
        adjusted[now] = highest
        left.remove(now)
    return adjusted


@pytest.mark.parametrize("seed", range(3))
def test_the_step_down_equals_a_slow_one_that_draws_again_at_every_step(seed):
    rng = np.random.default_rng([7, seed])
    deviations = rng.normal(size=(20, 1)) * rng.uniform(0, 1, 5) + rng.normal(size=(20, 5))
    value = np.array([1.0, 1.9, 2.2, 2.6, 3.4]) * np.sqrt((deviations**2).sum(axis=0)) * rng.choice([-1, 1], 5)
    found = romano_wolf(numbers(value, deviations, freedom=19.0))
    np.testing.assert_allclose(found, stepped_down(value, deviations, 19.0), atol=0.012)


def test_with_no_effect_at_all_a_family_of_five_finds_something_in_five_per_cent_and_single_tests_far_more_often():
    rng, draws, single, family = np.random.default_rng(23), 200, 0, 0
    for _ in range(draws):
        deviations = 0.4 * rng.normal(size=(40, 1)) + rng.normal(size=(40, 5))
        value = deviations.T @ rng.choice([-1.0, 1.0], size=40)
        ratio = np.abs(value) / np.sqrt((deviations**2).sum(axis=0))
        single += (2 * t(39).sf(ratio) < 0.05).any()
        family += (romano_wolf(numbers(value, deviations, freedom=39.0)) < 0.05).any()
    error = np.sqrt(0.05 * 0.95 / draws)
    assert family / draws <= 0.05 + 2 * error
    assert single / draws > 0.05 + 5 * error


def world(starts, seed, clusters=40, periods=10):
    rng = np.random.default_rng(seed)
    cohort = np.array([*starts, *[NEVER] * (clusters - len(starts))])
    cluster, period = (grid.ravel() for grid in np.mgrid[:clusters, :periods])
    return Sections(
        tuple(range(periods)), rng.normal(size=cluster.size), period, cohort[cluster], np.empty((cluster.size, 0)),
        cluster, np.random.default_rng(0).integers(5, 90, clusters).astype(float)[cluster], "share",
        clusters=tuple(range(clusters)),
    )  # fmt: skip


def test_a_family_of_outcomes_is_adjusted_jointly_and_agrees_with_its_band():
    data = {name: world([5] * 8, seed) for seed, name in enumerate(("job", "education", "benefit"))}
    data["job"] = replace(data["job"], outcome=data["job"].outcome + 1.2 * (data["job"].period >= data["job"].cohort))
    data["nothing"] = replace(data["job"], outcome=0 * data["job"].outcome)
    found = family_p_values(asked(data))
    assert list(found) == list(data)
    assert isinstance(found["nothing"], NotEstimable)
    tested = {name: data[name] for name in ("job", "education", "benefit")}
    for name in tested:
        own, _ = overall(GroupTime(), data[name], "simple")
        assert found[name].p_value == own.p_value <= found[name].adjusted and found[name].method == "romano_wolf"
    band = family_band(GroupTime(), tested)
    excludes = (band.low > 0) | (band.high < 0)
    assert (excludes == [found[name].adjusted < 0.05 for name in tested]).all() and excludes.sum() == 1


def test_a_family_of_placebo_tests_is_adjusted_by_holm():
    data = {name: world([5], seed) for seed, name in enumerate(("job", "education"))}
    data["late"] = world([1] * 3, 5)
    found = family_p_values(asked(data), kind="event")
    assert isinstance(found["late"], NotEstimable) and found["job"].method == found["education"].method == "holm"
    single = np.array([found[name].p_value for name in ("job", "education")])
    np.testing.assert_allclose([found[name].adjusted for name in ("job", "education")], holm(single))


def test_one_placebo_test_turns_the_whole_family_to_holm():
    data = {"job": world([5] * 8, 1), "education": world([5] * 4, 2)}
    found = family_p_values(asked(data))
    assert {one.method for one in found.values()} == {"holm"}


def test_a_family_in_which_nothing_can_be_tested_is_refused_member_by_member():
    data = {"job": world([1] * 8, 1), "none": world([5] * 40, 2)}
    found = family_p_values(asked(data))
    assert all(isinstance(one, NotEstimable) for one in found.values()) and len(found) == 2


def test_a_family_of_one_has_its_own_p_value():
    deviations = np.random.default_rng(7).normal(size=(30, 1))
    ratio = 2.1 * np.sqrt((deviations**2).sum())
    assert romano_wolf(numbers([ratio], deviations, freedom=9.0))[0] == pytest.approx(2 * t(9).sf(2.1), rel=0.02)
