"""The randomised trial: against statsmodels and real experiments, what adjustment buys, and where it must fail."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from staggered_panel import assert_recovers, errors, panel_of, with_gaps

from evaluator.errors import PanelError
from evaluator.estimators import RandomisedTrial
from evaluator.inference import aggregate
from evaluator.vocabulary import NEVER, Assumption, Sections

BONUS = Path(os.environ.get("EVALUATOR_SHARED", Path(__file__).parents[3] / "shared")) / "golden" / "penn_bonus"


def trial(seed, units=200, per_cluster=1, confounded=0.0, periods=5, starts=(3,)):
    """Return a trial with an effect of 1 that grows with the first covariate; half of the clusters are drawn."""
    rng = np.random.default_rng(seed)
    clusters = units // per_cluster
    own = rng.normal(size=clusters)
    covariates = np.column_stack([np.repeat(own, per_cluster) + rng.normal(size=units), rng.exponential(size=units)])
    order = np.argsort(confounded * own + rng.normal(size=clusters))
    drawn = np.full(clusters, NEVER, dtype=np.int64)
    drawn[order[clusters // 2 :]] = np.resize(np.array(starts), clusters - clusters // 2)
    cohort = np.repeat(drawn, per_cluster)
    shock = np.repeat(rng.normal(size=clusters), per_cluster)[:, None] * (per_cluster > 1)
    level = covariates @ [2.0, 1.0] + rng.normal(size=units)
    outcome = level[:, None] + shock + rng.normal(size=(units, periods)) + np.arange(periods)
    effect = 1.0 + 0.5 * (covariates[:, 0] - 0.0)
    outcome = outcome + effect[:, None] * (np.arange(periods) >= cohort[:, None])
    cluster = np.repeat(np.arange(clusters), per_cluster)
    return panel_of(outcome, cohort, cluster=cluster, covariates=covariates), float(effect.mean())


def at(fit, cohort, period):
    index = [(cell.cohort, cell.period) for cell in fit.cells].index((cohort, period))
    return fit.effect[index], errors(fit)[index]


def statsmodels_fit(outcome, drawn, covariates, weight, cluster=None):
    """Return the coefficient of the draw in Lin's regression and its error without small-sample factors."""
    import statsmodels.api as sm

    centred = covariates - np.average(covariates, axis=0, weights=weight)
    design = np.column_stack([drawn, np.ones(drawn.size), centred, centred * drawn[:, None]])
    model = sm.WLS(outcome, design, weights=weight)
    if cluster is None:
        found = model.fit(cov_type="HC0")
    else:
        found = model.fit(cov_type="cluster", cov_kwds={"groups": cluster, "use_correction": False})
    return found.params[0], found.bse[0]


@pytest.mark.parametrize("per_cluster", [1, 4])
@pytest.mark.parametrize("baseline", [False, True])
def test_effects_and_errors_equal_statsmodels(per_cluster, baseline):
    panel, _ = trial(1, per_cluster=per_cluster)
    panel = replace(panel, weight=np.random.default_rng(2).integers(1, 9, 200).astype(np.float64))
    covariates = panel.covariates
    if baseline:
        covariates = np.column_stack([covariates, panel.outcome[:, :3].mean(axis=1)])
    fit = RandomisedTrial(baseline=baseline).fit(panel)
    for period in (3, 4):
        expected = statsmodels_fit(
            panel.outcome[:, period], (panel.cohort == 3).astype(float), covariates, panel.weight,
            panel.cluster if per_cluster > 1 else None,
        )  # fmt: skip
        np.testing.assert_allclose(at(fit, 3, period), expected, atol=1e-9)


