"""Intervals of the landmark design's effects, or what is refused."""

from __future__ import annotations

import numpy as np

from evaluator.estimators.landmark import FEWEST, Landmark
from evaluator.inference.offered import Support, with_error
from evaluator.inference.rule import FEW, by_influence, freedom
from evaluator.vocabulary import Estimate, NotEstimable

FEW_CLUSTERS = NotEstimable(
    f"Med sanktionerede i færre end {FEW} kommuner kan usikkerheden ikke regnes mellem kommuner.",
    f"Mindst {FEW} kommuner; eller usikkerheden mellem borgere, som ikke siger, om kommuner er forskellige.",
)
FEW_PERSONS = NotEstimable(
    f"Færre end {FEWEST} sanktionerede, eller lige så få at sammenligne med, er fulgt så længe.",
    "En kortere horisont, en længere periode eller bredere grupper.",
)
NOBODY = NotEstimable(
    "Ingen, hverken sanktionerede eller sammenlignede, er i tilstanden på det tidspunkt.",
    "En anden horisont eller en bredere målgruppe.",
)


def landmark_estimates(
    found: Landmark, level: float = 0.95, states: tuple[str, ...] = ()
) -> dict[tuple[str, int, str], Estimate | NotEstimable]:
    """Return an estimate or a refusal for each part, horizon and end state.

    With `states` of their sum instead, named by them with a plus: "other_benefit+supported_work". Clusters are those
    of the sums. Up to 500 of them: refits without each cluster and t, the degrees of freedom those of the sanctioned;
    above (persons): influence function and normal (`inference.rule`). Refused under five clusters with sanctioned, and
    under 20 sanctioned or effective compared.
    """
    made = {}
    for column in range(len(found.fit.cells)):
        part, horizon, state = found.label(column)
        if not states:
            made[part, horizon, state] = _estimate(found, [column], level)
        elif state == states[0]:
            cell = found.fit.cells[column]
            alike = [
                i for i, each in enumerate(found.fit.cells)
                if (each.group, each.period) == (cell.group, cell.period) and each.outcome in states
            ]  # fmt: skip
            made[part, horizon, "+".join(states)] = _estimate(found, alike, level)
    return made


def _estimate(found: Landmark, columns: list[int], level: float) -> Estimate | NotEstimable:
    first = columns[0]
    if min(found.treated[first], found.compared[first]) < FEWEST:
        return FEW_PERSONS
    share = found.cluster_share[:, first]
    treated = int((share > 0).sum())
    if treated < FEW:
        return FEW_CLUSTERS
    value = float(found.fit.effect[columns].sum())
    influence, refits = found.fit.influence[:, columns].sum(axis=1), found.refits[:, columns].sum(axis=1)
    clusters = len(refits)
    degrees = float(freedom(share[:, None])[0])
    if bool(by_influence(degrees, clusters)):
        se, degrees = float(np.sqrt((influence**2).sum())), np.inf
    else:
        se = float(np.sqrt((clusters - 1) / clusters * ((refits - value) ** 2).sum()))
    if not np.isfinite(se) or se <= 0:
        return NOBODY if se == 0 else FEW_PERSONS
    return with_error(value, se, level, Support(float(found.treated[first]), clusters, treated, degrees))
