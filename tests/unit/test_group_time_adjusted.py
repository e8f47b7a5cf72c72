"""Adjusted group-time effects: their influence is the derivative, their short cuts are refits."""

from dataclasses import replace

import numpy as np
import pytest
from adjusted_data import CALENDARS, CLUSTERS, DATA, METHODS, estimator, followed, gapped, rows, sections

from evaluator.errors import PanelError
from evaluator.estimators import GroupTime, segments
from evaluator.estimators.adjustment import group_sums, regression
from evaluator.inference import aggregate
from evaluator.inference.leave_one_out import refit_without_each_cluster
from evaluator.vocabulary import NEVER

STEP = 1e-5
every_method = pytest.mark.parametrize("method", METHODS)
every_kind = pytest.mark.parametrize("kind", DATA)


@every_kind
@every_method
@pytest.mark.parametrize("calendar", CALENDARS)
def test_the_influence_is_the_derivative_in_a_clusters_weight(method, kind, calendar):
    data, maker = DATA[kind](), estimator(method, calendar)
    fit = maker.fit(data)
    np.testing.assert_allclose(fit.influence.mean(axis=0), 0, atol=1e-10)
    for cluster in (0, 5):
        up, down = (
            maker.fit(replace(data, weight=np.where(data.cluster == cluster, data.weight * (1 + s), data.weight)))
            for s in (STEP, -STEP)
        )
        slope = (up.effect - down.effect) / (2 * STEP)
        np.testing.assert_allclose(fit.influence[cluster] / fit.scale, slope, atol=1e-8)


@every_kind
@every_method
@pytest.mark.parametrize("calendar", ["not_yet-varying", "never-three"])
def test_leaving_a_cluster_out_by_the_short_cut_equals_a_refit(method, kind, calendar):
    data, maker = DATA[kind](), estimator(method, calendar)
    cells = maker.fit(data).cells
    fast, slow = maker.effects_without_each_cluster(data, cells), refit_without_each_cluster(maker, data, cells, 4)
    np.testing.assert_allclose(fast[:4], slow, atol=1e-10)
    assert np.ptp(fast, axis=0)[[cell.period != cell.base for cell in cells]].min() > 0


@every_kind
@every_method
@pytest.mark.parametrize("calendar", ["never-varying", "not_yet-universal", "never-three"])
def test_a_cell_whose_only_treated_cluster_is_left_out_drops_out(method, kind, calendar):
    data, maker = DATA[kind](), estimator(method, calendar)
    data = replace(data, cluster=np.where(data.cohort == 3, 0, 1 + data.cluster % (CLUSTERS - 1)))
    fit = maker.fit(data)
    left = maker.effects_without_each_cluster(data, fit.cells)
    lost = np.array([cell.cohort == 3 for cell in fit.cells])
    assert np.isnan(left[0, lost]).all() and np.isfinite(left[0, ~lost]).all() and np.isfinite(left[1:]).all()
    np.testing.assert_allclose(left[:2], refit_without_each_cluster(maker, data, fit.cells, 2), atol=1e-10)


@every_kind
@pytest.mark.parametrize("method", ["weighting", "traditional", "improved"])
@pytest.mark.parametrize("calendar", CALENDARS)
def test_without_the_cluster_that_alone_overlaps_one_cohort_all_cells_are_unknown(method, kind, calendar):
    data, maker = DATA[kind](), estimator(method, calendar)
    never = data.cohort == NEVER
    near = never & (np.arange(never.size) % 4 == 0)
    cluster = np.where(near, 2, np.where(never & (data.cluster == 2), 3, data.cluster))
    data = replace(
        data, cluster=cluster, covariates=data.covariates + [8.0, 0.0] * (near | (data.cohort == 3))[:, None]
    )
    cells = maker.fit(data).cells
    fast, slow = maker.effects_without_each_cluster(data, cells), refit_without_each_cluster(maker, data, cells, 4)
    np.testing.assert_allclose(fast[:4], slow, atol=1e-8)
    assert np.isnan(fast).all(axis=1).tolist() == [left == 2 for left in range(CLUSTERS)]


