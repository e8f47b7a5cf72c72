"""A trial in which starts were drawn by lot: intention to treat, adjusted for what was known before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from evaluator.errors import PanelError
from evaluator.vocabulary import NEVER, Assumption, Bools, Cell, Fit, Floats, Ints, Invariance, Panel, Sections

COMPARISONS = ("never", "not_yet")
TINY = np.finfo(np.float64).tiny
SMALLEST = 1e-10
"""Share of a covariate's variation that must be left beside the other covariates, within each arm."""


@dataclass(frozen=True, slots=True)
class RandomisedTrial:
    """Mean outcome of those drawn to start less that of those not drawn, whoever took part; no base is subtracted.

    Adjusted by the coefficient of a regression on the draw, the panel's covariates less their mean, and the product of
    both; without covariates it is the difference of means. With `baseline` the row's mean outcome before the window of
    `anticipation` periods, net of the periods' means, is a covariate too (in sections the cluster's), and cells begin
    with the window. Without it
    the cells before the window show whether the draw balanced the outcome. Compared are rows "never" drawn, or also
    those drawn to start later than the cell's period and its anticipation ("not_yet").

    The influence is that of the regression, summed to clusters: Eicker-Huber-White when rows were drawn, clustered when
    clusters were. Covariates' means count as known. In numpy, from cross products by cluster.
    """

    comparison: str = "never"
    anticipation: int = 0
    baseline: bool = False
    name: str = "randomised_trial"
    source: str = "Lin (2013), Annals of Applied Statistics 7(1), sections 3 and 4"
    assumes: frozenset[Assumption] = frozenset({Assumption.RANDOMISATION, Assumption.UNCONFOUNDEDNESS})
    invariant_to: frozenset[Invariance] = frozenset({Invariance.PERIOD_CONSTANT, Invariance.SCALE})

    def __post_init__(self) -> None:
        if self.comparison not in COMPARISONS or self.anticipation < 0:
            raise ValueError(f"randomised_trial: expected comparison in {COMPARISONS} and anticipation >= 0")

    def fit(self, panel: Panel | Sections) -> Fit:
        """Return effects (C,) and influence summed to clusters (G, C); `scale` is the number of rows.

        Cells without rows in both arms are absent. Raises PanelError when none is left, when the covariates are too
        many or move together within an arm, or when rows have no baseline.
        """
        found = [(cell, *_adjusted_with_influence(arms)) for cell, arms in self._cells(panel)]
        if not found:
            raise PanelError(
                "randomised_trial: 0 cells have rows drawn and rows not drawn; expected at least one. Widen the "
                "comparison or add rows that were not drawn."
            )
        unsolved = sum(not np.isfinite(effect) for _, effect, _ in found)
        if unsolved:
            raise PanelError(
                f"randomised_trial: in {unsolved:,} of {len(found):,} cells the covariates are too many for an arm or "
                "move together in it; expected fewer. Leave some out."
            )
        return Fit(
            cells=tuple(cell for cell, _, _ in found),
            effect=np.array([effect for _, effect, _ in found]),
            influence=panel.cluster.size * np.column_stack([influence for _, _, influence in found]),
            scale=panel.cluster.size,
        )

    def effects_without_each_cluster(self, panel: Panel | Sections, cells: tuple[Cell, ...]) -> Floats:
        """Return the effects (G, C) of `cells` refitted without each cluster in turn; NaN where a cell drops out."""
        clusters = int(panel.cluster.max()) + 1
        if self.baseline:  # net of the means of periods, which move with every cluster
            from evaluator.inference.leave_one_out import refit_without_each_cluster

            return refit_without_each_cluster(self, panel, cells, clusters)
        out = np.full((clusters, len(cells)), np.nan)
        where = {cell: index for index, cell in enumerate(cells)}
        for cell, arms in self._cells(panel):
            if cell in where:
                out[:, where[cell]] = _adjusted(*arms.without_each_cluster())[0]
        return out

    def _cells(self, panel: Panel | Sections) -> Iterator[tuple[Cell, _Arms]]:
        """Yield the cells with rows in both arms, and their cross products."""
        periods = len(panel.periods)
        for start in (int(s) for s in np.unique(panel.cohort) if s != NEVER):
            window = max(start - self.anticipation, 0)
            covariates = _standardised(panel.covariates)
            if self.baseline:
                before = _baseline(panel, window, (panel.cohort == start) | self._free(panel.cohort, window))
                covariates = np.column_stack([covariates, _standardised(before[:, None])])
            for period in range(window if self.baseline else 0, periods):
                is_drawn = panel.cohort == start
                rows, outcome = _present(panel, period, is_drawn | self._free(panel.cohort, period))
                if 0 < int(is_drawn[rows].sum()) < rows.size:
                    table = np.column_stack([np.ones(rows.size), covariates[rows], outcome])
                    arms = _arms(table, panel.weight[rows], is_drawn[rows], panel.cluster[rows])
                    clusters = int(panel.cluster.max()) + 1
                    yield Cell(panel.unit, start, period, max(window - 1, 0)), _Arms(*arms, clusters)

    def _free(self, cohort: Ints, period: int) -> Bools:
        """Return which rows (N or R,) serve as comparison in the period."""
        return np.asarray(cohort > (period + self.anticipation if self.comparison == "not_yet" else NEVER - 1))


