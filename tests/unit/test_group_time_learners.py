"""Cross-fitted learners: what plain models cannot find, and digits that names and order do not move."""

from dataclasses import replace

import numpy as np
import pytest
from adjusted_data import CLUSTERS, DATA, followed, rows
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from test_group_time_truth import EFFECT, panel, sections

from evaluator.errors import PanelError
from evaluator.estimators import GroupTime

FOREST = {
    "outcome_learner": RandomForestRegressor(4, min_samples_leaf=10),
    "propensity_learner": RandomForestClassifier(4, min_samples_leaf=10),
}


def learned(**choices):
    return GroupTime(adjustment="doubly_robust", **choices)


@pytest.mark.parametrize("world", [panel, sections])
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


def test_leaving_a_cluster_out_refits_the_learners():
    data = followed()
    keep = data.cluster < 6
    data = rows(data, keep)
    maker = learned(outcome_learner=LinearRegression(), folds=2)
    cells = maker.fit(data).cells
    left = maker.effects_without_each_cluster(data, cells)
    assert left.shape == (6, len(cells)) and np.isfinite(left).all() and (np.ptp(left, axis=0) > 0).all()
