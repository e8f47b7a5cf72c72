"""Entropy balancing of many clusters at once: persons in strata of equal covariates, weighted to given means.

Of all weights of a cluster's persons whose weighted covariate means equal a target, those that differ least from
counting everybody once: minimise the sum of w log w subject to the means (Hainmueller 2012, Political Analysis 20(1),
equations 3 to 5). Every period keeps the same total weight, so that what is common to all in a period cancels against
another cluster. The solution is w = exp(x'b) within a period; b minimises the convex dual, the mean over periods of
log sum n exp(x'b), less target'b, found by damped Newton steps. Weights depend on the stratum alone, so counts of
persons by cluster, period and stratum are all that is read.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass

import numpy as np

from evaluator.vocabulary import Bools, Floats, Ints

CLOSE = 1e-10
"""Largest gap of a mean, in standard deviations of its covariate, at which it is met."""
ROUNDS = 60
FARTHEST = 60.0
"""Largest difference of log weights: beyond it the weights run away, since the target is outside the hull."""
STRIDE = 10.0
"""Largest change of a log weight in a step."""
RIDGE = 1e-10
BUDGET = 2**19
"""Numbers held at once by the problems that are solved together."""
ROUNDING = 1e-13


@dataclass(frozen=True, slots=True)
class Tilted:
    """Weights of a person by cluster (G), stratum (M) and target (B), up to a factor by cluster, period and target."""

    weight: Floats  # (G, M, B), 0 where a problem has no solution
    is_balanced: Bools  # (G, B)


def tilted(persons: Floats, traits: Floats, target: Floats) -> Tilted:
    """Return the weights that bring the persons (G, T, M) of each cluster to each target (K, B).

    `traits` (M, K) are the strata's covariates. A period without persons has no weight; the others of its cluster
    weigh alike. There is no solution for a cluster without persons, and where the target is outside the hull of its
    covariates or, but for a covariate at its lowest or highest value, on its edge.
    """
    clusters, periods, strata = persons.shape
    columns, targets = target.shape
    weight = np.zeros((clusters, strata, targets))
    is_balanced = np.zeros((clusters, targets), dtype=np.bool_)
    x, aim = _standardised(persons, traits, target)
    is_allowed = _face(x, aim)
    each = max(periods * (1 + columns) * strata, (strata + periods * (1 + columns) + columns**2) * targets)
    step = max(1, BUDGET // each)
    for start in range(0, clusters, step):
        part = slice(start, start + step)
        here = np.flatnonzero(persons[part].any(axis=(0, 1)))
        if here.size:
            problems = _Problems(persons[part][:, :, here], x[here], aim, is_allowed[here])
            found, solved = problems.solved()
            is_balanced[part] = solved
            weight[part, here] = np.where(solved[:, None], found, 0.0)
    return Tilted(weight, is_balanced)


def _standardised(persons: Floats, traits: Floats, target: Floats) -> tuple[Floats, Floats]:
    """Return covariates and targets with mean 0 and variance 1 over all persons."""
    share = persons.sum(axis=(0, 1))
    share = share / max(share.sum(), 1.0)
    mean = share @ traits
    spread = np.sqrt(share @ (traits - mean) ** 2)
    spread = np.where(spread > 0, spread, 1.0)
    return (traits - mean) / spread, (target - mean[:, None]) / spread[:, None]


def _face(x: Floats, aim: Floats) -> Bools:
    """Return the strata (M, B) that may weigh: at a mean of the lowest or highest value only those with that value."""
    out = np.ones((len(x), aim.shape[1]), dtype=np.bool_)
    for values, wanted in zip(x.T, aim, strict=True):
        low, high = values.min(), values.max()
        out &= (values <= low + CLOSE)[:, None] | (wanted > low + CLOSE)
        out &= (values >= high - CLOSE)[:, None] | (wanted < high - CLOSE)
    return np.asarray(out, dtype=np.bool_)


def _is_met(gap: Floats) -> Bools:
    return np.asarray(np.abs(gap).max(axis=1, initial=0.0) < CLOSE)


class _Problems:
    """The problems of some clusters and all targets over the strata that these clusters have."""

    def __init__(self, persons: Floats, x: Floats, aim: Floats, is_allowed: Bools) -> None:
        self.persons, self.x, self.aim = persons, x, aim
        is_here: Bools = np.asarray((persons > 0).any(axis=1))
        self.open: Bools = is_here[:, :, None] & is_allowed  # (G, M, B)
        filled = persons.any(axis=2)
        self.share = (filled / np.maximum(filled.sum(axis=1, keepdims=True), 1))[:, :, None]  # (G, T, 1)
        clusters, periods, strata = persons.shape
        self.moments = (persons[:, :, None, :] * x.T).reshape(clusters, periods * x.shape[1], strata)
        self.squares = (x[:, :, None] * x[:, None, :]).reshape(strata, -1).T

    def solved(self) -> tuple[Floats, Bools]:
        """Return weights (G, M, B) and which problems (G, B) have a solution.

        Of the problems, only the clusters and targets that still have an open one are computed again.
        """
        clusters, columns, targets = len(self.persons), *self.aim.shape
        found, is_live = np.zeros((clusters, columns, targets)), self._may_be_solved()
        value, gap, step = self._newton(found)
        size = np.ones((clusters, targets))
        for _ in range(ROUNDS):
            going = is_live & ~_is_met(gap)
            if not going.any():
                break
            at = np.ix_(np.flatnonzero(going.any(axis=1)), np.flatnonzero(going.any(axis=0)))
            here, part = (at[0][:, :, None], np.arange(columns)[:, None], at[1][:, None]), self._part(*at)
            trial = found[here] + np.where(going[at], size[at], 0.0)[:, None] * step[here]
            now, gap_now, step_now = part._newton(trial)
            is_taken = going[at] & (now <= value[at] + ROUNDING * (1 + np.abs(value[at])))
            for kept, new in ((found, trial), (gap, gap_now), (step, step_now)):
                kept[here] = np.where(is_taken[:, None], new, kept[here])
            value[at] = np.where(is_taken, now, value[at])
            size[at] = np.where(is_taken | ~going[at], 1.0, size[at] / 4)
            is_live[at] &= ~part._is_hopeless(found[here]) & (size[at] > ROUNDING)
        return self._lean(found)[0], is_live & _is_met(gap)

    def _part(self, on: Ints, at: Ints) -> _Problems:
        """Return the problems of the clusters `on` (g, 1) and the targets `at` (1, b)."""
        on, at = on.ravel(), at.ravel()
        if on.size == len(self.persons) and at.size == self.aim.shape[1]:
            return self
        part = copy(self)
        part.persons, part.share, part.moments = self.persons[on], self.share[on], self.moments[on]
        part.open, part.aim = self.open[on][:, :, at], self.aim[:, at]
        return part

    def _may_be_solved(self) -> Bools:
        """Return the problems (G, B) with persons in every period and every mean between the lowest and the highest."""
        filled = (self.persons > 0).astype(np.float64) @ self.open.astype(np.float64) > 0
        out = (filled | (self.share == 0)).all(axis=1) & self.open.any(axis=1)
        for values, wanted in zip(self.x.T, self.aim, strict=True):
            low = np.where(self.open, values[:, None], np.inf).min(axis=1)
            high = np.where(self.open, values[:, None], -np.inf).max(axis=1)
            is_inside = (low < wanted) & (wanted < high)
            is_face = (np.abs(low - wanted) < CLOSE) & (np.abs(high - wanted) < CLOSE)
            out &= is_inside | is_face
        return np.asarray(out, dtype=np.bool_)

    def _is_hopeless(self, found: Floats) -> Bools:
        """Return the problems (G, B) whose weights run away: the target is beyond all strata in their direction, or the
        lowest weight is nothing beside the highest.
        """
        height = self.x @ found
        high = np.where(self.open, height, -np.inf).max(axis=1)
        low = np.where(self.open, height, np.inf).min(axis=1)
        return np.asarray((high < (found * self.aim).sum(axis=1) - CLOSE) | (high - low > FARTHEST))

    def _lean(self, found: Floats) -> tuple[Floats, Floats]:
        """Return the weights (G, M, B), the largest 1, and the log of what they were divided by (G, B)."""
        height = np.where(self.open, self.x @ found, -np.inf)
        top = height.max(axis=1, keepdims=True)
        top = np.where(np.isfinite(top), top, 0.0)
        return np.exp(height - top), top[:, 0]

    def _newton(self, found: Floats) -> tuple[Floats, Floats, Floats]:
        """Return the dual (G, B), what the means lack (G, K, B) and the Newton step (G, K, B)."""
        lean, top = self._lean(found)
        mass = self.persons @ lean  # (G, T, B)
        is_some = mass > 0
        safe = np.where(is_some, mass, 1.0)
        rate: Floats = np.where(is_some, self.share / safe, 0.0)
        dense: Floats = lean * (self.persons.swapaxes(1, 2) @ rate)  # (G, M, B) sums to 1
        gap: Floats = self.aim - self.x.T @ dense
        value: Floats = (self.share * np.log(safe)).sum(axis=1) + top - (found * self.aim).sum(axis=1)
        clusters, columns, targets = found.shape
        if not columns:
            return value, gap, np.zeros_like(found)
        first = (self.moments @ lean).reshape(clusters, -1, columns, targets) * np.sqrt(rate / safe)[:, :, None]
        first = first.transpose(0, 3, 2, 1)  # (G, B, K, T)
        bend = (self.squares @ dense).reshape(clusters, columns, columns, targets).transpose(0, 3, 1, 2)
        bend = bend - first @ first.swapaxes(2, 3) + RIDGE * np.eye(columns)
        step = np.linalg.solve(bend, gap.transpose(0, 2, 1)[..., None])[..., 0].transpose(0, 2, 1)
        longest = np.abs(np.where(self.open, self.x @ step, 0.0)).max(axis=1, keepdims=True)
        return value, gap, step * (STRIDE / np.maximum(longest, STRIDE))