@dataclass(frozen=True, slots=True)
class _Arms:
    """Weighted cross products of (1, covariates, outcome) in J clusters by arm; Q = 1 + covariates."""

    products: Floats  # (J, Q + 1, Q + 1)
    is_drawn: Bools  # (J,)
    cluster: Ints  # (J,)
    clusters: int  # G

    def whole(self) -> tuple[Floats, Floats]:
        """Return the sums (Q + 1, Q + 1) of the drawn and of the others."""
        return self.products[self.is_drawn].sum(axis=0), self.products[~self.is_drawn].sum(axis=0)

    def without_each_cluster(self) -> tuple[Floats, Floats]:
        """Return the sums (G, Q + 1, Q + 1) of the drawn and of the others without each cluster in turn."""
        others = (np.arange(self.clusters)[:, None] != self.cluster).astype(np.float64)
        drawn, compared = (
            np.einsum("gj,jpq->gpq", others[:, arm], self.products[arm]) for arm in (self.is_drawn, ~self.is_drawn)
        )
        return drawn, compared


def _adjusted(drawn: Floats, compared: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the effect (...), and for both arms what its influence loads on (2, ..., Q) and the coefficients.

    Sums are (..., Q + 1, Q + 1). Two regressions, one in each arm, on covariates less their mean in both: the effect
    is the difference of the levels. NaN where an arm is empty or its covariates move together.
    """
    both = (drawn + compared)[..., 0, :-1]
    mean = np.divide(both, both[..., :1], out=np.zeros(both.shape), where=both[..., :1] > 0)
    sides = [_level(arm, mean) for arm in (drawn, compared)]
    levels, loadings, coefficients = (np.stack(parts) for parts in zip(*sides, strict=True))
    return levels[0] - levels[1], loadings, coefficients


def _level(arm: Floats, mean: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the fitted outcome at the covariates' mean, its loading (..., Q) on rows and the coefficients (..., Q)."""
    shift = np.broadcast_to(np.eye(mean.shape[-1]), (*mean.shape, mean.shape[-1])).copy()
    shift[..., 0, 1:] = -mean[..., 1:]
    turned = np.swapaxes(shift, -1, -2)
    gram = turned @ arm[..., :-1, :-1] @ shift
    size = np.sqrt(np.maximum(np.diagonal(gram, axis1=-2, axis2=-1), 0.0))
    length = np.divide(1.0, size, out=np.zeros(size.shape), where=size > 0)
    normal = gram * length[..., :, None] * length[..., None, :]
    solvable = np.linalg.eigvalsh(normal)[..., 0] > SMALLEST
    inverse = np.linalg.inv(np.where(solvable[..., None, None], normal, np.eye(mean.shape[-1])))
    inverse *= length[..., :, None] * length[..., None, :]
    slope = (inverse @ turned @ arm[..., :-1, -1:])[..., 0]
    level = np.where(solvable, slope[..., 0], np.nan)
    return level, (shift @ inverse)[..., 0], (shift @ slope[..., None])[..., 0]


def _adjusted_with_influence(arms: _Arms) -> tuple[float, Floats]:
    """Return the effect and its influence (G,), not scaled."""
    effect, loading, coefficient = _adjusted(*arms.whole())
    side = np.where(arms.is_drawn, 0, 1)
    products = arms.products
    score = products[:, :-1, -1] - (products[:, :-1, :-1] @ coefficient[side][..., None])[..., 0]
    own = (score * loading[side]).sum(axis=1) * (1 - 2 * side)
    return float(effect), np.bincount(arms.cluster, weights=own, minlength=arms.clusters).astype(np.float64)


def _arms(table: Floats, weight: Floats, is_drawn: Bools, cluster: Ints) -> tuple[Floats, Bools, Ints]:
    """Return cross products by cluster and arm, and which arm and cluster each is of."""
    key = cluster * 2 + is_drawn
    order = np.argsort(key, kind="stable")
    first = np.flatnonzero(np.diff(key[order], prepend=-1))
    columns, weight = table[order].T, weight[order]
    products = np.empty((first.size, len(columns), len(columns)))
    for i, left in enumerate(columns):
        for j, right in enumerate(columns[: i + 1]):
            products[:, i, j] = products[:, j, i] = np.add.reduceat(weight * left * right, first)
    kept = key[order][first]
    return products, np.asarray(kept % 2 == 1, dtype=np.bool_), kept // 2


def _present(panel: Panel | Sections, period: int, chosen: Bools) -> tuple[Ints, Floats]:
    """Return the chosen rows that have weight and an outcome in the period, and their outcomes."""
    if isinstance(panel, Sections):
        rows = np.flatnonzero(chosen & (panel.period == period) & (panel.weight > 0))
        return rows, panel.outcome[rows]
    rows = np.flatnonzero(chosen & panel.observed[:, period] & (panel.weight > 0))
    return rows, panel.outcome[rows, period]


def _baseline(panel: Panel | Sections, window: int, needed: Bools) -> Floats:
    """Return each row's mean outcome before the window, net of the periods' means; in sections its cluster's.

    0 in rows that are not `needed`.
    """
    if isinstance(panel, Sections):
        level = _sums(panel.period, panel.weight * panel.outcome) / np.maximum(_sums(panel.period, panel.weight), TINY)
        early = panel.weight * (panel.period < window)
        total = _sums(panel.cluster, early * (panel.outcome - level[panel.period]))[panel.cluster]
        weight = _sums(panel.cluster, early)[panel.cluster]
    else:
        persons = panel.weight[:, None] * panel.observed
        outcome = np.where(panel.observed, panel.outcome, 0.0)
        level = (persons * outcome).sum(axis=0) / np.maximum(persons.sum(axis=0), TINY)
        early = (panel.observed & (np.arange(len(panel.periods)) < window)).astype(np.float64)
        total, weight = (early * (outcome - level)).sum(axis=1), early.sum(axis=1)
    absent = int((needed & (weight == 0)).sum())
    if absent:
        raise PanelError(
            f"randomised_trial: {absent:,} of {int(needed.sum()):,} rows have no outcome before the window; expected a "
            "baseline in every row. Lengthen the panel or leave the baseline out."
        )
    return np.divide(total, weight, out=np.zeros(total.shape), where=needed & (weight > 0))


def _sums(codes: Ints, values: Floats) -> Floats:
    return np.bincount(codes, weights=values).astype(np.float64)


def _standardised(columns: Floats) -> Floats:
    """Return columns of mean 0 and length 1 or 0: their size must not decide what counts as moving together."""
    centred = columns - columns.mean(axis=0)
    spread = np.sqrt((centred**2).mean(axis=0))
    return np.divide(centred, spread, out=np.zeros(centred.shape), where=spread > 0)
