"""The conditional test of moment inequalities with a least-favourable first stage, for bounded drift.

Both kinds of bound say that the drift of the number of interest is a sum of T steps, and that no step is larger than
`width` times a scale m. Eliminating the T - 1 nuisance effects leaves, for a true effect x,

    +(u - x) <= B m,   -(u - x) <= B m,   0 <= m,   B = width * sum |carried|,

where u is the number less what the drift before the base already explains. These T + 2 rays are all extreme points of
the dual of the linear programme in the source, so no programme is solved, and as they depend on (u, m) alone the
least-favourable critical value is an integral over one angle instead of a simulation.

Source: Andrews, Roth and Pakes (2023), Review of Economic Studies 90(6), as used by Rambachan and Roth (2023), Review
of Economic Studies 90(5), section 3.2; moments that do not involve a period after the base are left out, as in their
code for several periods.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluator.diagnostics.event_study import EventStudy
from evaluator.vocabulary import Bools, Floats

FIRST_STAGE = 0.1
"""Share of the test's size that is spent on the least-favourable first stage."""
ANGLES = 2048
POINTS = 201
ZOOMS = 4


@dataclass(frozen=True, slots=True)
class Moments:
    """K normalised moments, each at most 0 under the bound: `slope` (K, 2) times (u - x, m)."""

    slope: Floats  # (K, 2); rows 0 and 1 are the two sides of u - x
    mean: Floats  # (2,) estimates of u and m
    covariance: Floats  # (2, 2)


@dataclass(frozen=True, slots=True)
class Bound:
    """|step| <= width * m for T steps, and the number of interest = free effect + carried @ steps."""

    number: Floats  # (P,) weights of u
    step: Floats  # (T, P)
    carried: Floats  # (T,)
    width: float
    scale: Floats | None  # (P,) weights of m; None: m is 1


def moments(study: EventStudy, bound: Bound) -> Moments:
    """Return the moments of `bound`, each divided by what the dual of the linear programme divides it by."""
    scale = np.zeros_like(bound.number) if bound.scale is None else bound.scale
    weights = np.vstack([bound.number, scale])
    mean = weights @ study.effect
    if bound.scale is None:
        mean[1] = 1.0
    up, down = (_deviation(study, sign * bound.step - bound.width * scale) for sign in (1.0, -1.0))
    reach = np.abs(bound.carried)
    rises = bound.carried > 0
    sides = float(reach @ np.where(rises, up, down)), float(reach @ np.where(rises, down, up))
    total = bound.width * float(reach.sum())
    rows = [(1.0 / sides[0], -total / sides[0]), (-1.0 / sides[1], -total / sides[1])]
    lengths = up + down
    rows += [
        (0.0, -2.0 * bound.width / float(length)) for length in (lengths.min(), lengths.max())
    ]  # others lie between
    return Moments(np.array(rows), mean, weights @ study.covariance @ weights.T)


def interval(sets: list[Moments], level: float) -> tuple[float, float]:
    """Return the hull of the effects that at least one of `sets` does not reject; NaN when all are rejected."""
    least, most = np.inf, -np.inf
    for moments in sorted(sets, key=lambda found: -found.mean[1]):
        first = least_favourable(moments, FIRST_STAGE * (1 - level))
        low, high = _possible(moments, first)
        if low < min(least, high):
            least = min(least, _outermost(moments, (low, high), level, first))
        if high > max(most, low):
            most = max(most, _outermost(moments, (high, low), level, first))
    return (least, most) if least <= most else (float("nan"), float("nan"))


def accepted(moments: Moments, effects: Floats, level: float, first: float) -> Bools:
    """Return which true effects (n,) are not rejected; `first` is the critical value of the first stage."""
    size = (1 - level) * (1 - FIRST_STAGE) / (1 - FIRST_STAGE * (1 - level))
    at = np.vstack([moments.mean[0] - effects, np.full(effects.size, moments.mean[1])])
    value = moments.slope @ at  # (K, n)
    binding, cross = value.argmax(axis=0), moments.slope @ moments.covariance @ moments.slope.T
    largest, variance = value.max(axis=0), np.diag(cross)[binding]
    ratio = np.divide(cross[:, binding], variance, out=np.zeros_like(value), where=variance > 0)
    rest, room = value - ratio * largest, 1 - ratio
    limit = np.divide(rest, room, out=np.zeros_like(value), where=np.abs(room) > 1e-12)
    low = np.where(room > 1e-12, limit, -np.inf).max(axis=0)
    high = np.minimum(np.where(room < -1e-12, limit, np.inf).min(axis=0), first)
    deviation = np.sqrt(np.maximum(variance, np.finfo(np.float64).tiny))
    p_value = _tail(largest / deviation, low / deviation, high / deviation)
    return np.asarray((largest <= 0) | ((largest <= first) & (p_value >= size)))


def least_favourable(moments: Moments, size: float) -> float:
    """Return the point that the largest moment exceeds with probability `size` when all of them bind.

    In polar coordinates the largest moment is radius x h(angle) and the radius squared is exponential, so the
    probability is the mean over angles of exp(-point^2 / 2 h^2) where h > 0.
    """
    from scipy.optimize import brentq

    angle = (np.arange(ANGLES) + 0.5) * (2 * np.pi / ANGLES)
    height = (moments.slope @ _root(moments.covariance) @ np.vstack([np.cos(angle), np.sin(angle)])).max(axis=0)
    height = height[height > 0]
    if not height.size:
        return 0.0

    def exceeds(point: float) -> float:
        return float(np.exp(-0.5 * (point / height) ** 2).sum() / ANGLES - size)

    top = float(height.max()) * np.sqrt(-2 * np.log(size))
    return float(brentq(exceeds, 0.0, top, xtol=1e-12 * top)) if exceeds(0.0) > 0 else 0.0


def _possible(moments: Moments, first: float) -> tuple[float, float]:
    """Return between which effects neither side exceeds the first critical value; low over high when there are none."""
    slope, (u, m) = moments.slope, moments.mean
    return float(u - (first - slope[0, 1] * m) / slope[0, 0]), float(u - (first - slope[1, 1] * m) / slope[1, 0])


def _outermost(moments: Moments, between: tuple[float, float], level: float, first: float) -> float:
    """Return the accepted effect closest to the first end of `between`, by ever finer grids; NaN without one."""
    near, far = between
    for _ in range(ZOOMS):
        grid = np.linspace(near, far, POINTS)
        kept = np.flatnonzero(accepted(moments, grid, level, first))
        if not kept.size:
            return float("nan")
        near, far = float(grid[max(kept[0] - 1, 0)]), float(grid[kept[0]])
    return far


def _tail(at: Floats, low: Floats, high: Floats) -> Floats:
    """Return the probability that a standard normal between `low` and `high` exceeds `at`."""
    from scipy.special import log_ndtr

    beyond, above, below = log_ndtr(-high), log_ndtr(-at), log_ndtr(-low)
    with np.errstate(divide="ignore", invalid="ignore"):
        part = above + np.log1p(-np.exp(np.minimum(beyond - above, 0.0)))
        whole = below + np.log1p(-np.exp(np.minimum(beyond - below, 0.0)))
        return np.nan_to_num(np.exp(part - whole), nan=0.0)


def _deviation(study: EventStudy, rows: Floats) -> Floats:
    return np.sqrt(np.maximum(np.einsum("kp,pq,kq->k", rows, study.covariance, rows), 0.0))


def _root(covariance: Floats) -> Floats:
    """Return R with R R' = covariance, singular or not."""
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)))
