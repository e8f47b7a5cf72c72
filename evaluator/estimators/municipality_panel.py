"""A continuous exposure and outcomes by municipality and month, with two-way fixed effects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from evaluator.errors import PanelError
from evaluator.vocabulary import NEVER, Assumption, Bools, Cell, Fit, Floats, Ints, Panel

SMALLEST = 1e-10
"""Share of the variation of a column under which it counts as none."""


@dataclass(frozen=True, slots=True)
class MunicipalityPanel:
    """The change in the outcome that goes with one more unit of exposure, within municipality and month.

    With `lags` the exposure of earlier periods enters too; a cell's `period` and `base` hold the lag. An association:
    whoever sets the exposure may do so because of what drives the outcome.
    """

    lags: int = 0
    name: str = "municipality_panel"
    source: str = "Arellano (1987), Oxford Bulletin of Economics and Statistics 49(4); Wooldridge (2010), section 10.5"
    assumes: frozenset[Assumption] = frozenset({Assumption.STRICT_EXOGENEITY, Assumption.COMMON_SHOCKS})

    def fit(self, panel: Panel) -> Fit:
        """Return the coefficients (1 + lags,) and municipality scores (G, 1 + lags) as influence; `scale` is G.

        Raises PanelError when the exposure is absent or does not move within municipalities.
        """
        dose, known = self._doses(panel)
        rows, time = np.nonzero(known)
        columns = np.column_stack([lag[known] for lag in dose])
        weight, outcome = panel.weight[rows], panel.outcome[known]
        months = _within_units(_dummies(time), rows, weight)
        root = np.sqrt(weight)[:, None]
        within = _within_units(columns, rows, weight)
        within -= months @ np.linalg.lstsq(months * root, within * root, rcond=None)[0]
        gram = (within * weight[:, None]).T @ within
        moving = (columns * weight[:, None] * columns).sum(axis=0)
        if not bool((np.diag(gram) > SMALLEST * moving).all()):
            raise PanelError(
                "municipality_panel: the exposure does not move within municipalities beyond the common path; expected "
                "differences over time. Lengthen the panel or choose another exposure."
            )
        found = _regression(outcome, columns, rows, time, weight)
        scores = within * (weight * np.asarray(found.resids))[:, None]
        clusters = int(panel.cluster.max()) + 1
        summed = np.zeros((clusters, scores.shape[1]))
        np.add.at(summed, panel.cluster[rows], scores)
        cells = tuple(Cell(panel.unit, NEVER, lag, lag) for lag in range(self.lags + 1))
        influence = (clusters * np.linalg.solve(gram, summed.T).T).astype(np.float64)
        return Fit(cells, np.asarray(found.params, dtype=np.float64), influence, clusters)

    def fit_outcomes(self, panels: Mapping[str, Panel]) -> Fit:
        """Return the fits of several outcomes of the same municipalities, stacked; cells carry the outcome's name."""
        fits = {name: self.fit(panel) for name, panel in panels.items()}
        return Fit(
            cells=tuple(Cell(name, c.cohort, c.period, c.base) for name, fit in fits.items() for c in fit.cells),
            effect=np.concatenate([fit.effect for fit in fits.values()]),
            influence=np.column_stack([fit.influence for fit in fits.values()]),
            scale=next(iter(fits.values())).scale,
        )

    def effects_without_each_cluster(self, panel: Panel, cells: tuple[Cell, ...]) -> Floats:
        """Return the coefficients (G, C) refitted without each cluster in turn.

        Exact, and no G regressions: unit effects are taken out first, so a cluster's cross products (months, doses and
        outcome) are subtracted from the sum.
        """
        dose, known = self._doses(panel)
        rows, time = np.nonzero(known)
        table = np.column_stack([_dummies(time), *(lag[known] for lag in dose), panel.outcome[known]])
        table = _within_units(table, rows, panel.weight[rows])
        cluster, clusters = panel.cluster[rows], int(panel.cluster.max()) + 1
        products = np.zeros((clusters, table.shape[1], table.shape[1]))
        for index in range(clusters):
            part = table[cluster == index]
            products[index] = (part * panel.weight[rows][cluster == index, None]).T @ part
        left = products.sum(axis=0) - products
        out = np.empty((clusters, len(cells)))
        for index in range(clusters):
            solved = np.linalg.lstsq(left[index, :-1, :-1], left[index, :-1, -1], rcond=SMALLEST)[0]
            out[index] = solved[-(self.lags + 1) :]
        return out

    def _doses(self, panel: Panel) -> tuple[list[Floats], Bools]:
        """Return the exposure at each lag (N, T) and the cells where all of them and the outcome are known."""
        if panel.exposure is None:
            raise PanelError("municipality_panel: the panel has no exposure; expected one. Name its column.")
        periods = panel.exposure.shape[1]
        if self.lags < 0 or self.lags > periods - 2:
            raise PanelError(f"municipality_panel: {self.lags} lags in {periods} periods; expected fewer.")
        out = []
        for lag in range(self.lags + 1):
            shifted = np.full(panel.exposure.shape, np.nan)
            shifted[:, lag:] = panel.exposure[:, : periods - lag]
            out.append(shifted)
        known = panel.observed & np.isfinite(np.stack(out)).all(axis=0)
        return out, np.asarray(known, dtype=np.bool_)


def _regression(outcome: Floats, columns: Floats, rows: Ints, time: Ints, weight: Floats) -> Any:
    from linearmodels.panel import PanelOLS
    from pandas import DataFrame, MultiIndex, Series

    index = MultiIndex.from_arrays([rows, time])
    exog = DataFrame(columns, index=index, columns=[f"lag_{lag}" for lag in range(columns.shape[1])])
    model = PanelOLS(
        Series(outcome, index=index, name="outcome"),
        exog,
        entity_effects=True,
        time_effects=True,
        weights=Series(weight, index=index, name="weight"),
    )
    plain = {"debiased": False, "group_debias": False, "auto_df": False, "count_effects": False}
    return model.fit(cov_type="clustered", cluster_entity=True, **plain)


def _dummies(codes: Ints) -> Floats:
    return np.asarray(codes[:, None] == np.unique(codes), dtype=np.float64)


def _within_units(columns: Floats, rows: Ints, weight: Floats) -> Floats:
    """Return the columns less their weighted mean in each unit; `rows` is sorted."""
    first = np.flatnonzero(np.diff(rows, prepend=-1))
    totals = np.add.reduceat(columns * weight[:, None], first, axis=0)
    means = totals / np.add.reduceat(weight, first)[:, None]
    return columns - np.repeat(means, np.diff(np.append(first, rows.size)), axis=0)
