"""Group-time effects: by hand, under invariances, and where naive methods fail."""

from dataclasses import replace

import numpy as np
import pytest
from adjusted_data import CLUSTERS, followed, rows, sections

from evaluator.errors import PanelError
from evaluator.estimators import GroupTime
from evaluator.inference import aggregate
from evaluator.panel import select
from evaluator.vocabulary import NEVER, Panel, Sections

ESTIMATORS = [
    GroupTime(comparison, base, anticipation)
    for comparison in ("never", "not_yet")
    for base in ("varying", "universal")
    for anticipation in (0, 1)
]


def panel_of(outcome, cohort, weight=None, cluster=None):
    outcome, cohort = np.asarray(outcome, dtype=np.float64), np.asarray(cohort, dtype=np.int64)
    n = cohort.size
    return Panel(
        periods=tuple(range(outcome.shape[1])),
        outcome=outcome,
        observed=np.ones(outcome.shape, dtype=bool),
        cohort=cohort,
        exposure=None,
        covariates=np.empty((n, 0)),
        cluster=np.arange(n) if cluster is None else np.asarray(cluster),
        weight=np.ones(n) if weight is None else np.asarray(weight, dtype=np.float64),
        unit="share",
    )


def drawn(seed=1, units=60, periods=7):
    rng = np.random.default_rng(seed)
    cohort = rng.choice([3, 5, NEVER], size=units)
    outcome = rng.normal(size=(units, 1)) + rng.normal(size=(1, periods)) + rng.normal(size=(units, periods))
    return panel_of(outcome, cohort, rng.integers(1, 20, units), rng.permutation(units) // 2)


def error(fit):
    return np.sqrt((fit.influence**2).sum(axis=0)) / fit.scale


def test_two_groups_and_two_periods_by_hand():
    panel = panel_of([[1, 4], [2, 7], [0, 1], [1, 1], [2, 4]], [1, 1, NEVER, NEVER, NEVER])
    fit = GroupTime().fit(panel)
    # gains: treated 3 and 5, mean 4; compared 1, 0 and 2, mean 1
    assert [(c.cohort, c.period, c.base) for c in fit.cells] == [(1, 1, 0)]
    np.testing.assert_allclose(fit.effect, [3.0])
    np.testing.assert_allclose(fit.influence[:, 0] / fit.scale, [-0.5, 0.5, 0.0, 1 / 3, -1 / 3], atol=1e-12)


def test_weights_count_as_that_many_equal_units():
    base = panel_of([[1, 4], [2, 7], [0, 1], [1, 1]], [1, 1, NEVER, NEVER], weight=[1, 3, 2, 1])
    rows = [0, 1, 1, 1, 2, 2, 3]
    copied = panel_of(base.outcome[rows], base.cohort[rows], cluster=rows)
    one, two = GroupTime().fit(base), GroupTime().fit(copied)
    np.testing.assert_allclose(one.effect, two.effect)
    np.testing.assert_allclose(error(one), error(two))


def test_weight_of_one_is_no_weight():
    panel = drawn()
    plain = replace(panel, weight=np.ones(panel.cohort.size))
    doubled = replace(panel, weight=np.full(panel.cohort.size, 2.0))
    np.testing.assert_allclose(GroupTime().fit(plain).effect, GroupTime().fit(doubled).effect)


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: f"{e.comparison}-{e.base}-{e.anticipation}")
class TestInvariances:
    def test_a_constant_per_unit_or_period_changes_nothing(self, estimator):
        panel, rng = drawn(), np.random.default_rng(2)
        moved = panel.outcome + rng.normal(size=(60, 1)) * 50 + rng.normal(size=(1, 7)) * 50
        one, two = estimator.fit(panel), estimator.fit(replace(panel, outcome=moved))
        np.testing.assert_allclose(one.effect, two.effect, atol=1e-11)
        np.testing.assert_allclose(one.influence, two.influence, atol=1e-10)

    def test_scaling_the_outcome_scales_the_effect(self, estimator):
        panel = drawn()
        one, two = estimator.fit(panel), estimator.fit(replace(panel, outcome=panel.outcome * 1000))
        np.testing.assert_allclose(one.effect * 1000, two.effect)
        np.testing.assert_allclose(error(one) * 1000, error(two))

    def test_the_order_of_rows_is_irrelevant(self, estimator):
        panel = drawn()
        order = np.random.default_rng(4).permutation(panel.cohort.size)
        parts = {name: getattr(panel, name)[order] for name in ("outcome", "observed", "cohort", "cluster", "weight")}
        one, two = estimator.fit(panel), estimator.fit(replace(panel, **parts))
        np.testing.assert_allclose(one.effect, two.effect, atol=1e-12)
        np.testing.assert_allclose(one.influence, two.influence, atol=1e-12)

    def test_read_only_inputs_survive(self, estimator):
        panel = drawn()
        for name in ("outcome", "observed", "cohort", "cluster", "weight", "covariates"):
            getattr(panel, name).flags.writeable = False
        copy = panel.outcome.copy()
        fit = estimator.fit(panel)
        aggregate(fit, panel, "event")
        np.testing.assert_array_equal(panel.outcome, copy)

    def test_influence_has_mean_zero_by_cluster(self, estimator):
        panel = drawn()
        fit = estimator.fit(panel)
        assert fit.influence.shape == (30, len(fit.cells))
        np.testing.assert_allclose(fit.influence.mean(axis=0), 0, atol=1e-12)
        for kind in ("simple", "event", "group", "calendar"):
            np.testing.assert_allclose(aggregate(fit, panel, kind).influence.mean(axis=0), 0, atol=1e-12)

    def test_no_cell_uses_the_window_as_base_or_compares_with_the_exposed(self, estimator):
        panel = drawn()
        for cell in estimator.fit(panel).cells:
            assert cell.base < cell.cohort - estimator.anticipation
            poisoned = panel.outcome.copy()
            last = max(cell.period, cell.base)
            exposed = (panel.cohort <= last + estimator.anticipation) & (panel.cohort != cell.cohort)
            poisoned[exposed] += 1e6 * np.arange(poisoned.shape[1])
            again = estimator.fit(replace(panel, outcome=poisoned))
            index = again.cells.index(cell)
            np.testing.assert_allclose(again.effect[index], estimator.fit(panel).effect[index], atol=1e-6)


