"""Who gains: effects on persons, averaged over groups, by a doubly robust learner across municipalities."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from evaluator.estimators.person_cells import Columns, Gains, PersonCells, person_cells
from evaluator.vocabulary import Assumption, Bools, Floats, Ints

MIN_PROPENSITY = 0.02
RIDGE = 1.0  # penalty of the outcome model, in persons; errors of it are mended by the propensity


@dataclass(frozen=True, slots=True)
class GroupAverages:
    """Effects in C groups and again without each of M municipalities; inference makes intervals of them."""

    groups: tuple[str, ...]  # (C,)
    value: Floats  # (C,) in the unit of the outcome, NaN where not estimable
    refits: Floats  # (M, C) without each municipality, or (0, C) when not asked for
    persons: Ints  # (C,) treated persons behind the number
    treated: Ints  # (C,) treated municipalities behind it
    effective: Floats  # (C,) their effective number, 1 / sum of squared shares of the treated persons; 0 without any
    treated_clusters: int  # treated municipalities in the data
    clusters: int  # M, all municipalities with comparable persons


@dataclass(frozen=True, slots=True)
class WhoGains:
    """Effect on the treated persons of each group: outcome less its level before the start, treated against donors.

    Everybody enters once, in one municipality and period. Compared are entrants from the start on in treated
    municipalities with entrants of the same periods in never-exposed ones. What is learned is Y less the mean before
    the start of the same municipality and group (`prestart_levels`), otherwise the learner would compare the
    municipalities' levels. Donors serve every start date with the level before that date, and are weighted so that
    start dates are as frequent among them as among the treated of the group. Effect modifiers are the group and the
    traits; entry time is a control. Nuisance models are logistic and linear, cross-fitted with whole municipalities
    in a fold.
    """

    groups: str  # column of the grouping
    traits: tuple[str, ...] = ("sex", "education_level")
    anticipation: int = 0  # in the unit of the period labels: entrants this long before the start are partly exposed
    minimum_persons: int = 20  # per group and arm, before as well as from the start on
    minimum_clusters: int = 5  # municipalities per group and arm: no error is offered for fewer
    shrinkage: float = 20.0  # persons at which a group's own level before the start counts half
    folds: int = 3
    seed: int = 20170101  # deals municipalities to folds
    name: str = "who_gains"
    source: str = (
        "Kennedy (2023), Electronic J. Statistics 17(2), Algorithm 1; group averages: Semenova and Chernozhukov "
        "(2021), Econometrics J. 24(2)"
    )
    assumes: frozenset[Assumption] = frozenset(
        {Assumption.PARALLEL_TRENDS, Assumption.NO_ANTICIPATION, Assumption.STABLE_COMPOSITION}
    )

    def fit(self, frame: Any, columns: Columns | None = None, *, refit: bool = True) -> GroupAverages:
        """Return group averages of a polars or pandas frame with a row per person, and their leave-one-out refits.

        `period` and `cohort` are whole numbers on one scale; cohort is the first exposed period, 0 or null for never.
        The levels before the start are computed anew in every refit. Raises PanelError without treated or donors.
        """
        from threadpoolctl import threadpool_limits

        cells = person_cells(frame, self.groups, self.traits, self.anticipation, columns or Columns())
        everyone = np.ones(cells.units, dtype=np.bool_)
        gains = cells.gains(everyone, self.shrinkage)
        supported, persons, treated, effective = self._support(cells, gains)
        units = np.unique(cells.unit[gains.weight > 0])
        cells, folds = replace(cells, supported=supported), self._folds(cells)
        value = np.full(supported.size, np.nan)
        refits = np.full((units.size if refit else 0, supported.size), np.nan)
        if supported.any():
            with threadpool_limits(limits=1):  # the same digits on any number of threads, and faster on small matrices
                value = self._learn(cells, everyone, folds)
                for row in range(len(refits)):
                    refits[row] = self._learn(cells, np.arange(cells.units) != units[row], folds)
        clusters = int(cells.before.is_treated[units].sum())
        return GroupAverages(cells.group_names, value, refits, persons, treated, effective, clusters, units.size)

    def _support(self, cells: PersonCells, gains: Gains) -> tuple[Bools, Ints, Ints, Floats]:
        """Return which groups (C,) have enough in both arms, and the treated persons, municipalities and their
        effective number.
        """
        groups = len(cells.group_names)
        enough, counts = np.ones(groups, dtype=np.bool_), []
        for arm in (False, True):
            rows = (gains.weight > 0) & (cells.is_treated == arm)
            table = np.zeros((groups, cells.units))
            np.add.at(table, (cells.group[rows], cells.unit[rows]), cells.persons[rows])
            persons, units = table.sum(axis=1).astype(np.int64), (table > 0).sum(axis=1)
            effective = table.sum(axis=1) ** 2 / np.maximum((table**2).sum(axis=1), 1.0)
            before = cells.before.persons[:, cells.before.is_treated == arm].max(axis=0).sum(axis=0)
            enough &= (np.minimum(persons, before) >= self.minimum_persons) & (units >= self.minimum_clusters)
            counts.append((persons, units, effective))
        return enough, *counts[1]

    def _folds(self, cells: PersonCells) -> Ints:
        """Return each municipality's fold (U,), both arms dealt evenly; the same in every refit."""
        fold, random = np.zeros(cells.units, dtype=np.int64), np.random.default_rng(self.seed)
        for arm in (True, False):
            units = random.permutation(np.flatnonzero(cells.before.is_treated == arm))
            fold[units] = np.arange(units.size) % self.folds
        return fold

    def _learn(self, cells: PersonCells, keep: Bools, folds: Ints) -> Floats:
        """Return the averages (C,) over the treated of each group, NaN in groups without support."""
        import sklearn
        from econml.dr import DRLearner
        from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge

        gains = cells.gains(keep, self.shrinkage)
        used = gains.weight > 0
        exposed, modifiers, weight = cells.is_treated[used], cells.modifiers()[used], gains.weight[used]
        fold = folds[cells.unit[used]]
        learner = DRLearner(
            model_propensity=LogisticRegression(solver="newton-cholesky", tol=1e-3),
            model_regression=Ridge(alpha=RIDGE, solver="cholesky"),
            model_final=LinearRegression(fit_intercept=False),
            min_propensity=MIN_PROPENSITY,
            cv=[(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in np.unique(fold)],
            random_state=self.seed,
        )
        known = {"X": modifiers, "W": cells.controls()[used], "sample_weight": weight}
        value = np.full(len(cells.group_names), np.nan)
        own = [exposed & (cells.group[used] == group) for group in range(value.size)]
        present = np.flatnonzero([cells.supported[group] and own[group].any() for group in range(value.size)])
        typical = [np.average(modifiers[own[group]], axis=0, weights=weight[own[group]]) for group in present]
        with sklearn.config_context(assume_finite=True, skip_parameter_validation=True):
            learner.fit(gains.outcome[used], exposed.astype(np.int64), inference=None, **known)
            value[present] = np.ravel(learner.effect(np.array(typical)))
        return value
