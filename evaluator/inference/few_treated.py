"""The rule of which tests few treated clusters are offered, from what is known before the start.

A test is offered where the rejection that it would have without an effect is at most 6.5 per cent. For the tests that
take donors and treated to vary alike, and for the rearrangement test, that is computed for normal effects of variance
a + b / persons: at the a and b of false starts before the true one, and, as those are noisy, at the worst that sizes
alone can do (a = 0). For the others it is simulated (tests/simulation/few_treated.csv), which gave the limits below.
Under 2 per cent a test is called conservative. A test that could never reject at the level, whatever the effect, is
refused for that: too few donors to count, too few periods to move blocks over, or, for the test of a single cluster, a
declared ratio of variances under which even its smallest p-value is over the level.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evaluator.inference.conley_taber import weighted_sums
from evaluator.inference.ferman_pinto import variance_of_size
from evaluator.inference.floor import least_donors
from evaluator.inference.placebo import known_donors
from evaluator.inference.predicted_size import of_highest, of_jackknife, of_normal, of_ranks
from evaluator.inference.rule import TIE, size_of
from evaluator.inference.single_cluster import least_weight, smallest_p
from evaluator.panel import select
from evaluator.vocabulary import NEVER, Floats, Panel, Placebos

SIZE_AT_MOST = 0.065
ATYPICAL = 2.0
"""Ratio of the treated clusters' 1 / persons to the donors' over which their t is not alike (2 reject 7.5 per cent)."""
CAUTION = 2.0
"""What the estimated ratio of variances is multiplied by before it is declared."""
ONLY_ONE = "Gælder kun én kommune med indsats."
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
        """Return the ratio to declare for one treated: CAUTION times its variance over the least but one donor's.

        Rounded up to a decimal.
        """
        donors = np.sort(self.a + self.b / self.donors)
        ratio = CAUTION * (self.a + self.b / self.treated[0]) / donors[min(1, donors.size - 1)]
        return math.ceil(10 * float(ratio) - TIE) / 10

    @property
    def variances(self) -> tuple[float, Floats]:
        """Return the variance of the treated clusters' effect and of every sum of donors' effects (S,) like it."""
        return self._variances(self.a, self.b)

    @property
    def worst(self) -> tuple[float, Floats]:
        """Return the same had all variance come from persons, up to a factor."""
        return self._variances(0.0, 1.0)

    @property
    def independent_periods(self) -> float:
        """Return to how many independent periods the series comes for a mean over time."""
        kept = min(max(self.autocorrelation, 0.0), 1.0)
        return (self.periods_before + self.periods_after) * (1 - kept) / (1 + kept)

    def _variances(self, a: float, b: float) -> tuple[float, Floats]:
        squared = self.share**2
        own = float(squared @ (a + b / self.treated))
        return own, weighted_sums([a + b / self.donors] * squared.size, squared)


@dataclass(frozen=True, slots=True)
class Offer:
    """A test, and why it is not offered; an empty reason says that it is."""

    method: str
    reason: str = ""
    size: float | None = None  # share of rejections without an effect, where it is computed

    @property
    def is_offered(self) -> bool:
        return not self.reason


def offers(known: BeforeStart, level: float = 0.95) -> tuple[Offer, ...]:
    """Return every test with what decides about it, those that hold for treated of any size first."""
    return (
        of_any_size(known.donors.size, level),
        _randomisation_t(known, level),
        _single_cluster(known, level),
        _conformal(known, level),
        _of_one("randomisation", known, level),
        _alike("conley_taber", known, 2, level),
        _of_one("placebo_error", known, level),
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


def of_any_size(donors: int, level: float = 0.95) -> Offer:
    """Return the first test of the rule, which holds for treated of any size: the number of donors decides alone."""
    return Offer("ferman_pinto", _few_donors(donors, least_donors(level)))


def _randomisation_t(known: BeforeStart, level: float) -> Offer:
    if known.share.size == 1:
        return Offer("randomisation_t", "Kræver mindst to kommuner med indsats.")
    if few := _few_donors(known.donors.size, least_donors(level)):
        return Offer("randomisation_t", few)
    own, chance = known.worst
    ratio = own / float(chance.mean())
    if ratio > ATYPICAL:
        return Offer(
            "randomisation_t",
            f"Indsatskommunerne er så små, at deres varians kan være {_number(ratio)} gange de andres.",
        )
    return Offer("randomisation_t")


def _single_cluster(known: BeforeStart, level: float) -> Offer:
    """Offer it where, with so many donors and the declared ratio, an effect large enough has a p within the level.

    The periods do not enter: the test sees one number per cluster. A p of 1 where it is offered says that the effect is
    inside the donors' range; it is conservative, and its power is in tests/simulation/few_treated.csv.
    """
    if known.share.size > 1:
        return Offer("single_cluster", ONLY_ONE)
    donors, ratio = known.donors.size, known.variance_ratio
    weight = least_weight(donors, ratio, level) if donors > 1 else None
    if weight is None:
        least = f"{_number(100 * smallest_p(donors, ratio))} pct." if donors > 1 else "1"
        return Offer(
            "single_cluster",
            f"Kan aldrig afvise: med {donors} sammenligningskommuner og en varians på op til {_number(ratio)} gange de "
            f"andres er den mindst mulige p-værdi {least}.",
        )
    return _limited("single_cluster", of_highest(*known.variances, weight))


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


def _alike(method: str, known: BeforeStart, tails: int, level: float) -> Offer:
    if few := _few_donors(known.donors.size, least_donors(level, tails)):
        return Offer(method, few)
    size_for = of_normal if method == "placebo_error" else of_ranks
    return _limited(method, size_for(*known.variances, level), size_for(*known.worst, level))


def _of_one(method: str, known: BeforeStart, level: float) -> Offer:
    """Return the offer of a test of one treated cluster; for several, `conley_taber` holds the like by sums."""
    return Offer(method, ONLY_ONE) if known.share.size > 1 else _alike(method, known, 1, level)


def _jackknife(known: BeforeStart, level: float) -> Offer:
    if known.share.size == 1:
        return Offer("jackknife_error", "Kræver mindst to kommuner med indsats.")
    return _limited("jackknife_error", of_jackknife(known.share.size, level))


def _limited(method: str, size: float, worst: float = 0.0) -> Offer:
    most = max(size, worst)
    if most <= SIZE_AT_MOST:
        return Offer(method, size=size)
    return Offer(method, f"Kunne finde en effekt af ingenting i {_number(100 * most)} pct. af tilfældene.", size)


def _few_donors(donors: int, least: int) -> str:
    """Return what is wrong with the number of donors, nothing when it will do."""
    if donors >= least:
        return ""
    return f"Der er kun {donors} sammenligningskommuner; der kræves mindst {least}."


def _number(value: float) -> str:
    return f"{value:.1f}".replace(".", ",")
