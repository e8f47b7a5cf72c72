"""Group-time average treatment effects without covariates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluator.errors import PanelError
from evaluator.estimators.cluster_sums import ClusterSums, cluster_sums
from evaluator.vocabulary import NEVER, Assumption, Bools, Cell, Fit, Floats, Ints, Panel, Sections

COMPARISONS = ("never", "not_yet")
BASES = ("varying", "universal")


@dataclass(frozen=True, slots=True)
class GroupTime:
    """ATT(g, t): the cohort's gain since its base period, less that of people not yet exposed at t.

    `anticipation` is in periods: those before the start in which people may already react (behaviour and horizon). They
    are compared with the last period before the window, as exposed periods are, and serve neither as base nor as
    pre-trend. With base "varying" the earlier periods are compared with the one before. With base "universal" the base
    may be the plain mean of the contrasts of the `base_periods` periods up to the window (fewer where the panel is
    shorter or a period is empty): small entry cohorts make a single base period the noisiest number in the contrast.
    """

    comparison: str = "never"
    base: str = "varying"
    anticipation: int = 0
    base_periods: int = 1
    name: str = "group_time"
    source: str = "Callaway and Sant'Anna (2021), J. Econometrics 225(2), Theorem 1"
    assumes: frozenset[Assumption] = frozenset({Assumption.PARALLEL_TRENDS, Assumption.NO_ANTICIPATION})

    def __post_init__(self) -> None:
        known = self.comparison in COMPARISONS and self.base in BASES and self.anticipation >= 0
        known = known and (self.base_periods == 1 or (self.base == "universal" and self.base_periods > 1))
        if not known:
            raise ValueError(
                f"group_time: expected comparison in {COMPARISONS}, base in {BASES}, anticipation >= 0, "
                "base_periods 1, or more with a universal base"
            )

    def fit(self, panel: Panel | Sections) -> Fit:
        """Return effects (C,) and influence summed to clusters (G, C); `scale` is the number of rows.

        In a cell of a universal base at its base the effect and the influence are 0. Cells without treated or
        without comparison persons are absent.
        """
        sums = cluster_sums(panel)
        grid = self._grid(sums)
        total, weight = sums.by_cohort(sums.total), sums.by_cohort(sums.weight)
        clusters = sums.by_cohort(sums.present().astype(np.float64))
        effect = grid.effects((total, weight, clusters))
        kept = np.isfinite(effect)
        if not bool(kept.any()):
            raise PanelError(
                "group_time: 0 cells have treated and comparison units; expected at least one. "
                "Lengthen the panel before the first start or widen the comparison."
            )
        grid = grid.keep(kept)
        influence = _influence(sums, grid, total, weight)
        cells = grid.cells(sums.cohorts, panel.unit)
        return Fit(cells=cells, effect=effect[kept], influence=influence, scale=sums.rows)

    def effects_without_each_cluster(self, panel: Panel | Sections, cells: tuple[Cell, ...]) -> Floats:
        """Return the effects (G, C) of `cells` refitted without each cluster in turn; NaN where a cell drops out."""
        sums = cluster_sums(panel)
        where = {(c.cohort, c.period, c.base): i for i, c in enumerate(cells)}
        grid = self._grid(sums)
        names = [(int(sums.cohorts[g]), int(p), int(b)) for g, p, b in zip(*grid.index, strict=True)]
        grid = grid.keep(np.array([name in where for name in names]))
        out = np.full((sums.clusters, len(cells)), np.nan)
        target = [where[name] for name in names if name in where]
        out[:, target] = grid.effects(_without_each_cluster(sums))
        return out

    def _grid(self, sums: ClusterSums) -> _Grid:
        """Return all contrasts that the calendar allows, cohort by cohort."""
        periods = sums.total.shape[1]
        rows: list[tuple[int, int, int]] = []
        for code, start in enumerate(sums.cohorts):
            last = int(start) - 1 - self.anticipation
            if start == NEVER or last < 0:
                continue
            for period in range(periods):
                base = last if self.base == "universal" or period > last else period - 1
                if base >= 0:
                    rows.append((code, period, base))
        cohort, at, bases = np.array(rows, dtype=np.int64).reshape(-1, 3).T
        free = sums.cohorts[None, :] > (np.maximum(at, bases) + self.anticipation)[:, None]
        if self.comparison == "never":
            free = np.broadcast_to(sums.cohorts == NEVER, free.shape)
        others = np.arange(sums.cohorts.size) != cohort[:, None]
        return _Grid((cohort, at, bases), free & others, self.base_periods)


@dataclass(frozen=True, slots=True)
class _Grid:
    """C contrasts as arrays, and which of the E cohorts each is compared with."""

    index: tuple[Ints, Ints, Ints]  # cohort (index into cohorts), period, base, each (C,)
    free: Bools  # (C, E)
    base_periods: int

    def keep(self, kept: Bools) -> _Grid:
        cohort, period, base = (part[kept] for part in self.index)
        return _Grid((cohort, period, base), self.free[kept], self.base_periods)

    def cells(self, cohorts: Ints, outcome: str) -> tuple[Cell, ...]:
        return tuple(
            Cell(outcome, int(cohorts[g]), int(period), int(base)) for g, period, base in zip(*self.index, strict=True)
        )

    def compared(self, values: Floats, at: Ints) -> Floats:
        """Return `values` (..., E, T) of the comparison cohorts at periods `at` (C,), summed: (..., C)."""
        return np.einsum("...ec,ce->...c", values[..., :, at], self.free.astype(np.float64))

    def contrast(self, parts: tuple[Floats, Floats, Floats], at: Ints) -> Floats:
        """Return treated less comparison mean (..., C) at periods `at`; NaN without clusters or before the panel."""
        total, weight, clusters = parts
        cohort = self.index[0]
        inside = at >= 0
        own = _ratio(total[..., cohort, at], weight[..., cohort, at], inside & (clusters[..., cohort, at] > 0.5))
        present = inside & (self.compared(clusters, at) > 0.5)
        return own - _ratio(self.compared(total, at), self.compared(weight, at), present)

    def bases(self, parts: tuple[Floats, Floats, Floats]) -> tuple[Floats, Ints]:
        """Return the sum of the base periods' contrasts and how many there are, both (..., C)."""
        each = np.stack([self.contrast(parts, self.index[2] - back) for back in range(self.base_periods)])
        known = np.isfinite(each)
        return np.where(known, each, 0.0).sum(axis=0), known.sum(axis=0)

    def effects(self, parts: tuple[Floats, Floats, Floats]) -> Floats:
        """Return effects (..., C) from cohort sums (..., E, T); NaN where a mean has no cluster.

        The base is the plain mean of the contrasts of its periods, so that what all share in a period cancels in it.
        """
        total, number = self.bases(parts)
        return self.contrast(parts, self.index[1]) - _ratio(total, number.astype(np.float64), number > 0)


