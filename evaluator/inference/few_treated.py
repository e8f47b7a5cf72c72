"""The rule of which tests few treated clusters are offered, from what is known before the start.

A test is offered where the rejection that it would have without an effect is at most 6.5 per cent. For the tests that
take donors and treated to vary alike, and for the rearrangement test, that is computed: normal effects of variance
a + b / persons, a and b from false starts before the true one. For the others it is simulated
(tests/simulation/few_treated.csv), which gave the limits below. Under 2 per cent a test is called conservative.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evaluator.inference.conley_taber import least_donors, weighted_sums
from evaluator.inference.ferman_pinto import variance_of_size
from evaluator.inference.offered import MIN_DONORS
from evaluator.inference.placebo import known_donors
from evaluator.inference.predicted_size import of_highest, of_jackknife, of_normal, of_ranks
from evaluator.inference.rule import TIE, size_of
from evaluator.inference.single_cluster import least_weight
from evaluator.panel import select
from evaluator.vocabulary import NEVER, Floats, Panel, Placebos

SIZE_AT_MOST, CONSERVATIVE_BELOW = 0.065, 0.02
ATYPICAL = 2.0
"""Ratio of treated to donors' mean variance over which t is not comparable between them (2 treated: 7.5 per cent)."""
INDEPENDENT = 8.0
"""Independent periods, T (1 - r) / (1 + r), that moving blocks need: 72 at r = 0.8, where 40 reject 8.6 per cent."""


@dataclass(frozen=True, slots=True)
class BeforeStart:
    """What is known before the start: J treated and D donors, and how their effects vary where there is none."""

    treated: Floats  # (J,) persons
    donors: Floats  # (D,) persons
    share: Floats  # (J,) of each treated in the effect
    a: float  # variance of the effect of a cluster = a + b / persons
    b: float
    periods_before: int  # without those of anticipation
    periods_after: int
    autocorrelation: float  # of the gaps from one period to the next

    @property
    def variance_ratio(self) -> float:
        """Return the variance of the first treated over the least but one of the donors', rounded up to a decimal."""
        donors = np.sort(self._variance(self.donors))
        return math.ceil(10 * float(self._variance(self.treated)[0] / donors[min(1, donors.size - 1)]) - TIE) / 10

    @property
    def own(self) -> float:
        """Return the variance of the treated clusters' weighted effect."""
        return float(self.share**2 @ self._variance(self.treated))

    @property
    def chance(self) -> Floats:
        """Return the variance of every weighted sum of donors' effects (S,)."""
        return weighted_sums([self._variance(self.donors)] * self.share.size, self.share**2)

    @property
    def independent_periods(self) -> float:
        """Return to how many independent periods the series comes for a mean over time."""
        kept = min(max(self.autocorrelation, 0.0), 1.0)
        return (self.periods_before + self.periods_after) * (1 - kept) / (1 + kept)

    def _variance(self, persons: Floats) -> Floats:
        return np.asarray(self.a + self.b / persons)


@dataclass(frozen=True, slots=True)
class Offer:
    """A test, and why it is not offered; an empty reason says that it is."""

    method: str
    reason: str = ""
    size: float | None = None  # share of rejections without an effect, where it is computed

    @property
    def is_offered(self) -> bool:
        return not self.reason

    @property
    def is_conservative(self) -> bool:
        return self.size is not None and self.size < CONSERVATIVE_BELOW


def offers(known: BeforeStart, level: float = 0.95) -> tuple[Offer, ...]:
    """Return every test with what decides about it, those that hold for treated of any size first."""
    ranks = of_ranks(known.own, known.chance, level)
    return (
        _ferman_pinto(known),
        _randomisation_t(known),
        _single_cluster(known, level),
        _conformal(known, level),
        _alike("randomisation", known, ranks, MIN_DONORS),
        _alike("conley_taber", known, ranks, least_donors(level)),
        _alike("placebo_error", known, of_normal(known.own, known.chance, level), MIN_DONORS),
        _jackknife(known, level),
    )


def one_by_one(estimator: Any, panel: Panel) -> tuple[list[Placebos], Floats]:
    """Return each treated unit's placebos, the other treated left out, and their shares (J,) by exposed cells.

    The shares are those of an overall effect that counts every treated unit in every period from its start on.
    """
    treated = np.flatnonzero(panel.cohort != NEVER)
    cells = len(panel.periods) - panel.cohort[treated]
    alone = [(panel.cohort == NEVER) | (np.arange(panel.cohort.size) == unit) for unit in treated]
    return [estimator.fit(select(panel, rows)) for rows in alone], cells / cells.sum()


