"""What bounds on unequal trends are computed from: effects before and after a base, and how they may drift."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluator.vocabulary import Floats


@dataclass(frozen=True, slots=True)
class EventStudy:
    """P effects in order of time, `pre` of them before a base that is zero by construction and is left out.

    `contrast` weighs the effects after the base into the number of interest. `position` is the time of each effect
    since the base, in blocks; without it the effects are one block apart. Raises ValueError when the shapes differ,
    when nothing lies on one side of the base, or when the covariance is not symmetric with a positive diagonal.
    """

    effect: Floats  # (P,) in the unit of the outcome
    covariance: Floats  # (P, P)
    pre: int
    contrast: Floats  # (P - pre,)
    position: Floats | None = None  # (P,) increasing, negative before the base

    def __post_init__(self) -> None:
        size = self.effect.size
        fits = self.covariance.shape == (size, size) and self.contrast.shape == (size - self.pre,)
        if not fits or not 0 < self.pre < size:
            raise ValueError(
                f"event_study: {size} effects, {self.pre} before the base, covariance {self.covariance.shape}, "
                f"contrast {self.contrast.shape}; expected both sides, a square covariance, a weight per effect after."
            )
        variance = np.diag(self.covariance)
        if not np.allclose(self.covariance, self.covariance.T, rtol=1e-8, atol=1e-10 * variance.max()):
            raise ValueError("event_study: the covariance is not symmetric; expected it to be.")
        if not (variance > 0).all():
            raise ValueError("event_study: an effect has no variance; expected a positive one. Leave the base out.")
        where = self.times
        if not ((np.diff(where) > 0).all() and where[self.pre - 1] < 0 < where[self.pre]):
            raise ValueError("event_study: positions are not in order around the base; expected negative before it.")

    @property
    def times(self) -> Floats:
        """Blocks since the base (P,)."""
        if self.position is not None:
            return self.position
        after = self.effect.size - self.pre
        return np.concatenate([np.arange(-self.pre, 0), np.arange(1, after + 1)]).astype(np.float64)

    @property
    def value(self) -> float:
        """The number of interest if trends are parallel."""
        return float(self.contrast @ self.effect[self.pre :])


@dataclass(frozen=True, slots=True)
class Steps:
    """The drift d of an event study as changes per block, rows of (., P) that are multiplied by d.

    contrast'd after the base = carried @ (after @ d).
    """

    before: Floats  # (pre, P) changes per block between effects before the base, the last one into the base
    after: Floats  # (post, P) changes per block from the base on
    carried: Floats  # (post,) how much of each change the contrast carries


def steps(study: EventStudy) -> Steps:
    """Return the changes of drift between neighbouring effects, per block of time."""
    size, pre = study.effect.size, study.pre
    time = np.insert(study.times, pre, 0.0)
    levels = np.insert(np.eye(size), pre, 0.0, axis=0)  # (P + 1, P): the base has no drift
    gap = np.diff(time)
    change = np.diff(levels, axis=0) / gap[:, None]
    carried = np.cumsum(study.contrast[::-1])[::-1] * gap[pre:]
    return Steps(change[:pre], change[pre:], carried)
