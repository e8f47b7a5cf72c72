"""What the pre-test would have found: against closed forms, another algorithm and the test run on drifting data."""

from dataclasses import replace

import numpy as np
import pytest
from drifting_world import world
from scipy.stats import multivariate_normal, norm

from evaluator.diagnostics.pre_test_power import PreTestPower, drift_found, pre_test, pre_test_power
from evaluator.estimators import GroupTime, TripleDifference
from evaluator.inference.bands import PreTrend, pre_trend_test
from evaluator.inference.joint import critical_values
from evaluator.inference.leave_one_out import refit_without_each_cluster
from evaluator.inference.offered import estimates
from evaluator.vocabulary import NEVER, Fit, NotEstimable, Panel, Sections

METHOD = GroupTime(base="universal", anticipation=2, base_periods=3)
CRITICAL = norm.ppf(0.975)


def correlated(covariance: np.ndarray) -> np.ndarray:
    """Return deviations whose cross product is `covariance`."""
    return np.linalg.cholesky(covariance).T


def test_independent_numbers_are_found_as_often_as_a_product_of_normals_says():
    drift, errors = np.array([0.5, 1.0, 2.0]), np.array([1.0, 0.5, 2.0])
    test = pre_test(np.diag([1.0, *errors]), np.array([3.0, *drift]), np.full(3, CRITICAL), np.full(3, np.inf))
    for size in (0.0, 0.4, 1.2):
        shift = size * drift / errors
        passing = np.prod(norm.cdf(CRITICAL - shift) - norm.cdf(-CRITICAL - shift))
        power, bias = test.at(size)
        assert power == pytest.approx(1 - passing, abs=0.012)
        assert bias == pytest.approx(size * 3.0, abs=0.04)  # independent of the test, so passing changes nothing


def test_correlated_numbers_are_found_as_often_as_the_multivariate_normal_says():
    """The acceptance box of Roth (2022), as diff-diff 3.13.0 computes it."""
    covariance = np.array([[1.0, 0.6, 0.3, 0.2], [0.6, 1.0, 0.5, 0.1], [0.3, 0.5, 1.2, 0.7], [0.2, 0.1, 0.7, 0.9]])
    drift = np.array([2.0, -3.0, -2.0, -1.0])
    test = pre_test(correlated(covariance), drift, np.full(3, CRITICAL), np.full(3, np.inf))
    box = CRITICAL * np.sqrt(np.diag(covariance)[1:])
    for size in (0.2, 0.6):
        law = multivariate_normal(mean=size * drift[1:], cov=covariance[1:, 1:])
        assert test.at(size)[0] == pytest.approx(1 - law.cdf(box, lower_limit=-box), abs=0.012)


def test_the_bias_of_a_passed_test_is_that_of_a_truncated_normal():
    rho, size = 0.7, 1.1
    test = pre_test(
        correlated(np.array([[1.0, rho], [rho, 1.0]])), np.array([2.0, -1.0]), np.array([CRITICAL]), np.array([np.inf])
    )
    low, high = -CRITICAL + size, CRITICAL + size
    truncated = -(norm.pdf(high) - norm.pdf(low)) / (norm.cdf(high) - norm.cdf(low))
    assert test.at(size)[1] == pytest.approx(2 * size + rho * truncated, abs=0.02)


def test_the_drift_found_with_a_probability_is_found_with_it():
    test = pre_test(np.eye(5), np.array([4.0, -4, -3, -2, -1]), np.full(4, 2.6), np.full(4, 9.0))
    for power in (0.5, 0.8):
        assert test.at(drift_found(test, power))[0] == pytest.approx(power, abs=1e-6)
    normal = pre_test(np.eye(5), np.array([4.0, -4, -3, -2, -1]), np.full(4, 2.6), np.full(4, np.inf))
    assert drift_found(normal, 0.8) < drift_found(test, 0.8)  # estimated errors find less at the same critical value


@pytest.mark.parametrize("size", [0.05, 0.10])
def test_without_drift_the_test_finds_as_much_as_its_size_when_weights_are_unequal(size):
    draw = np.random.default_rng(9)
    deviations, freedom = draw.normal(size=(40, 13)), np.repeat([3.2, 9.5, np.inf], 4)
    critical = critical_values(deviations[:, 1:], freedom, 1 - size)
    assert np.ptp(critical) > 1.5
    test = pre_test(deviations, np.ones(13), critical, freedom)
    assert size - 0.01 < test.at(0)[0] < size + 0.02


def test_a_test_that_no_drift_moves_finds_none():
    test = pre_test(np.eye(3), np.array([1.0, 0.0, 0.0]), np.full(2, 2.6), np.full(2, 9.0))
    assert drift_found(test, 0.8) == np.inf


