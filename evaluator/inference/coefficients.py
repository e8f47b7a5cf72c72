"""Intervals for coefficients of a fit whose influence is summed to clusters: many clusters, none of them special."""

from __future__ import annotations

import numpy as np

from evaluator.inference.bands import critical_values
from evaluator.inference.offered import ENOUGH
from evaluator.vocabulary import Estimate, Fit, Floats, NotEstimable


def coefficients(fit: Fit, persons: int, level: float = 0.95) -> tuple[Estimate | NotEstimable, ...]:
    """Return an estimate for each cell of `fit`, from the clustered influence and the normal law.

    In the unit of `fit.effect`. Refused below 40 clusters, where that error is too small.
    Source: Arellano (1987); clusters asymptotics as in Cameron and Miller (2015), J. Human Resources 50(2), section II.
    """
    from scipy.stats import norm

    clusters = fit.influence.shape[0]
    if clusters < ENOUGH:
        refusal = NotEstimable(
            f"Kun {clusters} kommuner har tal nok; sammenhængen kræver mindst {ENOUGH}.",
            "Flere kommuner, eller et lavere mindstekrav til antal borgere.",
        )
        return (refusal,) * fit.effect.size
    errors = np.sqrt((fit.influence**2).sum(axis=0)) / fit.scale
    reach = float(norm.ppf((1 + level) / 2))
    return tuple(
        Estimate(
            float(value),
            float(se),
            float(value - reach * se),
            float(value + reach * se),
            level,
            persons,
            clusters,
            clusters,
            "influence_function",
            float(2 * norm.sf(abs(value) / se)),
        )
        for value, se in zip(fit.effect, errors, strict=True)
    )


def simultaneous(fit: Fit, level: float = 0.95) -> Floats:
    """Return a band (C, 2) that covers all coefficients at once with probability `level`."""
    deviations = fit.influence / fit.scale
    many = np.full(fit.effect.size, np.inf)
    reach = critical_values(deviations, many, level) * np.sqrt((deviations**2).sum(axis=0))
    return np.column_stack([fit.effect - reach, fit.effect + reach])
