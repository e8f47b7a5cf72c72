"""An event study with one coefficient for each cohort and time since its start."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from evaluator.errors import PanelError
from evaluator.estimators.fixed_effects import TwoWayFit, UnitGroups, two_way_fit, unit_groups, without_each_cluster
from evaluator.vocabulary import NEVER, Assumption, Cell, Fit, Floats, Panel, Sections

CONTROLS = ("never", "last")


@dataclass(frozen=True, slots=True)
class Saturated:
    """Coefficients of cohort x time since the start in a regression with unit and period effects.

    `control` names those without such coefficients: units "never" exposed, or the "last" cohort; then the panel ends
    ahead of that cohort's window. The reference is the last period before a cohort's window of `anticipation` periods.

    Such a regression falls apart by cohort: the coefficients of a cohort are its own period effects, net of its units'
    level, less those of the control. It is solved so, in numpy and exactly, with gaps and weights. Covariates are not
    used. In a complete panel the numbers are those of `GroupTime` with a universal base and never-exposed comparisons.
    """

    control: str = "never"
    anticipation: int = 0
    name: str = "saturated"
    source: str = "Sun and Abraham (2021), J. Econometrics 225(2), section 4.1"
    assumes: frozenset[Assumption] = frozenset({Assumption.PARALLEL_TRENDS, Assumption.NO_ANTICIPATION})

    def __post_init__(self) -> None:
        if self.control not in CONTROLS or self.anticipation < 0:
            raise ValueError(f"saturated: expected control in {CONTROLS} and anticipation >= 0")

    def fit(self, panel: Panel | Sections) -> Fit:
        """Return coefficients (C,) and cluster scores (G, C) as influence; `scale` is the number of rows.

        The reference has effect and influence 0. Raises PanelError without a control or without any other cell.
        """
        groups = self._labelled(unit_groups(panel))
        paths = _paths(groups)
        effects = self._effects(paths)
        if not any(period != start - 1 - self.anticipation for start, period in effects):
            raise PanelError(
                f"saturated: 0 coefficients have treated units and the control '{self.control}' in both their period "
                "and the reference; expected at least one. Choose another control or lengthen the panel."
            )
        influence = {start: groups.keep(groups.cohort == start).by_cluster(fit.score) for start, fit in paths.items()}
        columns = [
            influence[start] @ self._step(paths[start], start, period)
            - influence[NEVER] @ self._step(paths[NEVER], start, period)
            for start, period in effects
        ]
        return Fit(
            cells=tuple(Cell(panel.unit, *key, key[0] - 1 - self.anticipation) for key in effects),
            effect=np.array(list(effects.values())),
            influence=groups.rows * np.column_stack(columns),
            scale=groups.rows,
        )

    def effects_without_each_cluster(self, panel: Panel | Sections, cells: tuple[Cell, ...]) -> Floats:
        """Return the coefficients (G, C) refitted without each cluster in turn; NaN where one drops out."""
        groups = self._labelled(unit_groups(panel))
        return without_each_cluster(groups, cells, lambda left: self._effects(_paths(left)))

    def _labelled(self, groups: UnitGroups) -> UnitGroups:
        """Return the groups with those of the control as NEVER; without the exposed periods of a last cohort."""
        starts = groups.starts()
        if self.control == "never" or starts.size == 0:
            return groups
        last = int(starts[-1])
        groups = groups.keep(groups.cohort != NEVER)
        groups = replace(groups, cohort=np.where(groups.cohort == last, NEVER, groups.cohort))
        free = np.arange(groups.weight.shape[1]) < last - self.anticipation
        return groups.within(np.broadcast_to(free, groups.weight.shape))

    def _effects(self, paths: dict[int, TwoWayFit]) -> dict[tuple[int, int], float]:
        """Return coefficients by (cohort, period), where units link the period to the reference on both sides."""
        found: dict[tuple[int, int], float] = {}
        for start, fit in paths.items():
            base = start - 1 - self.anticipation
            if start == NEVER or NEVER not in paths or base < 0:
                continue
            control = paths[NEVER]
            linked = (fit.part == fit.part[base]) & (control.part == control.part[base])
            linked &= (fit.part >= 0) & (control.part >= 0)
            path = fit.period - control.period
            found |= {(start, int(t)): float(path[t] - path[base]) for t in np.flatnonzero(linked)}
        return found

    def _step(self, fit: TwoWayFit, start: int, period: int) -> Floats:
        """Return what takes scores (G, T) to the influence of a period effect less the reference's."""
        return np.asarray(fit.inverse[:, period] - fit.inverse[:, start - 1 - self.anticipation])


def _paths(groups: UnitGroups) -> dict[int, TwoWayFit]:
    """Return the fit of each cohort alone."""
    return {int(start): two_way_fit(groups.keep(groups.cohort == start)) for start in np.unique(groups.cohort)}