@pytest.mark.parametrize("comparison", ["never", "not_yet"])
def test_with_gaps_and_two_starts_each_cell_is_the_regression_of_its_rows(comparison):
    panel, _ = trial(3, starts=(2, 4))
    panel = with_gaps(panel, 4, 0.2)
    fit = RandomisedTrial(comparison=comparison).fit(panel)
    for cell, effect, error in zip(fit.cells, fit.effect, errors(fit), strict=True):
        free = panel.cohort > cell.period if comparison == "not_yet" else panel.cohort == NEVER
        rows = ((panel.cohort == cell.cohort) | free) & panel.observed[:, cell.period]
        drawn = (panel.cohort == cell.cohort)[rows].astype(float)
        expected = statsmodels_fit(panel.outcome[rows, cell.period], drawn, panel.covariates[rows], panel.weight[rows])
        np.testing.assert_allclose([effect, error], expected, atol=1e-9)
    assert {(c.cohort, c.period) for c in fit.cells} == {(s, t) for s in (2, 4) for t in range(5)}


def test_without_covariates_it_is_the_difference_of_means_in_panel_and_sections():
    panel, _ = trial(5)
    plain = replace(panel, covariates=np.empty((200, 0)))
    fit = RandomisedTrial().fit(plain)
    drawn = panel.cohort == 3
    np.testing.assert_allclose(at(fit, 3, 4)[0], panel.outcome[drawn, 4].mean() - panel.outcome[~drawn, 4].mean())
    rows, period = np.nonzero(np.ones((200, 5)))
    sections = Sections(
        panel.periods, panel.outcome.ravel(), period, panel.cohort[rows], np.empty((1000, 0)), panel.cluster[rows],
        np.ones(1000), panel.unit,
    )  # fmt: skip
    again = RandomisedTrial().fit(sections)
    np.testing.assert_allclose(again.effect, fit.effect, atol=1e-12)
    np.testing.assert_allclose(errors(again), errors(fit), atol=1e-12)


@pytest.mark.skipif(not BONUS.exists(), reason="reference data not found: golden/penn_bonus")
def test_a_reemployment_bonus_equals_statsmodels():
    """Log weeks of unemployment, bonus 4 against none: least squares with HC0 (golden/penn_bonus, `raw_HC0`)."""
    expected = json.loads((BONUS / "reference.json").read_text(encoding="utf-8"))["raw_HC0"]
    frame = pl.read_csv(BONUS / "data.csv").filter(pl.col("tg").is_in([0, 4]))
    weeks = np.log(frame["inuidur1"].to_numpy())
    outcome = np.column_stack([np.full(weeks.size, np.nan), weeks])
    cohort = np.where(frame["tg"].to_numpy() == 4, 1, NEVER)
    fit = RandomisedTrial().fit(panel_of(outcome, cohort, observed=np.isfinite(outcome)))
    np.testing.assert_allclose([fit.effect[0], errors(fit)[0]], [expected["coef"], expected["se"]], atol=1e-12)


@pytest.mark.parametrize(("per_cluster", "units"), [(1, 200), (5, 1000)])
def test_the_effect_is_recovered_and_intervals_cover_and_adjustment_narrows_them(per_cluster, units):
    scaled, off, width = [], [], {"adjusted": [], "plain": []}
    for seed in range(200):
        panel, truth = trial(seed, units=units, per_cluster=per_cluster)
        effect, error = at(RandomisedTrial(baseline=True).fit(panel), 3, 4)
        off.append([effect - truth])
        scaled.append([(effect - truth) / error])
        width["adjusted"].append(error)
        width["plain"].append(at(RandomisedTrial().fit(replace(panel, covariates=np.empty((units, 0)))), 3, 4)[1])
    assert np.mean(width["adjusted"]) < 0.75 * np.mean(width["plain"])
    assert_recovers(np.array(scaled), np.array(off))


def test_starts_that_were_not_drawn_are_seen_in_bias_and_before_the_start():
    off, before = [], []
    for seed in range(60):
        panel, truth = trial(seed, confounded=1.0)
        fit = RandomisedTrial().fit(replace(panel, covariates=np.empty((200, 0))))
        off.append(at(fit, 3, 4)[0] - truth)
        before.append(at(fit, 3, 0)[0])
    for bias in (off, before):
        assert np.mean(bias) > 10 * np.std(bias) / np.sqrt(60)


