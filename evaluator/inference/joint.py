"""The law of the largest of several |t| whose numerators are normal with the correlation of given deviations."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from evaluator.inference.rule import DIGITS, MANY, size_of
from evaluator.vocabulary import Floats

DRAWS = 20_000
SEED = 20_170_101


def scores(deviations: Floats) -> Floats:
    """Return draws (B, P) of |z|, z as of `signed_scores`."""
    return np.abs(signed_scores(deviations))


def signed_scores(deviations: Floats) -> Floats:
    """Return draws (B, P) of z, standard normal with the correlation of the columns of `deviations` (G, P).

    Normal draws over clusters times the columns have it, singular or not. With many clusters the symmetric root of the
    correlation takes the columns' place: neither depends on a decomposition's signs or order, in which machines differ.
    """
    unit = deviations / np.sqrt((deviations**2).sum(axis=0))
    if len(unit) > MANY:
        size, axes = np.linalg.eigh(unit.T @ unit)
        unit = (axes * np.sqrt(np.maximum(size, 0.0))) @ axes.T
    return np.asarray(_normal(len(unit)) @ unit)


@lru_cache(maxsize=2)
def _normal(columns: int) -> Floats:
    """Return the standard normal draws (B, columns) at the fixed seed; kept, as every band asks for them."""
    draws = np.random.default_rng(SEED).standard_normal((DRAWS, columns))
    draws.flags.writeable = False
    return draws


def exceeds(largest: Floats, point: float, freedom: float) -> float:
    """Return the probability that max|z| / sqrt(chi2 / freedom) is over `point`, the chi-square integrated exactly."""
    from scipy.special import chdtr

    if point <= 0:
        return 1.0
    if np.isinf(freedom):
        return float((largest > point).mean())
    return float(chdtr(freedom, freedom * (largest / point) ** 2).mean())


def critical_values(deviations: Floats, freedom: Floats, level: float) -> Floats:
    """Return (P,) the `level` points of max|t| under multivariate t's with the correlation of `deviations` (G, P).

    Each column has the point of its own degrees of freedom (P,), infinite for the normal law.
    """
    largest = scores(deviations).max(axis=1)
    points = {degrees: _point(largest, degrees, size_of(level)) for degrees in np.unique(freedom)}
    return np.array([points[degrees] for degrees in freedom])


def _point(largest: Floats, freedom: float, size: float) -> float:
    """Return the point that max|t| exceeds with probability `size`."""
    from scipy.optimize import brentq
    from scipy.stats import t

    if np.isinf(freedom):
        return round(float(np.quantile(largest, 1 - size, method="inverted_cdf")), DIGITS)
    low, high = 0.5 * t(freedom).ppf(1 - size / 2), 2 * t(freedom).ppf(1 - size / largest.size)
    found = brentq(lambda point: exceeds(largest, point, freedom) - size, low, high, xtol=0.01 * 10**-DIGITS)
    return round(float(found), DIGITS)