def found(panel: Sections | Panel, method: GroupTime = METHOD) -> PreTestPower:
    made = pre_test_power(method, panel)
    assert isinstance(made, PreTestPower)
    return made


def test_the_bias_of_the_headline_is_the_drift_times_its_distance_from_the_base():
    made = found(world(starts=(20,), periods=24))
    distance = np.mean([20, 21, 22, 23]) - np.mean([15, 16, 17])
    assert made.bias == pytest.approx(made.drift * distance, rel=1e-9)
    assert made.power.tolist() == [0.5, 0.8]
    assert 0 < made.drift[0] < made.drift[1]
    assert made.event_times == tuple(range(-20, -2))


def test_the_run_of_the_test_on_drifting_data_finds_the_drift_as_often():
    clean = [world(seed, starts=(20,), periods=24) for seed in range(40)]
    drift = np.median([found(panel).drift[1] for panel in clean[:3]])
    p_values, biased = [], []
    for panel in clean:
        rise = drift * panel.period * (panel.cohort != NEVER)
        moved = replace(panel, outcome=panel.outcome + rise)
        tested_again = pre_trend_test(METHOD, moved)
        assert isinstance(tested_again, PreTrend)
        p_values.append(tested_again.p_value)
        biased.append(estimates(METHOD, moved, "simple").overall.value)
    assert np.mean(np.array(p_values) < 0.10) == pytest.approx(0.8, abs=0.19)
    assert np.mean(biased) == pytest.approx(5.5 * drift, abs=0.04)


def test_scaling_scales_and_a_followed_panel_agrees_with_its_sections():
    panel = world(starts=(20,), periods=24)
    made, scaled = found(panel), found(replace(panel, outcome=100 * panel.outcome))
    assert scaled.drift == pytest.approx(100 * made.drift, rel=1e-5)
    assert scaled.bias_if_passed == pytest.approx(100 * made.bias_if_passed, rel=1e-5)
    shape = (40, 24)
    cohort = panel.cohort.reshape(shape)[:, 0]
    weight = panel.weight.reshape(shape)[:, 0]
    everyone = np.ones(shape, dtype=bool)
    followed = Panel(
        panel.periods,
        panel.outcome.reshape(shape),
        everyone,
        cohort,
        None,
        np.empty((40, 0)),
        np.arange(40),
        weight,
        "share",
    )
    assert found(followed).drift == pytest.approx(made.drift, rel=1e-6)


@pytest.mark.parametrize(
    ("panel", "reason"),
    [
        (world(treated=4), "Kun 4 kommuner"),
        (world(treated=40, starts=(12, 24)), "Alle kommuner får indsatsen"),
        (world(starts=(2,)), "Ingen periode har både"),
    ],
)
def test_what_has_no_power_is_refused_with_its_reason(panel, reason):
    refused = pre_test_power(replace(METHOD, comparison="not_yet"), panel)
    assert isinstance(refused, NotEstimable)
    assert reason in refused.reason


def test_a_drift_of_all_in_a_place_is_refused_where_the_ineligible_are_subtracted():
    panel = world(starts=(20,), periods=24)
    both = replace(
        panel,
        **{name: np.tile(getattr(panel, name), 2) for name in ("period", "cohort", "cluster", "weight")},
        outcome=np.append(panel.outcome, panel.outcome + np.random.default_rng(3).normal(size=panel.outcome.size)),
        covariates=np.repeat([[1.0], [0.0]], panel.outcome.size, axis=0),
    )
    method = TripleDifference(base="universal")
    assert isinstance(pre_trend_test(method, both), PreTrend)
    refused = pre_test_power(method, both)
    assert isinstance(refused, NotEstimable) and "skæv tendens" in refused.reason


class Detrended(GroupTime):
    """Group-time effects of what is left of each cluster's outcome when its line through the periods is taken out."""

    def fit(self, panel: Panel | Sections) -> Fit:
        time = np.arange(24) - 11.5
        outcome = panel.outcome.reshape(-1, 24)
        slope = outcome @ time / (time @ time)
        return super().fit(replace(panel, outcome=(outcome - slope[:, None] * time).ravel()))

    def effects_without_each_cluster(self, panel, cells):
        return refit_without_each_cluster(self, panel, cells, 40)


def test_an_estimator_that_takes_linear_trends_out_is_refused():
    refused = pre_test_power(Detrended(base="universal"), world(starts=(20,), periods=24))
    assert isinstance(refused, NotEstimable) and "skæv tendens" in refused.reason
