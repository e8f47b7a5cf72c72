"""Triple differences: the eligible against the ineligible of a cohort, less the same in cohorts not exposed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from evaluator.errors import PanelError
from evaluator.estimators.fixed_effects import UnitGroups, unit_groups
from evaluator.vocabulary import NEVER, Assumption, Cell, Fit, Floats, Ints, Panel, Sections

COMPARISONS = ("never", "not_yet")
BASES = ("varying", "universal")
WEIGHTINGS = ("size", "efficient")


@dataclass(frozen=True, slots=True)
class TripleDifference:
    """ATT(g, t) among the eligible: their gain less that of the ineligible, less the same difference elsewhere.

    `eligible` is the column of `panel.covariates` that marks with 1 those who can be affected, with 0 the others of the
    same place. Trends may differ between cohorts and between the eligible and the others; only the difference of these
    differences is taken to be common.

    With comparison "not_yet" there is one estimate for each cohort not yet exposed, and they are averaged: pooling
    those cohorts is biased where their shares of eligible persons differ. Weighting "size" is 1 / (1 / eligible persons
    + 1 / others), which looks at no outcome. Weighting "efficient" is the paper's (by generalised method of moments),
    which for clusters that lie in one cohort is 1 / variance of the cohort's own difference, by cluster; a cohort of
    one cluster has no such variance and counts only when all are so. It is meant for cohorts of many clusters: from 2
    to 10 of them tell the variance badly, and the estimate was no narrower than by size, at worst 7 % wider.

    Without covariates beside the marker the paper's three estimators are differences of means, taken here in numpy;
    other covariates are refused. A followed unit with gaps counts in a cell when observed in both its periods.
    `anticipation` and `base` are those of `GroupTime`. Averages over cohorts count all persons of a cohort, eligible or
    not.
    """

    eligible: int = 0
    comparison: str = "never"
    base: str = "varying"
    anticipation: int = 0
    weighting: str = "size"
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
        found = []
        for cell, pair in self._pairs(panel):
            share = self._shares(pair, cell)
            if share.any():
                found.append((cell, pair.effect(share), pair.influence(share)))
        if not any(cell.period != cell.base for cell, *_ in found):
            raise PanelError(
                "triple_difference: 0 cells have eligible and ineligible units in a treated and a comparison cohort; "
                "expected at least one. Lengthen the panel before the first start or widen the comparison."
            )
        cells, effect, influence = zip(*found, strict=True)
        rows = panel.cluster.size
        return Fit(cells=cells, effect=np.array(effect), influence=rows * np.column_stack(influence), scale=rows)

    def effects_without_each_cluster(self, panel: Panel | Sections, cells: tuple[Cell, ...]) -> Floats:
        """Return the effects (G, C) of `cells` refitted without each cluster in turn; NaN where a cell drops out."""
        out = np.full((int(panel.cluster.max()) + 1, len(cells)), np.nan)
        where = {cell: index for index, cell in enumerate(cells)}
        for cell, pair in self._pairs(panel):
            for cluster in range(out.shape[0] if cell in where else 0):
                left = pair.without(cluster)
                share = self._shares(left, cell)
                if share.any():
                    out[cluster, where[cell]] = left.effect(share)
        return out

    def arms(self, panel: Panel | Sections) -> tuple[Panel | Sections, ...]:
        """Return the panel in which only the eligible weigh, and that in which only the others do.

        An effect needs both in a cluster, and is one on the eligible.
        """
        marker = panel.covariates[:, self.eligible]
        return tuple(replace(panel, weight=panel.weight * (marker == side)) for side in (1, 0))

    def _pairs(self, panel: Panel | Sections) -> Iterator[tuple[Cell, _Pair]]:
        """Yield the cells that the calendar allows with the outcomes of their two periods."""
        groups = self._marked(panel)
        for start in (int(cohort) for cohort in np.unique(panel.cohort) if cohort != NEVER):
            last = start - 1 - self.anticipation
            for period in range(len(panel.periods)):
                base = last if self.base == "universal" or period > last else period - 1
                if last >= 0 and base >= 0:
                    yield Cell(panel.unit, start, period, base), _pair(groups, period, base, isinstance(panel, Panel))

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
        start = np.where(panel.cohort == NEVER, NEVER // 2, panel.cohort)
        return unit_groups(replace(panel, cohort=start * 2 + marker.astype(np.int64)))

    def _shares(self, pair: _Pair, cell: Cell) -> Floats:
        """Return the share of each cohort in a cell (E,): 1 for its own, the compared sum to -1; 0 without either."""
        known = np.isfinite(pair.gains())
        free = pair.cohorts > max(cell.period, cell.base) + self.anticipation
        free &= (pair.cohorts == NEVER) if self.comparison == "never" else (pair.cohorts != cell.cohort)
        free &= known
        own = (pair.cohorts == cell.cohort) & known
        precision = pair.sizes()
        if self.weighting == "efficient":
            variance, clusters = pair.variances()
            told = free & (clusters > 1) & (variance > 0)
            if told.any():
                free, precision = told, np.divide(1.0, variance, out=precision, where=told)
        precision = np.where(free, precision, 0.0)
        if not (own.any() and free.any()):
            return np.zeros(own.size)
        return own - precision / precision.sum()


@dataclass(frozen=True, slots=True)
class _Pair:
    """Sums of R groups (cluster, cohort and marker) in a cell's period and its base, of E cohorts."""

    total: Floats  # (R, 2) persons x outcome
    persons: Floats  # (R, 2)
    cohort: Ints  # (R,) index into `cohorts`
    marker: Ints  # (R,) 1 for the eligible
    cluster: Ints  # (R,)
    cohorts: Ints  # (E,)
    clusters: int  # G

    def without(self, cluster: int) -> _Pair:
        """Return the sums without a cluster; the numbering stays."""
        kept = self.cluster != cluster
        parts = (self.total[kept], self.persons[kept], self.cohort[kept], self.marker[kept], self.cluster[kept])
        return _Pair(*parts, self.cohorts, self.clusters)

    def gains(self) -> Floats:
        """Return the gain of the eligible less that of the others in each cohort (E,); NaN without either."""
        mean = self._means()
        step = mean[:, :, 0] - mean[:, :, 1]
        return np.asarray(step[:, 1] - step[:, 0])

    def effect(self, share: Floats) -> float:
        """Return the cohorts' gains added at `share` (E,)."""
        used = share != 0
        return float(share[used] @ self.gains()[used])

    def influence(self, share: Floats) -> Floats:
        """Return the influence (G,) of the cohorts' gains added at `share` (E,), not scaled."""
        step = share[self.cohort] * self._deviations()
        return np.bincount(self.cluster, weights=step, minlength=self.clusters).astype(np.float64)

    def sizes(self) -> Floats:
        """Return 1 / (1 / eligible + 1 / others) of each cohort (E,), of the period with fewer of them."""
        persons = self._by_cohort(self.persons).min(axis=2)
        total = persons.sum(axis=1)
        return np.divide(persons.prod(axis=1), total, out=np.zeros(total.size), where=total > 0)

    def variances(self) -> tuple[Floats, Ints]:
        """Return the variance of each cohort's gain by cluster, and how many clusters tell it, both (E,)."""
        cluster, place = np.unique(self.cluster * self.cohorts.size + self.cohort, return_inverse=True)
        step = np.bincount(place, weights=self._deviations(), minlength=cluster.size)
        cohort, size = cluster % self.cohorts.size, self.cohorts.size
        variance = np.bincount(cohort, weights=step**2, minlength=size).astype(np.float64)
        return variance, np.bincount(cohort, minlength=size).astype(np.int64)

    def _by_cohort(self, values: Floats) -> Floats:
        """Return `values` (R, 2) summed to cohort, marker and period (E, 2, 2)."""
        out = np.zeros((self.cohorts.size, 2, 2))
        np.add.at(out, (self.cohort, self.marker), values)
        return out

    def _means(self) -> Floats:
        persons = self._by_cohort(self.persons)
        return np.divide(self._by_cohort(self.total), persons, out=np.full(persons.shape, np.nan), where=persons > 0)

    def _deviations(self) -> Floats:
        """Return the influence (R,) of each group on its cohort's gain, not scaled."""
        persons = self._by_cohort(self.persons)[self.cohort, self.marker]
        off = np.where(self.persons > 0, self.total - self.persons * self._means()[self.cohort, self.marker], 0.0)
        off = np.divide(off, persons, out=np.zeros(off.shape), where=persons > 0)
        return np.asarray((off[:, 0] - off[:, 1]) * (2 * self.marker - 1))


def _pair(groups: UnitGroups, period: int, base: int, is_followed: bool) -> _Pair:
    """Return the sums in two periods; of those followed, only units observed in both."""
    at = [period, base]
    persons = groups.weight[:, at]
    if is_followed:
        persons = persons * (persons > 0).all(axis=1, keepdims=True)
    first = np.flatnonzero((np.diff(groups.cluster, prepend=-1) != 0) | (np.diff(groups.cohort, prepend=-1) != 0))
    starts, cohort = np.unique(groups.cohort[first] // 2, return_inverse=True)
    return _Pair(
        total=np.add.reduceat(persons * groups.outcome[:, at], first, axis=0),
        persons=np.add.reduceat(persons, first, axis=0),
        cohort=cohort,
        marker=groups.cohort[first] % 2,
        cluster=groups.cluster[first],
        cohorts=np.where(starts == NEVER // 2, NEVER, starts),
        clusters=groups.clusters,
    )
