"""Synthetic difference-in-differences: the algorithm step by step, what it recovers and where it must fail."""

import numpy as np
import pytest
from donor_world import EFFECT, effect, factors, panel
from scipy.optimize import minimize
from threadpoolctl import threadpool_limits

from evaluator.errors import PanelError
from evaluator.estimators.donor_pool import DonorPool
from evaluator.estimators.simplex import GAP
from evaluator.estimators.synthetic_did import SyntheticDid
from evaluator.vocabulary import Invariance

SEEDS = range(20)


def bias(estimator, **world):
    return np.array([effect(estimator, factors(seed, **world)) for seed in SEEDS]) - EFFECT


def simplex(objective, count):
    """Return weights by a general optimiser."""
    found = minimize(
        objective,
        np.full(count, 1 / count),
        method="SLSQP",
        bounds=[(0, 1)] * count,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
        options={"ftol": 1e-14, "maxiter": 1000},
    )
    return found.x


def test_the_algorithm_step_by_step():
    outcome, start = factors(1, units=9, periods=14, start=9, noise=0.5), 9
    outcome[1, :] += 3
    treated, donors = outcome[:2].mean(axis=0), outcome[2:]
    sigma = np.diff(donors[:, :start]).std(ddof=1)
    zeta = (2 * (14 - start)) ** 0.25 * sigma

    def spread(values):
        return ((values - values.mean()) ** 2).mean()

    unit = simplex(lambda w: spread(treated[:start] - w @ donors[:, :start]) + zeta**2 * (w @ w), 7)
    after = donors[:, start:].mean(axis=1)
    period = simplex(lambda w: spread(after - donors[:, :start] @ w) + (1e-6 * sigma) ** 2 * (w @ w), 9)
    gap = treated - unit @ donors
    expected = gap[start:].mean() - period @ gap[:start]
    found = SyntheticDid().fit(panel(outcome, {0: start, 1: start}))
    assert found.effect[0] == pytest.approx(expected, abs=1e-5)
    one = SyntheticDid().paths(panel(outcome[1:], {0: start}))  # one treated unit: another zeta
    zeta = (14 - start) ** 0.25 * sigma
    unit = simplex(lambda w: spread(outcome[1, :start] - w @ donors[:, :start]) + zeta**2 * (w @ w), 7)
    np.testing.assert_allclose(one.weights[0, 1:], unit, atol=1e-4)
    np.testing.assert_allclose(one.period_weights[0, :start], period, atol=1e-4)
    assert one.objective[0] <= spread(outcome[1, :start] - unit @ donors[:, :start]) + zeta**2 * (unit @ unit) + 1e-9
    assert one.slack.max() <= GAP


def test_a_shared_factor_is_recovered_where_parallel_trends_fail():
    steep = {"loading": 0.95, "level": 4.0, "noise": 0.2}
    assert np.abs(bias(DonorPool(), **steep)).mean() > 2
    assert np.abs(bias(SyntheticDid(), **steep)).mean() < 0.4


def test_without_noise_two_way_effects_are_exact():
    random = np.random.default_rng(3)
    outcome = random.normal(size=(8, 1)) + random.normal(size=20)
    outcome[0, 12:] += EFFECT
    assert effect(SyntheticDid(), outcome, 12) == pytest.approx(EFFECT, abs=1e-12)


def test_a_trend_beyond_all_donors_is_taken_for_an_effect():
    assert bias(SyntheticDid(), loading=4.0).mean() > 1  # seen to fail: no donors rise so fast


def test_a_shock_of_its_own_is_taken_for_an_effect():
    outcome = factors(4)
    outcome[0, 30:] += 7
    assert effect(SyntheticDid(), outcome) - effect(SyntheticDid(), factors(4)) == pytest.approx(7, abs=1e-9)


def test_constants_of_units_scale_and_order_change_nothing():
    outcome = factors(5, noise=0.5)
    random = np.random.default_rng(6)
    order, every = np.append(0, 1 + random.permutation(29)), np.arange(30)
    before = SyntheticDid().fit(panel(outcome, {0: 30}))
    levels = outcome + 100 * random.normal(size=(30, 1))
    for data, rows, by in ((levels, every, 1), (outcome * 1024, every, 1024), (outcome, order, 1)):
        after = SyntheticDid().fit(panel(data[rows], {0: 30}))
        np.testing.assert_allclose(after.effect / by, before.effect, atol=1e-8)
        np.testing.assert_allclose(after.donors / by, before.donors[rows[1:] - 1], atol=1e-8)
    assert SyntheticDid().invariant_to == {Invariance.ROW_CONSTANT, Invariance.SCALE}


def test_common_shocks_count_as_noise_and_make_weights_more_even():
    outcome = factors(5, noise=0.5)
    season = outcome + 5 * np.cos(np.pi * np.arange(40))
    plain, shaken = (SyntheticDid().paths(panel(data, {0: 30})) for data in (outcome, season))
    assert (shaken.weights[0] ** 2).sum() < 0.9 * (plain.weights[0] ** 2).sum()
    assert shaken.effect[0] == pytest.approx(plain.effect[0], abs=0.5)


def test_the_same_digits_on_any_number_of_threads():
    data = panel(factors(7, noise=0.5), {0: 30})
    data.outcome.flags.writeable = False
    tables = []
    for threads in (1, 2):
        with threadpool_limits(limits=threads):
            tables.append(SyntheticDid().fit(data).donors)
    np.testing.assert_array_equal(*tables)


def traits_move_trends(seed):
    """Return outcomes whose trends follow two traits, which the treated unit has more of than any donor."""
    random = np.random.default_rng(seed)
    traits = random.normal(size=(30, 2))
    traits[0] = 3.0
    return factors(seed, loading=0.5) + traits @ np.cumsum(random.normal(size=(2, 40)), axis=1), traits


def test_covariates_that_move_trends_are_projected_out():
    plain, adjusted = [], []
    for seed in SEEDS:
        outcome, traits = traits_move_trends(seed)
        plain.append(effect(SyntheticDid(), outcome, covariates=traits) - EFFECT)
        adjusted.append(effect(SyntheticDid(adjusted=True), outcome, covariates=traits) - EFFECT)
    assert np.abs(plain).mean() > 2  # seen to fail without them
    assert np.abs(adjusted).mean() < 0.5


def test_projecting_is_the_regression_with_unit_and_period_effects():
    outcome, traits = traits_move_trends(11)
    donors, periods = outcome[1:], 40
    unit, period = np.kron(np.eye(29), np.ones((periods, 1))), np.kron(np.ones((29, 1)), np.eye(periods))
    varying = np.einsum("ik,ts->itsk", traits, np.eye(periods))[:, :, 1:].reshape(30, periods, -1)
    design = np.column_stack([varying[1:].reshape(29 * periods, -1), unit, period])
    slope = np.linalg.lstsq(design, donors.ravel(), rcond=None)[0][: varying.shape[2]]
    residual = outcome - varying @ slope
    found = effect(SyntheticDid(adjusted=True), outcome, covariates=traits)
    assert found == pytest.approx(effect(SyntheticDid(), residual), abs=1e-6)


def test_covariates_that_the_donors_cannot_tell_apart_are_refused():
    outcome, traits = traits_move_trends(12)
    for wrong in (
        np.column_stack([traits, traits[:, 0]]),
        np.ones((30, 1)),
        np.random.default_rng(1).normal(size=(30, 28)),
    ):
        with pytest.raises(PanelError, match="covariates cannot be told apart"):
            effect(SyntheticDid(adjusted=True), outcome, covariates=wrong)
