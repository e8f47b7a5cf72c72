"""How often tests for few treated clusters reject without an effect, were effects normal with known variances.

`own` is the variance of the treated clusters' effect, `chance` (S,) those of the donors' effects (or of sums of them)
that it is compared with.
"""

from __future__ import annotations

import math

import numpy as np

from evaluator.inference.rule import size_of
from evaluator.vocabulary import Floats

_NODES, _MASS = np.polynomial.legendre.leggauss(120)


def of_ranks(own: float, chance: Floats, level: float) -> float:
    """Return the size of a rank among the donors: the critical value is that of their mixture."""
    from scipy.optimize import brentq
    from scipy.special import ndtr

    error = np.sqrt(chance)
    most = 40.0 * float(error.max())
    critical = brentq(lambda x: 2 * ndtr(-x / error).mean() - size_of(level), 0.0, most, xtol=1e-14 * most)
    return float(2 * ndtr(-critical / math.sqrt(own)))


def of_normal(own: float, chance: Floats, level: float) -> float:
    """Return the size of a normal test whose error is the donors' standard deviation."""
    from scipy.special import ndtr, ndtri

    return float(2 * ndtr(ndtri(size_of(level) / 2) * math.sqrt(chance.mean() / own)))


def of_jackknife(treated: int, level: float) -> float:
    """Return the size of a normal test whose error rests on that many alike treated clusters: t with one less."""
    from scipy.special import ndtri, stdtr

    return float(2 * stdtr(treated - 1, ndtri(size_of(level) / 2)))


def of_highest(own: float, chance: Floats, weight: float) -> float:
    """Return the size of the test that rejects when (1 - weight) x the effect is over all donors' effects or under."""
    from scipy.special import log_ndtr

    y = 4.5 * (_NODES + 1)  # the half line to 9 standard deviations
    density = np.exp(-(y**2) / 2) / math.sqrt(2 * math.pi) * _MASS * 4.5
    below = log_ndtr((1 - weight) * math.sqrt(own) * y[:, None] / np.sqrt(chance)).sum(axis=1)
    return float(2 * (np.exp(below) @ density))
