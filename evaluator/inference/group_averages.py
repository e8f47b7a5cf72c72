"""Intervals of group averages from refits without each municipality, or the refusal of a group."""

from __future__ import annotations

import numpy as np

from evaluator.estimators.who_gains import GroupAverages
from evaluator.inference.offered import Support, with_error
from evaluator.inference.rule import DIGITS, FEW, has_error
from evaluator.vocabulary import Estimate, NotEstimable

ONE_MUNICIPALITY = NotEstimable(
    "Med én kommune kan ingen forskel mellem grupper skilles fra kommunen selv.",
    f"Mindst {FEW} kommuner med indsats.",
)
FEW_MUNICIPALITIES = NotEstimable(
    f"Med færre end {FEW} kommuner kan ingen forskel mellem grupper skilles fra kommunerne selv.",
    f"Mindst {FEW} kommuner med indsats.",
)


def few_municipalities(treated: int) -> NotEstimable:
    """Return the refusal of every group when fewer than five municipalities are treated."""
    return ONE_MUNICIPALITY if treated == 1 else FEW_MUNICIPALITIES


def small_group(persons: int, clusters: int) -> NotEstimable:
    """Return the refusal of a group under the minimum of persons and municipalities in either arm."""
    return NotEstimable(
        f"Færre end {persons} borgere eller {clusters} kommuner i gruppen.", "En bredere gruppe eller flere måneder."
    )


def group_estimates(
    found: GroupAverages, minimum: tuple[int, int] = (20, FEW), level: float = 0.95
) -> tuple[Estimate | NotEstimable, ...]:
    """Return an estimate or a refusal for each of C groups.

    The variance is that of the refits without each municipality, centred at the estimate; t with the smaller of the
    group's treated municipalities less one and the effective number of them. Source: MacKinnon, Nielsen and Webb
    (2023), J. Applied Econometrics 38(5); `rule.freedom`. `minimum` is what the refusal names: persons and
    municipalities.
    """
    if not has_error(found.treated_clusters):
        return tuple(few_municipalities(found.treated_clusters) for _ in found.groups)
    clusters = len(found.refits)
    if clusters != found.clusters:
        raise ValueError("group_estimates: the averages have no refits; expected fit(..., refit=True).")
    error = np.sqrt((clusters - 1) / clusters * ((found.refits - found.value) ** 2).sum(axis=0))
    return tuple(_one(found, group, float(error[group]), minimum, level) for group in range(len(found.groups)))


def _one(
    found: GroupAverages, group: int, se: float, minimum: tuple[int, int], level: float
) -> Estimate | NotEstimable:
    value, treated = float(found.value[group]), int(found.treated[group])
    if not np.isfinite(value) or not np.isfinite(se) or se <= 0:
        return small_group(*minimum)
    freedom = round(min(treated - 1.0, float(found.effective[group])), DIGITS)
    return with_error(value, se, level, Support(float(found.persons[group]), found.clusters, treated, freedom))