@every_kind
@every_method
def test_several_outcomes_in_one_pass_equal_separate_fits(method, kind):
    first = DATA[kind]()
    data = {"a": first, "b": replace(first, outcome=first.outcome**2)}
    both = estimator(method, "not_yet-varying").fit_outcomes(data)
    alone = {name: estimator(method, "not_yet-varying").fit(part) for name, part in data.items()}
    assert [cell.outcome for cell in both.cells] == ["a"] * len(alone["a"].cells) + ["b"] * len(alone["b"].cells)
    np.testing.assert_allclose(both.effect, np.concatenate([fit.effect for fit in alone.values()]), atol=1e-12)
    np.testing.assert_allclose(both.influence, np.hstack([fit.influence for fit in alone.values()]), atol=1e-9)


def test_outcomes_of_different_rows_are_fitted_apart_on_one_scale():
    whole = followed()
    part = rows(whole, np.arange(whole.cohort.size) % 10 != 0)
    both = GroupTime(adjustment="regression").fit_outcomes({"whole": whole, "part": part})
    alone = GroupTime(adjustment="regression").fit(part)
    error, expected = (np.sqrt((fit.influence**2).sum(axis=0)) / fit.scale for fit in (both, alone))
    np.testing.assert_allclose(both.effect[-len(alone.cells) :], alone.effect)
    np.testing.assert_allclose(error[-len(alone.cells) :], expected)
    fewer = rows(whole, whole.cluster < CLUSTERS - 1)
    with pytest.raises(PanelError, match="different clusters"):
        GroupTime().fit_outcomes({"whole": whole, "fewer": fewer})


@every_kind
@every_method
def test_rows_in_any_order_and_clusters_of_any_name_give_the_same_numbers(method, kind):
    data, rng = DATA[kind](), np.random.default_rng(6)
    name = rng.permutation(CLUSTERS)
    moved = rows(replace(data, cluster=name[data.cluster]), rng.permutation(data.cohort.size))
    one, two = (estimator(method, "not_yet-varying").fit(d) for d in (data, moved))
    np.testing.assert_allclose(one.effect, two.effect, atol=1e-12)
    np.testing.assert_allclose(one.influence, two.influence[name], atol=1e-9)


@every_kind
@every_method
def test_a_weight_counts_as_that_many_rows(method, kind):
    data = DATA[kind]()
    copied = rows(
        replace(data, weight=np.ones(data.weight.size)), np.repeat(np.arange(data.weight.size), data.weight.astype(int))
    )
    one, two = (estimator(method).fit(d) for d in (data, copied))
    np.testing.assert_allclose(one.effect, two.effect, atol=1e-11)
    np.testing.assert_allclose(one.influence / one.scale, two.influence / two.scale, atol=1e-11)


@every_method
def test_constants_and_the_scale_of_covariates_change_nothing(method):
    for data in (followed(), gapped(), sections()):
        turned = replace(data, covariates=1000.0 + data.covariates @ np.array([[3.0, 0.5], [0.0, 200.0]]))
        if data.outcome.ndim == 2:
            shift = np.random.default_rng(1).normal(size=(len(data.outcome), 1)) + 50 * np.arange(4)
        else:
            shift = 50.0 * data.period
        moved = replace(data, outcome=data.outcome + shift)
        fit = estimator(method, "not_yet-universal").fit(data)
        for other in (turned, moved):
            again = estimator(method, "not_yet-universal").fit(other)
            np.testing.assert_allclose(fit.effect, again.effect, atol=1e-9)
            np.testing.assert_allclose(fit.influence, again.influence, atol=1e-6)


@every_kind
@every_method
def test_read_only_inputs_survive(method, kind):
    data = DATA[kind]()
    names = [
        name
        for name in ("outcome", "observed", "period", "cohort", "cluster", "weight", "covariates")
        if hasattr(data, name)
    ]
    copies = {name: getattr(data, name).copy() for name in names}
    for name in names:
        getattr(data, name).flags.writeable = False
    fit = estimator(method).fit(data)
    aggregate(fit, data, "event")
    estimator(method).effects_without_each_cluster(data, fit.cells)
    for name, copy in copies.items():
        np.testing.assert_array_equal(getattr(data, name), copy)


@every_kind
@every_method
def test_a_mean_of_base_periods_is_the_mean_of_the_adjusted_contrasts(method, kind):
    data = DATA[kind]()
    mean = effects(estimator(method, base="universal", base_periods=2), data)
    alone = [effects(estimator(method, base="universal", anticipation=1 - base), data) for base in (0, 1)]
    for period in (2, 3):
        each = [alone[base][2, period, base] for base in (0, 1)]
        np.testing.assert_allclose(mean[2, period, 1], np.mean(each), atol=1e-10)


