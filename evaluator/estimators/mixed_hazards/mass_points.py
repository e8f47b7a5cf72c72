"""Nonparametric maximum likelihood of the heterogeneity: one mass point more for as long as the likelihood gains."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from evaluator.backends import Backend
from evaluator.estimators.mixed_hazards.ascent import Ascent, ascend
from evaluator.estimators.mixed_hazards.likelihood import (
    Point,
    Rates,
    effective_exposure,
    log_given,
    log_likelihood,
    log_sum,
    rates,
)
from evaluator.estimators.mixed_hazards.spells import Block, Spells
from evaluator.vocabulary import Floats

TRIED, CLIMBED, CLIMBS = 128, 16, 20
"""Places tried for a new mass point, the best of them that are climbed from, and the steps of a climb."""
REACH = 2.5
"""How far beyond the mass points found, in log hazard, a new one is looked for."""
FLOOR = -30.0
"""Log hazard of a mass point that never leaves that way."""
APART = 0.05
"""Two climbs that end nearer than this, as a share of the largest hazard, found the same place."""
SHARES = (0.02, 0.2)
"""Shares from which a new mass point is looked for."""
SMALL = 0.002
"""Share in a start that was found by the directional derivative."""
DEPTH = 8.0
"""How far under the highest log hazard a mass point counts when the range to look in is set."""
SKETCH = 12
"""Steps after which only the best of the starts goes on."""
SMALLEST_GAIN = 1e-3
"""Gain in log-likelihood under which two fits are alike."""
Start = tuple[float, Floats, float]
"""Gain, place (K,) and share of a new mass point."""


@dataclass(frozen=True, slots=True)
class Found:
    """The best fit with its number of mass points."""

    ascent: Ascent
    left: float
    """N x the largest directional derivative: with these coefficients no distribution of the heterogeneity, whatever
    its mass points, has a log-likelihood higher by more than this (Lindsay 1983). 0 or less is the optimum."""

    @property
    def value(self) -> float:
        return self.ascent.slopes.value


@dataclass(frozen=True, slots=True)
class Step:
    """One step of EM for each of Q mass points."""

    gain: Floats  # (Q,) before the step
    mu: Floats  # (Q, K) after it
    share: Floats  # (Q,)


@dataclass(frozen=True, slots=True)
class Search:
    """How hard to look."""

    points: int = 12  # most mass points
    starts: int = 4  # starts at each number of mass points
    seed: int = 0
    least_gain: float = SMALLEST_GAIN
    """Log-likelihood that a further mass point has to gain. AIC asks for K + 1 with K transitions: with that the search
    ends at the first number whose AIC is not undercut by the next, in about half the time."""


def path(spells: Spells, search: Search, backend: Backend) -> tuple[Found, ...]:
    """Return the best fits with 1, 2, ... mass points, to `search.points` or until a further one gains too little.

    A new mass point is put where the likelihood gains most, another place in each start, and all parameters are
    estimated again (Gaure, Roed and Zhang 2007, section 4). Then back: a fit without one of its mass points is a start
    for the number before, which mends a path that took a wrong turn.
    """
    random = np.random.default_rng(search.seed)
    fits = [ascend(spells, _one(spells))]
    left: list[float] = []
    while True:
        starts, more = _places(spells, fits[-1].point, random)
        left.append(more)
        if len(fits) >= search.points or not starts:
            break
        after = _best(spells, starts[: search.starts], backend)
        if after.slopes.value < fits[-1].slopes.value + search.least_gain:
            break
        fits.append(after)
    for place in range(len(fits) - 2, 0, -1):
        after = _best(spells, _without_one(spells, fits[place + 1].point)[: search.starts], backend)
        if after.slopes.value > fits[place].slopes.value + SMALLEST_GAIN:
            fits[place], left[place] = after, _places(spells, after.point, random)[1]
    return tuple(Found(fit, more) for fit, more in zip(fits, left, strict=True))


def _best(spells: Spells, starts: list[Point], backend: Backend) -> Ascent:
    """Return the best local maximum from the best of the starts' sketches."""
    sketched = backend.map(_sketch, [(spells, start) for start in starts])
    return ascend(spells, max(sketched, key=lambda one: one.slopes.value).point)


def _without_one(spells: Spells, point: Point) -> list[Point]:
    """Return the point without each of its mass points in turn, the likeliest first."""
    keep = ~np.eye(len(point.share), dtype=np.bool_)
    fewer = [Point(point.beta, point.mu[one], point.share[one] / point.share[one].sum()) for one in keep]
    return sorted(fewer, key=lambda one: -log_likelihood(spells, one))


