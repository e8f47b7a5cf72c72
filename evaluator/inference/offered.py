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
from evaluator.vocabulary import NEVER, Estimate, NotEstimable, Panel, Sections

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
    numbers = [_one(estimator, panel, loo, row, level) for row in range(loo.value.size)]
    return Offered(kind, numbers[0], loo.aggregate.labels, tuple(numbers[1:]))


def _one(estimator: Any, panel: Panel | Sections, loo: Replicates, row: int, level: float) -> Estimate | NotEstimable:
    treated = int(loo.treated[row])
    if treated == 0 or not np.isfinite(loo.value[row]):
        return no_cells()
    if (weak := weak_base(estimator, loo, row)) is not None:
        return weak
    if treated < FEW:
        return _by_randomisation(estimator, panel, loo, row, level)
    return by_error(loo, row, level)


def by_error(loo: Replicates, row: int, level: float) -> Estimate | NotEstimable:
    """Return the estimate with a normal or t interval; refused where leaving a cluster out leaves no number."""
    from scipy.stats import norm, t

    treated, value = int(loo.treated[row]), float(loo.value[row])
    many = treated >= ENOUGH
    se = float(np.append(loo.aggregate.se, loo.aggregate.error)[row] if many else loo.errors()[row])
    if not np.isfinite(se):
        return few_treated(treated)
    if se == 0:
        return NotEstimable(
            "Tallet er sammenligningens udgangspunkt og er nul pr. definition.", "Vælg en anden periode."
        )
    law = norm if many else t(treated - 1)
    reach = float(law.ppf((1 + level) / 2)) * se
    method = "influence_function" if many else "leave_one_cluster_out"
    p = float(2 * law.sf(abs(value) / se))
    persons = round(float(loo.persons[row]))
    return Estimate(value, se, value - reach, value + reach, level, persons, loo.clusters, treated, method, p)


def _by_randomisation(
    estimator: Any, panel: Panel | Sections, loo: Replicates, row: int, level: float
) -> Estimate | NotEstimable:
    weights = loo.aggregate.weights[row]
    starts = np.unique([cell.cohort for cell, w in zip(loo.cells, weights, strict=True) if w > 0])
    label = None if row == 0 else loo.aggregate.labels[row - 1]
    placebo = placebos_of(estimator, panel, loo.aggregate.kind, starts, label)
    donors = placebo.donors.shape[0]
    if not np.isfinite(placebo.effect[0]):
        return no_cells()
    if 1 / (donors + 1) > 1 - level:
        return too_few_donors(donors)
    found = randomisation(placebo, scaled=True, level=level)
    clusters = int(np.unique(panel.cluster[panel.cohort == NEVER]).size) + int(loo.treated[row])
    persons, treated = round(float(loo.persons[row])), int(loo.treated[row])
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