def effects(maker, data):
    fit = maker.fit(data)
    return {(c.cohort, c.period, c.base): effect for c, effect in zip(fit.cells, fit.effect, strict=True)}


def test_a_unit_with_gaps_enters_where_it_is_observed_twice():
    data = gapped()
    fit = GroupTime().fit(data)
    for cell, effect in zip(fit.cells, fit.effect, strict=True):
        both = data.observed[:, cell.period] & data.observed[:, cell.base]
        gain = (data.outcome[:, cell.period] - data.outcome[:, cell.base])[both]
        means = [
            np.average(gain[group[both]], weights=data.weight[both & group])
            for group in (data.cohort == cell.cohort, data.cohort == NEVER)
        ]
        np.testing.assert_allclose(effect, means[0] - means[1], atol=1e-12)


@pytest.mark.parametrize("method", [name for name in METHODS if name != "none"])
class TestRefusals:
    def test_collinear_covariates(self, method):
        data = followed()
        for extra in (data.covariates.sum(axis=1), np.full(len(data.covariates), 7.0)):
            with pytest.raises(PanelError, match="3 covariates are collinear"):
                estimator(method).fit(replace(data, covariates=np.column_stack([data.covariates, extra])))

    def test_a_missing_covariate(self, method):
        data = followed()
        data.covariates[[3, 4], 1] = np.nan
        with pytest.raises(PanelError, match="2 of 200 rows have a missing covariate"):
            estimator(method).fit(data)

    def test_fewer_comparison_rows_than_covariates(self, method):
        data = followed()
        few = np.flatnonzero(data.cohort == NEVER)[:2]
        kept = rows(data, np.append(np.flatnonzero(data.cohort != NEVER), few))
        with pytest.raises(PanelError, match=r"not determine 2 covariates"):
            estimator(method).fit(kept)


@pytest.mark.parametrize("method", ["weighting", "traditional", "improved"])
def test_treated_and_comparison_apart_in_a_covariate_do_not_overlap(method):
    data = followed()
    apart = data.covariates + 40.0 * (data.cohort == 2)[:, None]
    with pytest.raises(PanelError, match="do not overlap"):
        estimator(method).fit(replace(data, covariates=apart))


def test_a_comparison_row_almost_sure_to_be_treated_weighs_nothing():
    data = followed()
    odd = int(np.flatnonzero(data.cohort == NEVER)[0])
    data.covariates[:, 0] += 2.0 * (data.cohort == 2)
    data.covariates[odd, 0] = 40.0
    fit = GroupTime(adjustment="weighting").fit(data)
    data.outcome[odd, 2] += 1e9
    again = GroupTime(adjustment="weighting").fit(data)
    used = np.array([cell.cohort == 2 and 2 in (cell.period, cell.base) for cell in fit.cells])
    assert used.any()
    np.testing.assert_allclose(again.effect[used], fit.effect[used], atol=1e-5)


@pytest.mark.parametrize(
    "options",
    [
        {"adjustment": "matching"},
        {"variant": "best"},
        {"outcome_learner": object()},
        {"adjustment": "doubly_robust", "propensity_learner": object(), "folds": 1},
    ],
)
def test_an_unknown_choice_is_refused(options):
    with pytest.raises(ValueError, match="group_time"):
        GroupTime(**options)


@pytest.mark.parametrize("garbage", [np.nan, np.inf, 999.0, 1e200])
@every_method
def test_what_stands_in_unobserved_cells_is_never_read(method, garbage):
    clean = gapped()
    clean = replace(clean, outcome=np.where(clean.observed, clean.outcome, 0.0))
    dirty = replace(clean, outcome=np.where(clean.observed, clean.outcome, garbage))
    for calendar in ("not_yet-varying", "never-three"):
        maker = estimator(method, calendar)
        one, two = maker.fit(clean), maker.fit(dirty)
        np.testing.assert_array_equal(one.effect, two.effect)
        np.testing.assert_array_equal(one.influence, two.influence)
        both = [maker.effects_without_each_cluster(data, one.cells) for data in (clean, dirty)]
        np.testing.assert_array_equal(*both)
    if method in ("none", "regression"):
        starts = np.resize([2, 3, NEVER, NEVER], (2, CLUSTERS))
        np.testing.assert_array_equal(*(maker.effects_when_assigned(data, starts)[1] for data in (clean, dirty)))


