"""Group-time average treatment effects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from evaluator.errors import PanelError
from evaluator.estimators.adjustment import learners, left_out, regression, reweighting
from evaluator.estimators.adjustment.rows import Rows, rows_of
from evaluator.estimators.contrasts import Choices, Contrasts, contrasts
from evaluator.panel import without_clusters
from evaluator.vocabulary import Assumption, Cell, Fit, Floats, Ints, Panel, Sections

CHOICES = {
    "comparison": ("never", "not_yet"),
    "base": ("varying", "universal"),
    "adjustment": ("none", "regression", "weighting", "doubly_robust"),
    "variant": ("traditional", "improved"),
}
Data = Panel | Sections


@dataclass(frozen=True, slots=True)
class GroupTime:
    """ATT(g, t): the cohort's gain since its base period, less that of people not yet exposed at t.

    `anticipation` is in periods: those before the start in which people may already react (behaviour and horizon). They
    are compared with the last period before the window, as exposed periods are, and serve neither as base nor as
    pre-trend. With base "varying" the earlier periods are compared with the one before. With base "universal" the base
    may be the plain mean of the contrasts of the `base_periods` periods up to the window (fewer where the panel is
    shorter or a period is empty): small entry cohorts make a single base period the noisiest number in the contrast.

    `adjustment` compares people of equal covariates (a constant is added): by "regression" of the comparison's outcome,
    by "weighting" the comparison with the odds of being treated (Hajek's; Horvitz and Thompson's is not offered, since
    it moves when a constant is added to the outcome), or "doubly_robust", right when either model is. Its `variant`
    "improved" fits both so that, if they are right, neither adds to the error. Comparison rows with a propensity of
    .995 or more weigh nothing. With `outcome_learner` or `propensity_learner` (scikit-learn's regressors and
    classifiers), doubly robust effects use predictions from the other `folds` of whole clusters, dealt by `seed` and
    by all but the outcome; they stay as they are when a cluster is left out. Where rows' weights differ a learner must
    take `sample_weight`, in a pipeline its last step: nearest neighbours, which cannot, are refused.

    A followed unit enters a two-by-two when it is observed in both its periods. In sections the propensity model has
    the rows of both.
    """

    comparison: str = "never"
    base: str = "varying"
    anticipation: int = 0
    base_periods: int = 1
    adjustment: str = "none"
    variant: str = "traditional"
    outcome_learner: Any = None
    propensity_learner: Any = None
    folds: int = 5
    seed: int = 0
    name: str = "group_time"
    source: str = (
        "Callaway and Sant'Anna (2021), J. Econometrics 225(2), Theorem 1; Sant'Anna and Zhao (2020), "
        "J. Econometrics 219(1)"
    )
    assumes: frozenset[Assumption] = frozenset({Assumption.PARALLEL_TRENDS, Assumption.NO_ANTICIPATION})

    def __post_init__(self) -> None:
        for field, known in CHOICES.items():
            if getattr(self, field) not in known:
                raise ValueError(f"group_time: {field} '{getattr(self, field)}' is unknown; expected one of {known}")
        if self.anticipation < 0 or self.base_periods < 1 or (self.base_periods > 1 and self.base != "universal"):
            raise ValueError("group_time: expected anticipation >= 0 and base_periods 1, or more with a universal base")
        if self._learners() is not None and (self.adjustment != "doubly_robust" or self.folds < 2):
            raise ValueError("group_time: learners need adjustment 'doubly_robust' and at least 2 folds")

    def fit(self, panel: Data) -> Fit:
        """Return effects (C,) and influence summed to clusters (G, C); `scale` is the number of rows.

        In a cell of a universal base at its base the effect and the influence are 0. Cells without treated or
        without comparison persons are absent. Raises PanelError when none is left, when a regression is not determined
        (fewer rows than covariates, or collinear) and when treated and comparison do not overlap.
        """
        return self.fit_outcomes({panel.unit: panel})

    def fit_outcomes(self, panels: Mapping[str, Data]) -> Fit:
        """Return the fits of several outcomes, stacked; cells carry the outcome's name.

        Outcomes of the same rows share the sorting, the regressions' factors and the propensity models. Others are
        fitted one by one. Raises PanelError unless their clusters are the same, by the labels of units or clusters
        where both have them, else by number.
        """
        names, data = tuple(panels), tuple(panels.values())
        if not all(_have_same_clusters(data[0], other) for other in data[1:]):
            raise PanelError(
                "group_time: the outcomes have different clusters, or none of their labelled units shows that they are "
                "the same; expected the same for all, in one order. Fit them one by one."
            )
        if not all(_is_alike(data[0], other) for other in data[1:]):
            return _stacked([self.fit_outcomes({name: panel}) for name, panel in panels.items()])
        rows, cells = self._laid_out(data[0], tuple(panel.outcome for panel in data))
        kept, effect, influence = self._estimated(rows, cells)
        if not kept.cohort.size:
            raise PanelError(
                "group_time: 0 cells have treated and comparison units; expected at least one. "
                "Lengthen the panel before the first start or widen the comparison."
            )
        return Fit(
            cells=tuple(cell for name in names for cell in kept.cells(name)),
            effect=effect.T.ravel(),
            influence=influence.transpose(0, 2, 1).reshape(rows.clusters, -1),
            scale=rows.size,
        )

    def effects_without_each_cluster(self, panel: Data, cells: tuple[Cell, ...]) -> Floats:
        """Return the effects (G, C) of `cells` refitted without each cluster in turn; NaN where a cell drops out.

        By a short cut that gives the same numbers as G fits; learners are fitted again, in the folds of all clusters.
        """
        learned = self._learners()
        if learned is not None:
            return self._learned_without_each_cluster(panel, cells, learned)
        rows, found = self._laid_out(panel, (panel.outcome,))
        names = [(c.cohort, c.period, c.base) for c in found.cells("")]
        where = {(c.cohort, c.period, c.base): i for i, c in enumerate(cells)}
        asked = found.only(np.array([name in where for name in names], dtype=np.bool_))
        method = self._method()
        if method is None:
            effects = regression.effects_without_each_cluster(rows, asked)
        else:
            effects = left_out.effects_without_each_cluster(rows, asked, method)
        out = np.full((rows.clusters, len(cells)), np.nan)
        out[:, [where[name] for name in names if name in where]] = effects[:, :, 0]
        return out

    def _learned_without_each_cluster(self, panel: Data, cells: tuple[Cell, ...], learned: learners.Learners) -> Floats:
        split = learners.folds(self._laid_out(panel, ())[0], learned)
        out, where = np.full((split.fold.size, len(cells)), np.nan), {cell: index for index, cell in enumerate(cells)}
        for cluster in range(split.fold.size):
            left = without_clusters(panel, [cluster])
            try:
                kept, effect, _ = learners.fit(*self._laid_out(left, (left.outcome,)), learned, split.without(cluster))
            except PanelError:
                continue
            for cell, value in zip(kept.cells(panel.unit), effect[:, 0], strict=True):
                if cell in where:
                    out[cluster, where[cell]] = value
        return out

    def effects_when_assigned(self, panel: Data, cohort: Ints) -> tuple[tuple[Cell, ...], Floats] | None:
        """Return cells and their effects (S, C) had the clusters started by `cohort` (S, G); NaN where one drops out.

        None where weights by a propensity must be fitted again for each.
        """
        if self._method() is not None:
            return None
        rows = rows_of(panel, (panel.outcome,), is_adjusted=self.adjustment != "none")
        cells = contrasts(np.unique(cohort), rows.periods, self._choices())
        return cells.cells(panel.unit), regression.effects_when_assigned(rows, cells, cohort)[:, :, 0]

    def _choices(self) -> Choices:
        return Choices(self.comparison, self.base, self.anticipation, self.base_periods)

    def _laid_out(self, data: Data, outcomes: tuple[Floats, ...]) -> tuple[Rows, Contrasts]:
        rows = rows_of(data, outcomes, is_adjusted=self.adjustment != "none")
        return rows, contrasts(rows.cohorts, rows.periods, self._choices())

    def _estimated(self, rows: Rows, cells: Contrasts) -> tuple[Contrasts, Floats, Floats]:
        method, learned = self._method(), self._learners()
        if learned is not None:
            return learners.fit(rows, cells, learned, learners.folds(rows, learned))
        return regression.fit(rows, cells) if method is None else reweighting.fit(rows, cells, method)

    def _learners(self) -> learners.Learners | None:
        if self.outcome_learner is None and self.propensity_learner is None:
            return None
        return learners.Learners(self.outcome_learner, self.propensity_learner, self.folds, self.seed)

    def _method(self) -> reweighting.Method | None:
        """Return which weights; None for a regression or no adjustment, which is one on a constant."""
        if self.adjustment in ("none", "regression"):
            return None
        is_doubly_robust = self.adjustment == "doubly_robust"
        return reweighting.Method(is_doubly_robust, is_doubly_robust and self.variant == "improved")


def _is_alike(one: Data, other: Data) -> bool:
    """Return whether two outcomes have the same rows: all but the outcome is equal."""
    names = ["cohort", "cluster", "weight", "covariates", "period" if isinstance(one, Sections) else "observed"]
    pairs: list[tuple[Any, Any]] = [(getattr(one, name, None), getattr(other, name, None)) for name in names]
    return one.periods == other.periods and all(a is b or np.array_equal(a, b) for a, b in pairs)


def _have_same_clusters(one: Data, other: Data) -> bool:
    """Return whether the cluster numbers of two outcomes name the same clusters, as far as labels tell.

    Sections label clusters, panels units: what has the same label must have the same cluster, and every cluster such a
    label. Without labels on both sides the numbers are the names.
    """
    clusters = {int(data.cluster.max()) + 1 for data in (one, other)}
    (names, numbers), (others, found) = _labels(one), _labels(other)
    if len(clusters) > 1 or not names or not others:
        return len(clusters) == 1
    if names is others:
        return np.array_equal(numbers, found)
    number = dict(zip(names, numbers.tolist(), strict=True))
    pairs = {(number[name], at) for name, at in zip(others, found.tolist(), strict=True) if name in number}
    return pairs == {(at, at) for at in range(*clusters)}


def _labels(data: Data) -> tuple[tuple[Any, ...], Ints]:
    """Return the labels of units or clusters, and the number of each one's cluster."""
    if isinstance(data, Panel):
        return data.units, data.cluster
    return data.clusters, np.arange(len(data.clusters))


def _stacked(fits: list[Fit]) -> Fit:
    """Return fits of different rows as one, influence on the scale of the first."""
    scale = fits[0].scale
    return Fit(
        cells=tuple(cell for fit in fits for cell in fit.cells),
        effect=np.concatenate([fit.effect for fit in fits]),
        influence=np.hstack([fit.influence * (scale / fit.scale) for fit in fits]),
        scale=scale,
    )