def _ratio(above: Floats, below: Floats, known: Bools) -> Floats:
    return np.divide(above, below, out=np.full(above.shape, np.nan), where=known)


def _without_each_cluster(sums: ClusterSums) -> tuple[Floats, Floats, Floats]:
    """Return cohort sums (G, E, T) of outcome, persons and clusters without each cluster in turn."""

    def without(values: Floats) -> Floats:
        out = np.repeat(sums.by_cohort(values)[None], sums.clusters, axis=0)
        out[sums.cluster, sums.cohort] -= values
        return out

    return without(sums.total), without(sums.weight), without(sums.present().astype(np.float64))


def _influence(sums: ClusterSums, grid: _Grid, total: Floats, weight: Floats) -> Floats:
    """Return the influence of every cell summed to clusters (G, C), scaled by the number of rows.

    Linear in a group's sums, with the same coefficients (T, C) for all groups of a cohort.
    """
    cohort, period, base = grid.index
    cells = np.arange(cohort.size)
    clusters = sums.by_cohort(sums.present().astype(np.float64))
    parts = (total, weight, clusters)
    number = grid.bases(parts)[1]
    sides = [(period, np.ones(cells.size))]
    for back in range(grid.base_periods):
        known = np.isfinite(grid.contrast(parts, base - back))
        sides.append((np.maximum(base - back, 0), np.where(known, -1.0 / np.maximum(number, 1), 0.0)))
    out = np.empty((sums.cluster.size, cells.size))
    for code in range(sums.cohorts.size):
        of_total = np.zeros((sums.total.shape[1], cells.size))
        of_weight = np.zeros_like(of_total)
        for at, sign in sides:
            mass, others = weight[cohort, at], grid.compared(weight, at)
            used = sign != 0
            treated = _ratio(np.where(cohort == code, sign, 0.0), mass, used)
            compared = _ratio(np.where(grid.free[:, code], sign, 0.0), others, used)
            level = treated * _ratio(total[cohort, at], mass, used)
            level -= compared * _ratio(grid.compared(total, at), others, used)
            of_total[at[used], cells[used]] += (treated - compared)[used]
            of_weight[at[used], cells[used]] += level[used]
        rows = sums.cohort == code
        out[rows] = sums.total[rows] @ of_total - sums.weight[rows] @ of_weight
    return sums.by_cluster(out) * sums.rows
