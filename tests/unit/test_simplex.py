"""Weights on the simplex: against non-negative least squares, at their gap, and where they are not unique."""

import numpy as np
import pytest
from scipy.optimize import nnls

from evaluator.errors import PanelError
from evaluator.estimators.simplex import GAP, least_squares


def reference(candidates, target, ridge, intercept):
    """Return weights and objective by scipy: the nearest point of a polytope as non-negative least squares."""
    distance = candidates - target[:, None]
    if intercept:
        distance = distance - distance.mean(axis=0)
    count = candidates.shape[1]
    stacked = np.vstack([distance / np.sqrt(len(target)), np.sqrt(ridge) * np.eye(count)])
    size = np.sqrt(np.median((stacked**2).sum(axis=0)))
    v, _ = nnls(np.vstack([stacked / size, np.ones(count)]), np.append(np.zeros(len(stacked)), 1.0), maxiter=10_000)
    weight = v / v.sum()
    return weight, ((stacked @ weight) ** 2).sum()


def draw(seed, kind):
    """Return candidates (T, n) and a target (T,): plain, one out of proportion, trends, in the hull, unequal sizes."""
    random = np.random.default_rng(seed)
    periods, count = random.integers(2, 40), random.integers(2, 60)
    candidates, target = random.normal(size=(periods, count)), random.normal(size=periods)
    if kind == "outlier":
        candidates[:, 0] *= 1e6
    elif kind == "trends":
        candidates = np.cumsum(candidates, axis=0) + 100
    elif kind == "inside":
        target = candidates @ random.dirichlet(np.ones(count))
    elif kind == "unequal":
        candidates *= np.exp(3 * random.normal(size=count))
    return candidates, target


@pytest.mark.parametrize("kind", ["plain", "outlier", "trends", "inside", "unequal"])
@pytest.mark.parametrize("ridge", [0.0, 0.1])
@pytest.mark.parametrize("intercept", [False, True])
def test_no_other_weights_are_better(kind, ridge, intercept):
    for seed in range(8):
        candidates, target = draw(seed, kind)
        found = least_squares(candidates, target, ridge=ridge, intercept=intercept)
        _, best = reference(candidates, target, ridge, intercept)
        alone = ((candidates - target[:, None]) ** 2).mean(axis=0)
        assert found.objective - best <= GAP * (np.median(alone) + ridge)
        assert found.slack <= GAP
        assert found.weight.min() >= 0
        assert found.weight.sum() == pytest.approx(1, abs=1e-12)


def test_the_gap_bounds_what_is_left_to_win():
    candidates, target = draw(1, "trends")
    even = np.full(candidates.shape[1], 1 / candidates.shape[1])
    found = least_squares(candidates, target)
    distance = candidates - target[:, None]
    slope = distance.T @ (distance @ even) / len(target)
    gap = 2 * (even @ slope - slope.min())
    assert even @ slope - found.objective <= gap
    assert gap > 1  # the bound says something: even weights are far from the best


def test_weights_equal_the_reference_where_they_are_unique():
    for seed in range(8):
        candidates, target = draw(seed, "plain")
        found = least_squares(candidates, target, ridge=0.5, intercept=True)
        np.testing.assert_allclose(found.weight, reference(candidates, target, 0.5, True)[0], atol=1e-7)


def test_a_large_ridge_makes_weights_even_and_an_intercept_forgets_levels():
    candidates, target = draw(2, "plain")
    count = candidates.shape[1]
    np.testing.assert_allclose(least_squares(candidates, target, ridge=1e6).weight, 1 / count, atol=1e-5)
    moved = candidates + np.arange(count)
    plain, level = (least_squares(c, target, ridge=0.1, intercept=True).weight for c in (candidates, moved))
    np.testing.assert_allclose(plain, level, atol=1e-8)
    assert np.abs(least_squares(moved, target, ridge=0.1).weight - plain).max() > 0.01


def test_equally_good_weights_are_shared_and_do_not_depend_on_the_order():
    random = np.random.default_rng(5)
    candidates = random.normal(size=(4, 30))
    target = candidates @ random.dirichlet(np.ones(30))
    order = random.permutation(30)
    found = least_squares(candidates, target).weight
    np.testing.assert_allclose(least_squares(candidates[:, order], target).weight, found[order], atol=1e-6)
    twice = least_squares(np.repeat(candidates[:, :2], 2, axis=1), target).weight
    np.testing.assert_allclose(twice[0::2], twice[1::2], atol=1e-6)


def test_a_guess_changes_nothing_but_the_time():
    candidates, target = draw(3, "trends")
    plain = least_squares(candidates, target)
    for likely in (plain.weight > 0, plain.weight == 0, np.zeros(plain.weight.size, dtype=bool)):
        guessed = least_squares(candidates, target, likely=likely)
        np.testing.assert_allclose(guessed.weight, plain.weight, atol=1e-7)


def test_candidates_that_all_are_the_target_share_it():
    found = least_squares(np.ones((5, 4)), np.ones(5))
    assert (found.objective, found.slack) == (0, 0)
    np.testing.assert_allclose(found.weight, 0.25)
    assert least_squares(np.ones((5, 1)), np.zeros(5)).weight == [1]


def test_numbers_that_are_none_are_refused():
    candidates, target = draw(4, "plain")
    candidates[0, 0] = np.nan
    with pytest.raises(PanelError, match="simplex"):
        least_squares(candidates, target)
