"""Synthetic control: what it recovers, what moves it, and where it must be seen to fail."""

import numpy as np
import pytest
from donor_world import EFFECT, effect, factors, panel

from evaluator.errors import PanelError
from evaluator.estimators.simplex import least_squares
from evaluator.estimators.synthetic_control import PENALTIES, SMALLEST, SyntheticControl
from evaluator.vocabulary import Invariance

RAW, DEMEANED = SyntheticControl(demeaned=False), SyntheticControl()
AUGMENTED = SyntheticControl(demeaned=False, ridge=True)
EVERY = (RAW, DEMEANED, AUGMENTED, SyntheticControl(ridge=True))
SEEDS = range(20)


def named(estimator):
    return f"{'demeaned' if estimator.demeaned else 'raw'}{' ridge' if estimator.ridge else ''}"


def bias(estimator, **world):
    return np.array([effect(estimator, factors(seed, **world)) for seed in SEEDS]) - EFFECT


def test_a_treated_path_made_of_two_donors_is_found_exactly():
    outcome = factors(1, units=20, noise=1.0)
    outcome[0] = 0.6 * outcome[3] + 0.4 * outcome[7]
    outcome[0, 30:] += EFFECT
    raised = outcome + 0.0
    raised[0] += 50
    for estimator, data in ((RAW, outcome), (DEMEANED, outcome), (DEMEANED, raised)):
        paths = estimator.paths(panel(data, {0: 30}))
        np.testing.assert_allclose(paths.weights[0, [3, 7]], [0.6, 0.4], atol=1e-6)
        np.testing.assert_allclose(paths.gap[0], np.where(np.arange(40) < 30, 0, EFFECT), atol=1e-5)


@pytest.mark.parametrize("estimator", EVERY, ids=named)
def test_a_shared_factor_is_matched_where_parallel_trends_fail(estimator):
    assert np.abs(bias(estimator, level=0.5)).mean() < 0.15


def test_levels_above_all_donors_need_demeaning():
    far = {"level": 10.0, "loading": 0.5}
    assert np.abs(bias(RAW, **far)).mean() > 3  # seen to fail: no donors reach so high
    assert np.abs(bias(DEMEANED, **far)).mean() < 0.15


def test_a_loading_beyond_all_donors_needs_a_ridge():
    far = {"loading": 2.0, "noise": 0.05}
    assert bias(DEMEANED, **far).mean() > 2  # seen to fail: weights at or over zero foretell within the donors
    assert np.abs(bias(SyntheticControl(ridge=True), **far)).mean() < 0.6


def test_a_shock_of_its_own_is_taken_for_the_effect_by_all():
    outcome = factors(2)
    outcome[0, 30:] += 7
    for estimator in EVERY:
        assert effect(estimator, outcome) - EFFECT == pytest.approx(7, abs=0.5)


@pytest.mark.parametrize("estimator", EVERY, ids=named)
def test_what_may_be_done_to_the_outcome(estimator):
    outcome = factors(3, units=12, noise=0.5)
    random = np.random.default_rng(4)
    moved = {
        Invariance.PERIOD_CONSTANT: outcome + 10 * random.normal(size=40),
        Invariance.ROW_CONSTANT: outcome + 10 * random.normal(size=(12, 1)),
        Invariance.SCALE: outcome * 1024,
    }
    before = estimator.fit(panel(outcome, {0: 30}))
    same = set()
    for what, data in moved.items():
        after, by = estimator.fit(panel(data, {0: 30})), 1024 if what is Invariance.SCALE else 1
        if np.allclose(after.effect / by, before.effect, atol=1e-6) and np.allclose(
            after.donors / by, before.donors, atol=1e-6
        ):
            same.add(what)
    assert same == estimator.invariant_to


def test_the_order_of_units_is_irrelevant_and_inputs_are_only_read():
    outcome = factors(5, units=25, noise=0.5)
    order = np.append(0, 1 + np.random.default_rng(6).permutation(24))
    locked = panel(outcome.copy(), {0: 10})
    locked.outcome.flags.writeable = False
    for estimator in EVERY:  # ten periods and 24 donors: many weights fit equally well
        one, two = estimator.paths(locked), estimator.paths(panel(outcome[order], {0: 10}))
        np.testing.assert_allclose(two.gap, one.gap[order], atol=1e-5)
        np.testing.assert_allclose(two.weights[0], one.weights[0, order], atol=1e-5)


