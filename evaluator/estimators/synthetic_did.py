"""Synthetic difference-in-differences: donors weighted by their path before the start, periods by what follows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluator.errors import PanelError
from evaluator.estimators.simplex import least_squares
from evaluator.estimators.weighted_paths import Contrast, Match, Paths, gap_of, paths_of, placebos_of
from evaluator.vocabulary import Assumption, Floats, Invariance, Panel, Placebos

PERIOD_RIDGE = 1e-6
"""Ridge of the period weights in noise levels, as the authors set it: only so that the weights are unique."""


@dataclass(frozen=True, slots=True)
class SyntheticDid:
    """The treated path less the weighted donors', from the start on less in the weighted periods before it.

    Unit weights have an intercept and the ridge zeta^2 T0, zeta = (treated x periods from the start on)^(1/4) sigma;
    sigma is the standard deviation of the donors' first differences before the start. Common shocks are part of it, so
    a season makes weights more even. Period weights have an intercept and hardly a ridge. A donor in the treated one's
    place has weights, zeta and sigma of its own.

    With `adjusted` the covariates of the panel are projected out first, with coefficients of their own in each period
    that are fitted to the donors alone, and all else is done to what is left: the paper's way with covariates. Units
    labelled in `exclude` are no donors; `anticipation` is in periods, which belong to neither side. Several treated
    units: see `weighted_paths.placebos_of`.
    """

    adjusted: bool = False
    exclude: tuple[str, ...] = ()
    anticipation: int = 0
    name: str = "synthetic_did"
    source: str = (
        "Arkhangelsky, Athey, Hirshberg, Imbens and Wager (2021), American Economic Review 111(12), Algorithm 1"
    )
    assumes: frozenset[Assumption] = frozenset({Assumption.NO_ANTICIPATION, Assumption.COMMON_SHOCKS})
    invariant_to: frozenset[Invariance] = frozenset({Invariance.ROW_CONSTANT, Invariance.SCALE})

    def __post_init__(self) -> None:
        if self.anticipation < 0:
            raise ValueError(f"synthetic_did: anticipation {self.anticipation}; expected 0 or more")

    def fit(self, panel: Panel) -> Placebos:
        """Return effect and gaps (1 + T,) and each donor's (D, 1 + T); raises as `placebos_of`."""
        return placebos_of(self, panel)

    def paths(self, panel: Panel) -> Paths:
        """Return the paths of the treated unit and of each donor in its place; raises as `paths_of`."""
        return paths_of(self, panel)

    def match(self, contrast: Contrast) -> Match:
        """Return unit and period weights; the objective is that of the units, the slack the larger of the two."""
        target, pool = contrast.target, contrast.pool
        if self.adjusted:
            target, pool = _adjusted(contrast)
        base, start = slice(contrast.before), contrast.start
        noise = _noise(pool[:, base])
        zeta = (contrast.treated.size * (pool.shape[1] - start)) ** 0.25 * noise
        units = least_squares(pool[:, base].T, target[base], ridge=zeta**2, intercept=True)
        after = pool[:, start:].mean(axis=1)
        periods = least_squares(pool[:, base], after, ridge=(PERIOD_RIDGE * noise) ** 2, intercept=True)
        gap = gap_of(target, pool, units.weight, periods.weight)
        return Match(units.weight, periods.weight, gap, units.objective, max(units.slack, periods.slack))


def _noise(before: Floats) -> float:
    """Return sigma, the standard deviation of all first differences of the donors' paths (D, T0)."""
    steps = np.diff(before, axis=1)
    return float(steps.std(ddof=1)) if steps.size > 1 else 0.0


def _adjusted(contrast: Contrast) -> tuple[Floats, Floats]:
    """Return the treated path (T,) and the donors' (D, T) less what the covariates foretell in each period.

    Raises PanelError when the donors are too few for the covariates, or do not differ in one of them.
    """
    traits, donors = contrast.panel.covariates, contrast.donors
    mean = traits[donors].mean(axis=0)
    spread = traits[donors] - mean
    if np.linalg.matrix_rank(spread) < traits.shape[1] or donors.size < traits.shape[1] + 2:
        raise PanelError(
            f"synthetic_did: {traits.shape[1]} covariates cannot be told apart in {donors.size} donors; expected "
            "fewer. Leave some out."
        )
    slope = np.linalg.lstsq(spread, contrast.pool, rcond=None)[0]
    own = traits[contrast.treated].mean(axis=0) - mean
    return contrast.target - own @ slope, contrast.pool - spread @ slope
