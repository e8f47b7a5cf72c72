"""Joint tests of coefficients that theory says are not negative: their size where all are zero, and what counts."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from evaluator.diagnostics.caseworker_signs import Signs, chance_of, joint_chance
from evaluator.inference.instruments import Slope

MANY = 400  # caseworkers, so that t is normal


def signs(ratio, common=0.0, seed=1, **more):
    """Return coefficients whose errors have the correlation `common` ** 2 / (1 + common ** 2)."""
    random = np.random.default_rng(seed)
    deviations = random.normal(size=(MANY, len(ratio))) + common * random.normal(size=(MANY, 1))
    return Signs(np.array(ratio), deviations, float(MANY), **more)


def test_one_coefficient_below_zero_has_the_chance_of_a_normal_one():
    assert chance_of(signs([-1.5])) == pytest.approx(norm.sf(1.5), abs=0.006)
    assert chance_of(signs([1.5])) == pytest.approx(norm.sf(-1.5), abs=0.006)
    assert chance_of(signs([1.5], is_zero=True)) == pytest.approx(2 * norm.sf(1.5), abs=0.008)


def test_coefficients_far_above_zero_do_not_weaken_the_test():
    alone, beside = chance_of(signs([-2.2])), chance_of(signs([-2.2, *[9.0] * 20]))
    assert beside == pytest.approx(alone, abs=0.004)
    assert chance_of(signs([-2.2, *[0.5] * 20])) > 5 * alone
    assert chance_of(signs([5.0, 9.0])) > 0.99


def test_a_coefficient_without_an_error_is_left_out():
    slopes = [Slope(1.0, np.zeros(6)), Slope(-1.0, np.array([0.5, -0.5, 0.0, 0.0, 0.0, 0.0]))]
    found = Signs.of(slopes, 5.0)
    assert found.ratio == pytest.approx([-(2**0.5)])
    assert Signs.of(slopes[:1], 5.0) is None


def test_the_joint_test_keeps_its_size_where_families_go_together_and_every_coefficient_is_zero():
    random, rejected = np.random.default_rng(7), []
    for _ in range(300):
        deviations = random.normal(size=(60, 6)) + random.normal(size=(60, 1))
        ratio = random.normal(size=60) @ deviations / np.sqrt((deviations**2).sum(axis=0))
        families = {"one": Signs(ratio[:3], deviations[:, :3], 1e6), "two": Signs(ratio[3:], deviations[:, 3:], 1e6)}
        rejected.append(joint_chance(families, random.random()) < 0.1)
    assert 0.05 <= np.mean(rejected) <= 0.1 + 2 * (0.1 * 0.9 / 300) ** 0.5


def test_parts_that_agree_are_stronger_than_each_and_one_is_enough():
    both = joint_chance({"one": signs([-1.8]), "two": signs([-1.8], seed=2)}, 0.04)
    assert both < min(chance_of(signs([-1.8])), 0.04) / 2
    assert joint_chance({"one": signs([3.0]), "two": signs([3.0], seed=2)}, 0.001) < 0.03
    assert joint_chance({"one": signs([3.0])}, 0.9) > 0.5
    assert joint_chance({}, 0.03) == pytest.approx(0.03, abs=0.005)