def _sketch(task: tuple[Spells, Point]) -> Ascent:
    spells, start = task
    return ascend(spells, start, steps=SKETCH)


def _one(spells: Spells) -> Point:
    """Return the constant hazards that fit the rates of transition: at the maximum where covariates do nothing."""
    beta, mu = np.zeros(sum(spells.widths)), np.zeros((1, len(spells.names)))
    for _ in range(CLIMBS):
        exposure = sum(
            effective_exposure(block, rates(spells, block, beta), mu, np.ones((len(block.first), 1)))
            for block in spells.blocks
        )
        count = sum(block.count.sum(axis=0) for block in spells.blocks)
        mu = np.log(count / exposure)
    return Point(beta, mu, np.ones(1))


def _places(spells: Spells, point: Point, random: np.random.Generator) -> tuple[list[Point], float]:
    """Return starts with one more mass point, best first, and N times the largest directional derivative.

    None where that is not positive. Places are climbed from twice: with a share of their own, by what the likelihood
    gains, and with a vanishing one, by the derivative. The latter alone finds the few persons whom no mass point fits.
    """
    given = [(block, rates(spells, block, point.beta)) for block in spells.blocks]
    each = [log_sum(log_given(*one, point.mu) + np.log(point.share)) for one in given]
    climb = partial(_climbed, given, each)
    near = np.maximum(point.mu, point.mu.max(axis=0) - DEPTH)
    low, high = near.min(axis=0) - REACH, near.max(axis=0) + REACH
    tried = low + (high - low) * random.random((TRIED, point.mu.shape[1]))
    starts, tops = [], []
    for share in (*SHARES, 0.0):
        mu, shares = tried, np.full(TRIED, share)
        best = np.argsort(-climb(mu, shares).gain, kind="stable")[:CLIMBED]
        mu, shares = mu[best], shares[best]
        for _ in range(CLIMBS):
            step = climb(mu, shares)
            mu, shares = step.mu, step.share
        gain = climb(mu, shares).gain
        tops.append(float(gain.max()))
        starts += [(gain[i], mu[i], shares[i] or SMALL) for i in range(len(mu)) if gain[i] > 0]
    if tops[-1] <= SMALLEST_GAIN:
        return [], tops[-1]
    of_shares = [one for one in starts if one[2] != SMALL]
    of_slope = [one for one in starts if one[2] == SMALL]
    return [_with(point, *one[1:]) for one in (*_distinct(of_shares), *_distinct(of_slope)[:1])], tops[-1]


def _distinct(starts: list[Start]) -> list[Start]:
    """Return the starts from the best on, without those that are near a better one."""
    kept: list[Start] = []
    for start in sorted(starts, key=lambda one: -one[0]):
        levels = [np.exp(other[1]) for other in kept]
        if all(np.abs(np.exp(start[1]) - level).max() > APART * level.max() for level in levels):
            kept.append(start)
    return kept


def _climbed(blocks: list[tuple[Block, Rates]], each: list[Floats], mu: Floats, share: Floats) -> Step:
    """Return the gain of a mass point at each of `mu` (Q, K) with `share` (Q,), and the next step of EM for it alone.

    The rest of the distribution stays as it is, with log-likelihoods `each`, block by block. With a share of 0 the gain
    is N times the directional derivative, sum_i (L_i(mu) / L_i - 1).
    """
    gain, weights, count, exposure = np.zeros(len(mu)), np.zeros(len(mu)), np.zeros(mu.shape), np.zeros(mu.shape)
    for (block, given), own in zip(blocks, each, strict=True):
        ratio = np.exp(np.clip(log_given(block, given, mu) - own[:, None], -600.0, 300.0))
        mixed = 1 + share * (ratio - 1)
        gain += np.where(share > 0, np.log(mixed).sum(axis=0), (ratio - 1).sum(axis=0))
        weight = ratio / mixed
        weights += weight.sum(axis=0)
        count += weight.T @ block.count
        exposure += effective_exposure(block, given, mu, weight)
    step = np.log(np.maximum(count, np.exp(FLOOR) * exposure + 1e-300) / np.maximum(exposure, 1e-300))
    return Step(gain, np.maximum(step, FLOOR), share * weights / sum(len(own) for own in each))


def _with(point: Point, place: Floats, share: float) -> Point:
    return Point(point.beta, np.vstack([point.mu, place]), np.append(point.share * (1 - share), share))
