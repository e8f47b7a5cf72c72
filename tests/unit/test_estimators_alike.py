"""What every estimator of effects keeps to, whatever its method: influence, invariances, refits, names."""

from dataclasses import replace

import numpy as np
import pytest
from staggered_panel import errors, in_clusters, sections_of, staggered, with_gaps

from evaluator.errors import PanelError
from evaluator.estimators import Imputation, RandomisedTrial, Saturated, TripleDifference, TwoWay
from evaluator.estimators.plugins import made
from evaluator.inference import aggregate, leave_one_cluster_out
from evaluator.inference.leave_one_out import refit_without_each_cluster
from evaluator.vocabulary import NEVER, Invariance, Sections

ESTIMATORS = {
    "imputation": Imputation(),
    "imputation-ahead": Imputation(anticipation=1, leads=1),
    "saturated": Saturated(),
    "saturated-last": Saturated(control="last", anticipation=1),
    "two_way": TwoWay(),
    "two_way-ahead": TwoWay(anticipation=1),
    "triple_difference": TripleDifference(),
    "triple_difference-not-yet": TripleDifference(comparison="not_yet", base="universal", anticipation=1),
    "triple_difference-efficient": TripleDifference(comparison="not_yet", weighting="efficient"),
    "randomised_trial": RandomisedTrial(),
    "randomised_trial-baseline": RandomisedTrial(comparison="not_yet", baseline=True, anticipation=1),
}


def complete():
    panel = in_clusters(staggered(1, units=72)[0])
    return replace(panel, weight=np.random.default_rng(2).integers(1, 30, 72).astype(np.float64))


def gaps():
    panel = with_gaps(complete(), 3)
    panel.observed[:, 0] = True  # a baseline for everybody
    return replace(panel, outcome=np.where(panel.observed, complete().outcome, np.nan))


DATA = {"complete": complete, "gaps": gaps, "sections": lambda: sections_of(complete(), 4)}
ROWS = ("outcome", "cohort", "cluster", "weight", "covariates")


def columns(data):
    return (*ROWS, "period") if isinstance(data, Sections) else (*ROWS, "observed")


