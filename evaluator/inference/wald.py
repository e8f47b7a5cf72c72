"""The joint test of cells before the start that peers print; for comparison, never for a released verdict."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluator.vocabulary import Fit


@dataclass(frozen=True, slots=True)
class Wald:
    """A chi-square statistic with its degrees of freedom."""

    statistic: float
    p_value: float
    freedom: int


def pre_test(fit: Fit, anticipation: int = 0) -> Wald:
    """Test that all cells before the window of anticipation are zero. Source: R did, `att_gt`; see tests/golden."""
    from scipy.stats import chi2

    used = [
        index
        for index, cell in enumerate(fit.cells)
        if cell.period < cell.cohort - anticipation and cell.period != cell.base
    ]
    part = fit.influence[:, used] / fit.scale
    statistic = float(fit.effect[used] @ np.linalg.solve(part.T @ part, fit.effect[used]))
    return Wald(statistic, float(chi2.sf(statistic, len(used))), len(used))
