"""Joint tests of coefficients on one instrument that theory says are not negative, or are zero."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evaluator.inference.instruments import Slope
from evaluator.inference.joint import DRAWS, signed_scores
from evaluator.inference.rule import TIE
from evaluator.vocabulary import Floats

SEED = 20_170_103
COUNTED = 0.2
"""The largest p-value that counts in a product."""


@dataclass(frozen=True, slots=True)
class Signs:
    """P coefficients in units of their errors; with `is_zero` none may differ from zero, else none may be below it."""

    ratio: Floats  # (P,)
    deviations: Floats  # (G, P) what leaving out each of all G caseworkers moves them by
    freedom: float
    is_zero: bool = False

    @staticmethod
    def of(slopes: Sequence[Slope], freedom: float, *, is_zero: bool = False) -> Signs | None:
        """Return the coefficients that have an error; None without one."""
        known = [slope for slope in slopes if slope.se > 0]
        if not known:
            return None
        ratio = np.array([slope.value / slope.se for slope in known])
        return Signs(ratio, np.column_stack([slope.deviations for slope in known]), freedom, is_zero)

    @property
    def worst(self) -> float:
        """Return how far the furthest lies on the wrong side of zero, in errors; negative when none does."""
        return float(np.abs(self.ratio).max() if self.is_zero else -self.ratio.min())

    def kept(self) -> Signs:
        """Return those that may decide: not those above zero by sqrt(ln G) errors or more.

        Source: Andrews and Soares (2010), Econometrica 78(1), generalised moment selection with the factor of equation
        (4.4), G for the sample size.
        """
        if self.is_zero:
            return self
        near = self.ratio < np.sqrt(np.log(len(self.deviations)))
        return Signs(self.ratio[near], self.deviations[:, near], self.freedom) if near.any() else self

    def law(self, scores: Floats) -> Floats:
        """Return draws (B,) of `worst` when all are zero, from normal draws (B, P) with their correlation."""
        scale = np.sqrt(np.random.default_rng(SEED).chisquare(self.freedom, len(scores)) / self.freedom)
        return np.asarray((np.abs(scores) if self.is_zero else -scores).max(axis=1) / scale)


def chance_of(signs: Signs) -> float:
    """Return the probability that the worst of the coefficients is so far off when all are zero."""
    kept = signs.kept()
    return _chance(kept.law(signed_scores(kept.deviations)), kept.worst)


def joint_chance(families: Mapping[str, Signs], independent: float) -> float:
    """Return the p-value of the product of those p-values, the families' and an `independent` one, up to COUNTED.

    The families' coefficients are drawn together, so that their correlation is in the law of the product. A part that
    sees nothing counts as 1 however high its p is, and so costs the others little. Source: Zaykin, Zhivotovsky,
    Westfall and Weir (2002), Genetic Epidemiology 22(2), the truncated product, with a drawn law.
    """
    own, law = [independent], [1 - np.random.default_rng(SEED + 1).random(DRAWS)]
    if families:
        kept = [signs.kept() for signs in families.values()]
        scores = signed_scores(np.column_stack([signs.deviations for signs in kept]))
        ends = np.cumsum([signs.ratio.size for signs in kept])
        for signs, part in zip(kept, np.split(scores, ends[:-1], axis=1), strict=True):
            drawn = signs.law(part)
            own.append(_chance(drawn, signs.worst))
            law.append((1 + DRAWS - np.searchsorted(np.sort(drawn), drawn)) / (1 + DRAWS))
    return _chance(_product(np.array(law)), float(_product(np.array(own))))


def _product(chances: Floats) -> Floats:
    """Return minus the log of the product over the first axis of those that count."""
    return np.asarray(-np.log(np.where(chances <= COUNTED, chances, 1.0)).sum(axis=0))


def _chance(drawn: Floats, own: float) -> float:
    """Return (1 + draws as large) / (1 + draws), ties counted."""
    return float((1 + (drawn >= own - TIE * abs(own)).sum()) / (1 + drawn.size))
