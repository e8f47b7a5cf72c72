"""Moving blocks by hand and by brute force, with given gaps and with a fit of its own under the null."""

import numpy as np
import pytest
from scipy.optimize import minimize, nnls

from evaluator.estimators.donor_pool import DonorPool
from evaluator.estimators.synthetic_control import SyntheticControl
from evaluator.estimators.weighted_paths import contrasts_of
from evaluator.inference.conformal import block_p_value, conformal, of_gaps, refitted
from evaluator.inference.judged import Judged
from evaluator.vocabulary import NEVER, NotEstimable, Panel


def brute_force(residual, start):
    """Return the share of cyclic shifts whose last block is at least as large, by shifting the series itself."""
    last = [np.abs(np.roll(residual, shift)[start:]).sum() for shift in range(residual.size)]
    return np.mean(np.array(last) >= np.abs(residual[start:]).sum() * (1 - 1e-12))


def test_a_series_of_six_by_hand():
    # blocks of two around the circle: 1+2, 2+1, 1+0, 0+3, 3+2, 2+1; the last is 5 = 3 + 2, and only itself reaches it
    residual = np.array([1.0, 2.0, -1.0, 0.0, 3.0, -2.0])
    assert block_p_value(residual, 4) == pytest.approx(1 / 6)
    # with the last block 0 + 3 in the place of 3 + 2: 3, 3, 3 (itself), 5, 3 and not 1
    assert block_p_value(np.roll(residual, 1), 4) == pytest.approx(5 / 6)


@pytest.mark.parametrize("start", [21, 30, 39])
@pytest.mark.parametrize("seed", range(4))
def test_blocks_by_brute_force(seed, start):
    residual = np.random.default_rng(seed).normal(size=40)
    assert block_p_value(residual, start) == pytest.approx(brute_force(residual, start))


def test_ties_count_as_at_least_as_large():
    assert block_p_value(np.tile([1.0, -1.0], 20), 36) == 1.0


def test_gaps_are_demeaned_over_all_periods_after_the_effect_is_taken_out():
    residuals = of_gaps([1.0, 3.0, 5.0, 9.0], 2)
    np.testing.assert_allclose(residuals(0.0), [-3.5, -1.5, 0.5, 4.5])
    np.testing.assert_allclose(residuals(4.0), np.array([1, 3, 1, 5]) - 2.5)


@pytest.mark.parametrize("seed", range(3))
def test_the_interval_is_the_hull_of_the_effects_that_are_kept(seed):
    rng = np.random.default_rng(seed)
    gap, start = rng.normal(size=60), 52
    gap[start:] += 1.5
    residuals, value = of_gaps(gap, start), gap[start:].mean() - gap[:start].mean()
    found = conformal(residuals, value, start)
    tried = np.linspace(value - 12, value + 12, 601)
    kept = [x for x in tried if brute_force(residuals(x), start) > 0.05]
    step = tried[1] - tried[0]
    assert found.low == pytest.approx(min(kept), abs=1.01 * step)
    assert found.high == pytest.approx(max(kept), abs=1.01 * step)
    assert found.p_value == pytest.approx(brute_force(residuals(0.0), start)) and found.floor == 1 / 60


def test_levels_and_scales_do_not_matter():
    rng = np.random.default_rng(3)
    gap = rng.normal(size=50)
    plain = conformal(of_gaps(gap, 45), 0.2, 45)
    moved = conformal(of_gaps(gap + 9, 45), 0.2, 45)
    scaled = conformal(of_gaps(-2 * gap, 45), -0.4, 45)
    assert plain.p_value == moved.p_value == scaled.p_value
    np.testing.assert_allclose([moved.low, moved.high], [plain.low, plain.high], atol=1e-9)
    np.testing.assert_allclose([scaled.low, scaled.high], [-2 * plain.high, -2 * plain.low], atol=1e-9)


def test_an_effect_that_is_added_moves_the_interval():
    rng = np.random.default_rng(4)
    gap = rng.normal(size=50)
    after = np.arange(50) >= 45
    plain = conformal(of_gaps(gap, 45), 0.0, 45)
    moved = conformal(of_gaps(gap + 3 * after, 45), 3.0, 45)
    np.testing.assert_allclose([moved.low, moved.high], [plain.low + 3, plain.high + 3], atol=1e-9)
    assert moved.p_value < plain.p_value


def test_a_fit_under_the_null_is_asked_for_every_effect():
    """Non-negative weights on donors, refitted over all periods with the effect taken out."""
    rng = np.random.default_rng(5)
    donors = rng.normal(size=(48, 4)).cumsum(axis=0)
    actual = donors @ np.array([0.5, 0.3, 0.2, 0.0]) + 0.3 * rng.normal(size=48)
    actual[44:] += 2.0
    asked = []

    def residuals(effect):
        asked.append(effect)
        null = actual - effect * (np.arange(48) >= 44)
        return null - donors @ nnls(donors, null)[0]

    found = conformal(residuals, 2.0, 44)
    assert found.p_value == pytest.approx(brute_force(residuals(0.0), 44)) == pytest.approx(1 / 48)
    assert 0 < found.low < 2.0 < found.high and len(set(asked)) > 50


