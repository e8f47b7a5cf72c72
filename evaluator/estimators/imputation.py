"""Untreated outcomes imputed from unit and period effects fitted where nobody is exposed yet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluator.errors import PanelError
from evaluator.estimators.fixed_effects import TwoWayFit, UnitGroups, two_way_fit, unit_groups, without_each_cluster
from evaluator.vocabulary import NEVER, Assumption, Cell, Fit, Floats, Ints, Panel, Sections


@dataclass(frozen=True, slots=True)
class Imputation:
    """Mean gap (cohort, period) between outcomes and what unit and period effects of the not yet exposed foretell.

    The effects are fitted to periods before a unit's start less `anticipation`, and to nothing else; so everybody not
    yet exposed is compared with, and all of a unit's earlier periods are its base (a cell's `base` names the last one).
    Units without such a period count in no cell.

    `leads` cells before the window test the trend: the same imputation as if the window began that many periods
    earlier, which in complete panels is the regression of untreated outcomes on leads by cohort. None is half of the
    cohort's periods before its window; at least one always stays as base. They are placebos of their own, not the same
    contrast as the effects: Roth (2024), "Interpreting event studies from recent difference-in-differences methods".

    Rows are means of cells by two-way least squares in numpy; covariates are not used. The influence is conservative:
    effects that differ between units of a cell count as noise around the cell's own mean, the weights of the mean being
    persons (the default of the authors' programs when all clusters are equally large).
    """

    anticipation: int = 0
    leads: int | None = None
    name: str = "imputation"
    source: str = "Borusyak, Jaravel and Spiess (2024), Review of Economic Studies 91(6), Theorems 2 and 3"
    assumes: frozenset[Assumption] = frozenset({Assumption.PARALLEL_TRENDS, Assumption.NO_ANTICIPATION})

    def __post_init__(self) -> None:
        if self.anticipation < 0 or (self.leads is not None and self.leads < 0):
            raise ValueError(
                f"imputation: anticipation {self.anticipation} and leads {self.leads}; expected 0 or more, or no leads"
            )

    def fit(self, panel: Panel | Sections) -> Fit:
        """Return effects (C,) and influence summed to clusters (G, C); `scale` is the number of rows.

        Cells whose period nobody unexposed shares are absent. Raises PanelError when none from the window on is left.
        """
        groups = unit_groups(panel)
        passes = self._passes(groups)
        keys = [(key, imputed) for imputed in passes for key in imputed.effects]
        if not passes[-1].effects:
            raise PanelError(
                "imputation: 0 cells have treated units with an earlier period and units not yet exposed in theirs; "
                "expected at least one. Lengthen the panel before the first start or add units that start later."
            )
        keys.sort(key=lambda pair: pair[0])
        return Fit(
            cells=tuple(Cell(panel.unit, *key, self._base(*key)) for key, _ in keys),
            effect=np.array([imputed.effects[key] for key, imputed in keys]),
            influence=groups.rows * np.column_stack([imputed.influence(*key) for key, imputed in keys]),
            scale=groups.rows,
        )

    def effects_without_each_cluster(self, panel: Panel | Sections, cells: tuple[Cell, ...]) -> Floats:
        """Return the effects (G, C) of `cells` refitted without each cluster in turn; NaN where a cell drops out."""

        def effects(groups: UnitGroups) -> dict[tuple[int, int], float]:
            return {key: value for imputed in self._passes(groups) for key, value in imputed.effects.items()}

        return without_each_cluster(unit_groups(panel), cells, effects)

    def _passes(self, groups: UnitGroups) -> list[_Imputed]:
        """Return the cells of the leads, if any, and those from the window on."""
        leads = self._leads(groups.cohort)
        early = [_impute(groups, self.anticipation + leads, leads)] if leads.any() else []
        return [*early, _impute(groups, self.anticipation, None)]

    def _leads(self, cohort: Ints) -> Ints:
        """Return the leads of cohorts, of any shape: at least one earlier period stays, 0 for NEVER."""
        free = np.where(cohort == NEVER, 1, cohort - self.anticipation)
        wanted = free // 2 if self.leads is None else np.full(free.shape, self.leads)
        return np.maximum(np.minimum(wanted, free - 1), 0)

    def _base(self, start: int, period: int) -> int:
        """Return the last period of a cell's base."""
        last = start - self.anticipation - 1
        return last if period > last else last - int(self._leads(np.array(start)))


@dataclass(frozen=True, slots=True)
class _Imputed:
    """Effects by (cohort, period) of one fit to untreated cells, and what their influence is made of."""

    effects: dict[tuple[int, int], float]
    groups: UnitGroups  # weights of the imputed cells only
    gap: Floats  # (K, T) outcome less imputed outcome
    untreated: TwoWayFit
    score: Floats  # (G, .) scores of the untreated fit summed to clusters

    def influence(self, start: int, period: int) -> Floats:
        """Return the influence (G,) of a cell, not scaled.

        The treated differ from the cell's mean; the untreated move the period effects by their residuals. Their part
        in the unit effects is constant within a unit, where residuals sum to 0.
        """
        rows = self.groups.cohort == start
        weight = self.groups.weight[rows, period]
        weight = weight / weight.sum()
        own = np.bincount(
            self.groups.cluster[rows],
            weights=weight * (self.gap[rows, period] - self.effects[start, period]),
            minlength=self.groups.clusters,
        )
        loading = -weight @ self.untreated.share[rows]
        loading[period] += 1
        return own - self.score @ (self.untreated.inverse @ loading)


def _impute(groups: UnitGroups, ahead: int | Ints, kept: Ints | None) -> _Imputed:
    """Fit cells more than `ahead` periods before the start and impute the others, or the first `kept` of them.

    `ahead` and `kept` may be one number for all groups or one by group (K,).
    """
    is_before = groups.before(ahead)
    fit = two_way_fit(groups.within(is_before))
    known = (fit.unit_part[:, None] == fit.part) & (fit.part >= 0) & ~is_before
    if kept is not None:
        known &= groups.before(ahead - kept)
    chosen = groups.within(known)
    gap = groups.outcome - fit.unit[:, None] - fit.period
    effects: dict[tuple[int, int], float] = {}
    for start in groups.starts():
        rows = groups.cohort == start
        persons = chosen.weight[rows].sum(axis=0)
        total = (chosen.weight[rows] * gap[rows]).sum(axis=0)
        effects |= {(int(start), int(t)): float(total[t] / persons[t]) for t in np.flatnonzero(persons > 0)}
    return _Imputed(effects, chosen, gap, fit, groups.by_cluster(fit.score))
