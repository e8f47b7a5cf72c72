"""A continuous exposure and outcomes by municipality and month, with two-way fixed effects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from evaluator.errors import PanelError
from evaluator.vocabulary import NEVER, Assumption, Bools, Cell, Fit, Floats, Ints, Panel


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
        weight = panel.weight[rows]
        outcome = panel.outcome[known]
        within = np.column_stack([_residuals(column, rows, time, weight) for column in columns.T])
        gram = (within * weight[:, None]).T @ within
        moving = (columns * weight[:, None] * columns).sum(axis=0)
        if not bool((np.diag(gram) > 1e-10 * moving).all()):
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


def _residuals(column: Floats, rows: Ints, time: Ints, weight: Floats) -> Floats:
    """Return the column less its municipality and month effects."""
    from linearmodels.panel import PanelOLS
    from pandas import DataFrame, MultiIndex, Series

    index = MultiIndex.from_arrays([rows, time])
    model = PanelOLS(
        Series(column, index=index, name="exposure"),
        DataFrame({"one": np.ones(column.size)}, index=index),
        entity_effects=True,
        time_effects=True,
        weights=Series(weight, index=index, name="weight"),
    )
    return np.asarray(model.fit().resids, dtype=np.float64)
