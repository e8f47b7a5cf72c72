"""The joint test of cells before the start that peers print; for comparison, never for a released verdict."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluator.inference.offered import no_pre_periods
from evaluator.vocabulary import Fit, NotEstimable

SINGULAR = 1e-10
"""Smallest over largest eigenvalue of the correlation at which the cells are not told apart."""


@dataclass(frozen=True, slots=True)
class Wald:
    """A chi-square statistic with its degrees of freedom."""

    statistic: float
    p_value: float
    freedom: int


def pre_test(fit: Fit, anticipation: int = 0) -> Wald | NotEstimable:
    """Test that all cells before the window of anticipation are zero. Source: R did, `att_gt`; see tests/golden.

    The base itself is left out. Refused, as there, when the covariance is singular: with more cells than clusters - 1,
    say, a statistic on what rank is left would answer another question.
    """
    from scipy.stats import chi2

    used = [
        index
        for index, cell in enumerate(fit.cells)
        if cell.period < cell.cohort - anticipation and cell.period != cell.base
    ]
    if not used:
        return no_pre_periods()
    part = fit.influence[:, used] / fit.scale
    error = np.sqrt((part**2).sum(axis=0))
    if not (error > 0).all():
        return singular(len(used))
    unit = part / error
    size, axes = np.linalg.eigh(unit.T @ unit)
    if size[0] <= SINGULAR * size[-1]:
        return singular(len(used))
    statistic = float((((fit.effect[used] / error) @ axes) ** 2 / size).sum())
    return Wald(statistic, float(chi2.sf(statistic, len(used))), len(used))


def singular(cells: int) -> NotEstimable:
    """Return the refusal of a joint test of numbers that do not vary independently of each other."""
    return NotEstimable(
        f"De {cells} tal før start varierer ikke uafhængigt af hinanden, så de kan ikke prøves samlet.",
        "Flere kommuner, eller færre perioder før start.",
    )
