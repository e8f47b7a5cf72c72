"""Unit and period effects by weighted least squares, after rows that cannot be told apart are put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from evaluator.vocabulary import NEVER, Bools, Cell, Floats, Ints, Panel, Sections


@dataclass(frozen=True, slots=True)
class UnitGroups:
    """K groups of rows over T periods with the same cluster, cohort and observed periods, sorted by cluster.

    Regressors that depend on cohort and period alone are equal within a group, so a fit with unit effects of the rows
    and one of the groups have the same coefficients and the same scores by cluster. In sections a group is a cluster:
    the unit effect is the cluster's, and a weight that moves over time is kept.
    """

    outcome: Floats  # (K, T) weighted means; 0 where nobody is observed
    weight: Floats  # (K, T)
    cohort: Ints  # (K,) first exposed period or NEVER
    cluster: Ints  # (K,) 0..G-1
    clusters: int  # G
    rows: int  # N or R

    def keep(self, groups: Bools) -> UnitGroups:
        """Return the groups where `groups` (K,) is true; the numbering of clusters stays."""
        parts = (self.outcome[groups], self.weight[groups], self.cohort[groups], self.cluster[groups])
        return UnitGroups(*parts, self.clusters, self.rows)

    def within(self, cells: Bools) -> UnitGroups:
        """Return the groups with weight 0 outside `cells` (K, T)."""
        return replace(self, weight=np.where(cells, self.weight, 0.0))

    def starts(self) -> Ints:
        """Return the first exposed periods in order, without NEVER."""
        cohorts = np.unique(self.cohort)
        return cohorts[cohorts != NEVER]

    def before(self, ahead: int | Ints) -> Bools:
        """Return (K, T) true in periods more than `ahead` (a number, or one by group) before a group's start."""
        end = np.where(self.cohort == NEVER, NEVER, self.cohort - ahead)
        return np.asarray(np.arange(self.weight.shape[1]) < end[:, None], dtype=np.bool_)

    def by_cluster(self, values: Floats) -> Floats:
        """Return `values` (K, T) summed to clusters (G, T)."""
        out = np.zeros((self.clusters, values.shape[1]))
        first = np.flatnonzero(np.diff(self.cluster, prepend=-1))
        out[self.cluster[first]] = np.add.reduceat(values, first, axis=0)
        return out


def unit_groups(data: Panel | Sections) -> UnitGroups:
    """Reduce rows to groups; rows without weight are in none."""
    groups = _of_sections(data) if isinstance(data, Sections) else _of_panel(data)
    return groups.keep(np.asarray(groups.weight.any(axis=1), dtype=np.bool_))


def _of_panel(data: Panel) -> UnitGroups:
    keys = [data.cluster, data.cohort]
    if not bool(data.observed.all()):
        keys.append(np.unique(np.packbits(data.observed, axis=1), axis=0, return_inverse=True)[1].reshape(-1))
    order, first = _sorted_groups(keys)
    weight = data.weight[:, None] * data.observed
    total = np.add.reduceat((weight * np.where(data.observed, data.outcome, 0.0))[order], first, axis=0)
    return _grouped(total, np.add.reduceat(weight[order], first, axis=0), data, order[first])


def _of_sections(data: Sections) -> UnitGroups:
    order, first = _sorted_groups([data.cluster, data.cohort])
    group = np.empty(order.size, dtype=np.int64)
    group[order] = np.cumsum(np.isin(np.arange(order.size), first)) - 1
    shape = (first.size, len(data.periods))
    slot = group * shape[1] + data.period
    total, weight = (
        np.bincount(slot, weights=values, minlength=shape[0] * shape[1]).astype(np.float64).reshape(shape)
        for values in (data.weight * data.outcome, data.weight)
    )
    return _grouped(total, weight, data, order[first])


def _sorted_groups(keys: list[Ints]) -> tuple[Ints, Ints]:
    """Return the order that sorts rows by `keys`, and where each group of equal keys begins in it."""
    order = np.lexsort(keys[::-1])
    new = np.zeros(order.size, dtype=np.bool_)
    new[0] = True
    for key in keys:
        new[1:] |= np.diff(key[order]) != 0
    return order, np.flatnonzero(new)


