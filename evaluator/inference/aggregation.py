"""Averages of group-time effects, with the influence of estimated cohort shares carried."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from evaluator.estimators.cluster_sums import cluster_sums
from evaluator.vocabulary import Bools, Cell, Fit, Floats, Ints, Panel, Sections

KINDS = ("simple", "event", "group", "calendar")
NOISE = 1e-12
"""Share of the outcome's size under which a difference is the last bits of a machine and counts as none."""


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
    influence: Floats  # (M, 1 + K)
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

    def weights(self, available: Bools, share: Floats) -> Floats:
        """Return weights (1 + K, C) of the available cells at cohort shares (E,); rows without cells are NaN."""
        used = available & (self.part >= 0)
        mass = np.where(used, 1.0 if self.kind == "group" else share[self.cohort], 0.0)
        out = np.zeros((1 + len(self.labels), mass.size))
        at = np.flatnonzero(used)
        out[1 + self.part[at], at] = mass[at]
        total = out[1:].sum(axis=1, keepdims=True)
        with np.errstate(invalid="ignore", divide="ignore"):
            out[1:] /= total
        importance = self.importance(available, share) * (total[:, 0] > 0)
        if self.kind == "simple":
            keep = np.where(available & self.post, share[self.cohort], 0.0)
            out[0] = keep / keep.sum() if keep.any() else np.nan
        elif importance.sum() > 0:
            parts = np.where(importance[:, None] > 0, out[1:], 0.0)
            out[0] = (importance / importance.sum()) @ parts
        else:
            out[0] = np.nan
        return out

    def importance(self, available: Bools, share: Floats) -> Floats:
        """Return how much each part (K,) counts in the overall mean, not normalised."""
        if self.kind != "group":
            return self.overall.astype(np.float64)
        out = np.zeros(len(self.labels))
        used = available & (self.part >= 0)
        out[self.part[used]] = share[self.cohort[used]]
        return out


def aggregate(fit: Fit, panel: Panel | Sections, kind: str) -> Aggregate:
    """Average the cells of `fit`: "simple", "event" (time since the start), "group" (cohort) or "calendar".

    Overall: simple = cohort shares over exposed cells; event = mean of event times from 0 on; group = cohort means by
    share; calendar = mean of calendar periods. Source: Callaway and Sant'Anna (2021), section 3, Corollary 2 for the
    influence of the shares; checked against R did in tests/golden.
    """
    sums = cluster_sums(panel)
    plan = averaging(fit.cells, panel.periods, sums.cohorts, kind)
    share = sums.share()  # (G, E)
    mean = share.sum(axis=0) / sums.rows
    weights = plan.weights(np.ones(len(fit.cells), dtype=np.bool_), mean)
    smallest = noise(panel)
    values = without_noise(weights @ fit.effect, smallest)
    influence = fit.influence @ weights.T + _share_influence(plan, fit.effect, values, share, mean, weights)
    if plan.kind in ("event", "calendar") and plan.overall.any():
        influence[:, 0] = influence[:, 1:][:, plan.overall].mean(axis=1)
    error = np.sqrt((influence**2).sum(axis=0)) / fit.scale
    influence[:, error <= smallest] = 0.0
    error[~influence.any(axis=0)] = np.nan
    return Aggregate(
        kind, float(values[0]), float(error[0]), plan.labels, values[1:], error[1:], influence, weights, fit.scale
    )


def noise(panel: Panel | Sections) -> float:
    """Return the size, in the unit of the panel, under which an effect or an error is arithmetic and not data."""
    outcome = np.where(panel.observed, panel.outcome, 0.0) if isinstance(panel, Panel) else panel.outcome
    return NOISE * float(np.abs(outcome).max(initial=0.0))


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


def _share_influence(
    plan: Plan, effect: Floats, values: Floats, share: Floats, mean: Floats, weights: Floats
) -> Floats:
    """Return the influence (G, 1 + K) that comes from estimating the cohort shares."""
    out = np.zeros((share.shape[0], values.size))
    cells = np.arange(effect.size)
    if plan.kind in ("event", "calendar"):
        for row in range(1, values.size):
            used = cells[plan.part == row - 1]
            codes = plan.cohort[used]
            out[:, row] = share[:, codes] @ ((effect[used] - values[row]) / mean[codes].sum())
    if plan.kind == "simple":
        codes = plan.cohort[plan.post]
        out[:, 0] = share[:, codes] @ ((effect[plan.post] - values[0]) / mean[codes].sum())
    if plan.kind == "group":
        codes = np.array([plan.cohort[plan.part == k][0] for k in range(len(plan.labels))], dtype=np.int64)
        out[:, 0] = share[:, codes] @ ((values[1:] - values[0]) / mean[codes].sum())
    return out
