"""Averages of group-time effects, with the influence of estimated cohort shares carried."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from evaluator.panel import cohort_codes
from evaluator.vocabulary import Bools, Cell, Fit, Floats, Ints, Panel, Sections

KINDS = ("simple", "event", "group", "calendar")
NOISE = 1e-12
"""Share of the outcome's size under which a difference is the last bits of a machine and counts as none."""
BLOCK = 2**16
"""Numbers read at once, so that their highest and lowest are found while they are in the processor's cache."""


@dataclass(frozen=True, slots=True)
class Aggregate:
    """An overall effect and its K parts. Row 0 of `influence` columns and of `weights` is the overall effect.

    `se` and `error` are the uncorrected influence-function errors, for comparison with peers; NaN at a universal base.
    """

    kind: str
    value: float
    se: float
    labels: tuple[Any, ...]  # (K,) event times in periods, or cohort or calendar labels of the panel
    effect: Floats  # (K,)
    error: Floats  # (K,)
    influence: Floats  # (G, 1 + K) summed to clusters
    weights: Floats  # (1 + K, C) of the fit's cells
    scale: int


@dataclass(frozen=True, slots=True)
class Plan:
    """How C cells are averaged: each cell's part (or -1) and which parts enter the overall mean."""

    kind: str
    labels: tuple[Any, ...]
    part: Ints  # (C,) index into labels, -1 when the cell enters none
    post: Bools  # (C,) exposed in the cell's period
    overall: Bools  # (K,)
    cohort: Ints  # (C,) index into the cohorts of the shares

    def weights(self, share: Floats) -> Floats:
        """Return the weights (1 + K, C) of the cells at cohort shares (E,); NaN in rows without cells."""
        return self.averages(np.eye(self.part.size), share).T

    def averages(self, effect: Floats, share: Floats) -> Floats:
        """Return averages (..., 1 + K) of effects (..., C) at cohort shares (..., E).

        Effects that are NaN are left out; an average without any is NaN.
        """
        known, own = np.isfinite(effect), share[..., self.cohort]
        value, member = (
            np.where(known, effect, 0.0),
            (self.part[:, None] == np.arange(len(self.labels))).astype(np.float64),
        )
        mass = np.where(known, 1.0 if self.kind == "group" else own, 0.0)
        total = mass @ member
        parts = _ratio((mass * value) @ member, total)
        if self.kind == "simple":
            mass = np.where(known & self.post, own, 0.0)
            overall = _ratio((mass * value).sum(axis=-1), mass.sum(axis=-1))
        else:
            importance = np.where(total > 0, self._importance(share), 0.0)
            overall = _ratio((importance * np.where(total > 0, parts, 0.0)).sum(axis=-1), importance.sum(axis=-1))
        return np.concatenate([overall[..., None], parts], axis=-1)

    def first(self) -> Ints:
        """Return the first cell of each part (K,)."""
        return np.array([np.flatnonzero(self.part == k)[0] for k in range(len(self.labels))], dtype=np.int64)

    def _importance(self, share: Floats) -> Floats:
        """Return how much each part (..., K) counts in the overall mean: cohorts by share, the others alike."""
        if self.kind == "group":
            return np.asarray(share[..., self.cohort[self.first()]], dtype=np.float64)
        return self.overall.astype(np.float64)


def _ratio(above: Floats, below: Floats) -> Floats:
    return np.divide(above, below, out=np.full(above.shape, np.nan), where=below > 0)


def aggregate(fit: Fit, panel: Panel | Sections, kind: str) -> Aggregate:
    """Average the cells of `fit`: "simple", "event" (time since the start), "group" (cohort) or "calendar".

    Overall: simple = cohort shares over exposed cells; event = mean of event times from 0 on; group = cohort means by
    share; calendar = mean of calendar periods. Source: Callaway and Sant'Anna (2021), section 3, Corollary 2 for the
    influence of the shares; checked against R did in tests/golden.
    """
    cohorts, share = cohort_shares(panel)
    mean = share.sum(axis=0)
    plan = averaging(fit.cells, panel.periods, cohorts, kind)
    weights = plan.weights(mean)
    smallest = noise(panel)
    values = without_noise(weights @ fit.effect, smallest)
    influence = clustered(fit.influence @ weights.T, panel.cluster)
    influence += (fit.scale * share) @ _share_slopes(plan, fit.effect, values, mean)
    if plan.kind in ("event", "calendar") and plan.overall.any():
        influence[:, 0] = influence[:, 1:][:, plan.overall].mean(axis=1)
    error = np.sqrt(np.einsum("gp,gp->p", influence, influence)) / fit.scale
    is_noise = error <= smallest
    influence[:, is_noise] = 0.0
    error[is_noise] = np.nan
    return Aggregate(
        kind, float(values[0]), float(error[0]), plan.labels, values[1:], error[1:], influence, weights, fit.scale
    )


