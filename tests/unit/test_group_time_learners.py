"""Cross-fitted learners: what plain models cannot find, and digits that names and order do not move."""

from dataclasses import replace

import numpy as np
import pytest
from adjusted_data import CLUSTERS, DATA, followed, rows, sections
from sklearn.compose import TransformedTargetRegressor
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingRegressor,
    VotingRegressor,
)
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from test_group_time_truth import EFFECT, panel
from test_group_time_truth import sections as repeated

from evaluator.errors import PanelError
from evaluator.estimators import GroupTime
from evaluator.estimators.adjustment.learners import Learners, folds
from evaluator.estimators.adjustment.rows import rows_of
from evaluator.inference import leave_one_cluster_out
from evaluator.panel import select
from evaluator.vocabulary import NEVER

FOREST = {
    "outcome_learner": RandomForestRegressor(4, min_samples_leaf=10),
    "propensity_learner": RandomForestClassifier(4, min_samples_leaf=10),
}


def learned(**choices):
    return GroupTime(adjustment="doubly_robust", **choices)


@pytest.mark.parametrize("world", [panel, repeated])
def test_learners_find_what_a_straight_line_misses(world):
    data = world(np.random.default_rng(5), ("outcome", "propensity"))
    boosted = HistGradientBoostingRegressor(max_iter=40, min_samples_leaf=40)
    forest = RandomForestClassifier(40, min_samples_leaf=60)
    fit = learned(outcome_learner=boosted, propensity_learner=forest).fit(data)
    error = np.sqrt((fit.influence[:, 0] ** 2).sum()) / fit.scale
    assert abs(fit.effect[0] - EFFECT) < 2.5 * error
    assert abs(learned().fit(data).effect[0] - EFFECT) > 4 * error


@pytest.mark.parametrize("kind", DATA)
def test_plain_models_cross_fitted_are_near_the_plain_estimator(kind):
    data = DATA[kind]()
    plain = learned().fit(data)
    fit = learned(outcome_learner=LinearRegression(), propensity_learner=LogisticRegression(C=np.inf)).fit(data)
    error = np.sqrt((plain.influence**2).sum(axis=0)) / plain.scale
    assert fit.cells == plain.cells
    assert (np.abs(fit.effect - plain.effect) < error).all() and not np.array_equal(fit.effect, plain.effect)
    np.testing.assert_allclose(fit.influence.mean(axis=0), 0, atol=1e-9)


def test_names_and_order_do_not_move_the_digits_and_the_seed_does():
    data, rng = followed(), np.random.default_rng(6)
    name = rng.permutation(CLUSTERS)
    moved = rows(replace(data, cluster=name[data.cluster]), rng.permutation(data.cohort.size))
    one, two = (learned(**FOREST, seed=3).fit(d) for d in (data, moved))
    np.testing.assert_allclose(one.effect, two.effect, atol=1e-12)
    np.testing.assert_allclose(one.influence, two.influence[name], atol=1e-9)
    assert not np.allclose(one.effect, learned(**FOREST, seed=4).fit(data).effect)


class WatchingRegressor(LinearRegression):
    """Note which clusters were seen; the second covariate names them."""

    def fit(self, X, y, sample_weight=None):
        self.seen_ = set(X[:, 1].tolist())
        return super().fit(X, y, sample_weight)

    def predict(self, X):
        assert self.seen_.isdisjoint(X[:, 1].tolist())
        return super().predict(X)


class WatchingClassifier(LogisticRegression):
    def fit(self, X, y, sample_weight=None):
        self.seen_ = set(X[:, 1].tolist())
        return super().fit(X, y, sample_weight)

    def predict_proba(self, X):
        assert self.seen_.isdisjoint(X[:, 1].tolist())
        return super().predict_proba(X)


@pytest.mark.parametrize("kind", DATA)
def test_no_cluster_is_predicted_by_learners_that_saw_it(kind):
    data = DATA[kind]()
    data = replace(data, covariates=np.column_stack([data.covariates[:, 0], data.cluster.astype(float)]))
    fit = learned(outcome_learner=WatchingRegressor(), propensity_learner=WatchingClassifier(), folds=3).fit(data)
    assert np.isfinite(fit.effect).all()


def test_too_few_clusters_to_split_are_refused():
    data = followed()
    two = replace(data, cluster=(data.cohort > 3).astype(np.int64))
    with pytest.raises(PanelError, match="folds leave no clusters"):
        learned(outcome_learner=LinearRegression()).fit(two)


LINEAR = {"outcome_learner": LinearRegression()}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", [followed, sections])
def test_leaving_a_cluster_out_learns_again_in_the_same_folds(kind, seed):
    data = two_periods(kind, seed)
    found = leave_one_cluster_out(learned(**LINEAR), data, "simple")
    assert np.ptp(found.refits[:, 0]) > 0
    assert found.errors()[0] / found.aggregate.se == pytest.approx(1.08, abs=0.17)  # up to 2.5 when dealt again


def two_periods(kind, seed):
    """Return the periods 1 and 2, in which the cohort of 2 starts."""
    data = kind(400 if kind is followed else 2000, seed=seed)
    if kind is followed:
        keep = data.cohort != 3
        seen = {"outcome": data.outcome[:, 1:3], "observed": data.observed[:, 1:3]}
    else:
        keep = (data.cohort != 3) & np.isin(data.period, (1, 2))
        seen = {"period": data.period - 1}
    cohort = np.where(data.cohort == NEVER, NEVER, 1)
    return select(replace(data, periods=(1, 2), cohort=cohort, **seen), keep)


