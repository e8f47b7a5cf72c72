"""Moving blocks of one cluster's own residuals under the null: chance is measured over time, not over donors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from evaluator.inference.judged import Judged, out_of_reach
from evaluator.inference.rule import TIE, size_of
from evaluator.vocabulary import Floats, NotEstimable

if TYPE_CHECKING:
    from evaluator.estimators.weighted_paths import Contrast, Matching

Residuals = Callable[[float], Floats]
"""Residuals (T,) of the treated cluster when an effect x after the start is the truth, refitted under it."""
HALVINGS = 40
"""Steps at which kept effects are sought on either side of the estimate, and halvings of the last step."""
FURTHEST = 20
"""Doublings of the first reach after which an end is infinite."""


def conformal(residuals: Residuals, value: float, start: int, *, level: float = 0.95) -> Judged | NotEstimable:
    """Test a constant effect from period `start` to the last against the blocks of the residuals themselves.

    `residuals(x)` takes x from the treated outcome in the periods from `start` on, refits over all periods and returns
    what is left: `of_gaps` of given gaps, `refitted` of an estimator that weighs donors. The statistic is the mean
    absolute residual after the start; its reference are all T circular shifts, the actual one included, so p is at
    least 1 / T. The interval is the hull of kept effects, sought in equal steps on either side of `value` (the
    estimate) and halved into the last step.

    Refused where 1 / T is over the level, and where at most half of the periods lie before the start: then a large
    effect moves the fit instead of the residuals and is never rejected. Raises ValueError without periods on both
    sides. Source: Chernozhukov, Wüthrich and Zhu (2021), J. American Statistical Association 116(536), moving blocks.
    """
    actual = np.asarray(residuals(0.0), dtype=np.float64)
    periods = actual.size
    if not (0 < start < periods and np.isfinite(actual).all()):
        raise ValueError(f"conformal: start {start} of {periods} periods; expected known residuals on both sides.")
    size = size_of(level)
    if 1 / periods > size:
        return out_of_reach(1 / periods, f"Mindst {int(np.ceil(round(1 / size, 9)))} perioder i serien.")
    if 2 * start <= periods:
        return NotEstimable(
            f"Serien har {start} perioder før starten og {periods - start} efter; testen flytter tidsrum af samme "
            "længde hen over serien og kræver flest før.",
            "En længere serie før starten, eller et kortere tidsrum efter.",
        )
    ends = _ends(lambda x: block_p_value(residuals(x), start) > size, value, _reach(actual, residuals(value)))
    return Judged(value, block_p_value(actual, start), *ends, 1 / periods, "conformal")


def of_gaps(gap: npt.ArrayLike, start: int) -> Residuals:
    """Return the residuals of a difference-in-differences from its gaps (T,): x off, then the mean of all periods."""
    gaps = np.asarray(gap, dtype=np.float64)
    after = np.arange(gaps.size) >= start

    def left(effect: float) -> Floats:
        taken = gaps - effect * after
        return np.asarray(taken - taken.mean())

    return left


def refitted(method: Matching, contrast: Contrast) -> Residuals:
    """Return the residuals of donors' weights that are matched over all periods, x taken from the treated first.

    For methods without period weights of their own (`synthetic_control`, `donor_pool`). Gaps of weights matched before
    the start alone will not do: they are smaller there than after it.
    """
    panel, start = contrast.panel, contrast.start

    def left(effect: float) -> Floats:
        outcome = panel.outcome.copy()
        outcome[contrast.treated, start:] -= effect
        null = replace(contrast, panel=replace(panel, outcome=outcome), before=outcome.shape[1])
        return method.match(null).gap

    return left


def block_p_value(residual: Floats, start: int) -> float:
    """Return the share of circular shifts (T,) whose last block has a sum of |residual| at least the actual one's."""
    size = np.abs(residual)
    length = size.size - start
    total = np.concatenate([[0.0], np.cumsum(np.concatenate([size, size[: length - 1]]))])
    blocks = total[length:] - total[: size.size]
    return float((blocks >= blocks[start] - TIE * size.sum()).mean())


def _reach(actual: Floats, at_value: Floats) -> float:
    """Return a first distance to search: the largest residual at the estimate, or at no effect where it is 0."""
    return float(np.abs(at_value).max()) or float(np.abs(actual).max()) or 1.0


def _ends(is_kept: Callable[[float], bool], value: float, reach: float) -> tuple[float, float]:
    """Return the least and the greatest kept effect; infinite where no reach is rejected."""
    return value - _end(is_kept, value, reach, -1), value + _end(is_kept, value, reach, 1)


def _end(is_kept: Callable[[float], bool], value: float, reach: float, sign: int) -> float:
    """Return the distance from `value` to the last kept effect on one side."""
    for _ in range(FURTHEST):
        if not (is_kept(value + sign * reach) or is_kept(value + sign * 2 * reach)):
            break
        reach *= 2
    else:
        return np.inf
    steps = np.linspace(0, reach, HALVINGS + 1)
    kept = [step for step in steps if is_kept(value + sign * step)]
    if not kept:
        return 0.0
    inside, outside = kept[-1], kept[-1] + steps[1]
    for _ in range(HALVINGS):
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if is_kept(value + sign * middle) else (inside, middle)
    return float(inside)
