"""Drift that is a straight line but for a bounded change of slope from one block to the next."""

from __future__ import annotations

import numpy as np

from evaluator.diagnostics.conditional_test import Bound, interval, moments
from evaluator.diagnostics.event_study import EventStudy, Steps, steps
from evaluator.diagnostics.fixed_length import shortest
from evaluator.vocabulary import Floats


def smoothness_fixed_length(study: EventStudy, bound: float, level: float = 0.95) -> tuple[float, float]:
    """Return the shortest fixed-length interval when the slope of the drift changes by at most `bound` per block.

    In the unit of the effects. The estimator carries the last slope before the base on as the drift after it and
    corrects with a weight on each change of slope before. Raises ValueError for a negative bound or a singular
    covariance of those changes. Source: Rambachan and Roth (2023), Review of Economic Studies 90(5), section 4.1.
    """
    _not_negative(bound)
    change = steps(study)
    number, carried = _extrapolated(study, change)
    bends = np.diff(change.before, axis=0)
    weights, half = shortest(number, bends, study.covariance, bound * np.abs(carried).sum(), bound, level)
    centre = float((number + weights @ bends) @ study.effect)
    return centre - half, centre + half


def smoothness_hybrid(study: EventStudy, bound: float, level: float = 0.95) -> tuple[float, float]:
    """Return the interval of the conditional least-favourable hybrid under the same bound as the fixed-length one.

    Raises ValueError for a negative bound. Source: Rambachan and Roth (2023), Review of Economic Studies 90(5),
    section 3.2.
    """
    _not_negative(bound)
    change = steps(study)
    number, carried = _extrapolated(study, change)
    kinks = np.diff(np.vstack([change.before[-1], change.after]), axis=0)
    return interval([moments(study, Bound(number, kinks, carried, bound, None))], level)


def _not_negative(bound: float) -> None:
    if bound < 0:
        raise ValueError(f"smoothness: the bound is {bound:g}; expected 0 or more.")


def _extrapolated(study: EventStudy, change: Steps) -> tuple[Floats, Floats]:
    """Return the contrast less the last slope before the base carried on, (P,), and what it carries of each kink."""
    number = np.concatenate([np.zeros(study.pre), study.contrast]) - change.carried.sum() * change.before[-1]
    return number, np.cumsum(change.carried[::-1])[::-1]
