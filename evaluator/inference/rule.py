"""The rule of which inference a number gets, in one place.

What is counted is clusters with positive weight in the number itself, not in the panel, on either side. From 5 treated
and 5 compared: leave-one-cluster-out and t with the effective degrees of freedom of the smaller side. With more than
500 clusters (persons, say) and at least 40 such degrees of freedom: clustered influence function and normal. Below 5
treated: randomisation over clusters, each at the treated one's size (`ferman_pinto`). Below 5 compared: refused.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from evaluator.vocabulary import Bools, Floats

FEW = 5
"""Clusters, treated and compared alike, from which an error is offered."""
MANY = 500
"""Clusters up to which every error comes from refits; above, the influence function serves where there are ENOUGH."""
ENOUGH = 40
"""Effective degrees of freedom from which the influence function serves."""
DIGITS = 6
"""Decimals of a critical value and of degrees of freedom: the last bits of a machine do not reach a published digit."""

TIE = 1e-9
"""Share by which two test statistics may differ and still count as equal: equal ones differ in their last bits."""


def size_of(level: float) -> float:
    """Return 1 - level without the last bits, which would decide whether 1 in 10 is rejected at 10 per cent."""
    return round(1 - level, 12)


def has_error(treated: npt.ArrayLike) -> Bools:
    """Return which numbers (P,) may have a standard error: those with at least five treated clusters."""
    return np.asarray(treated) >= FEW


def by_influence(freedom: npt.ArrayLike, clusters: int) -> Bools:
    """Return which numbers (P,) have their error from the influence function and the normal law."""
    return (np.asarray(freedom) >= ENOUGH) & (clusters > MANY)


def freedom(share: Floats) -> Floats:
    """Return the effective degrees of freedom (P,) of numbers in which cluster g has share w_g, `share` (G, P).

    min(clusters with a share - 1, 1 / sum w_g^2); 0 where none has one. Columns need not sum to 1. The second is Kish's
    effective sample size (1965, Survey Sampling) of clusters, and the effective number of clusters of Carter, Schnepel
    and Steigerwald (2017, Review of Economics and Statistics 99(4)) when each cluster counts by its share alone. They
    warn by it; that t at it keeps its size is no theorem of theirs but what our simulation finds (DECISIONS.md,
    2026-11-22). It is never over the usual clusters - 1, so intervals are never narrower than with that.
    """
    clusters = (share > 0).sum(axis=0)
    total, squares = share.sum(axis=0), (share**2).sum(axis=0)
    effective = np.divide(total**2, squares, out=np.zeros(total.shape), where=squares > 0)
    return np.round(np.minimum(np.maximum(clusters - 1.0, 0.0), effective), DIGITS)