@pytest.mark.parametrize("kind_of_data", DATA)
@pytest.mark.parametrize("name", ESTIMATORS)
class TestAllAlike:
    def test_influence_is_by_cluster_with_mean_zero_and_every_average_is_finite(self, name, kind_of_data):
        data, estimator = DATA[kind_of_data](), ESTIMATORS[name]
        fit = estimator.fit(data)
        assert fit.influence.shape == (24, len(fit.cells))
        assert len(set(fit.cells)) == len(fit.cells)
        np.testing.assert_allclose(fit.influence.sum(axis=0) / fit.scale, 0, atol=1e-13)
        for kind in ("simple", "event", "group", "calendar"):
            found = aggregate(fit, data, kind)
            assert np.isfinite([found.value, found.se]).all()
            assert found.se > 0

    def test_leaving_out_a_cluster_is_a_refit(self, name, kind_of_data):
        data, estimator = DATA[kind_of_data](), ESTIMATORS[name]
        cells = estimator.fit(data).cells
        short = estimator.effects_without_each_cluster(data, cells)
        np.testing.assert_allclose(short, refit_without_each_cluster(estimator, data, cells, 24), atol=1e-12)
        assert leave_one_cluster_out(estimator, data, "event").refits.shape[0] == 24

    def test_read_only_inputs_survive_and_the_order_of_rows_is_irrelevant(self, name, kind_of_data):
        data, estimator = DATA[kind_of_data](), ESTIMATORS[name]
        for column in columns(data):
            getattr(data, column).flags.writeable = False
        one = estimator.fit(data)
        order = np.random.default_rng(5).permutation(data.cluster.size)
        two = estimator.fit(replace(data, **{column: getattr(data, column)[order] for column in columns(data)}))
        assert one.cells == two.cells
        np.testing.assert_allclose(one.effect, two.effect, atol=1e-12)
        np.testing.assert_allclose(one.influence, two.influence, atol=1e-9)

    def test_constants_and_scale_do_what_the_estimator_declares(self, name, kind_of_data):
        data, estimator = DATA[kind_of_data](), ESTIMATORS[name]
        one, moved = estimator.fit(data), np.random.default_rng(6)
        by_cluster, by_period = moved.normal(size=24) * 50, moved.normal(size=8) * 50
        at = by_period[data.period] if isinstance(data, Sections) else by_period
        own = by_cluster[data.cluster] if isinstance(data, Sections) else by_cluster[data.cluster][:, None]
        changed = {
            Invariance.ROW_CONSTANT: data.outcome + own,
            Invariance.PERIOD_CONSTANT: data.outcome + at,
            Invariance.SCALE: data.outcome * 1000,
        }
        kinds = getattr(estimator, "invariant_to", frozenset(Invariance))
        if isinstance(estimator, TripleDifference) and kind_of_data == "sections":
            kinds = kinds - {Invariance.ROW_CONSTANT}  # means of whoever is there, in each period anew
        for kind in kinds:
            two, factor = estimator.fit(replace(data, outcome=changed[kind])), 1000 if kind == Invariance.SCALE else 1
            np.testing.assert_allclose(one.effect * factor, two.effect, atol=1e-10 * factor)
            np.testing.assert_allclose(errors(one) * factor, errors(two), atol=1e-10 * factor)

    def test_one_cluster_alone_is_refused(self, name, kind_of_data):
        data, estimator = DATA[kind_of_data](), ESTIMATORS[name]
        with pytest.raises(PanelError, match="expected"):
            estimator.fit(replace(data, cluster=np.zeros_like(data.cluster), cohort=np.full_like(data.cohort, 4)))

    def test_nobody_exposed_is_refused(self, name, kind_of_data):
        data, estimator = DATA[kind_of_data](), ESTIMATORS[name]
        with pytest.raises(PanelError, match="expected"):
            estimator.fit(replace(data, cohort=np.full_like(data.cohort, NEVER)))

    def test_exposed_from_the_first_period_on_is_refused_unless_drawn(self, name, kind_of_data):
        data, estimator = DATA[kind_of_data](), ESTIMATORS[name]
        first = replace(data, cohort=np.where(data.cohort == NEVER, NEVER, 0))
        if name == "randomised_trial":  # a draw needs no period before the start
            assert np.isfinite(estimator.fit(first).effect).all()
            return
        with pytest.raises(PanelError, match="expected"):
            estimator.fit(first)


@pytest.mark.parametrize("garbage", [np.nan, np.inf, 999.0])
@pytest.mark.parametrize("name", ESTIMATORS)
def test_what_stands_in_unobserved_cells_is_never_read(name, garbage):
    clean, estimator = gaps(), ESTIMATORS[name]
    clean = replace(clean, outcome=np.where(clean.observed, clean.outcome, 0.0))
    dirty = replace(clean, outcome=np.where(clean.observed, clean.outcome, garbage))
    one, two = (leave_one_cluster_out(estimator, data, "event") for data in (clean, dirty))
    np.testing.assert_array_equal(one.value, two.value)
    np.testing.assert_array_equal(one.refits, two.refits)
    np.testing.assert_array_equal(one.aggregate.influence, two.aggregate.influence)


@pytest.mark.parametrize("name", ["imputation", "saturated", "two_way", "triple_difference", "randomised_trial"])
def test_estimators_load_by_name_and_take_the_choices_of_a_spec(name):
    estimator = made(name, anticipation=2, base_periods=12, adjustment="none", seed=1)
    assert (estimator.name, estimator.anticipation) == (name, 2)
    assert estimator.source
    with pytest.raises(ValueError, match="expected"):
        made(name, anticipation=-1)
