"""Drift after the base of at most a multiple of the largest drift before it."""

from __future__ import annotations

import numpy as np

from evaluator.diagnostics.conditional_test import Bound, interval, moments
from evaluator.diagnostics.event_study import EventStudy, steps


def relative_magnitudes(study: EventStudy, bound: float, level: float = 0.95) -> tuple[float, float]:
    """Return an interval for the number of interest when trends after the base change at most `bound` times as much per
    block as the largest change between neighbouring blocks before it.

    In the unit of the effects. At bound 0 it is value +- z x se. The set of allowed drifts is a union over which change
    is the largest and its sign; so is the interval. Raises ValueError for a negative bound.
    Source: Rambachan and Roth (2023), Review of Economic Studies 90(5), Lemma 2.2 (the union) and
    section 3.2 with the conditional least-favourable hybrid; checked against their published numbers in tests/golden.
    """
    if bound < 0:
        raise ValueError(f"relative_magnitudes: the bound is {bound:g}; expected 0 or more.")
    change = steps(study)
    number = np.concatenate([np.zeros(study.pre), study.contrast])
    sets = [
        moments(study, Bound(number, change.after, change.carried, bound, sign * largest))
        for largest in change.before
        for sign in (1.0, -1.0)
    ]
    return interval(sets, level)
