"""Triple differences: the eligible against the ineligible of a cohort, less the same in cohorts not exposed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from evaluator.errors import PanelError
from evaluator.estimators.fixed_effects import UnitGroups, unit_groups, without_each_cluster
from evaluator.vocabulary import NEVER, Assumption, Bools, Cell, Fit, Floats, Ints, Panel, Sections

COMPARISONS = ("never", "not_yet")
BASES = ("varying", "universal")
WEIGHTINGS = ("efficient", "size")


@dataclass(frozen=True, slots=True)
class TripleDifference:
    """ATT(g, t) among the eligible: their gain less that of the ineligible, less the same difference elsewhere.

    `eligible` is the column of `panel.covariates` that marks with 1 those who can be affected, with 0 the others of the
    same place. Trends may differ between cohorts and between the eligible and the others; only the difference of these
    differences is taken to be common.

    With comparison "not_yet" there is one estimate for each cohort not yet exposed, and they are averaged: pooling
    those cohorts is biased where their shares of eligible persons differ. Weighting "efficient" is the paper's (by
    generalised method of moments), which for clusters that lie in one cohort is 1 / variance of the cohort's own
    difference, by cluster; a cohort of one cluster has no such variance and counts only when all are so. Weighting
    "size" is 1 / (1 / eligible persons + 1 / others): free of outcomes, for cohorts of few clusters.

    Without covariates beside the marker the paper's three estimators are differences of means, taken here in numpy;
    other covariates are refused. `anticipation` and `base` are those of `GroupTime`. Averages over cohorts count all
    persons of a cohort, eligible or not.
    """

    eligible: int = 0
    comparison: str = "never"
    base: str = "varying"
    anticipation: int = 0
    weighting: str = "efficient"
    name: str = "triple_difference"
    source: str = "Ortiz-Villavicencio and Sant'Anna (2025), Better Understanding Triple Differences, arXiv:2505.09942"
    assumes: frozenset[Assumption] = frozenset({Assumption.PARALLEL_TRENDS, Assumption.NO_ANTICIPATION})

    def __post_init__(self) -> None:
        known = self.comparison in COMPARISONS and self.base in BASES and self.weighting in WEIGHTINGS
        if not (known and self.anticipation >= 0 and self.eligible >= 0):
            raise ValueError(
                f"triple_difference: expected comparison in {COMPARISONS}, base in {BASES}, weighting in {WEIGHTINGS}, "
                "anticipation and eligible >= 0"
            )

    def fit(self, panel: Panel | Sections) -> Fit:
        """Return effects (C,) and influence summed to clusters (G, C); `scale` is the number of rows.

        In a cell of a universal base at its base both are 0. Raises PanelError when the marker is not 0 and 1, when
        there are other covariates, or when no cell has eligible and ineligible persons on both sides.
        """
        marked = self._marked(panel)
        gaps = _gaps(marked)
        found = self._contrasts(gaps)
        if not any(period != base for _, period, base in found):
            raise PanelError(
                "triple_difference: 0 cells have eligible and ineligible units in a treated and a comparison cohort; "
                "expected at least one. Lengthen the panel before the first start or widen the comparison."
            )
        columns = [gaps.influence(period, base, share) for (_, period, base), (_, share) in found.items()]
        return Fit(
            cells=tuple(Cell(panel.unit, *key) for key in found),
            effect=np.array([effect for effect, _ in found.values()]),
            influence=marked.rows * np.column_stack(columns),
            scale=marked.rows,
        )

    def effects_without_each_cluster(self, panel: Panel | Sections, cells: tuple[Cell, ...]) -> Floats:
        """Return the effects (G, C) of `cells` refitted without each cluster in turn; NaN where a cell drops out."""

        def effects(groups: UnitGroups) -> dict[tuple[int, int], float]:
            return {(start, t): effect for (start, t, _), (effect, _) in self._contrasts(_gaps(groups)).items()}

        return without_each_cluster(self._marked(panel), cells, effects)

    def _marked(self, panel: Panel | Sections) -> UnitGroups:
        """Return the groups by cluster, cohort and marker, with the marker as the last bit of `cohort`."""
        columns = panel.covariates.shape[1]
        if columns != 1 or self.eligible != 0:
            raise PanelError(
                f"triple_difference: {columns} covariates, the marker being number {self.eligible}; expected the "
                "marker alone. Leave out the others, or compare within groups of them."
            )
        marker = panel.covariates[:, 0]
        wrong = int((~np.isin(marker, (0.0, 1.0))).sum())
        if wrong:
            raise PanelError(
                f"triple_difference: {wrong:,} of {marker.size:,} rows are marked neither 0 nor 1; expected 1 for the "
                "eligible and 0 for the others. Mend the column."
            )
        return unit_groups(replace(panel, cohort=_with_marker(panel.cohort, marker)))

    def _contrasts(self, gaps: _Gaps) -> dict[tuple[int, int, int], tuple[float, Floats]]:
        """Return, by (cohort, period, base), the effect and the share of each cohort in it (E,), 1 for the own."""
        found = {}
        for own, start in enumerate(gaps.cohorts):
            last = int(start) - 1 - self.anticipation
            if start == NEVER or last < 0:
                continue
            for period in range(gaps.gap.shape[1]):
                base = last if self.base == "universal" or period > last else period - 1
                gain = gaps.gap[:, period] - gaps.gap[:, base]
                if base < 0 or not np.isfinite(gain[own]):
                    continue
                free = gaps.cohorts > max(period, base) + self.anticipation
                free &= (gaps.cohorts == NEVER) if self.comparison == "never" else (gaps.cohorts != start)
                share = -self._shares(gaps, period, base, free & np.isfinite(gain))
                if share.any():
                    share[own] = 1.0
                    found[int(start), period, base] = float(share[share != 0] @ gain[share != 0]), share
        return found

    def _shares(self, gaps: _Gaps, period: int, base: int, free: Bools) -> Floats:
        """Return the shares (E,) of the cohorts `free`, which sum to 1 if there are any."""
        precision = gaps.size(period, base)
        if self.weighting == "efficient":
            variance = gaps.variance(period, base)
            told = free & (gaps.clusters > 1) & (variance > 0)
            if told.any():
                free, precision = told, np.divide(1.0, variance, out=precision, where=told)
        share = np.where(free, precision, 0.0)
        return share / share.sum() if free.any() else share


@dataclass(frozen=True, slots=True)
class _Gaps:
    """Mean outcomes of the eligible less those of the others, in E cohorts and T periods; J clusters by cohort."""

    cohorts: Ints  # (E,)
    gap: Floats  # (E, T), NaN without persons on a side
    persons: Floats  # (E, 2, T)
    clusters: Ints  # (E,)
    deviation: Floats  # (J, T) the influence on `gap`, not scaled
    cohort: Ints  # (J,) index into `cohorts`
    cluster: Ints  # (J,)
    number: int  # G

    def variance(self, period: int, base: int) -> Floats:
        """Return the variance of the gain of each cohort's gap (E,)."""
        step = self.deviation[:, period] - self.deviation[:, base]
        return np.bincount(self.cohort, weights=step**2, minlength=self.cohorts.size).astype(np.float64)

    def size(self, period: int, base: int) -> Floats:
        """Return 1 / (1 / eligible + 1 / others) of each cohort (E,), at the period with fewer of them."""
        persons = np.minimum(self.persons[:, :, period], self.persons[:, :, base])
        total = persons.sum(axis=1)
        return np.divide(persons.prod(axis=1), total, out=np.zeros(total.size), where=total > 0)

    def influence(self, period: int, base: int, share: Floats) -> Floats:
        """Return the influence (G,), not scaled, of the cohorts' gains added at `share` (E,)."""
        step = share[self.cohort] * (self.deviation[:, period] - self.deviation[:, base])
        return np.bincount(self.cluster, weights=step, minlength=self.number).astype(np.float64)


