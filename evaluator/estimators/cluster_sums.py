"""Sums by cluster and cohort: all that a group-time effect and its clustered error need from the rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluator.vocabulary import Bools, Floats, Ints, Panel, Sections


@dataclass(frozen=True, slots=True)
class ClusterSums:
    """K groups of rows that share cluster and cohort, over T periods; E cohorts in order, NEVER last if present.

    A followed panel and repeated cross-sections give the same effects and the same cluster-summed influence from these
    sums, because a unit followed over time adds its two deviations within its cluster.
    """

    total: Floats  # (K, T) sum of weight x (outcome less its overall mean)
    weight: Floats  # (K, T)
    cohort: Ints  # (K,) index into `cohorts`
    cluster: Ints  # (K,) 0..G-1
    cohorts: Ints  # (E,) first exposed periods
    clusters: int  # G
    rows: int  # N or R

    def by_cohort(self, values: Floats) -> Floats:
        """Return `values` (K, T) summed to cohorts (E, T)."""
        out = np.zeros((self.cohorts.size, values.shape[1]))
        for index in range(self.cohorts.size):
            out[index] = values[self.cohort == index].sum(axis=0)
        return out

    def by_cluster(self, values: Floats) -> Floats:
        """Return `values` (K, ...) summed to clusters (G, ...)."""
        if self.cluster.size == self.clusters:
            return values  # groups are sorted by cluster
        first = np.flatnonzero(np.diff(self.cluster, prepend=-1))
        return np.add.reduceat(values, first, axis=0)

    def present(self) -> Bools:
        """Return where a group has persons, (K, T)."""
        return self.weight > 0

    def share(self) -> Floats:
        """Return persons by cluster and cohort (G, E) over all periods, scaled so that everything sums to `rows`."""
        mass = np.zeros((self.cluster.size, self.cohorts.size))
        mass[np.arange(self.cluster.size), self.cohort] = self.weight.sum(axis=1)
        return self.by_cluster(mass) * (self.rows / mass.sum())


def cluster_sums(data: Panel | Sections) -> ClusterSums:
    """Reduce rows to sums by (cluster, cohort) and period. Unobserved cells weigh nothing."""
    cohorts, code = np.unique(data.cohort, return_inverse=True)
    clusters = int(data.cluster.max()) + 1
    keys, group = np.unique(data.cluster * cohorts.size + code, return_inverse=True)
    total, weight = _section_sums(data, group, keys.size) if isinstance(data, Sections) else _panel_sums(data, group)
    return ClusterSums(
        total=total,
        weight=weight,
        cohort=keys % cohorts.size,
        cluster=keys // cohorts.size,
        cohorts=cohorts,
        clusters=clusters,
        rows=data.cluster.size,
    )


def _section_sums(data: Sections, group: Ints, groups: int) -> tuple[Floats, Floats]:
    shape = (groups, len(data.periods))
    slot = group * shape[1] + data.period
    centred = data.outcome - np.average(data.outcome, weights=data.weight)
    total, weight = (
        np.bincount(slot, weights=values, minlength=shape[0] * shape[1]).astype(np.float64).reshape(shape)
        for values in (data.weight * centred, data.weight)
    )
    return total, weight


def _panel_sums(data: Panel, group: Ints) -> tuple[Floats, Floats]:
    weight = data.weight[:, None] * data.observed
    outcome = np.where(data.observed, data.outcome, 0.0)
    total = weight * (outcome - (weight * outcome).sum() / weight.sum())
    order = np.argsort(group, kind="stable")
    first = np.flatnonzero(np.diff(group[order], prepend=-1))
    return np.add.reduceat(total[order], first, axis=0), np.add.reduceat(weight[order], first, axis=0)
