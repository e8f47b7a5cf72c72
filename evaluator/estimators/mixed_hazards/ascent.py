"""Newton's method for a likelihood that is not concave."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluator.estimators.mixed_hazards.likelihood import Point, Slopes, log_likelihood, slopes
from evaluator.estimators.mixed_hazards.spells import Spells
from evaluator.vocabulary import Floats

GAIN = 1e-8
"""Expected gain in log-likelihood of one more step, under which the search ends."""
STEPS, HALVINGS = 200, 30
LONGEST = 2.0
"""Longest step of any parameter: a factor of e^2 in a hazard."""
FLAT = 1e-10
"""Curvature, as a share of the largest, under which a direction counts as flat."""


@dataclass(frozen=True, slots=True)
class Ascent:
    """Where a search ended."""

    point: Point
    slopes: Slopes
    steps: int
    has_converged: bool


def ascend(spells: Spells, start: Point, gain: float = GAIN, steps: int = STEPS) -> Ascent:
    """Return a local maximum: steps along the gradient over the absolute eigenvalues of the Hessian, halved until up.

    A mass point whose hazard goes to zero has no finite maximum; it is left where one more step gains under `gain`.
    """
    point, found = start, slopes(spells, start)
    for number in range(steps):
        step = _step(found)
        expected = float(found.gradient @ step)
        if expected < 2 * gain:
            return Ascent(point, found, number, True)
        after = _uphill(spells, point, step, found.value, expected)
        if after is None:
            return Ascent(point, found, number, expected < 1e3 * gain)
        point, found = after, slopes(spells, after)
    return Ascent(point, found, steps, False)


def _step(found: Slopes) -> Floats:
    curve, axes = np.linalg.eigh(found.hessian)
    size = np.maximum(np.abs(curve), FLAT * max(1.0, float(np.abs(curve).max())))
    step: Floats = axes @ ((axes.T @ found.gradient) / size)
    return step * min(1.0, LONGEST / max(float(np.abs(step).max()), 1e-300))


def _uphill(spells: Spells, point: Point, step: Floats, value: float, expected: float) -> Point | None:
    """Return the first point of step, step / 2, ... that gains what its slope lets expect, None when none does."""
    for halving in range(HALVINGS):
        length = 0.5**halving
        tried = point.moved(length * step)
        if (tried.share > 0).all() and log_likelihood(spells, tried) >= value + 1e-4 * length * expected:
            return tried
    return None
