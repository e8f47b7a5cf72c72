"""How unequal trends would have to be before the headline could be nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from evaluator.diagnostics.event_blocks import at_level, event_blocks
from evaluator.diagnostics.event_study import EventStudy
from evaluator.diagnostics.relative_magnitudes import relative_magnitudes
from evaluator.vocabulary import Floats, NotEstimable, Panel, Sections

BOUNDS = (0.0, 0.5, 1.0, 1.5, 2.0)
LARGEST_SEARCHED = 5.0
PARTS = 1000
STEP = 250
"""A breakdown value is searched in thousandths: first every STEP of them, then between."""


@dataclass(frozen=True, slots=True)
class BoundedTrends:
    """Intervals of the headline when trends after the base may differ by `bounds` times the largest change before it.

    `breakdown` is the bound up to which every interval excludes 0: 0 when not even the first does, and
    `largest_searched` when all do.
    """

    breakdown: float
    bounds: Floats  # (B,)
    low: Floats  # (B,) in the unit of the outcome
    high: Floats  # (B,)
    level: float
    pre: int  # blocks before the base
    post: int  # blocks from the start on
    periods_before: tuple[int, ...]  # (pre,) periods in each block before the base; fewer than the block at the far end
    largest_searched: float = LARGEST_SEARCHED


def bounded_trends(
    estimator: Any, panel: Panel | Sections, block: int, level: float = 0.95
) -> BoundedTrends | NotEstimable:
    """Return intervals and breakdown value of the headline (the "simple" average) under bounded trends.

    Periods are averaged into blocks of `block` (12 months: yearly), so that the bound speaks of changes from one year
    to the next and not of noise between months. At bound 0 the interval is the published one: the covariance is that of
    leaving clusters out, scaled to the quantile of the headline's t. With `block` and `base_periods` of 1 it is the
    interval of the source. Raises ValueError when `block` is under 1.
    Source: Rambachan and Roth (2023), Review of Economic Studies 90(5); see `relative_magnitudes`.
    """
    found = event_blocks(estimator, panel, block)
    if isinstance(found, NotEstimable):
        return found
    study = at_level(found, level)
    ends = np.array([relative_magnitudes(study, bound, level) for bound in BOUNDS])
    return BoundedTrends(
        breakdown=breakdown(study, level),
        bounds=np.array(BOUNDS),
        low=ends[:, 0],
        high=ends[:, 1],
        level=level,
        pre=study.pre,
        post=study.contrast.size,
        periods_before=found.periods_before,
    )


def breakdown(study: EventStudy, level: float = 0.95, largest: float = LARGEST_SEARCHED) -> float:
    """Return the bound on relative magnitudes up to which every interval excludes 0, rounded down to thousandths."""

    def excludes(bound: int) -> bool:
        low, high = relative_magnitudes(study, bound / PARTS, level)
        return low > 0 or high < 0

    tried = range(0, round(largest * PARTS) + 1, STEP)
    outside = next((bound for bound in tried if not excludes(bound)), None)
    if outside is None:
        return largest
    if outside == 0:
        return 0.0
    inside = outside - STEP
    while outside - inside > 1:
        middle = (inside + outside) // 2
        inside, outside = (middle, outside) if excludes(middle) else (inside, middle)
    return inside / PARTS
