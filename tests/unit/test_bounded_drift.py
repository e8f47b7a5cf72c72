"""The pure functions behind bounds on unequal trends: against linear programmes, brute force and simulation."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import linprog, minimize
from scipy.stats import norm

from evaluator.diagnostics.conditional_test import Bound, Moments, accepted, least_favourable, moments
from evaluator.diagnostics.event_study import EventStudy, steps
from evaluator.diagnostics.fixed_length import folded_quantile, lasso_path
from evaluator.diagnostics.relative_magnitudes import relative_magnitudes
from evaluator.diagnostics.smoothness import smoothness_fixed_length, smoothness_hybrid

NORMAL = norm.ppf(0.975)


def study(seed: int = 3, pre: int = 3, post: int = 3) -> EventStudy:
    draw = np.random.default_rng(seed)
    root = draw.normal(size=(pre + post, 2 * (pre + post)))
    contrast = draw.dirichlet(np.ones(post))
    return EventStudy(draw.normal(size=pre + post), root @ root.T / 60, pre, contrast)


def program(found: EventStudy, bound: Bound, effect: float) -> float:
    """Return the smallest eta with all moments at most eta x their error for some effects after the base: the source's
    linear programme, with nothing eliminated by hand.
    """
    size, pre = found.effect.size, found.pre
    scale = np.zeros(size) if bound.scale is None else bound.scale
    rows = np.vstack([bound.step - bound.width * scale, -bound.step - bound.width * scale])
    limit = np.full(len(rows), bound.width if bound.scale is None else 0.0)
    errors = np.sqrt(np.diag(rows @ found.covariance @ rows.T))
    free = found.contrast.size
    answer = linprog(
        c=np.append(np.zeros(free), 1.0),
        A_ub=np.column_stack([-rows[:, pre:], -errors]),
        b_ub=limit - rows @ found.effect,
        A_eq=np.append(found.contrast, 0.0)[None, :],
        b_eq=[effect],
        bounds=[(None, None)] * (free + 1),
    )
    assert answer.status == 0
    return float(answer.fun)


def relative_bound(found: EventStudy, width: float, which: int, sign: float) -> Bound:
    change = steps(found)
    number = np.concatenate([np.zeros(found.pre), found.contrast])
    return Bound(number, change.after, change.carried, width, sign * change.before[which])


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("width", "which", "sign"), [(0.5, 0, 1.0), (1.0, 2, -1.0), (2.0, 1, 1.0)])
def test_the_largest_moment_solves_the_linear_programme(seed, width, which, sign):
    found = study(seed)
    bound = relative_bound(found, width, which, sign)
    made = moments(found, bound)
    for effect in (-2.0, -0.3, 0.4, 1.7):
        value = (made.slope @ [made.mean[0] - effect, made.mean[1]]).max()
        assert value == pytest.approx(program(found, bound, effect), abs=1e-8)


@pytest.mark.parametrize("seed", [5, 6])
def test_the_least_favourable_value_is_exceeded_as_often_as_it_says(seed):
    made = moments(study(seed), relative_bound(study(seed), 1.0, 1, 1.0))
    draw = np.random.default_rng(1).multivariate_normal(np.zeros(2), made.covariance, 200_000)
    largest = (draw @ made.slope.T).max(axis=1)
    for size in (0.005, 0.05):
        share = np.mean(largest > least_favourable(made, size))
        assert share == pytest.approx(size, abs=4 * np.sqrt(size / 200_000))


def test_the_test_rejects_a_true_effect_at_most_as_often_as_it_says():
    found = study(8, pre=2, post=2)
    drift = np.array([-0.3, 0.4, -0.3, -1.0])  # steps 0.7, -0.4, -0.3, -0.7: a bound of 1 just holds
    truth = 0.5
    draw = np.random.default_rng(2).multivariate_normal(drift + truth * np.array([0, 0, 1, 1]), found.covariance, 2000)
    made = [moments(replace(found, effect=row), relative_bound(found, 1.0, 0, 1.0)) for row in draw]
    first = least_favourable(made[0], 0.005)  # depends on the covariance alone
    kept = [accepted(m, np.array([truth]), 0.95, first)[0] for m in made]
    assert np.mean(kept) >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / 2000)
    far = [accepted(m, np.array([truth + 6.0]), 0.95, first)[0] for m in made]
    assert np.mean(far) < 0.5


def test_one_pair_of_moments_gives_the_two_sided_test():
    made = Moments(np.array([[1.0, 0.0], [-1.0, 0.0]]), np.array([0.0, 1.0]), np.diag([1.0, 0.0]))
    first = least_favourable(made, 0.005)
    assert first == pytest.approx(norm.ppf(0.9975), abs=1e-6)
    kept = accepted(made, np.array([NORMAL - 1e-6, NORMAL + 1e-6, -NORMAL + 1e-6, -NORMAL - 1e-6]), 0.95, first)
    assert kept.tolist() == [True, False, True, False]


@pytest.mark.parametrize("seed", range(3))
def test_at_bound_zero_the_interval_is_the_plain_one(seed):
    found = study(seed)
    half = NORMAL * np.sqrt(found.contrast @ found.covariance[3:, 3:] @ found.contrast)
    assert relative_magnitudes(found, 0.0) == pytest.approx((found.value - half, found.value + half), abs=1e-6)


def test_intervals_widen_with_the_bound():
    for interval in (relative_magnitudes, smoothness_fixed_length):
        ends = np.array([interval(study(2), bound) for bound in (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)])
        length = ends[:, 1] - ends[:, 0]
        assert (np.diff(length) > 0).all()
    ends = np.array([relative_magnitudes(study(2), bound) for bound in (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)])
    assert (np.diff(ends[:, 0]) < 0).all()
    assert (np.diff(ends[:, 1]) > 0).all()


@pytest.mark.parametrize("interval", [relative_magnitudes, smoothness_fixed_length, smoothness_hybrid])
def test_reflecting_and_scaling_the_effects_reflects_and_scales_the_interval(interval):
    found = study(4)
    is_relative = interval is relative_magnitudes
    low, high = interval(found, 0.7)
    assert interval(replace(found, effect=-found.effect), 0.7) == pytest.approx((-high, -low), abs=1e-6)
    scaled = replace(found, effect=100 * found.effect, covariance=1e4 * found.covariance)
    bound = 0.7 if is_relative else 70.0
    assert interval(scaled, bound) == pytest.approx((100 * low, 100 * high), abs=1e-4)
    twice = replace(found, contrast=2 * found.contrast)
    assert interval(twice, 0.7) == pytest.approx((2 * low, 2 * high), abs=1e-6)


def test_the_fixed_length_interval_is_the_shortest_of_a_direct_search():
    found, bound = study(6, pre=4, post=2), 0.4

    def half(inner: np.ndarray) -> float:
        """Return the half length with weights on the effects, the largest bias from a linear programme."""
        row = np.concatenate([inner, [0.0], found.contrast])
        times = np.array([-4, -3, -2, -1, 1, 2])
        row[3] = row @ times  # a straight line through the base must not move the estimator
        levels = np.insert(np.eye(6), 4, 0.0, axis=0)
        drift = np.diff(levels, n=2, axis=0)
        bias = -linprog(
            -row,
            A_ub=np.vstack([drift, -drift]),
            b_ub=np.full(10, bound),
            bounds=[(None, None)] * 6,
            A_eq=[[0, 0, 0, 1, 0, 0]],
            b_eq=[0.0],
        ).fun
        error = np.sqrt(row @ found.covariance @ row)
        return error * folded_quantile(bias / error, 0.95)

    low, high = smoothness_fixed_length(found, bound)
    searched = min(
        minimize(half, start, method="Nelder-Mead", options={"xatol": 1e-5, "fatol": 1e-8, "maxiter": 600}).fun
        for start in (np.zeros(3), np.array([0.5, -0.5, 0.2]))
    )
    assert (high - low) / 2 <= searched + 1e-6  # the tolerance of the linear programme
    assert (high - low) / 2 == pytest.approx(searched, abs=1e-5)


def test_the_lasso_path_meets_its_first_order_conditions():
    draw = np.random.default_rng(9)
    root, linear = draw.normal(size=(6, 9)), draw.normal(size=6)
    quadratic = root @ root.T
    path, largest = lasso_path(quadratic, linear)
    assert np.abs(path(largest * 1.0001)).max() < 1e-12
    for penalty in (0.0, 0.2 * largest, 0.7 * largest):
        x = path(penalty)
        slope = quadratic @ x + linear
        used = np.abs(x) > 1e-10
        assert np.abs(slope[used] + penalty * np.sign(x[used])).max(initial=0.0) < 1e-8
        assert (np.abs(slope[~used]) <= penalty + 1e-8).all()


def test_a_folded_quantile_is_the_quantile_of_simulated_draws():
    draw = np.abs(np.random.default_rng(0).normal(1.3, 1, 400_000))
    assert folded_quantile(1.3, 0.95) == pytest.approx(np.quantile(draw, 0.95), abs=0.01)
    assert folded_quantile(0.0, 0.95) == pytest.approx(NORMAL, abs=1e-10)
    assert folded_quantile(40.0, 0.95) == pytest.approx(40 + norm.ppf(0.95), abs=1e-10)


def test_distances_in_time_scale_the_room_for_drift():
    """A number twice as far from the base may drift twice as much."""
    near = EventStudy(np.array([0.3, 1.0]), np.diag([1e-8, 1e-8]), 1, np.array([1.0]))
    far = replace(near, position=np.array([-1.0, 2.0]))
    assert relative_magnitudes(near, 1.0) == pytest.approx((0.7, 1.3), abs=1e-3)
    assert relative_magnitudes(far, 1.0) == pytest.approx((0.4, 1.6), abs=1e-3)
    assert smoothness_fixed_length(far, 0.0) == pytest.approx((1.6, 1.6), abs=1e-3)
    assert smoothness_fixed_length(far, 0.5) == pytest.approx((0.6, 2.6), abs=1e-3)


@pytest.mark.parametrize(
    "change",
    [
        {"pre": 0},
        {"pre": 6},
        {"contrast": np.ones(2)},
        {"covariance": np.eye(5)},
        {"covariance": np.triu(np.ones((6, 6)))},
        {"covariance": np.diag([1.0, 1, 0, 1, 1, 1])},
        {"position": np.array([-3.0, -2, 0, 1, 2, 3])},
    ],
)
def test_an_event_study_that_cannot_be_is_refused(change):
    with pytest.raises(ValueError, match="event_study"):
        replace(study(), **change)


def test_negative_bounds_and_singular_changes_are_refused():
    for interval in (relative_magnitudes, smoothness_fixed_length, smoothness_hybrid):
        with pytest.raises(ValueError, match="expected 0 or more"):
            interval(study(), -0.1)
    flat = EventStudy(np.zeros(4), np.outer([3.0, 2, 1, 1], [3.0, 2, 1, 1]), 3, np.ones(1))
    with pytest.raises(ValueError, match="singular"):
        smoothness_fixed_length(flat, 1.0)
