"""Intervals for continuous exposures: the rule of clusters, where a cluster counts when its exposure moves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from evaluator.errors import PanelError
from evaluator.inference.bands import critical_values
from evaluator.inference.leave_one_out import effects_without_each_cluster
from evaluator.inference.offered import ENOUGH, FEW, with_error
from evaluator.vocabulary import Cell, Estimate, Fit, Floats, NotEstimable, Panel


def dose_estimates(
    estimator: Any, panels: Mapping[str, Panel], level: float = 0.95
) -> dict[Cell, Estimate | NotEstimable]:
    """Return an estimate or a refusal for each outcome and lag, keyed by cell.

    From 40 clusters whose exposure moves: clustered scores and normal; from 5: leave-one-cluster-out and t; below 5
    refused. In the unit of the outcome per unit of exposure.
    """
    out: dict[Cell, Estimate | NotEstimable] = {}
    for name, panel in panels.items():
        try:
            fit = estimator.fit(panel)
        except PanelError:
            refusal = NotEstimable(
                "Eksponeringen ændrer sig ikke forskelligt i kommunerne over tid.", "En længere periode."
            )
            out[Cell(name, 0, 0, 0)] = refusal
            continue
        moving = _moving(panel)
        errors = _errors(estimator, panel, fit, moving)
        persons = round(float(panel.weight.sum()))
        for index, cell in enumerate(fit.cells):
            key = Cell(name, cell.cohort, cell.period, cell.base)
            if moving < FEW or not np.isfinite(errors[index]):
                out[key] = NotEstimable(
                    f"Eksponeringen ændrer sig kun i {moving} kommuner; der kræves mindst {FEW}.", "Flere kommuner."
                )
            else:
                value = float(fit.effect[index])
                out[key] = with_error(value, float(errors[index]), level, persons, fit.scale, moving)
    return out


def dose_band(fit: Fit, level: float = 0.95) -> Floats:
    """Return a band (C, 2) that covers all coefficients of a stacked fit at once with probability `level`.

    Clustered scores and max|z|; for fits with at least 40 clusters whose exposure moves.
    """
    deviations = fit.influence / fit.scale
    many = np.full(fit.effect.size, np.inf)
    reach = critical_values(deviations, many, level) * np.sqrt((deviations**2).sum(axis=0))
    return np.column_stack([fit.effect - reach, fit.effect + reach])


def _moving(panel: Panel) -> int:
    """Return the number of clusters whose exposure differs between periods."""
    if panel.exposure is None:
        return 0
    spread = np.nanmax(panel.exposure, axis=1) - np.nanmin(panel.exposure, axis=1)
    return int(np.unique(panel.cluster[spread > 0]).size)


def _errors(estimator: Any, panel: Panel, fit: Fit, moving: int) -> Floats:
    if moving >= ENOUGH:
        return np.sqrt((fit.influence**2).sum(axis=0)) / fit.scale
    if moving < FEW:
        return np.full(fit.effect.size, np.nan)
    clusters = int(panel.cluster.max()) + 1
    refits = effects_without_each_cluster(estimator, panel, fit.cells, clusters)
    return np.sqrt((clusters - 1) / clusters * ((refits - fit.effect) ** 2).sum(axis=0))
