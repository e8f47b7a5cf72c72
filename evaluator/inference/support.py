"""The persons and the clusters, treated and compared, that stand behind averages of cells."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from evaluator.inference.aggregation import NOISE
from evaluator.panel import cohort_codes
from evaluator.vocabulary import NEVER, Bools, Cell, Floats, Ints, Panel, Sections


@dataclass(frozen=True, slots=True)
class Persons:
    """Persons of K groups that share cluster and cohort, by period; groups are sorted by cluster."""

    weight: Floats  # (K, T)
    cohort: Ints  # (K,) index into `cohorts`
    cluster: Ints  # (K,) 0..G-1
    cohorts: Ints  # (E,) first exposed periods, NEVER last if present
    clusters: int  # G
    is_followed: bool  # the same persons in all periods

    def by_cohort(self) -> Floats:
        """Return the persons of each cohort in each period (E, T)."""
        out = np.zeros((self.cohorts.size, self.weight.shape[1]))
        for index in range(self.cohorts.size):
            out[index] = self.weight[self.cohort == index].sum(axis=0)
        return out

    def shares(self, weights: Floats, cells: tuple[Cell, ...]) -> Floats:
        """Return each treated cluster's share (G, P) in numbers that weigh the cells by `weights` (P, C).

        A cell's weight is split over its cohort's clusters by their persons in its period.
        """
        return self._split(self.per_person(weights, cells))

    def per_person(self, weights: Floats, cells: tuple[Cell, ...]) -> Floats:
        """Return what one person of a cohort weighs in a period (P, E, T) in numbers that weigh the cells (P, C)."""
        table, total = self._table(np.nan_to_num(weights), cells), self.by_cohort()
        return np.divide(table, total, out=np.zeros(table.shape), where=total > 0)

    def compared(self, weights: Floats, cells: tuple[Cell, ...], free: Bools) -> Floats:
        """Return each comparison cluster's share (G, P); `free` (C, E) are the cohorts that a cell is compared with.

        A cell's weight is split over all of those cohorts' clusters by their persons in its period.
        """
        total, period = self.by_cohort(), [cell.period for cell in cells]
        persons = (free * total[:, period].T).sum(axis=1)
        each = np.divide(np.nan_to_num(weights), persons, out=np.zeros(weights.shape), where=persons > 0)
        table = np.zeros((len(weights), *total.shape))
        for column, (at, mask) in enumerate(zip(period, free, strict=True)):
            table[:, mask, at] += each[:, column, None]
        return self._split(table)

    def moving(self, influence: Floats, free: Bools) -> tuple[Persons, Bools]:
        """Return those who move a cell that their cohort is `free` for (C, E), and the free cohorts that do.

        By the influence (G, C) alone, whatever an estimator says of its comparison. A cohort is judged as a whole: a
        cluster at its cohort's mean in one cell has no influence there by chance, and counts. Clusters of several
        cohorts, whose influence may be another's, judge only a cohort that has no others. A cluster without influence
        in any of its cells counts in none: it was left out. A cell that nobody moves tells nothing.
        """
        least = NOISE * np.maximum(influence.max(axis=0), -influence.min(axis=0))
        moves, tells = (influence > least) | (influence < -least), least > 0  # (G, C), (C,)
        alone = np.bincount(self.cluster, minlength=self.clusters) == 1
        free, kept = free.copy(), np.ones(self.cluster.size, dtype=np.bool_)
        for cohort in range(self.cohorts.size):
            rows = np.flatnonzero(self.cohort == cohort)
            judges = rows[alone[self.cluster[rows]]]
            free[:, cohort] &= moves[self.cluster[judges if judges.size else rows]].any(axis=0) | ~tells
            if (told := free[:, cohort] & tells).any():
                kept[rows] = moves[self.cluster[rows]][:, told].any(axis=1)
        return replace(self, weight=self.weight * kept[:, None]), free

    def _split(self, per_person: Floats) -> Floats:
        """Return (G, P): `per_person` (P, E, T) times the persons of each cluster, summed."""
        out = np.zeros((self.clusters, len(per_person)))
        for cohort in range(self.cohorts.size):
            rows = self.cohort == cohort  # no two of them in one cluster
            out[self.cluster[rows]] += self.weight[rows] @ per_person[:, cohort].T
        return out

    def behind(self, weights: Floats, cells: tuple[Cell, ...]) -> Floats:
        """Return the treated persons (P,) behind each row of `weights` (P, C); followed ones count once."""
        used = self._table((weights > 0).astype(np.float64), cells) > 0  # (P, E, T)
        if not self.is_followed:
            return np.asarray((used * self.by_cohort()).sum(axis=(1, 2)), dtype=np.float64)
        return np.array([np.where(row[self.cohort], self.weight, 0.0).max(axis=1).sum() for row in used])

    def _table(self, values: Floats, cells: tuple[Cell, ...]) -> Floats:
        """Return `values` (P, C) of the cells summed by cohort and period (P, E, T)."""
        own = np.searchsorted(self.cohorts, [cell.cohort for cell in cells])
        out = np.zeros((len(values), self.cohorts.size, self.weight.shape[1]))
        for column, (cohort, cell) in enumerate(zip(own, cells, strict=True)):
            out[:, cohort, cell.period] += values[:, column]
        return out


def compared_with(estimator: Any, cells: tuple[Cell, ...], cohorts: Ints) -> Bools:
    """Return the cohorts (C, E) that each cell may be compared with: those exposed neither in its period nor its base.

    Of them the never exposed alone when the estimator says so. Which of them it uses, `Persons.moving` tells.
    """
    own = np.array([cell.cohort for cell in cells])[:, None]
    last = np.array([max(cell.period, cell.base) for cell in cells]) + getattr(estimator, "anticipation", 0)
    if is_only_never(estimator):
        return np.broadcast_to(cohorts == NEVER, (len(cells), cohorts.size))
    return np.asarray((cohorts > last[:, None]) & (cohorts != own))


def is_only_never(estimator: Any) -> bool:
    """Return whether an estimator compares with the never exposed alone."""
    return "never" in (getattr(estimator, "comparison", None), getattr(estimator, "control", None))


def arms_of(estimator: Any, data: Panel | Sections) -> tuple[Panel | Sections, ...]:
    """Return the data in which only those of one arm weigh, for each arm that an effect needs; the data by default.

    The rule counts the clusters of each arm and takes the fewest; the effect is one on the persons of the first.
    """
    return tuple(estimator.arms(data)) if hasattr(estimator, "arms") else (data,)


def persons(data: Panel | Sections) -> Persons:
    """Count the persons of a panel (unobserved cells hold none) or of sections; reads no outcome."""
    cohorts, code = cohort_codes(data.cohort, len(data.periods))
    keys, group = np.unique(data.cluster * cohorts.size + code, return_inverse=True)
    shape = (keys.size, len(data.periods))
    if isinstance(data, Sections):
        slot = group * shape[1] + data.period
        weight = np.bincount(slot, weights=data.weight, minlength=shape[0] * shape[1]).reshape(shape)
    elif data.observed.all():
        weight = np.broadcast_to(np.bincount(group, weights=data.weight)[:, None], shape)
    else:
        weight = np.column_stack(
            [np.bincount(group, weights=data.weight * seen, minlength=shape[0]) for seen in data.observed.T]
        )
    clusters = int(data.cluster.max()) + 1
    return Persons(weight, keys % cohorts.size, keys // cohorts.size, cohorts, clusters, isinstance(data, Panel))