@pytest.mark.parametrize(
    ("demeaned", "donors", "before", "seed"),  # seeds in which n for n - 1 in the standard error would choose another
    [(False, 12, 8, 25), (False, 6, 15, 39), (True, 12, 8, 58), (True, 6, 15, 42)],
)
def test_the_ridge_is_that_of_refits_without_each_period(demeaned, donors, before, seed):
    outcome = factors(seed, units=donors + 1, periods=before + 3, start=before, noise=0.2, loading=3.0)
    pool, target = outcome[1:, :before], outcome[0, :before]

    def ridge(kept, penalty):
        weight = least_squares(pool[:, kept].T, target[kept], intercept=demeaned).weight
        level = (lambda values: values[..., kept].mean(axis=-1, keepdims=True)) if demeaned else (lambda values: 0.0)
        x, y = pool - level(pool), target - level(target)
        centred = x - x.mean(axis=0)
        inner = centred[:, kept].T @ centred[:, kept] + penalty * np.eye(len(kept))
        weight = weight + centred[:, kept] @ np.linalg.solve(inner, (y - weight @ x)[kept])
        return weight, y - weight @ x

    centred = pool - pool.mean(axis=0)
    if demeaned:
        centred = centred - centred.mean(axis=1, keepdims=True)
    penalties = np.linalg.svd(centred)[1][0] ** 2 * np.geomspace(1, SMALLEST, PENALTIES)
    every = np.arange(before)
    errors = np.array([[ridge(np.delete(every, t), p)[1][t] ** 2 for t in every] for p in penalties])
    mean, error = errors.mean(axis=1), errors.std(axis=1, ddof=1) / np.sqrt(before)
    chosen = next(p for p, m in zip(penalties, mean, strict=True) if m <= mean.min() + error[mean.argmin()])
    assert penalties[0] > chosen  # the choice is not the end of the grid

    found = SyntheticControl(demeaned=demeaned, ridge=True).paths(panel(outcome, {0: before}))
    np.testing.assert_allclose(found.weights[0, 1:], ridge(every, chosen)[0], atol=1e-6)
    assert found.weights[0].sum() == pytest.approx(1, abs=1e-9)


def test_predictors_with_a_given_importance_are_met_instead_of_the_path():
    outcome = factors(8, units=4)
    traits = np.array([[0.3, 0.6], [0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    paths = SyntheticControl(demeaned=False, importance=(1.0, 3.0)).paths(panel(outcome, {0: 30}, covariates=traits))
    np.testing.assert_allclose(paths.weights[0], [0, 0.1, 0.3, 0.6], atol=1e-6)
    traits[0] = [-1.0, 0.5]  # outside: the first predictor is missed by 1, whatever the second costs
    for importance in ((1.0, 3.0), (2.0, 6.0)):  # only the shares count
        estimator = SyntheticControl(demeaned=False, importance=importance)
        paths = estimator.paths(panel(outcome, {0: 30}, covariates=traits))
        np.testing.assert_allclose(paths.weights[0], [0, 0.5, 0, 0.5], atol=1e-6)
        spread = traits.std(axis=0, ddof=1)[0]
        assert paths.objective[0] == pytest.approx(0.25 / spread**2, rel=1e-6)  # the mean of 1/2 x 1 and 3/2 x 0


def test_predictors_are_refused_when_they_cannot_be_weighed():
    outcome = factors(9, units=6)
    traits = np.column_stack([np.arange(6.0), np.ones(6)])
    with pytest.raises(PanelError, match="3 importances for 2 covariates"):
        SyntheticControl(importance=(1.0, 1.0, 1.0)).fit(panel(outcome, {0: 30}, covariates=traits))
    with pytest.raises(PanelError, match="1 covariates are equal for all"):
        SyntheticControl(importance=(1.0, 1.0)).fit(panel(outcome, {0: 30}, covariates=traits))
    for importance, ridge in (((), False), ((-1.0, 2.0), False), ((0.0, 0.0), False), ((1.0,), True)):
        with pytest.raises(ValueError, match="importance"):
            SyntheticControl(importance=importance, ridge=ridge)