def test_a_universal_base_has_effect_and_influence_zero_at_the_base():
    fit = GroupTime(base="universal").fit(drawn())
    at_base = [i for i, c in enumerate(fit.cells) if c.period == c.base]
    assert len(at_base) == 2
    assert not fit.effect[at_base].any() and not fit.influence[:, at_base].any()


def test_a_partly_exposed_window_keeps_its_effect_out_of_the_base():
    # the outcome rises by one already in the two periods before the start
    path = [[0, 0, 0, 1, 1, 2, 2]] * 4 + [[0] * 7] * 6
    panel = panel_of(path, [5] * 4 + [NEVER] * 6)
    naive = aggregate(GroupTime().fit(panel), panel, "simple").value
    right = aggregate(GroupTime(anticipation=2).fit(panel), panel, "simple").value
    assert (naive, right) == (1.0, 2.0)


def test_effects_that_grow_are_recovered_where_fixed_effects_and_before_after_fail():
    periods, starts = 12, [2, 6, NEVER]
    cohort = np.repeat(starts, 20)
    time = np.arange(periods)
    exposed = np.clip(time[None, :] - np.where(cohort == NEVER, 99, cohort)[:, None] + 1, 0, None)
    trend = -0.5 * time[None, :]
    panel = panel_of(trend + exposed, cohort)
    truth = exposed[exposed > 0].mean()
    got = aggregate(GroupTime("not_yet").fit(panel), panel, "simple").value
    dummy = (exposed > 0).astype(float)
    within = dummy - dummy.mean(axis=1, keepdims=True) - dummy.mean(axis=0) + dummy.mean()
    two_way = (within * panel.outcome).sum() / (within * dummy).sum()
    path, after = panel.outcome[cohort != NEVER], exposed[cohort != NEVER] > 0
    before_after = path[after].mean() - path[~after].mean()
    np.testing.assert_allclose(got, truth)
    assert abs(two_way - truth) > 1 and abs(before_after - truth) > 1


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: f"{e.comparison}-{e.base}-{e.anticipation}")
def test_a_common_shock_changes_nothing_when_cells_hold_different_numbers_of_persons(estimator):
    panel, rng = drawn(), np.random.default_rng(6)
    rows, time = np.nonzero(panel.observed)
    data = Sections(
        panel.periods, panel.outcome[rows, time], time, panel.cohort[rows], np.empty((rows.size, 0)), rows,
        rng.integers(1, 50, rows.size).astype(float), "share",
    )  # fmt: skip
    moved = replace(data, outcome=data.outcome + 50 * np.sin(np.arange(7))[time])
    np.testing.assert_allclose(estimator.fit(data).effect, estimator.fit(moved).effect, atol=1e-10)