def _with_marker(cohort: Ints, marker: Floats) -> Ints:
    return np.where(cohort == NEVER, NEVER // 2, cohort) * 2 + marker.astype(np.int64)


def _gaps(groups: UnitGroups) -> _Gaps:
    """Return the gaps of groups whose cohort carries the marker as its last bit."""
    start, is_eligible = groups.cohort // 2, groups.cohort % 2
    cohorts, cohort = np.unique(start, return_inverse=True)
    shape = (cohorts.size, 2, groups.weight.shape[1])
    persons, total = np.zeros(shape), np.zeros(shape)
    np.add.at(persons, (cohort, is_eligible), groups.weight)
    np.add.at(total, (cohort, is_eligible), groups.weight * groups.outcome)
    mean = np.divide(total, persons, out=np.full(shape, np.nan), where=persons > 0)
    deviation = groups.weight * np.where(groups.weight > 0, groups.outcome - mean[cohort, is_eligible], 0.0)
    deviation /= np.maximum(persons, np.finfo(np.float64).tiny)[cohort, is_eligible]
    deviation *= (2 * is_eligible - 1)[:, None]
    key = groups.cluster * cohorts.size + cohort
    first = np.flatnonzero(np.diff(key, prepend=-1))
    return _Gaps(
        cohorts=np.where(cohorts == NEVER // 2, NEVER, cohorts),
        gap=mean[:, 1] - mean[:, 0],
        persons=persons,
        clusters=np.bincount(cohort[first], minlength=cohorts.size),
        deviation=np.add.reduceat(deviation, first, axis=0),
        cohort=cohort[first],
        cluster=groups.cluster[first],
        number=groups.clusters,
    )