def test_a_cell_whose_only_treated_cluster_is_left_out_drops_out():
    data = two_periods(followed, 1)
    data = replace(data, cluster=np.where(data.cohort == 1, data.cluster % 2, 2 + data.cluster % 10))
    maker = learned(**LINEAR, folds=2)
    left = maker.effects_without_each_cluster(data, maker.fit(data).cells)
    assert np.isnan(left[:2]).all()  # one treated cluster is too few to split
    assert np.isfinite(left[2:]).all()


@pytest.mark.parametrize("kind", ["followed", "gapped"])
def test_a_constant_added_to_each_row_moves_nothing(kind):
    data = DATA[kind]()
    moved = replace(data, outcome=data.outcome + 50 * np.random.default_rng(7).normal(size=(data.cohort.size, 1)))
    one, two = (learned(**LINEAR).fit(d) for d in (data, moved))
    np.testing.assert_allclose(one.effect, two.effect, atol=1e-8)
    np.testing.assert_allclose(one.influence, two.influence, atol=1e-8)


@pytest.mark.parametrize("kind", DATA)
def test_several_outcomes_in_one_pass_equal_separate_fits(kind):
    data = DATA[kind]()
    other = replace(data, outcome=np.random.default_rng(8).normal(size=data.outcome.shape))
    for both in ({"a": data, "b": other}, {"b": other, "a": data}):
        together = learned(**LINEAR).fit_outcomes(both)
        alone = [learned(**LINEAR).fit_outcomes({name: one}) for name, one in both.items()]
        assert together.cells == tuple(cell for fit in alone for cell in fit.cells)
        np.testing.assert_allclose(together.effect, np.concatenate([fit.effect for fit in alone]), atol=1e-10)
        np.testing.assert_allclose(together.influence, np.hstack([fit.influence for fit in alone]), atol=1e-9)


def test_the_clusters_of_a_cohort_are_dealt_evenly():
    data = sections()
    layout = rows_of(data, (), is_adjusted=True)
    split = folds(layout, Learners(None, None, 3, 0))
    for start in (2, 3, NEVER):
        dealt = np.bincount(split.fold[np.unique(data.cluster[data.cohort == start])], minlength=3)
        assert np.ptp(dealt) <= 1


STRAIGHT = {
    "pipeline": make_pipeline(StandardScaler(), LinearRegression()),
    "nested pipeline": make_pipeline("passthrough", make_pipeline(StandardScaler(), LinearRegression())),
    "search": GridSearchCV(make_pipeline(PCA(), LinearRegression()), {"pca__n_components": [2]}, cv=2),
    "transformed target": TransformedTargetRegressor(LinearRegression()),
    "vote": VotingRegressor([("a", LinearRegression()), ("b", LinearRegression())]),
}


@pytest.mark.parametrize("name", STRAIGHT)
def test_weights_reach_the_learner_inside_another(name):
    data = followed()
    one, two = (learned(outcome_learner=model).fit(data) for model in (LinearRegression(), STRAIGHT[name]))
    np.testing.assert_allclose(two.effect, one.effect, atol=1e-9)
    even = learned(outcome_learner=LinearRegression()).fit(replace(data, weight=np.ones(data.weight.size)))
    assert np.abs(one.effect - even.effect).max() > 0.01


class WeightedScaledRidge(Ridge):
    """Scale by weighted means and variances, as copies of the rows would."""

    def fit(self, X, y, sample_weight=None):
        self.mean_ = np.average(X, axis=0, weights=sample_weight)
        self.size_ = np.sqrt(np.average((X - self.mean_) ** 2, axis=0, weights=sample_weight))
        return super().fit((X - self.mean_) / self.size_, y, sample_weight)

    def predict(self, X):
        return super().predict((X - self.mean_) / self.size_)


def test_weights_reach_every_step_of_a_pipeline_that_takes_them():
    data = followed()
    pipeline = make_pipeline(StandardScaler(), Ridge(50.0))
    one, two = (learned(outcome_learner=model).fit(data) for model in (WeightedScaledRidge(50.0), pipeline))
    np.testing.assert_allclose(two.effect, one.effect, atol=1e-10)


@pytest.mark.parametrize(
    "learner",
    [
        {"outcome_learner": KNeighborsRegressor()},
        {"outcome_learner": make_pipeline(StandardScaler(), KNeighborsRegressor())},
        {"outcome_learner": GridSearchCV(KNeighborsRegressor(), {"n_neighbors": [3]})},
        {"outcome_learner": VotingRegressor([("a", LinearRegression()), ("b", KNeighborsRegressor())])},
        {"outcome_learner": StackingRegressor([("a", LinearRegression())], KNeighborsRegressor(), cv=2)},
        {"propensity_learner": KNeighborsClassifier()},
    ],
)
def test_a_learner_without_weights_is_refused_unless_all_weigh_the_same(learner):
    data, name = followed(), type(next(iter(learner.values()))).__name__
    with pytest.raises(PanelError, match=f"weights differ.*{name}.*sample_weight"):
        learned(**learner).fit(data)
    assert np.isfinite(learned(**learner).fit(replace(data, weight=np.full(data.weight.size, 3.0))).effect).all()