def cohort_shares(data: Panel | Sections) -> tuple[Ints, Floats]:
    """Return the cohorts (E,) in order, NEVER last if present, and each cluster's share (G, E) of all persons in one.

    A followed person counts once per observed period. Everything sums to 1.
    """
    cohorts, code = cohort_codes(data.cohort, len(data.periods))
    mass = data.weight
    if isinstance(data, Panel) and not bool(data.observed.all()):
        mass = mass * np.count_nonzero(data.observed, axis=1)
    shape = (int(data.cluster.max()) + 1, cohorts.size)
    share = np.bincount(data.cluster * cohorts.size + code, weights=mass, minlength=shape[0] * shape[1])
    return cohorts, share.reshape(shape) / share.sum()


def clustered(influence: Floats, cluster: Ints) -> Floats:
    """Return influence (G, P) summed to clusters; that of an estimator may come by cluster (G, P) or by row (N, P).

    Raises ValueError when it is neither.
    """
    clusters, rows = int(cluster.max()) + 1, len(influence)
    if rows == clusters:
        return influence
    if rows != cluster.size:
        raise ValueError(
            f"influence: {rows:,} rows; expected {clusters:,} (clusters) or {cluster.size:,} (rows of data)."
        )
    out = np.empty((clusters, influence.shape[1]))
    for column in range(influence.shape[1]):
        out[:, column] = np.bincount(cluster, weights=influence[:, column], minlength=clusters)
    return out


def noise(panel: Panel | Sections) -> float:
    """Return the size, in the unit of the panel, under which an effect or an error is arithmetic and not data."""
    size, rows = 0.0, max(1, BLOCK * len(panel.outcome) // max(1, panel.outcome.size))
    for start in range(0, len(panel.outcome), rows):
        part = slice(start, start + rows)
        values = panel.outcome[part]
        if isinstance(panel, Panel) and not panel.observed[part].all():
            values = values[panel.observed[part]]
        size = max(size, float(values.max(initial=0.0)), -float(values.min(initial=0.0)))
    return NOISE * size


def without_noise(values: Floats, smallest: float) -> Floats:
    """Return `values` with those of at most `smallest` as exact zeros."""
    return np.where(np.abs(values) <= smallest, 0.0, values)


def averaging(cells: tuple[Cell, ...], periods: tuple[Any, ...], cohorts: Ints, kind: str) -> Plan:
    """Return how `cells` are averaged for `kind`; labels are sorted."""
    if kind not in KINDS:
        raise ValueError(f"aggregate: kind '{kind}' is unknown; expected one of {KINDS}")
    start = np.array([cell.cohort for cell in cells], dtype=np.int64)
    period = np.array([cell.period for cell in cells], dtype=np.int64)
    post = period >= start
    key = {"simple": np.zeros_like(start), "event": period - start, "group": start, "calendar": period}[kind]
    used = {"simple": np.zeros_like(post), "event": np.ones_like(post)}.get(kind, post)
    found = np.unique(key[used])
    part = np.where(used, np.searchsorted(found, key), -1)
    labels = tuple(int(k) for k in found) if kind == "event" else tuple(periods[k] for k in found)
    overall = found >= 0 if kind == "event" else np.ones(found.size, dtype=np.bool_)
    return Plan(kind, labels, part, post, overall, np.searchsorted(cohorts, start))


def _share_slopes(plan: Plan, effect: Floats, values: Floats, mean: Floats) -> Floats:
    """Return the derivative (E, 1 + K) of the averages in the cohort shares `mean` (E,).

    Of sum p_c x effect_c / sum p_c over the cells of a part it is (effect_c - average) / sum p_c, summed by cohort.
    The overall of "event" and "calendar" averages its parts and has none of its own.
    """
    out = np.zeros((mean.size, values.size))
    if plan.kind == "group":
        cohort, numbers = plan.cohort[plan.first()], values[1:]
        rows = np.zeros_like(cohort)
    else:
        used = plan.post if plan.kind == "simple" else plan.part >= 0
        cohort, numbers = plan.cohort[used], effect[used]
        rows = np.zeros_like(cohort) if plan.kind == "simple" else 1 + plan.part[used]
    total = np.bincount(rows, weights=mean[cohort], minlength=values.size)
    np.add.at(out, (cohort, rows), (numbers - values[rows]) / total[rows])
    return out