def variance_before(earlier: Sequence[Placebos], column: int = 0) -> tuple[float, float]:
    """Return a and b of the effects' variance a + b / persons, from placebos at false starts before the true one.

    The treated clusters count as everybody else: nothing had happened to them. Raises ValueError when no effect differs
    from 0.
    """
    squares, sizes = [], []
    for placebos in earlier:
        known = known_donors(placebos, column)
        squares += [placebos.donors[known, column] ** 2, placebos.effect[[column]] ** 2]
        sizes += [placebos.size[known], np.array([placebos.treated_size])]
    return variance_of_size(np.concatenate(squares), np.concatenate(sizes))


def autocorrelation(gap: Floats) -> float:
    """Return the correlation of a gap with the next period's, from the gaps (U, T) of U clusters before the start.

    Each gap less its mean, all clusters pooled; the bias of the means, -(1 + r) / (T - 1), is taken out. 0 where no gap
    varies. Source of the bias: Nickell (1981), Econometrica 49(6).
    """
    now, then = gap[:, 1:], gap[:, :-1]
    now, then = now - now.mean(axis=1, keepdims=True), then - then.mean(axis=1, keepdims=True)
    periods, squares = gap.shape[1], float((then**2).sum())
    if periods < 4 or squares == 0:
        return 0.0
    raw = float((now * then).sum()) / squares
    return min((raw * (periods - 1) + 1) / (periods - 2), 1.0)


def _ferman_pinto(known: BeforeStart) -> Offer:
    if known.donors.size < MIN_DONORS:
        return Offer("ferman_pinto", _few_donors(known, MIN_DONORS))
    return Offer("ferman_pinto")


def _randomisation_t(known: BeforeStart) -> Offer:
    if known.share.size == 1:
        return Offer("randomisation_t", "Kræver mindst to kommuner med indsats.")
    if known.donors.size < MIN_DONORS:
        return Offer("randomisation_t", _few_donors(known, MIN_DONORS))
    ratio = known.own / float(known.chance.mean())
    if ratio > ATYPICAL:
        return Offer(
            "randomisation_t",
            f"Indsatskommunerne er så små, at deres tal svinger {_number(ratio)} gange så meget som de andres.",
        )
    return Offer("randomisation_t")


def _single_cluster(known: BeforeStart, level: float) -> Offer:
    if known.share.size > 1:
        return Offer("single_cluster", "Gælder kun én kommune med indsats.")
    ratio = known.variance_ratio
    weight = least_weight(known.donors.size, ratio, level)
    if weight is None:
        return Offer(
            "single_cluster",
            f"Variansen må antages at være op til {_number(ratio)} gange de andres, og så kan testen aldrig afvise.",
        )
    return _limited("single_cluster", of_highest(known.own, known.chance, weight))


def _conformal(known: BeforeStart, level: float) -> Offer:
    periods, independent = known.periods_before + known.periods_after, known.independent_periods
    if 1 / periods > size_of(level) or known.periods_before <= known.periods_after:
        return Offer("conformal", "Serien er for kort før starten til at flytte tidsrummet efter den hen over den.")
    if independent < INDEPENDENT:
        return Offer(
            "conformal",
            f"Tallene følger hinanden så meget, at {periods} perioder kun svarer til {_number(independent)} uafhængige;"
            f" der kræves {INDEPENDENT:.0f}.",
        )
    return Offer("conformal")


def _alike(method: str, known: BeforeStart, size: float, least: int) -> Offer:
    if known.donors.size < least:
        return Offer(method, _few_donors(known, least))
    return _limited(method, size)


def _jackknife(known: BeforeStart, level: float) -> Offer:
    if known.share.size == 1:
        return Offer("jackknife_error", "Kræver mindst to kommuner med indsats.")
    return _limited("jackknife_error", of_jackknife(known.share.size, level))


def _limited(method: str, size: float) -> Offer:
    if size <= SIZE_AT_MOST:
        return Offer(method, size=size)
    return Offer(method, f"Ville finde en effekt af ingenting i {_number(100 * size)} pct. af tilfældene.", size)


def _few_donors(known: BeforeStart, least: int) -> str:
    return f"Der er kun {known.donors.size} sammenligningskommuner; der kræves mindst {least}."


def _number(value: float) -> str:
    return f"{value:.1f}".replace(".", ",")
