"""The odds of being treated given covariates, by logit or by inverse probability tilting; many refits at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from evaluator.estimators.adjustment.rows import inverse
from evaluator.vocabulary import Floats, Ints

TRIMMED = 0.995
"""A comparison row whose propensity is at least this gets no weight: the rule of R DRDID."""
OVERLAP = 0.01
"""Odds-weighted comparison persons, as a share of the treated, under which the two have nothing in common."""
ROUNDS = 60
CLOSE = 1e-6
"""Size of a Newton step (covariates have variance 1) after which the next is about its square."""
ROUNDING = 1e-12
LARGEST = 500.0
CELLS = 2**16
"""Numbers of a block that stays in the processor's cache."""
THINNED = 20_000


@dataclass(frozen=True, slots=True)
class Sample:
    """The n rows of a propensity model. In refit b of B, the rows of cluster `left[b]` weigh nothing."""

    covariates: Floats  # (n, K), a constant first
    treated: Floats  # (n,) 1 or 0
    weight: Floats  # (n,)
    cluster: Ints  # (n,)

    def blocks(self, refits: int) -> Iterator[slice]:
        """Yield parts of the rows that fit the cache with as many refits."""
        step = max(256, CELLS // max(refits, self.covariates.shape[1]))
        for start in range(0, self.weight.size, step):
            yield slice(start, start + step)

    def weights(self, at: slice, left: Ints | None) -> Floats:
        """Return the weights (n, B) of some rows in each refit; (n, 1) when no cluster is left out."""
        weight = self.weight[at, None]
        return weight if left is None else np.where(self.cluster[at, None] == left, 0.0, weight)

    def thinned(self) -> Sample:
        """Return every so many-th row, where a first guess is found fast."""
        step = self.weight.size // THINNED
        return Sample(self.covariates[::step], self.treated[::step], self.weight[::step], self.cluster[::step])


def coefficients(sample: Sample, *, is_tilted: bool, start: Floats | None = None, left: Ints | None = None) -> Floats:
    """Return the coefficients (K, B) of the log odds by damped Newton steps; NaN where there is no finite solution.

    Logit: maximum likelihood. Tilted: odds that balance the covariates exactly (Graham, Pinto and Egel 2012, Review of
    Economic Studies 79(3); Sant'Anna and Zhao 2020, section 3.1). `start` (K, B) are first guesses.
    """
    found = _first_guess(sample, is_tilted=is_tilted) if start is None else start.copy()
    value, step = _newton_step(sample, found, left, is_tilted=is_tilted)
    size, open_ = np.ones(value.size), np.arange(value.size)
    for _ in range(ROUNDS):
        longest = np.abs(size[open_] * step[:, open_]).max(axis=0)
        is_last = longest < CLOSE
        found[:, open_[is_last]] += step[:, open_[is_last]] * size[open_[is_last]]
        open_ = open_[~is_last & np.isfinite(longest)]
        if not open_.size:
            break
        trial = found[:, open_] + size[open_] * step[:, open_]
        now, onward = _newton_step(sample, trial, None if left is None else left[open_], is_tilted=is_tilted)
        is_better = now >= value[open_] - ROUNDING * np.abs(value[open_])
        taken = open_[is_better]
        found[:, taken], value[taken], step[:, taken] = trial[:, is_better], now[is_better], onward[:, is_better]
        size[open_] = np.where(is_better, 1.0, size[open_] / 4)
    found[:, open_] = np.nan
    found[:, ~np.isfinite(step).all(axis=0)] = np.nan
    return found


def slopes(
    sample: Sample, found: Floats, *, is_tilted: bool, left: Ints | None = None
) -> tuple[Floats, Floats, Floats]:
    """Return the objective (B,), its score (K, B) and information (B, K, K) at coefficients (K, B)."""
    columns, refits = found.shape
    value, pull, curvature = np.zeros(refits), np.zeros((columns, refits)), np.zeros((columns * columns, refits))
    for at in sample.blocks(refits):
        x, treated = sample.covariates[at], sample.treated[at, None]
        height, gap, bend = _terms(x @ found, treated, is_tilted=is_tilted)
        weight = sample.weights(at, left)
        value += (weight * height).sum(axis=0)
        pull += x.T @ (weight * gap)
        bend = weight * bend
        if refits == 1:
            curvature[:, 0] += (x.T @ (x * bend)).ravel()
        else:
            curvature += (x[:, :, None] * x[:, None, :]).reshape(len(x), -1).T @ bend
    return value, pull, curvature.T.reshape(refits, columns, columns)


def residuals(sample: Sample, found: Floats, *, is_tilted: bool) -> Floats:
    """Return each row's weighted residual (n, B); times the covariates it is the row's score."""
    return sample.weight[:, None] * _terms(sample.covariates @ found, sample.treated[:, None], is_tilted=is_tilted)[1]


def _newton_step(sample: Sample, found: Floats, left: Ints | None, *, is_tilted: bool) -> tuple[Floats, Floats]:
    """Return the objective (B,) and the Newton step (K, B), NaN where the information is singular."""
    value, pull, curvature = slopes(sample, found, is_tilted=is_tilted, left=left)
    return value, np.einsum("bkl,lb->kb", inverse(curvature), pull)


def odds(log_odds: Floats) -> Floats:
    """Return the odds, 0 where the propensity is at least `TRIMMED`."""
    known = log_odds < np.log(TRIMMED / (1 - TRIMMED))
    return np.exp(log_odds, out=np.zeros(log_odds.shape), where=known)


def _terms(log_odds: Floats, treated: Floats, *, is_tilted: bool) -> tuple[Floats, Floats, Floats]:
    """Return each row's objective, its slope and minus its curvature in the log odds, all (n, B)."""
    if is_tilted:
        held = (1 - treated) * np.exp(np.minimum(log_odds, LARGEST))
        return treated * log_odds - held, treated - held, held
    against = np.exp(-np.abs(log_odds))
    share = np.where(log_odds < 0, against, 1.0) / (1 + against)
    height = treated * log_odds - np.maximum(log_odds, 0) - np.log1p(against)
    return height, treated - share, share * (1 - share)


def _first_guess(sample: Sample, *, is_tilted: bool) -> Floats:
    """Return coefficients (K, 1) to start from: those of a thinned sample where rows are many, else the log odds."""
    if is_tilted:
        return coefficients(sample, is_tilted=False)
    if sample.weight.size > 4 * THINNED:
        found = coefficients(sample.thinned(), is_tilted=False)
        if np.isfinite(found).all():
            return found
    found = np.zeros((sample.covariates.shape[1], 1))
    treated = sample.weight @ sample.treated
    found[0] = np.log(treated / (sample.weight.sum() - treated))
    return found
