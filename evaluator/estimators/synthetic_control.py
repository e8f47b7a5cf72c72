"""Synthetic control: donors weighted so that their path before the start is the treated one's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluator.errors import PanelError
from evaluator.estimators.simplex import Weights, least_squares
from evaluator.estimators.weighted_paths import Contrast, Match, Paths, gap_of, paths_of, placebos_of
from evaluator.vocabulary import Assumption, Bools, Floats, Invariance, Panel, Placebos

PENALTIES = 21
"""Ridges tried, from the largest squared singular value of the donors' paths down to SMALLEST times it."""
SMALLEST = 1e-8


@dataclass(frozen=True, slots=True)
class SyntheticControl:
    """The treated path less the weighted donors'; weights match the outcome in every period before the start.

    `demeaned` takes each path's mean before the start from it (Ferman and Pinto), so that a treated unit above or below
    all donors has a counterpart; without it levels must be met and the treated one lie within the donors.

    `ridge` adds what the weights leave unmatched, as a ridge regression on the donors' paths foretells it (Ben-Michael,
    Feller and Rothstein). Weights then still sum to 1 but may be under 0. Each period before the start
    is left out in turn and foretold with weights made without it; the penalty is the largest whose mean squared error
    is within one standard error of the least.

    `importance` (K,) matches the panel's covariates, in standard deviations over treated and donors, instead of the
    path: the diagonal of V in Abadie, Diamond and Hainmueller, given rather than searched for.

    Units labelled in `exclude` are no donors; `anticipation` is in periods, which belong to neither side. Several
    treated units: see `weighted_paths.placebos_of`.
    """

    demeaned: bool = True
    ridge: bool = False
    importance: tuple[float, ...] | None = None
    exclude: tuple[str, ...] = ()
    anticipation: int = 0
    name: str = "synthetic_control"
    source: str = (
        "Abadie, Diamond and Hainmueller (2010), Journal of the American Statistical Association 105(490); Ferman and "
        "Pinto (2021), Quantitative Economics 12(4); Ben-Michael, Feller and Rothstein (2021), JASA 116(536)"
    )
    assumes: frozenset[Assumption] = frozenset({Assumption.NO_ANTICIPATION, Assumption.COMMON_SHOCKS})

    def __post_init__(self) -> None:
        if self.anticipation < 0:
            raise ValueError(f"synthetic_control: anticipation {self.anticipation}; expected 0 or more")
        given = self.importance
        if given is not None and (self.ridge or min(given, default=-1) < 0 or sum(given) <= 0):
            raise ValueError("synthetic_control: expected importance at or over 0, some over 0, and no ridge beside it")

    @property
    def invariant_to(self) -> frozenset[Invariance]:
        """Return what may be done to the outcome: without demeaning a unit's level matters."""
        level = {Invariance.ROW_CONSTANT} if self.demeaned else set()
        return frozenset({Invariance.PERIOD_CONSTANT, Invariance.SCALE} | level)

    def fit(self, panel: Panel) -> Placebos:
        """Return effect and gaps (1 + T,) and each donor's (D, 1 + T); raises as `placebos_of`."""
        return placebos_of(self, panel)

    def paths(self, panel: Panel) -> Paths:
        """Return the paths of the treated unit and of each donor in its place; raises as `paths_of`."""
        return paths_of(self, panel)

    def match(self, contrast: Contrast) -> Match:
        """Return the weights; objective and slack are those of the simplex, before a ridge adds to them."""
        target, pool = contrast.target[: contrast.before], contrast.pool[:, : contrast.before]
        if self.importance is None:
            found = least_squares(pool.T, target, intercept=self.demeaned)
        else:
            found = self._by_predictors(contrast)
        weight = found.weight + (_correction(pool, target, found.weight, self.demeaned) if self.ridge else 0.0)
        periods = np.full(contrast.before, 1 / contrast.before if self.demeaned else 0.0)
        gap = gap_of(contrast.target, contrast.pool, weight, periods)
        return Match(weight, periods, gap, found.objective, found.slack)

    def _by_predictors(self, contrast: Contrast) -> Weights:
        """Return the weights that match the covariates; the objective is the mean of their squares by importance."""
        assert self.importance is not None
        given, traits = np.array(self.importance), contrast.panel.covariates
        if given.size != traits.shape[1]:
            raise PanelError(
                f"synthetic_control: {given.size} importances for {traits.shape[1]} covariates; expected one each. "
                "Name the covariates of the panel."
            )
        spread = traits[np.append(contrast.treated, contrast.donors)].std(axis=0, ddof=1)
        if not spread.all():
            raise PanelError(
                f"synthetic_control: {int((spread == 0).sum())} covariates are equal for all units; expected some that "
                "differ. Leave them out."
            )
        scaled = traits / spread * np.sqrt(given * given.size / given.sum())
        return least_squares(scaled[contrast.donors].T, scaled[contrast.treated].mean(axis=0))


def _correction(pool: Floats, target: Floats, weight: Floats, demeaned: bool) -> Floats:
    """Return what the ridge adds to the weights (D,); it sums to 0.

    `pool` (D, T0), `target` (T0,). With X the donors' paths less their mean in each period (and each less its own mean
    when demeaned) and d what the weights leave unmatched, it is X (X'X + penalty)^-1 d.
    """
    centred = pool - pool.mean(axis=0)
    left = target - weight @ pool
    if demeaned:
        centred, left = centred - centred.mean(axis=1, keepdims=True), left - left.mean()
    values, vectors = np.linalg.eigh(centred.T @ centred)
    values = np.maximum(values, 0.0)
    if values[-1] == 0.0:
        return np.zeros(len(pool))
    penalties = values[-1] * np.geomspace(1, SMALLEST, PENALTIES)
    unmatched = _without_each_period(pool, target, weight > 0, demeaned)
    free = vectors - vectors.mean(axis=0) if demeaned else vectors
    errors = np.array([_left_out(free, values + penalty, unmatched) ** 2 for penalty in penalties])
    mean, deviation = errors.mean(axis=1), errors.std(axis=1, ddof=1) / np.sqrt(target.size)
    least = int(np.argmin(mean))
    penalty = penalties[np.argmax(mean <= mean[least] + deviation[least])]
    return np.asarray(centred @ (vectors @ ((vectors.T @ left) / (values + penalty))))


def _without_each_period(pool: Floats, target: Floats, likely: Bools, demeaned: bool) -> Floats:
    """Return what weights made without period t leave unmatched in all periods, as column t (T0, T0)."""
    out = np.empty((target.size, target.size))
    for period in range(target.size):
        kept = np.arange(target.size) != period
        found = least_squares(pool[:, kept].T, target[kept], intercept=demeaned, likely=likely)
        out[:, period] = target - found.weight @ pool
    return out


def _left_out(vectors: Floats, values: Floats, unmatched: Floats) -> Floats:
    """Return the error (T0,) in each period foretold from all others.

    Over periods the correction is a ridge regression of what is unmatched on the donors' paths, so the error of a fit
    without period t is residual_t / (1 - leverage_t): (H d)_t / H_tt with H the inverse of X'X + penalty, here by its
    eigenvectors and the eigenvalues of X'X + penalty. Eigenvectors of mean zero make the regression one with a constant
    that is not penalised, which is what demeaning without period t comes to.
    """
    inverse = (vectors / values) @ vectors.T
    return np.asarray(np.einsum("ts,st->t", inverse, unmatched) / np.diag(inverse))
