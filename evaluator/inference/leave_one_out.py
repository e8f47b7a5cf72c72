"""Refits without each cluster in turn: the variance of every interval published below 40 treated clusters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from evaluator.estimators.cluster_sums import ClusterSums, cluster_sums
from evaluator.inference.aggregation import Aggregate, Plan, aggregate, averaging, noise, without_noise
from evaluator.panel import without_clusters
from evaluator.vocabulary import NEVER, Bools, Cell, Floats, Ints, Panel, Sections


@dataclass(frozen=True, slots=True)
class Replicates:
    """An average and its parts (P = 1 + K numbers, the overall first), refitted without each of G clusters."""

    aggregate: Aggregate
    cells: tuple[Cell, ...]
    value: Floats  # (P,)
    refits: Floats  # (G, P), NaN where a number drops out with the cluster
    treated: Ints  # (P,) treated clusters with positive weight in the number
    persons: Floats  # (P,) treated persons behind it
    clusters: int
    cohorts: Ints  # (E,) first exposed periods, NEVER last if present
    present: Bools  # (E, T) where a cohort has persons

    def deviations(self) -> Floats:
        """Return (G, P) whose cross product is the leave-one-cluster-out covariance.

        sqrt((G - 1) / G) x (refit less estimate). Source: MacKinnon, Nielsen and Webb (2023), J. Applied Econometrics
        38(5), the CRV3 jackknife centred at the estimate.
        """
        return np.sqrt((self.clusters - 1) / self.clusters) * (self.refits - self.value)

    def errors(self) -> Floats:
        """Return standard errors (P,), NaN where a refit drops out."""
        return np.sqrt((self.deviations() ** 2).sum(axis=0))


def leave_one_cluster_out(estimator: Any, panel: Panel | Sections, kind: str) -> Replicates:
    """Refit and average again without each cluster: cells left without treated or comparison clusters drop out and
    cohort shares are recomputed.

    An estimator that offers `effects_without_each_cluster(panel, cells)` is asked once instead of being refitted G
    times.
    """
    return averages(estimator, panel, kind, refit_from=1, refit_below=np.iinfo(np.int64).max)


def averages(estimator: Any, panel: Panel | Sections, kind: str, *, refit_from: int, refit_below: int) -> Replicates:
    """Fit, average and count treated clusters; refit only when a number has `refit_from` to `refit_below` - 1 of them.

    Otherwise the refits are NaN: with persons as clusters they would be many and unused.
    """
    fit = estimator.fit(panel)
    whole = aggregate(fit, panel, kind)
    sums = cluster_sums(panel)
    value = np.append(whole.value, whole.effect)
    treated, persons = _support(whole.weights, fit.cells, sums, is_followed=isinstance(panel, Panel))
    refits = np.full((sums.clusters, value.size), np.nan)
    if ((treated >= refit_from) & (treated < refit_below)).any():
        plan = averaging(fit.cells, panel.periods, sums.cohorts, kind)
        effects = effects_without_each_cluster(estimator, panel, fit.cells, sums.clusters)
        share = sums.share()
        left = share.sum(axis=0) - share
        for cluster in range(sums.clusters):
            refits[cluster] = _average(plan, effects[cluster], left[cluster])
        refits = without_noise(refits, noise(panel))
    present = sums.by_cohort(sums.weight) > 0
    return Replicates(whole, fit.cells, value, refits, treated, persons, sums.clusters, sums.cohorts, present)


def _average(plan: Plan, effect: Floats, share: Floats) -> Floats:
    known = np.isfinite(effect)
    return plan.weights(known, share) @ np.where(known, effect, 0.0)


def effects_without_each_cluster(
    estimator: Any, panel: Panel | Sections, cells: tuple[Cell, ...], clusters: int
) -> Floats:
    """Return effects (G, C) without each cluster in turn, by the estimator's own short cut where it has one."""
    if hasattr(estimator, "effects_without_each_cluster"):
        return np.asarray(estimator.effects_without_each_cluster(panel, cells))
    return refit_without_each_cluster(estimator, panel, cells, clusters)


def refit_without_each_cluster(
    estimator: Any, panel: Panel | Sections, cells: tuple[Cell, ...], clusters: int
) -> Floats:
    """Return effects (G, C) by calling `fit` G times; NaN where a cell drops out."""
    out = np.full((clusters, len(cells)), np.nan)
    where = {cell: index for index, cell in enumerate(cells)}
    for cluster in range(clusters):
        again = estimator.fit(without_clusters(panel, [cluster]))
        for cell, effect in zip(again.cells, again.effect, strict=True):
            if cell in where:
                out[cluster, where[cell]] = effect
    return out


def _support(weights: Floats, cells: tuple[Cell, ...], sums: ClusterSums, is_followed: bool) -> tuple[Ints, Floats]:
    """Return treated clusters and treated persons behind each row of `weights` (P, C)."""
    own = np.searchsorted(sums.cohorts, [cell.cohort for cell in cells])
    period = np.array([cell.period for cell in cells])
    treated, persons = np.zeros(len(weights), dtype=np.int64), np.zeros(len(weights))
    for row, weight in enumerate(weights):
        used = np.flatnonzero(weight > 0)
        behind = np.zeros(sums.weight.shape)
        mask = _slots(sums, own[used], period[used])
        behind[mask] = sums.weight[mask]
        groups = behind.any(axis=1)
        treated[row] = np.unique(sums.cluster[groups]).size
        persons[row] = behind.max(axis=1).sum() if is_followed else behind.sum()
    return treated, persons


def _slots(sums: ClusterSums, cohort: Ints, period: Ints) -> Bools:
    """Return (K, T) true where a group's cohort and a period meet in one of the given cells."""
    table = np.zeros((sums.cohorts.size, sums.weight.shape[1]), dtype=np.bool_)
    table[cohort, period] = True
    table[sums.cohorts == NEVER] = False
    return table[sums.cohort]
