"""Refits without each cluster in turn: the variance of the published intervals (see `rule`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from evaluator.errors import PanelError
from evaluator.inference import rule
from evaluator.inference.aggregation import (
    NOISE,
    Aggregate,
    aggregate,
    averaging,
    clustered,
    cohort_shares,
    noise,
    without_noise,
)
from evaluator.inference.support import arms_of, compared_with, persons
from evaluator.panel import without_clusters
from evaluator.vocabulary import Bools, Cell, Floats, Ints, Panel, Sections


@dataclass(frozen=True, slots=True)
class Replicates:
    """An average and its parts (P = 1 + K numbers, the overall first), refitted without each of G clusters."""

    aggregate: Aggregate
    cells: tuple[Cell, ...]
    value: Floats  # (P,)
    refits: Floats  # (G, P), NaN where a number drops out with the cluster
    treated: Ints  # (P,) treated clusters with positive weight in the number, of the arm with fewest
    compared: Ints  # (P,) comparison clusters with positive weight in it, of the arm with fewest
    freedom: Floats  # (P,) effective degrees of freedom of its t, see `rule.freedom`
    persons: Floats  # (P,) treated persons behind it, of the first arm
    is_alike: Bools  # (P,) every treated cluster behind it is in all arms, as those that stand in for it are
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

    def by_rule(self) -> tuple[Floats, Floats]:
        """Return columns (G, P) whose length is the published standard error, and degrees of freedom (P,).

        Infinite where the rule takes the influence function and the normal law. A column is 0 when it is noise, and
        NaN with too few comparison clusters.
        """
        is_normal = rule.by_influence(self.freedom, self.clusters)
        influence = self.aggregate.influence / self.aggregate.scale
        columns = np.where(is_normal, influence, self.deviations())
        columns[:, np.sqrt((columns**2).sum(axis=0)) <= NOISE * np.abs(self.value)] = 0.0
        columns[:, ~rule.has_error(self.compared)] = np.nan
        return columns, np.where(is_normal, np.inf, self.freedom)


def leave_one_cluster_out(estimator: Any, panel: Panel | Sections, kind: str) -> Replicates:
    """Refit and average again without each cluster: cells left without treated or comparison clusters drop out and
    cohort shares are recomputed.

    An estimator that offers `effects_without_each_cluster(panel, cells)` is asked once instead of being refitted G
    times.
    """
    return _replicates(estimator, panel, kind, is_always_refitted=True)


def averages(estimator: Any, panel: Panel | Sections, kind: str) -> Replicates:
    """Fit, average and count treated clusters; refit only when the rule gives a number its error from refits.

    Otherwise the refits are NaN: with persons as clusters they would be many and unused.
    """
    return _replicates(estimator, panel, kind, is_always_refitted=False)


def _replicates(estimator: Any, panel: Panel | Sections, kind: str, *, is_always_refitted: bool) -> Replicates:
    fit = estimator.fit(panel)
    whole = aggregate(fit, panel, kind)
    arms = [persons(part) for part in arms_of(estimator, panel)]
    support = arms[0]
    value = np.append(whole.value, whole.effect)
    influence = clustered(fit.influence, panel.cluster)
    free = compared_with(estimator, fit.cells, support.cohorts)
    own = [arm.shares(whole.weights, fit.cells) for arm in arms]
    moving = [arm.moving(influence, free) for arm in arms]
    theirs = [others.compared(whole.weights, fit.cells, used) for others, used in moving]
    treated, compared = (np.min([(s > 0).sum(axis=0) for s in shares], axis=0) for shares in (own, theirs))
    freedom = np.min([rule.freedom(share) for share in own + theirs], axis=0)
    needed = rule.has_error(treated) & rule.has_error(compared) & ~rule.by_influence(freedom, support.clusters)
    refits = np.broadcast_to(np.nan, (support.clusters, value.size))
    if is_always_refitted or needed.any():
        refits = _refits(estimator, panel, kind, fit.cells)
    return Replicates(
        aggregate=whole,
        cells=fit.cells,
        value=value,
        refits=refits,
        treated=treated,
        compared=compared,
        freedom=freedom,
        persons=support.behind(whole.weights, fit.cells),
        is_alike=np.all([(share > 0) == (own[0] > 0) for share in own], axis=(0, 1)),
        clusters=support.clusters,
        cohorts=support.cohorts,
        present=support.by_cohort() > 0,
    )


def _refits(estimator: Any, panel: Panel | Sections, kind: str, cells: tuple[Cell, ...]) -> Floats:
    """Return the averages (G, P) without each cluster in turn, cohort shares recomputed."""
    cohorts, share = cohort_shares(panel)
    plan, left = averaging(cells, panel.periods, cohorts, kind), share.sum(axis=0) - share
    effects = effects_without_each_cluster(estimator, panel, cells, len(share))
    return without_noise(plan.averages(effects, left), noise(panel))


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
    """Return effects (G, C) by calling `fit` G times; NaN where a cell drops out or nothing is left to fit."""
    out = np.full((clusters, len(cells)), np.nan)
    where = {cell: index for index, cell in enumerate(cells)}
    for cluster in range(clusters):
        try:
            again = estimator.fit(without_clusters(panel, [cluster]))
        except PanelError:
            continue
        for cell, effect in zip(again.cells, again.effect, strict=True):
            if cell in where:
                out[cluster, where[cell]] = effect
    return out
