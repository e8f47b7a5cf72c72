"""Standard errors of synthetic difference-in-differences, where they are defined."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from evaluator.inference.judged import Judged, no_chance, one_treated, too_few_donors
from evaluator.inference.placebo import known_donors
from evaluator.inference.rule import FEW, size_of
from evaluator.vocabulary import Floats, Ints, NotEstimable, Placebos

if TYPE_CHECKING:
    from evaluator.estimators.weighted_paths import Contrast, Matching

NOTHING = 1e-6
"""Sum of donors' weights that is only the solver's rounding: nobody else bears the comparison."""


def placebo_error(
    placebos: Placebos, treated: int = 1, *, column: int = 0, level: float = 0.95
) -> Judged | NotEstimable:
    """Return the effect with a normal interval whose variance is that of the donors' effects around their mean.

    `placebos.donors` are effects of sets of as many donors as are treated; with one treated, of every donor. It takes
    donors and treated to vary alike. Refused when there are no more donors than treated, fewer than 5, or when donors
    never differ. Raises ValueError without a finite effect.
    Source: Arkhangelsky, Athey, Hirshberg, Imbens and Wager (2021), American Economic Review 111(12), Algorithm 4.
    """
    effect = _finite(float(placebos.effect[column]))
    donors = placebos.donors[known_donors(placebos, column), column]
    if donors.size <= max(treated, FEW - 1):
        return too_few_donors(donors.size)
    return _normal(effect, float(donors.std()), level, "placebo_error")


def jackknife_error(
    effect: float, without: Callable[[int], float], units: int, treated: int, *, level: float = 0.95
) -> Judged | NotEstimable:
    """Return the effect with a normal interval from leaving each of N units out: `without(i)` is the effect then.

    The variance is (N - 1) / N sum_i (without_i - effect)^2; the weights are not refitted, only divided by their sum
    again, as `fixed_weights` does. Refused with one treated unit, and where a unit
    cannot be left out. It needs many treated: with two or three the error is far too small (see `few_treated`).
    Source: Arkhangelsky and others (2021), American Economic Review 111(12), Algorithm 3.
    """
    if treated < 2:
        return one_treated("Jackknife")
    refits: Floats = np.array([without(unit) for unit in range(units)], dtype=np.float64)
    if not np.isfinite(refits).all():
        return NotEstimable(
            "Vægtene hviler på en enkelt kommune, som ikke kan udelades, så jackknife er ikke defineret.",
            "En placebotest, eller en metode med flere kommuner i sammenligningen.",
        )
    variance = (units - 1) / units * ((refits - _finite(effect)) ** 2).sum()
    return _normal(effect, float(np.sqrt(variance)), level, "jackknife_error")


def fixed_weights(method: Matching, contrast: Contrast) -> tuple[float, Callable[[int], float]]:
    """Return the effect of units that start together, and what it is without unit i: the treated first, then donors.

    Weights are matched once; without a donor the others' are divided by their sum. NaN without the last donor that has
    weight. Not for outcomes that the method adjusts for covariates first.
    """
    from evaluator.estimators.weighted_paths import gap_of

    found, paths, treated = method.match(contrast), contrast.panel.outcome, contrast.treated

    def effect(rows: Ints, weight: Floats) -> float:
        gap = gap_of(paths[rows].mean(axis=0), contrast.pool, weight, found.period_weight)
        return float(gap[contrast.start :].mean())

    def without(unit: int) -> float:
        if unit < treated.size:
            return effect(np.delete(treated, unit), found.weight)
        weight = found.weight.copy()
        weight[unit - treated.size] = 0.0
        return effect(treated, weight / weight.sum()) if weight.sum() > NOTHING else float("nan")

    return effect(treated, found.weight), without


def _normal(effect: float, error: float, level: float, method: str) -> Judged | NotEstimable:
    from scipy.special import ndtr, ndtri

    if error == 0:
        return no_chance()
    reach = float(-ndtri(size_of(level) / 2)) * error
    return Judged(effect, float(2 * ndtr(-abs(effect) / error)), effect - reach, effect + reach, 0.0, method)


def _finite(effect: float) -> float:
    if not np.isfinite(effect):
        raise ValueError(f"sdid_variance: the effect is {effect}; expected a number.")
    return effect