def _grouped(total: Floats, weight: Floats, data: Panel | Sections, member: Ints) -> UnitGroups:
    mean = np.divide(total, weight, out=np.zeros(total.shape), where=weight > 0)
    clusters = int(data.cluster.max()) + 1
    return UnitGroups(mean, weight, data.cohort[member], data.cluster[member], clusters, data.cluster.size)


@dataclass(frozen=True, slots=True)
class TwoWayFit:
    """A weighted fit of unit and period effects to the cells with weight.

    Effects of two periods, and a unit's effect and a period's, may be compared or added only within a part: periods
    are in the same part when units link them.
    """

    unit: Floats  # (K,) 0 for groups without weight
    period: Floats  # (T,) mean 0 within each part; 0 in periods without weight
    share: Floats  # (K, T) of a group's weight; 0 in groups without
    score: Floats  # (K, T) weight x residual; sums to 0 by group and by period
    inverse: Floats  # (T, T) takes scores summed over groups to the influence on the period effects
    part: Ints  # (T,) the part of a period, -1 without weight
    unit_part: Ints  # (K,) the part of a group's periods, -1 without weight


def two_way_fit(groups: UnitGroups, outcome: Floats | None = None) -> TwoWayFit:
    """Fit unit and period effects to `outcome` (K, T), that of the groups by default.

    Exact: the unit effects are taken out by hand, which leaves T equations in the period effects.
    """
    weight, outcome = groups.weight, groups.outcome if outcome is None else outcome
    persons = weight.sum(axis=1)
    share = np.divide(weight, persons[:, None], out=np.zeros(weight.shape), where=persons[:, None] > 0)
    level = (share * outcome).sum(axis=1)
    part = _parts(weight)
    inverse = _inverse(np.diag(weight.sum(axis=0)) - weight.T @ share, part)
    period = inverse @ (weight * (outcome - level[:, None])).sum(axis=0)
    unit = level - share @ period
    score = weight * (outcome - unit[:, None] - period)
    unit_part = np.where(persons > 0, part[np.argmax(weight > 0, axis=1)], -1)
    return TwoWayFit(unit, period, share, score, inverse, part, unit_part)


def _parts(weight: Floats) -> Ints:
    """Return the part of each period (T,): the first period that units link it to, -1 without weight."""
    present = (weight > 0).astype(np.float64)
    linked = present.T @ present > 0
    for _ in range(int(np.ceil(np.log2(max(linked.shape[0], 2))))):
        linked = linked.astype(np.float64) @ linked > 0
    return np.where(linked.any(axis=1), np.argmax(linked, axis=1), -1)


def _inverse(laplacian: Floats, part: Ints) -> Floats:
    """Return the inverse of the normal equations within each part, with effects of mean 0 there."""
    out = np.zeros(laplacian.shape)
    for label in np.unique(part[part >= 0]):
        inside = np.flatnonzero(part == label)
        size = inside.size
        block = laplacian[np.ix_(inside, inside)]
        lift = np.full((size, size), np.trace(block) / size**2 if size > 1 else 1.0)
        centre = np.eye(size) - 1 / size
        out[np.ix_(inside, inside)] = centre @ np.linalg.inv(block + lift) @ centre
    return out


def without_each_cluster(
    groups: UnitGroups, cells: tuple[Cell, ...], effects: Callable[[UnitGroups], Mapping[tuple[int, int], float]]
) -> Floats:
    """Return the effects (G, C) of `cells` refitted without each cluster in turn; NaN where a cell drops out.

    `effects` maps groups to effects by (cohort, period).
    """
    out = np.full((groups.clusters, len(cells)), np.nan)
    for cluster in range(groups.clusters):
        found = effects(groups.keep(groups.cluster != cluster))
        out[cluster] = [found.get((cell.cohort, cell.period), np.nan) for cell in cells]
    return out