def test_sections_with_an_empty_cell_lose_only_the_contrasts_that_need_it():
    panel = drawn()
    rows, time = np.nonzero(panel.observed)
    full = Sections(
        panel.periods, panel.outcome[rows, time], time, panel.cohort[rows], np.empty((rows.size, 0)), rows,
        panel.weight[rows], "share",
    )  # fmt: skip
    keep = ~((full.cohort == 5) & (full.period == 6))
    parts = {name: getattr(full, name)[keep] for name in ("outcome", "period", "cohort", "cluster", "weight")}
    one, two = GroupTime().fit(full), GroupTime().fit(replace(full, **parts))
    assert {(c.cohort, c.period) for c in set(one.cells) - set(two.cells)} == {(5, 6)}


@pytest.mark.parametrize("cohort", [[1, 1, 1], [NEVER] * 3])
def test_without_a_contrast_the_fit_is_refused(cohort):
    with pytest.raises(PanelError, match="0 cells"):
        GroupTime().fit(panel_of(np.zeros((3, 4)), cohort))


@pytest.mark.parametrize("options", [{"comparison": "all"}, {"base": "first"}, {"anticipation": -1}])
def test_an_unknown_option_is_refused(options):
    with pytest.raises(ValueError, match="group_time"):
        GroupTime(**options)


NAMES = tuple(range(101, 101 + CLUSTERS))
OTHERS = tuple(range(111, 111 + CLUSTERS))


@pytest.mark.parametrize("share", [1.0, 0.9])
@pytest.mark.parametrize(
    ("names", "is_same"), [(NAMES, True), ((), True), (OTHERS, False), (NAMES[::-1], False), ((*NAMES[1:], 999), False)]
)
def test_outcomes_of_sections_with_clusters_of_other_names_are_refused(names, is_same, share):
    one = replace(sections(), clusters=NAMES)
    other = rows(replace(one, clusters=names), np.arange(one.cohort.size) < share * one.cohort.size)
    _fitted_together(one, other, is_same)


PERSONS = tuple(f"p{index}" for index in range(200))


def test_outcomes_of_followed_units_in_other_clusters_are_refused():
    whole = replace(followed(), units=PERSONS)
    part = select(whole, np.arange(200) >= 20)
    _fitted_together(whole, part, True)
    _fitted_together(whole, replace(part, units=()), True)
    _fitted_together(whole, replace(part, units=tuple(f"q{name}" for name in part.units)), False)
    _fitted_together(whole, replace(part, cluster=(part.cluster + 1) % CLUSTERS), False)
    in_last = part.cluster == CLUSTERS - 1
    names = tuple(f"q{name}" if odd else name for name, odd in zip(part.units, in_last, strict=True))
    _fitted_together(whole, replace(part, units=names), False)  # of the last cluster nothing is known


def test_outcomes_of_municipalities_of_other_names_are_refused_with_equal_rows_too():
    one = replace(followed(), cluster=np.arange(200), units=PERSONS)
    _fitted_together(one, replace(one, outcome=one.outcome**2), True)
    _fitted_together(one, replace(one, units=(*PERSONS[10:], *(f"q{index}" for index in range(10)))), False)
    cells = sections()
    cluster = np.arange(cells.cohort.size) % 200
    in_cells = replace(cells, cluster=cluster, clusters=PERSONS, cohort=one.cohort[cluster])
    _fitted_together(one, in_cells, True)
    _fitted_together(one, replace(in_cells, clusters=PERSONS[::-1]), False)


def _fitted_together(one, other, is_same):
    for pair in ({"one": one, "other": other}, {"other": other, "one": one}):
        if is_same:
            together = GroupTime().fit_outcomes(pair)
            np.testing.assert_allclose(
                together.effect, np.concatenate([GroupTime().fit(data).effect for data in pair.values()]), atol=1e-12
            )
        else:
            with pytest.raises(PanelError, match="different clusters"):
                GroupTime().fit_outcomes(pair)
