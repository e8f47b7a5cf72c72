"""Doubly robust two-by-twos with cross-fitted learners: no form is assumed of the outcome or of the propensity.

Each cluster's predictions come from learners that never saw its fold. A followed unit's gain is learned, in sections
the outcome of a period. Treated and odds-weighted comparison means of what is left (both normalised) are compared, and
the influence has no term for the learners, since the moment is orthogonal to them.

Sources: Chang (2020), Econometrics Journal 23(2), theorem 3.1; Sant'Anna and Zhao (2020), J. Econometrics 219(1), the
first doubly robust estimand for repeated cross-sections; Chernozhukov and others (2018), Econometrics Journal 21(1),
cross-fitting.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from evaluator.errors import PanelError
from evaluator.estimators.adjustment import propensity
from evaluator.estimators.adjustment.designs import Arm, Design, Reader, designs, reader
from evaluator.estimators.adjustment.reweighting import by_cluster, no_overlap, sample_of
from evaluator.estimators.adjustment.rows import Rows
from evaluator.estimators.contrasts import Contrasts
from evaluator.estimators.segments import runs
from evaluator.vocabulary import Floats, Ints, Sections


@dataclass(frozen=True, slots=True)
class Learners:
    """A scikit-learn regressor and classifier (None: linear and logistic regression), and how rows are split."""

    outcome: Any
    propensity: Any
    folds: int
    seed: int

    def regressor(self) -> Any:
        from sklearn.linear_model import LinearRegression

        return self._fresh(LinearRegression() if self.outcome is None else self.outcome)

    def classifier(self) -> Any:
        from sklearn.linear_model import LogisticRegression

        return self._fresh(LogisticRegression(C=np.inf) if self.propensity is None else self.propensity)

    def _fresh(self, model: Any) -> Any:
        """Return an unfitted copy whose every unset random state is the seed."""
        from sklearn.base import clone

        found = clone(model)
        unset = [name for name, value in found.get_params().items() if name.endswith("random_state") and value is None]
        return found.set_params(**dict.fromkeys(unset, self.seed))


@dataclass(frozen=True, slots=True)
class Folds:
    """Which clusters are predicted together, and an order of clusters by what is in them."""

    fold: Ints  # (G,)
    rank: Ints  # (G,)

    def without(self, cluster: int) -> Folds:
        """Return the folds of the other clusters, unmoved: to deal again would add the noise of the deal."""
        return Folds(np.delete(self.fold, cluster), np.delete(self.rank, cluster))


def folds(rows: Rows, learners: Learners) -> Folds:
    """Deal the clusters of each first cohort evenly into folds, without a look at any outcome.

    Rows that differ in cohort, weight, covariates or period have a random number each, and clusters are dealt in the
    order of their sums; so neither names nor the order of rows matter, but among clusters that are equal in all of it.
    """
    data = rows.data
    columns = [data.cohort, data.weight, *data.covariates.T]
    if isinstance(data, Sections):
        columns.append(data.period)
    order = np.lexsort(tuple(columns))
    first = runs(*(column[order] for column in columns))
    numbers = np.random.default_rng(learners.seed).integers(0, 2**64, first.size, dtype=np.uint64)
    drawn = np.zeros(rows.clusters, dtype=np.uint64)  # whole numbers, whose sums are the same in any order
    np.add.at(drawn, data.cluster[order], np.repeat(numbers, np.diff(np.append(first, order.size))))
    cohort = np.full(rows.clusters, rows.cohorts.size)
    np.minimum.at(cohort, rows.cluster, rows.cohort)
    rank = np.empty(rows.clusters, dtype=np.int64)
    rank[np.lexsort((drawn, cohort))] = np.arange(rows.clusters)
    return Folds(rank % learners.folds, rank)


def fit(rows: Rows, contrasts: Contrasts, learners: Learners, split: Folds) -> tuple[Contrasts, Floats, Floats]:
    """Return the cells that have rows, their effects (C, O) and influence (G, C, O).

    Raises PanelError where treated and comparison do not overlap or have too few clusters to be split.
    """
    from threadpoolctl import threadpool_limits

    kept = contrasts.keep(reader(rows, contrasts).known(contrasts))
    reads, outcomes = reader(rows, kept), len(rows.outcomes)
    effect = np.zeros((kept.cohort.size, outcomes))
    influence = np.zeros((rows.clusters, kept.cohort.size, outcomes))
    share = 1.0 / np.bincount(kept.cell)[kept.cell] if kept.cell.size else np.empty(0)
    with threadpool_limits(limits=1):  # the same digits on any number of threads
        for design in designs(reads, kept):
            two_by_twos = _Split(reads, design, learners, split.fold, split.rank).two_by_twos()
            for use, (found, spread) in zip(design.uses, two_by_twos, strict=True):
                index = use.two_by_two
                effect[kept.cell[index]] += share[index] * found
                influence[:, kept.cell[index]] += share[index] * rows.size * spread
    return kept, effect, influence


@dataclass(frozen=True, slots=True)
class _Split:
    """A design whose nuisance functions are learned fold by fold."""

    reads: Reader
    design: Design
    learners: Learners
    fold: Ints  # (G,)
    rank: Ints  # (G,)

    def two_by_twos(self) -> list[tuple[Floats, Floats]]:
        """Return the effect (O,) and influence (G, O) of each use of the design."""
        slices = self.design.slices
        arms = [(self.reads.arm((self.design.cohort,), i), self.reads.arm(self.design.others, i)) for i in slices]
        odds = self._odds(arms)
        if len(slices) > 1:
            later, earlier = (
                self._slice(pair, weight, (self.reads.outcome(pair[0].at, i), self.reads.outcome(pair[1].at, i)))
                for pair, weight, i in zip(arms, odds, slices, strict=True)
            )
            return [(later[0] - earlier[0], later[1] - earlier[1])]
        levels = [self.reads.outcome(arm.at, slices[0]) for arm in arms[0]]
        found = []
        for use in self.design.uses:
            gains = [y[:, use.plus] if use.minus is None else y[:, use.plus] - y[:, use.minus] for y in levels]
            found.append(self._slice(arms[0], odds[0], (gains[0], gains[1])))
        return found

    def _odds(self, arms: list[tuple[Arm, Arm]]) -> list[Floats]:
        """Return the odds-weighted weights of each slice's comparison rows, learned from the other folds."""
        sample = sample_of(arms)
        fold, share = self.fold[sample.cluster], np.full(sample.weight.size, np.nan)
        for k in np.unique(fold):
            train = self._ordered(np.flatnonzero(fold != k), sample.covariates, sample.treated, sample.cluster)
            if np.unique(sample.treated[train]).size < 2:
                raise self._too_few()
            model = _fitted(self.learners.classifier(), sample.covariates, sample.treated, sample.weight, train)
            share[fold == k] = model.predict_proba(sample.covariates[fold == k, 1:])[:, 1]
        start = sum(treated.weight.size for treated, _ in arms)
        persons = sample.weight[:start].sum()
        with np.errstate(divide="ignore"):
            weight = sample.weight[start:] * propensity.odds(np.log(share[start:]) - np.log1p(-share[start:]))
        if not weight.sum() > propensity.OVERLAP * persons:
            raise no_overlap(start, weight.size)
        return np.split(weight, np.cumsum([compared.weight.size for _, compared in arms])[:-1])

    def _slice(self, arms: tuple[Arm, Arm], odds: Floats, outcome: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
        """Return the contrast (O,) of what the learners leave of one slice's outcomes, and its influence (G, O)."""
        treated, compared = arms
        if not odds.sum() > 0:
            raise no_overlap(treated.weight.size, compared.weight.size)
        own, other = outcome[0].copy(), outcome[1].copy()
        fold = self.fold[compared.cluster]
        for k in np.unique(self.fold):
            for column in range(own.shape[1]):
                target = outcome[1][:, column]
                train = self._ordered(np.flatnonzero(fold != k), compared.covariates, target, compared.cluster)
                if not train.size:
                    raise self._too_few()
                model = _fitted(self.learners.regressor(), compared.covariates, target, compared.weight, train)
                for arm, left in ((treated, own), (compared, other)):
                    at = np.flatnonzero(self.fold[arm.cluster] == k)
                    if at.size:
                        left[at, column] -= np.ravel(model.predict(arm.covariates[at, 1:]))
        effect, influence = np.zeros(own.shape[1]), np.zeros((self.fold.size, own.shape[1]))
        for sign, arm, left, weight in ((1, treated, own, treated.weight), (-1, compared, other, odds)):
            part = (weight / weight.sum())[:, None]
            mean = (part * left).sum(axis=0)
            effect += sign * mean
            influence += sign * by_cluster(part * (left - mean), arm.cluster, self.fold.size)
        return effect, influence

    def _ordered(self, at: Ints, covariates: Floats, target: Floats, cluster: Ints) -> Ints:
        """Return rows in an order that depends on their contents alone, since learners may draw by position."""
        keys = (target[at], *covariates[at].T, self.rank[cluster[at]])
        return at[np.lexsort(keys)]

    def _too_few(self) -> PanelError:
        return PanelError(
            f"group_time: {self.learners.folds} folds leave no clusters of one side to learn from; expected treated "
            "and comparison clusters in at least two folds. Use fewer folds, finer clusters or no learners."
        )


def _fitted(model: Any, covariates: Floats, target: Floats, weight: Floats, train: Ints) -> Any:
    """Fit a learner on some rows, without the constant; weights are passed on where they differ.

    Raises PanelError where they differ and the learner takes none.
    """
    names = () if np.ptp(weight[train]) == 0 else _weight_names(model)
    if names is None:
        raise PanelError(
            f"group_time: the rows' weights differ and {type(model).__name__} has a fit without sample_weight; "
            "expected a learner that takes weights. Use a linear model, a forest or boosting, or a pipeline that ends "
            "in one."
        )
    return model.fit(covariates[train, 1:], target[train], **dict.fromkeys(names, weight[train]))


def _weight_names(model: Any) -> tuple[str, ...] | None:
    """Return the keywords under which a learner's `fit` takes weights; None if it takes none.

    Every step of a pipeline that takes weights gets them, so that a weight counts as that many rows.
    """
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.ensemble import StackingClassifier, StackingRegressor, VotingClassifier, VotingRegressor
    from sklearn.linear_model import LinearRegression
    from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
    from sklearn.pipeline import Pipeline
    from sklearn.utils.validation import has_fit_parameter

    direct = ("sample_weight",)
    if isinstance(model, Pipeline):
        steps = [(name, _weight_names(part)) for name, part in model.steps]
        if steps[-1][1] is None:
            return None
        return tuple(f"{name}__{own}" for name, found in steps for own in found or ())
    if isinstance(model, GridSearchCV | RandomizedSearchCV):
        return _weight_names(model.estimator)
    if isinstance(model, TransformedTargetRegressor):
        return _weight_names(LinearRegression() if model.regressor is None else model.regressor)
    if isinstance(model, StackingClassifier | StackingRegressor | VotingClassifier | VotingRegressor):
        final = getattr(model, "final_estimator", None)
        members = [*(part for _, part in model.estimators), *([] if final is None else [final])]
        return direct if all(_weight_names(part) == direct for part in members) else None
    return direct if hasattr(model, "fit") and has_fit_parameter(model, "sample_weight") else None
