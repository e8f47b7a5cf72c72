"""The rule of which inference is offered, in one place.

What is counted is treated clusters with positive weight in the number itself. From 40: clustered influence function,
normal. From 5 to 39: leave-one-cluster-out and t. Below 5: randomisation over clusters, scaled by persons.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from evaluator.errors import PanelError
from evaluator.inference.leave_one_out import Replicates, averages
from evaluator.inference.placebo import placebos_of, randomisation
from evaluator.vocabulary import NEVER, Estimate, NotEstimable, Panel, Placebos, Sections

FEW = 5
ENOUGH = 40
MIN_PRE_PERIODS = 2
MIN_DONORS = 19


@dataclass(frozen=True, slots=True)
class Offered:
    """The overall effect and its parts as published: each an estimate or a refusal."""

    kind: str
    overall: Estimate | NotEstimable
    labels: tuple[Any, ...]  # (K,)
    parts: tuple[Estimate | NotEstimable, ...]  # (K,)


def estimates(estimator: Any, panel: Panel | Sections, kind: str, level: float = 0.95) -> Offered:
    """Return what may be published of an average and its parts.

    In the unit of the panel. Source of the thresholds: 2,000 draws of 98 municipalities without an effect, AR(1) 0.8.
    """
    try:
        loo = averages(estimator, panel, kind, refit_from=FEW, refit_below=ENOUGH)
    except PanelError:
        return Offered(kind, no_cells(), (), ())
    placebos = _Placebos(estimator, panel, loo)
    numbers = [_one(estimator, loo, row, level, placebos) for row in range(loo.value.size)]
    return Offered(kind, numbers[0], loo.aggregate.labels, tuple(numbers[1:]))


class _Placebos:
    """Placebos of all numbers by the cohorts behind them: numbers of the same cohorts share one round of refits."""

    def __init__(self, estimator: Any, panel: Panel | Sections, loo: Replicates) -> None:
        self.panel, self._estimator, self._loo = panel, estimator, loo
        self._made: dict[tuple[int, ...], Placebos] = {}

    def of(self, row: int) -> Placebos:
        weights, aggregate = self._loo.aggregate.weights[row], self._loo.aggregate
        starts = tuple(sorted({c.cohort for c, w in zip(self._loo.cells, weights, strict=True) if w > 0}))
        if starts not in self._made:
            labels = (None, *aggregate.labels)
            self._made[starts] = placebos_of(self._estimator, self.panel, aggregate.kind, np.array(starts), labels)
        return self._made[starts]


def _one(estimator: Any, loo: Replicates, row: int, level: float, placebos: _Placebos) -> Estimate | NotEstimable:
    treated = int(loo.treated[row])
    if treated == 0 or not np.isfinite(loo.value[row]):
        return no_cells()
    if not loo.aggregate.influence[:, row].any():
        return NotEstimable(
            "Tallet er sammenligningens udgangspunkt og er nul pr. definition.", "Vælg en anden periode."
        )
    if (weak := weak_base(estimator, loo, row)) is not None:
        return weak
    if treated < FEW:
        return _by_randomisation(placebos, loo, row, level)
    return by_error(loo, row, level)


def by_error(loo: Replicates, row: int, level: float) -> Estimate | NotEstimable:
    """Return the estimate with a normal or t interval; refused where leaving a cluster out leaves no number."""
    treated = int(loo.treated[row])
    many = treated >= ENOUGH
    se = float(np.append(loo.aggregate.se, loo.aggregate.error)[row] if many else loo.errors()[row])
    if not np.isfinite(se):
        return few_treated(treated)
    return with_error(float(loo.value[row]), se, level, round(float(loo.persons[row])), loo.clusters, treated)


def with_error(value: float, se: float, level: float, persons: int, clusters: int, treated: int) -> Estimate:
    """Return value, interval and p-value: normal from 40 treated clusters, t with treated - 1 below."""
    from scipy.stats import norm, t

    many = treated >= ENOUGH
    law = norm if many else t(treated - 1)
    reach = float(law.ppf((1 + level) / 2)) * se
    method = "influence_function" if many else "leave_one_cluster_out"
    p = float(2 * law.sf(abs(value) / se))
    return Estimate(value, se, value - reach, value + reach, level, persons, clusters, treated, method, p)


def _by_randomisation(placebos: _Placebos, loo: Replicates, row: int, level: float) -> Estimate | NotEstimable:
    placebo, panel = placebos.of(row), placebos.panel
    donors = int(np.isfinite(placebo.donors[:, row]).sum())
    if not np.isfinite(placebo.effect[row]):
        return no_cells()
    if 1 / (donors + 1) > 1 - level:
        return too_few_donors(donors)
    found = randomisation(placebo, column=row, scaled=True, level=level)
    persons, treated = round(float(loo.persons[row])), int(loo.treated[row])
    pool = int(np.unique(panel.cluster[panel.cohort == NEVER]).size)
    clusters = treated + (donors if treated == 1 else pool)  # a donor without persons in the base is none
    return Estimate(
        found.value, None, found.low, found.high, level, persons, clusters, treated, "randomisation", found.p_two_sided
    )


def weak_base(estimator: Any, loo: Replicates, row: int) -> NotEstimable | None:
    """Return a refusal when a cohort in the number has fewer than two periods before its window of anticipation."""
    weights = loo.aggregate.weights[row]
    first = min((cell.cohort for cell, w in zip(loo.cells, weights, strict=True) if w > 0), default=0)
    before = first - getattr(estimator, "anticipation", 0)
    if before >= MIN_PRE_PERIODS:
        return None
    return NotEstimable(
        f"Der er kun {max(before, 0)} perioder før første start, som ikke selv kan være påvirket; der kræves mindst 2.",
        "Hent data længere tilbage, eller vælg en kortere horisont.",
    )


def no_cells() -> NotEstimable:
    """Return the refusal for a number without treated or comparison clusters."""
    return NotEstimable(
        "Ingen periode har både indsatskommuner og kommuner at sammenligne med.",
        "Udvid sammenligningsgruppen, eller forlæng panelet før første start.",
    )


def few_treated(treated: int) -> NotEstimable:
    """Return the refusal for an interval that needs more treated clusters."""
    return NotEstimable(
        f"Kun {treated} kommuner med indsats ligger bag tallet; et samlet bånd kræver mindst {FEW}.",
        "Flere kommuner med indsats, eller brug af placebofordelingen.",
    )


def too_few_donors(donors: int) -> NotEstimable:
    """Return the refusal for a placebo test that cannot reach the level."""
    return NotEstimable(
        f"Der er kun {donors} sammenligningskommuner; den mindst mulige p-værdi er {100 / (donors + 1):.0f} %.",
        f"Mindst {MIN_DONORS} kommuner uden indsats at sammenligne med.",
    )
