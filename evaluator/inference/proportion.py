"""Intervals of a share of counts."""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist


def wilson_interval(count: float, of: float, level: float = 0.95) -> tuple[float, float]:
    """Return the limits of a share at which its score test just does not reject; they stay between 0 and 1.

    Cases are taken as independent. Source: Wilson (1927), J. American Statistical Association 22(158). Raises
    ValueError when the count is not one of `of` cases.
    """
    if not 0 <= count <= of or of <= 0:
        raise ValueError("wilson_interval: the count is not between 0 and the number of cases, or there are none.")
    z = NormalDist().inv_cdf((1 + level) / 2)
    share, extra = count / of, z**2 / of
    middle = share + extra / 2
    reach = z * sqrt(share * (1 - share) / of + extra / (4 * of))
    return max((middle - reach) / (1 + extra), 0.0), min((middle + reach) / (1 + extra), 1.0)
