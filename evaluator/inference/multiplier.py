"""The multiplier bootstrap over clusters: uniform bands and standard errors as peers print them.

For comparison and for many clusters. With few treated clusters it rejects as often as the uncorrected error does, so
published intervals follow `rule` and not this.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from evaluator.inference.aggregation import Aggregate
from evaluator.inference.rule import DIGITS
from evaluator.vocabulary import Fit, Floats

DRAWS = 999
SEED = 20_170_101
BLOCK = 512
"""Clusters whose signs are held at once: 999 draws of them take 4 MB and stay in the processor's cache."""
WORD = 64
"""Bits that the generator gives at once."""
QUARTILES = 0.25, 0.75


@dataclass(frozen=True, slots=True)
class UniformBand:
    """P numbers with bootstrap errors and a band over all of them at once; NaN where a number has no influence."""

    labels: tuple[Any, ...]  # (P,) cells, event times, or "overall"
    value: Floats  # (P,)
    se: Floats  # (P,)
    low: Floats
    high: Floats
    critical: float  # of max|t|: value +- critical x se
    level: float
    draws: int


def uniform_band(found: Aggregate | Fit, level: float = 0.95, draws: int = DRAWS, seed: int = SEED) -> UniformBand:
    """Return a band that covers all cells of a fit, or all parts of an average, at once with probability `level`.

    Rademacher weights on the influence, which must be summed to clusters. An average without parts ("simple") gives
    the band of its overall effect. In the unit of the outcome. Source: Callaway and Sant'Anna (2021), J. Econometrics
    225(2), Algorithm 1; the error is the interquartile range of the draws over that of a standard normal, as there.
    """
    labels: tuple[Any, ...]
    if isinstance(found, Fit):
        labels, value, influence = found.cells, found.effect, found.influence
    elif found.labels:
        labels, value, influence = found.labels, found.effect, found.influence[:, 1:]
    else:
        labels, value, influence = ("overall",), np.array([found.value]), found.influence
    deviations = multiplied(influence, draws, seed) / found.scale
    se = np.where(influence.any(axis=0), errors(deviations), np.nan)
    critical = _critical(deviations, se, level)
    return UniformBand(labels, value, se, value - critical * se, value + critical * se, critical, level, draws)


def multiplied(influence: Floats, draws: int = DRAWS, seed: int = SEED) -> Floats:
    """Return `draws` sums (B, P) of the clusters' influence (G, P) under fair random signs.

    The signs of a cluster depend on `seed`, `draws` and its index alone: not on columns, blocks or threads.
    """
    rng = np.random.default_rng(seed)
    width = -(-draws // WORD) * WORD
    flipped = np.zeros((width, influence.shape[1]))
    for first in range(0, len(influence), BLOCK):
        part = influence[first : first + BLOCK]
        bits = np.frombuffer(rng.bytes(len(part) * width // 8), dtype=np.uint8).reshape(len(part), -1)
        flipped += np.unpackbits(bits, axis=1).T.astype(np.float64) @ part
    return influence.sum(axis=0) - 2.0 * flipped[:draws]


def errors(deviations: Floats) -> Floats:
    """Return bootstrap standard errors (P,) of draws (B, P): their interquartile range over a standard normal's."""
    from scipy.special import ndtri  # as scipy.stats does it, without the second that its import takes

    low, high = np.quantile(deviations, QUARTILES, axis=0, method="inverted_cdf")
    return np.asarray((high - low) / (ndtri(QUARTILES[1]) - ndtri(QUARTILES[0])), dtype=np.float64)


def _critical(deviations: Floats, se: Floats, level: float) -> float:
    """Return the `level` quantile of the largest |draw| / se over the columns that have one; NaN without any."""
    known = se > 0
    if not known.any():
        return float("nan")
    largest = np.abs(deviations[:, known] / se[known]).max(axis=1)
    return round(float(np.quantile(largest, level, method="inverted_cdf")), DIGITS)