@pytest.mark.parametrize(("away", "is_refused"), [(7.0, False), (12.0, True)])
@pytest.mark.parametrize("kind", DATA)
def test_a_regression_is_not_carried_to_where_no_comparison_is(away, is_refused, kind):
    """One comparison row of a hundred speaks for the treated at a Mahalanobis distance of about ten."""
    data = DATA[kind]()
    never = data.cohort == NEVER
    spread = np.random.default_rng(1).normal(size=never.size)
    trait = np.where(never, spread / spread[never].std(), away + 0.01 * spread)
    moved = replace(data, covariates=trait[:, None])
    adjusted = GroupTime("never", adjustment="regression")
    if is_refused:
        with pytest.raises(PanelError, match="do not overlap in their covariates"):
            adjusted.fit(moved)
    else:
        assert np.isfinite(adjusted.fit(moved).effect).all()


@every_kind
@pytest.mark.parametrize("method", ["none", "regression"])
@pytest.mark.parametrize("held", [1, 100, 1000])
def test_sums_made_in_parts_give_the_same_numbers(monkeypatch, held, method, kind):
    data, maker = DATA[kind](), estimator(method, "not_yet-varying")
    draw = np.random.default_rng(4)
    starts = np.array([draw.permutation(np.resize([2, 3, NEVER, NEVER], CLUSTERS)) for _ in range(5)])

    def numbers():
        fit = maker.fit(data)
        left, assigned = maker.effects_without_each_cluster(data, fit.cells), maker.effects_when_assigned(data, starts)
        return fit.effect, fit.influence, left, assigned[1]

    whole = numbers()
    monkeypatch.setattr(segments, "BLOCK", 5)
    monkeypatch.setattr(group_sums, "BUDGET", held)
    monkeypatch.setattr(regression, "BATCH", held)
    for one, two in zip(whole, numbers(), strict=True):
        np.testing.assert_allclose(two, one, atol=1e-10)


def _near(period, cluster, cohort, is_near, seed=5):
    """Return sections of two periods whose trait is far from the treated's where `is_near` is false."""
    trait = np.random.default_rng(seed).normal(size=period.size) - 14.0 * ((cohort == NEVER) & ~is_near)
    outcome = trait + np.random.default_rng(seed + 1).normal(size=period.size)
    small = rows(sections(), np.arange(period.size))
    return replace(
        small, periods=(0, 1), period=period, cluster=cluster, cohort=cohort, covariates=trait[:, None], outcome=outcome
    )


@pytest.mark.parametrize("far", [0, 1])
def test_one_period_without_overlap_is_enough(far):
    index = np.arange(200)
    period, cluster = index % 2, index // 2 % 10
    cohort = np.where(cluster < 4, 1, NEVER)
    adjusted = GroupTime(adjustment="regression")
    assert np.isfinite(adjusted.fit(_near(period, cluster, cohort, period >= 0)).effect).all()
    with pytest.raises(PanelError, match="do not overlap in their covariates"):
        adjusted.fit(_near(period, cluster, cohort, period != far))


@pytest.mark.parametrize("only", [4, 9])
def test_without_the_cluster_that_alone_overlaps_nothing_is_known(only):
    index = np.arange(400)
    period, cluster = index % 2, index // 2 % 10
    cohort = np.where(cluster < 4, 1, NEVER)
    data, adjusted = _near(period, cluster, cohort, cluster == only), GroupTime(adjustment="regression")
    cells = adjusted.fit(data).cells
    fast = adjusted.effects_without_each_cluster(data, cells)
    np.testing.assert_allclose(fast, refit_without_each_cluster(adjusted, data, cells, 10), atol=1e-10)
    assert np.isnan(fast[:, 0]).tolist() == [cluster == only for cluster in range(10)]
    starts = np.array([[1] * 4 + [NEVER] * 6, [NEVER] * 6 + [1] * 4])
    _, found = adjusted.effects_when_assigned(data, starts)
    np.testing.assert_allclose(found[0], adjusted.fit(data).effect, atol=1e-10)