def test_refusals():
    rng = np.random.default_rng(6)
    short = conformal(of_gaps(rng.normal(size=19), 17), 0.0, 17)
    assert isinstance(short, NotEstimable) and "20 perioder" in short.what_would_help
    assert isinstance(conformal(of_gaps(rng.normal(size=20), 17), 0.0, 17), Judged)
    late = conformal(of_gaps(rng.normal(size=40), 20), 0.0, 20)
    assert isinstance(late, NotEstimable) and "20 perioder før starten og 20 efter" in late.reason
    assert isinstance(conformal(of_gaps(rng.normal(size=41), 21), 0.0, 21), Judged)


@pytest.mark.parametrize("start", [0, 40])
def test_both_sides_of_the_start_are_needed(start):
    with pytest.raises(ValueError, match="conformal"):
        conformal(of_gaps(np.arange(40.0), start), 0.0, start)
    with pytest.raises(ValueError, match="conformal"):
        conformal(lambda _: np.full(40, np.nan), 0.0, 30)


def test_a_fit_that_follows_any_effect_has_no_bounds():
    found = conformal(lambda _: np.cos(np.arange(40.0)), 0.0, 36)
    assert (found.low, found.high) == (-np.inf, np.inf)


def test_weights_of_an_estimator_are_refitted_over_all_periods():
    rng = np.random.default_rng(7)
    outcome = rng.normal(size=(9, 30)).cumsum(axis=1)
    cohort = np.array([26, *[NEVER] * 8])
    panel = Panel(
        tuple(range(30)), outcome, np.ones(outcome.shape, dtype=bool), cohort, None, np.empty((9, 0)), np.arange(9),
        np.ones(9), "index",
    )  # fmt: skip
    residuals = refitted(SyntheticControl(), contrasts_of(SyntheticControl(), panel)[0])
    null = outcome.copy()
    null[0, 26:] -= 1.5
    centred = null - null.mean(axis=1, keepdims=True)

    def loss(weight):
        return ((centred[0] - weight @ centred[1:]) ** 2).sum()

    found = residuals(1.5)
    best = minimize(
        loss, np.full(8, 1 / 8), bounds=[(0, 1)] * 8, constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
        options={"ftol": 1e-12, "maxiter": 500},
    )  # fmt: skip
    assert (found**2).sum() == pytest.approx(best.fun, rel=1e-5) and found.mean() == pytest.approx(0, abs=1e-9)
    np.testing.assert_array_equal(panel.outcome, outcome)
    plain = refitted(DonorPool(weigh="equal"), contrasts_of(DonorPool(weigh="equal"), panel)[0])
    gap = outcome[0] - outcome[1:].mean(axis=0)
    np.testing.assert_allclose(plain(1.5), of_gaps(gap, 26)(1.5), atol=1e-12)


@pytest.mark.parametrize(("seed", "start"), [(11, 35), (12, 35), (13, 45), (14, 55)])
def test_ends_are_the_last_kept_effects_to_five_digits(seed, start):
    """Wandering gaps: the ends lie further out than any residual at the estimate, so the search has to widen."""
    rng = np.random.default_rng(seed)
    gap = np.zeros(60)
    for period in range(1, 60):
        gap[period] = 0.97 * gap[period - 1] + rng.normal()
    residuals, value = of_gaps(gap, start), gap[start:].mean() - gap[:start].mean()
    found = conformal(residuals, value, start)
    size = found.high - found.low
    for end, side in ((found.low, -1), (found.high, 1)):
        assert brute_force(residuals(end - side * 1e-5 * size), start) > 0.05
        beyond = end + side * np.concatenate([[1e-5 * size], np.linspace(0.01, 4, 400) * size])
        assert max(brute_force(residuals(x), start) for x in beyond) <= 0.05


def test_the_search_widens_until_effects_are_rejected():
    """Residuals that reject from 70 on although the first reach, the largest residual at the estimate, is 1."""
    wave = np.cos(np.arange(40.0))

    def residuals(effect):
        return np.where(np.arange(40) >= 36, 100.0, wave) if abs(effect) > 70 else wave

    found = conformal(residuals, 0.0, 36)
    assert found.low == pytest.approx(-70, abs=1e-6) and found.high == pytest.approx(70, abs=1e-6)


def test_an_estimate_that_is_itself_rejected_leaves_no_interval():
    large = np.where(np.arange(40) >= 38, 5.0, np.cos(np.arange(40.0)))
    found = conformal(lambda _: large, 1.0, 38)
    assert (found.low, found.high) == (1.0, 1.0) and found.p_value == 1 / 40


def test_one_unknown_residual_is_refused():
    with pytest.raises(ValueError, match="conformal"):
        conformal(lambda _: np.append(np.nan, np.ones(39)), 0.0, 30)


def test_residuals_of_nothing_have_no_reach_of_their_own():
    found = conformal(lambda _: np.zeros(40), 0.0, 36)
    assert (found.p_value, found.low, found.high) == (1.0, -np.inf, np.inf)


def test_a_tie_is_one_of_the_series_own_scale():
    residual = np.append(np.arange(1.0, 40.0), 39.0 + 1e-13) * 1e-9
    assert block_p_value(residual, 39) == pytest.approx(2 / 40)
    assert block_p_value(np.append(np.arange(1.0, 40.0), 39.5) * 1e9, 39) == pytest.approx(1 / 40)