def test_units_as_clusters_of_a_cluster_draw_are_seen_to_cover_too_little():
    covered = {True: [], False: []}
    for seed in range(120):
        panel, truth = trial(seed, units=300, per_cluster=10)
        for by_cluster, kept in covered.items():
            cluster = panel.cluster if by_cluster else np.arange(300)
            effect, error = at(RandomisedTrial().fit(replace(panel, cluster=cluster)), 3, 4)
            kept.append(abs(effect - truth) < 1.96 * error)
    assert np.mean(covered[False]) < 0.8
    assert np.mean(covered[True]) > np.mean(covered[False]) + 0.1


def test_shifted_and_rescaled_covariates_change_nothing():
    panel, _ = trial(6)
    moved = replace(panel, covariates=panel.covariates * [1e6, 1e-6] + [1e7, 3])
    one, two = RandomisedTrial().fit(panel), RandomisedTrial().fit(moved)
    np.testing.assert_allclose(one.effect, two.effect, atol=1e-8)
    np.testing.assert_allclose(errors(one), errors(two), atol=1e-8)


def test_it_says_what_it_assumes_and_averages_over_starts():
    assert Assumption.RANDOMISATION in RandomisedTrial().assumes
    panel, _ = trial(7, starts=(2, 3))
    found = aggregate(RandomisedTrial(baseline=True).fit(panel), panel, "event")
    assert found.labels == (0, 1, 2)
    ahead = RandomisedTrial(baseline=True, anticipation=1).fit(panel)
    assert {(c.cohort, c.base) for c in ahead.cells} == {(2, 0), (3, 1)}
    assert min(c.period - c.cohort for c in ahead.cells) == -1


def test_what_cannot_be_compared_or_adjusted_is_refused():
    panel, _ = trial(8)
    with pytest.raises(PanelError, match="0 cells"):
        RandomisedTrial().fit(replace(panel, cohort=np.full(200, 3)))
    twin = np.hstack([panel.covariates, panel.covariates[:, :1] * 2])
    with pytest.raises(PanelError, match="in 5 of 5 cells the covariates"):
        RandomisedTrial().fit(replace(panel, covariates=twin))
    few = replace(panel, cohort=np.where(np.arange(200) < 2, 3, NEVER))
    with pytest.raises(PanelError, match="too many for an arm"):
        RandomisedTrial().fit(few)
    unseen = panel.observed.copy()
    unseen[:7, :3] = False
    with pytest.raises(PanelError, match="7 of 200 rows have no outcome before the window"):
        RandomisedTrial(baseline=True).fit(replace(panel, observed=unseen))
    for choices in ({"comparison": "some"}, {"anticipation": -1}):
        with pytest.raises(ValueError, match="randomised_trial: "):
            RandomisedTrial(**choices)


def test_refits_that_cannot_be_made_drop_out():
    panel, _ = trial(9, units=40)
    maker = RandomisedTrial(baseline=True)
    cells = maker.fit(panel).cells
    unseen = panel.observed.copy()
    unseen[0, :3] = False  # only without this row has every row a baseline
    left = maker.effects_without_each_cluster(replace(panel, observed=unseen), cells)
    assert np.isfinite(left[0]).all() and np.isnan(left[1:]).all()
    more = np.column_stack([panel.covariates, np.random.default_rng(1).normal(size=(40, 2))])
    few = replace(panel, cohort=np.where(np.arange(40) < 6, 3, NEVER), covariates=more)  # six rows for six columns
    left = maker.effects_without_each_cluster(few, maker.fit(few).cells)
    assert np.isnan(left[:6]).all() and np.isfinite(left[6:]).all()
