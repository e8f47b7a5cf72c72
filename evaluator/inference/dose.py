"""Intervals for continuous exposures: the rule of clusters, where a cluster counts when its exposure moves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from evaluator.errors import PanelError
from evaluator.inference.aggregation import clustered
from evaluator.inference.bands import Band, Numbers, band
from evaluator.inference.leave_one_out import effects_without_each_cluster
from evaluator.inference.offered import Support, with_error
from evaluator.inference.rule import FEW, by_influence, freedom, has_error
from evaluator.vocabulary import Cell, Estimate, Fit, Floats, NotEstimable, Panel

SMALLEST = 1e-10
"""Share of an exposure's variation under which what is left of it within clusters counts as none."""


@dataclass(frozen=True, slots=True)
class _Judged:
    """A fit with its deviations and what stands behind its coefficients."""

    fit: Fit
    deviations: Floats  # (G, C) columns as long as the standard errors
    moving: int
    freedom: float


def dose_estimates(
    estimator: Any, panels: Mapping[str, Panel], level: float = 0.95
) -> dict[Cell, Estimate | NotEstimable]:
    """Return an estimate or a refusal for each outcome and lag, keyed by cell.

    The rule of `rule` on the clusters whose exposure moves: leave-one-cluster-out and t from 5, refused below. In the
    unit of the outcome per unit of exposure. An estimator may offer its own `exposure_shares(panel)`.
    """
    out: dict[Cell, Estimate | NotEstimable] = {}
    for name, panel in panels.items():
        try:
            judged = _judged(estimator, panel)
        except PanelError:
            out[Cell(name, 0, 0, 0)] = no_own_path()
            continue
        errors = np.sqrt((judged.deviations**2).sum(axis=0))
        support = Support(float(panel.weight.sum()), len(judged.deviations), judged.moving, judged.freedom)
        for cell, value, error in zip(judged.fit.cells, judged.fit.effect, errors, strict=True):
            key = Cell(name, cell.cohort, cell.period, cell.base)
            if not has_error(judged.moving) or not np.isfinite(error):
                out[key] = few_moving(judged.moving)
            else:
                out[key] = with_error(float(value), float(error), level, support)
    return out


def dose_band(estimator: Any, panels: Mapping[str, Panel], level: float = 0.95) -> Band | NotEstimable:
    """Return a band over all coefficients of several outcomes of the same clusters at once; labels are cells.

    Raises PanelError when an exposure does not move and ValueError when the clusters differ between outcomes.
    """
    judged = {name: _judged(estimator, panel) for name, panel in panels.items()}
    if len({len(one.deviations) for one in judged.values()}) > 1:
        raise ValueError("dose_band: the outcomes have different clusters; expected the same in all.")
    number = [one.fit.effect.size for one in judged.values()]
    return band(
        Numbers(
            labels=tuple(Cell(name, c.cohort, c.period, c.base) for name, one in judged.items() for c in one.fit.cells),
            value=np.concatenate([one.fit.effect for one in judged.values()]),
            deviations=np.column_stack([one.deviations for one in judged.values()]),
            treated=np.repeat([one.moving for one in judged.values()], number),
            freedom=np.repeat([one.freedom for one in judged.values()], number),
        ),
        level,
    )


def _judged(estimator: Any, panel: Panel) -> _Judged:
    fit, share = estimator.fit(panel), getattr(estimator, "exposure_shares", exposure_shares)(panel)
    clusters, moving = share.size, int((share > 0).sum())
    degrees = float(freedom(share[:, None])[0])
    if by_influence(degrees, clusters):
        return _Judged(fit, clustered(fit.influence, panel.cluster) / fit.scale, moving, np.inf)
    deviations = np.full((clusters, fit.effect.size), np.nan)
    if has_error(moving):
        refits = effects_without_each_cluster(estimator, panel, fit.cells, clusters)
        deviations = np.sqrt((clusters - 1) / clusters) * (refits - fit.effect)
    return _Judged(fit, deviations, moving, degrees)


def exposure_shares(panel: Panel) -> Floats:
    """Return each cluster's share (G,) of the exposure's variation within units and periods; 0 where it never moves.

    With independent errors of variance 1 / weight these are the clusters' shares in the variance of the slope, and 1 /
    sum of their squares its effective number of clusters. Source: Carter, Schnepel and Steigerwald (2017), Review of
    Economics and Statistics 99(4).
    """
    clusters = int(panel.cluster.max()) + 1
    if panel.exposure is None:
        return np.zeros(clusters)
    known = panel.observed & np.isfinite(panel.exposure)
    weight, exposure = panel.weight[:, None] * known, np.where(known, panel.exposure, 0.0)
    highest = exposure.max(axis=1, where=known, initial=-np.inf)
    lowest = exposure.min(axis=1, where=known, initial=np.inf)
    left = (weight * _within(exposure, weight) ** 2).sum(axis=1)
    left[left <= SMALLEST * (weight * exposure**2).sum(axis=1)] = 0.0
    share = np.bincount(panel.cluster, weights=left * (highest > lowest), minlength=clusters)
    total = float(share.sum())
    return np.asarray(share / total if total > 0 else share, dtype=np.float64)


def _within(exposure: Floats, weight: Floats) -> Floats:
    """Return the exposure (N, T) less unit and period effects, by weighted least squares."""
    mass = weight.sum(axis=1, keepdims=True)
    part = np.divide(weight, mass, out=np.zeros(weight.shape), where=mass > 0)
    gram = np.diag(weight.sum(axis=0)) - weight.T @ part
    period = np.linalg.lstsq(gram, (weight * exposure).sum(axis=0) - part.T @ (weight * exposure).sum(axis=1))[0]
    return exposure - period - (part * (exposure - period)).sum(axis=1, keepdims=True)


def no_own_path() -> NotEstimable:
    """Return the refusal for an exposure that takes the same path in all clusters."""
    return NotEstimable("Eksponeringen ændrer sig ikke forskelligt i kommunerne over tid.", "En længere periode.")


def few_moving(clusters: int) -> NotEstimable:
    """Return the refusal for an exposure that moves in too few clusters."""
    return NotEstimable(
        f"Eksponeringen ændrer sig kun i {clusters} kommuner; der kræves mindst {FEW}.", "Flere kommuner."
    )
