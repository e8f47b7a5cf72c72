"""Triple differences: by hand, against two peers, and where two differences or pooled comparisons fail."""

from dataclasses import replace

import numpy as np
import pytest
from staggered_panel import (
    assert_recovers,
    errors,
    in_clusters,
    mean_truth,
    panel_of,
    sections_of,
    since,
    staggered,
    with_gaps,
)

from evaluator.errors import PanelError
from evaluator.estimators import GroupTime, TripleDifference
from evaluator.inference import aggregate, pre_trend_test
from evaluator.inference.leave_one_out import averages
from evaluator.inference.offered import few_treated, overall
from evaluator.panel import select
from evaluator.vocabulary import NEVER

STARTS = (2, 3, 4, NEVER)
SHARES = {2: 0.5, 3: 0.8, 4: 0.2, NEVER: 0.5}
TRENDS = {2: 1.5, 3: 1.0, 4: -0.5, NEVER: 0.0}


def uneven(seed, units=1200, periods=6, effect=1.0):
    """Return a panel whose trends differ by cohort and by eligibility, with unequal shares of eligible units."""
    rng = np.random.default_rng(seed)
    cohort = np.resize(np.array(STARTS, dtype=np.int64), units)
    eligible = rng.random(units) < np.array([SHARES[start] for start in cohort.tolist()])
    time = np.arange(periods)
    own_trend = np.array([TRENDS[start] for start in cohort.tolist()])[:, None] * time
    truth = effect * (since(cohort, periods) >= 0) * eligible[:, None]
    outcome = rng.normal(size=(units, periods)) + own_trend + 0.5 * eligible[:, None] * time + truth
    return panel_of(outcome, cohort, covariates=eligible[:, None]), truth


def test_two_cohorts_and_two_periods_by_hand():
    outcome = [[0, 5], [1, 4], [0, 1], [0, 3], [2, 4], [1, 1], [3, 4]]
    panel = panel_of(outcome, [1, 1, 1, NEVER, NEVER, NEVER, NEVER], covariates=[[1], [1], [0], [1], [1], [0], [0]])
    fit = TripleDifference().fit(panel)
    # gains: eligible 5 and 3 (mean 4), others 1; never exposed: eligible 3 and 2 (2.5), others 0 and 1 (.5)
    np.testing.assert_allclose(fit.effect, [(4 - 1) - (2.5 - 0.5)])
    np.testing.assert_allclose(
        fit.influence[:, 0] / fit.scale, [0.5, -0.5, 0, -0.25, 0.25, -0.25, 0.25], atol=1e-12
    )  # fmt: skip


def test_one_comparison_is_the_difference_of_two_group_time_estimates():
    panel = in_clusters(staggered(51, units=96)[0], size=2)
    panel = replace(panel, weight=np.random.default_rng(52).integers(1, 9, 96).astype(np.float64))
    fit = TripleDifference(base="universal").fit(panel)
    sides = [select(panel, panel.covariates[:, 0] == side) for side in (1, 0)]
    one, two = (GroupTime(base="universal").fit(side) for side in sides)
    assert fit.cells == one.cells == two.cells
    np.testing.assert_allclose(fit.effect, one.effect - two.effect, atol=1e-12)


# staggered(9, units=160, periods=6, starts=(2, 3, 4, NEVER)), universal base, starts counted from 0. Effects: moderndid
# 0.2.0 ddd(est_method="dr") and diff-diff 3.13.0 StaggeredTripleDifference("reg") agree to 1e-14; so do their errors
# with "never". With "not_yet" their errors of cells that leave out a cohort are too small by sqrt(n of the cell / n)
# and by its square, and differ from one another; the averages of moderndid are right and are held to.
NEVER_CELLS = {
    (2, 0): (-0.18856360704413344, 0.60335171225264),
    (2, 2): (0.21784226198814216, 0.452798521028951),
    (2, 3): (1.049645812933521, 0.592603092419893),
    (2, 5): (0.8043277635379482, 0.7163783775632095),
    (3, 1): (0.2515311080458901, 0.4916267750128873),
    (3, 5): (-0.04560395236787773, 0.638191943039162),
    (4, 2): (-0.1544502168662799, 0.5349478642661664),
    (4, 5): (0.546659572108652, 0.5182400735997131),
}
NOT_YET_CELLS = {
    (2, 0): (0.002088162783278086, 0.48834523713970207),
    (2, 2): (0.33600301897284107, 0.38020344655424765),
    (2, 3): (1.0434653466657096, None),
    (2, 4): (0.7136598469776594, 0.6772388374966553),
    (3, 0): (-0.594406444460235, None),
    (3, 3): (0.21819882606449767, None),
    (4, 4): (0.2119335393609043, 0.49687823008084797),
}
AVERAGES = {  # overall, then event times -1 with a varying base and 0 to 3: moderndid, shares of cohorts as known
    "never": (
        (0.4341692674539894, 0.33543809106183586),
        [(0.24100493, 0.25286402), (0.57070832, 0.32807271), (0.33402795, 0.51163884), (0.80432776, 0.71637838)],
    ),
    "not_yet": (
        (0.4382737276993528, 0.3234437060888914),
        [(0.25537846, 0.25282158), (0.56864817, 0.32230803), (0.33402795, 0.51163884), (0.80432776, 0.71637838)],
    ),
}


@pytest.mark.parametrize(("comparison", "cells"), [("never", NEVER_CELLS), ("not_yet", NOT_YET_CELLS)])
def test_cells_equal_two_peers(comparison, cells):
    panel, _ = staggered(9, units=160, periods=6, starts=STARTS)
    fit = TripleDifference(comparison=comparison, weighting="efficient", base="universal").fit(panel)
    at = {(cell.cohort, cell.period): index for index, cell in enumerate(fit.cells)}
    for key, (effect, error) in cells.items():
        np.testing.assert_allclose(fit.effect[at[key]], effect, atol=1e-11)
        if error is not None:  # the peers divide a combined variance by n - 1
            combined = comparison == "not_yet" and key[0] == 2 and key[1] < 3
            np.testing.assert_allclose(errors(fit)[at[key]] * np.sqrt(160 / 159 if combined else 1), error, atol=1e-11)


@pytest.mark.parametrize("base", ["varying", "universal"])
@pytest.mark.parametrize("comparison", AVERAGES)
def test_averages_equal_a_peer(comparison, base):
    panel, _ = staggered(9, units=160, periods=6, starts=STARTS)
    fit = TripleDifference(comparison=comparison, weighting="efficient", base=base).fit(panel)
    overall, by_time = AVERAGES[comparison]
    simple, event = aggregate(fit, panel, "simple"), aggregate(fit, panel, "event")
    at = [event.labels.index(time) for time in range(4)]
    effect = np.append(simple.value, event.effect[at])
    weights = np.vstack([simple.weights[:1], event.weights[1:][at]])
    error = np.sqrt(((fit.influence @ weights.T) ** 2).sum(axis=0)) / fit.scale
    np.testing.assert_allclose([effect[0], error[0]], overall, atol=1e-10)
    np.testing.assert_allclose(np.column_stack([effect[1:], error[1:]]), by_time, atol=1e-8)


def test_averaging_by_variance_is_the_generalised_method_of_moments():
    panel, _ = uneven(53)
    fit = TripleDifference(comparison="not_yet", weighting="efficient").fit(panel)
    found = fit.effect[[(c.cohort, c.period) for c in fit.cells].index((2, 2))]
    alone = []
    for other in (3, 4, NEVER):
        part = select(panel, np.isin(panel.cohort, [2, other]))
        one = TripleDifference().fit(replace(part, cohort=np.where(part.cohort == other, NEVER, part.cohort)))
        index = [(c.cohort, c.period) for c in one.cells].index((2, 2))
        psi = np.zeros(panel.cohort.size)
        psi[np.isin(panel.cohort, [2, other])] = one.influence[:, index] / one.scale
        alone.append((one.effect[index], psi))
    effects, psi = np.array([a[0] for a in alone]), np.array([a[1] for a in alone])
    inverse = np.linalg.inv(psi @ psi.T)
    np.testing.assert_allclose(found, inverse.sum(axis=0) @ effects / inverse.sum(), atol=1e-10)


def pooled(panel, start, period):
    """Return the biased estimate: everybody not yet exposed as one comparison group."""
    gain = panel.outcome[:, period] - panel.outcome[:, start - 1]
    own, free, eligible = panel.cohort == start, panel.cohort > period, panel.covariates[:, 0] == 1
    sides = [gain[rows & eligible].mean() - gain[rows & ~eligible].mean() for rows in (own, free)]
    return sides[0] - sides[1]


def test_differing_trends_are_survived_where_two_differences_and_pooling_are_seen_to_fail():
    true, twice, together = [], [], []
    for seed in range(40):
        panel, _ = uneven(seed)
        for weighting in ("efficient", "size"):
            fit = TripleDifference(comparison="not_yet", weighting=weighting).fit(panel)
            index = [(c.cohort, c.period) for c in fit.cells].index((2, 2))
            true.append(fit.effect[index] - 1.0)
        eligible = select(panel, panel.covariates[:, 0] == 1)
        difference = GroupTime(comparison="not_yet").fit(eligible)
        twice.append(difference.effect[[(c.cohort, c.period) for c in difference.cells].index((2, 2))] - 1.0)
        together.append(pooled(panel, 2, 2) - 1.0)
    spread = np.std(true) / np.sqrt(40)
    assert abs(np.mean(true)) < 4 * spread
    assert abs(np.mean(twice)) > 8 * spread
    assert abs(np.mean(together)) > 8 * spread


@pytest.mark.parametrize(
    ("comparison", "weighting"), [("never", "size"), ("not_yet", "size"), ("not_yet", "efficient")]
)
def test_known_effects_are_recovered_and_intervals_cover(comparison, weighting):
    found = [uneven(seed, units=400) for seed in range(100)]
    scaled, off = [], []
    for panel, truth in found:
        fit = TripleDifference(comparison=comparison, weighting=weighting).fit(panel)
        eligible = panel.covariates[:, 0] == 1
        known = mean_truth(fit, select(panel, eligible), truth[eligible])
        off.append(fit.effect - known)
        scaled.append(off[-1] / errors(fit))
    assert_recovers(np.array(scaled), np.array(off))


def test_anticipation_unknown_to_it_is_seen_as_bias_and_told_it_is_gone():
    def marked(seed):
        panel, truth = staggered(seed, units=300, periods=6, starts=STARTS, early=1.0)
        others = panel.covariates[:, 0] == 0
        return replace(panel, outcome=panel.outcome - truth * others[:, None]), truth

    off = {0: [], 1: []}
    for seed in range(60):
        panel, _ = marked(seed)
        for ahead, kept in off.items():
            fit = TripleDifference(anticipation=ahead).fit(panel)
            index = [(c.cohort, c.period) for c in fit.cells].index((3, 4))
            kept.append(fit.effect[index] - 1.5)
    assert np.mean(off[0]) < -0.7
    assert abs(np.mean(off[1])) < 4 * np.std(off[1]) / np.sqrt(60)


def test_sections_with_every_person_equal_the_panel_of_the_same_persons():
    panel = in_clusters(staggered(54, units=96)[0], size=4)
    sections = replace(sections_of(panel, 55), weight=np.ones(panel.outcome.size))
    one = TripleDifference(comparison="not_yet", weighting="efficient").fit(panel)
    two = TripleDifference(comparison="not_yet", weighting="efficient").fit(sections)
    np.testing.assert_allclose(one.effect, two.effect, atol=1e-12)
    np.testing.assert_allclose(errors(one), errors(two), atol=1e-12)


def test_a_comparison_cohort_of_one_cluster_counts_only_when_all_are_so():
    panel = in_clusters(staggered(56, units=96)[0], size=4)
    lone = replace(panel, cluster=np.where(panel.cohort == NEVER, 99, panel.cluster))
    lone = replace(lone, cluster=np.unique(lone.cluster, return_inverse=True)[1])
    efficient = TripleDifference(comparison="not_yet", weighting="efficient").fit(lone)
    without = TripleDifference(comparison="not_yet", weighting="efficient").fit(select(lone, lone.cohort != NEVER))
    at = {(c.cohort, c.period): effect for c, effect in zip(efficient.cells, efficient.effect, strict=True)}
    for cell, effect in zip(without.cells, without.effect, strict=True):
        np.testing.assert_allclose(at[cell.cohort, cell.period], effect, atol=1e-12)
    assert (6, 7) in at  # only the lone cluster is not yet exposed


def of_arms(lacking, side, treated=20, never=40, periods=6):
    """Return an eligible and an other unit in each cluster; the clusters `lacking` have none on that side (0 or 1)."""
    cluster, marker = np.repeat(np.arange(treated + never), 2), np.tile([0, 1], treated + never)
    kept = ~(np.isin(cluster, lacking) & (marker == side))
    outcome = np.random.default_rng(61).normal(size=(kept.sum(), periods))
    cohort = np.where(cluster < treated, 3, NEVER)[kept]
    return replace(panel_of(outcome, cohort, covariates=marker[kept, None]), cluster=cluster[kept])


@pytest.mark.parametrize("side", [0, 1])
def test_clusters_count_with_both_the_eligible_and_the_others(side):
    method = TripleDifference(base="universal")
    few = of_arms(range(2, 20), side)
    assert averages(method, few, "simple").treated[0] == 2
    assert overall(method, few, "simple")[0] == pre_trend_test(method, few) == few_treated(2)
    compared = averages(method, of_arms(range(24, 60), side), "simple")
    assert (compared.treated[0], compared.compared[0], compared.freedom[0]) == (20, 4, 3.0)
    part = averages(method, of_arms(range(7, 20), side), "simple")
    assert (part.treated[0], part.freedom[0]) == (7, 6.0)
    assert part.persons[0] == (7 if side == 1 else 20)  # the eligible


def test_few_treated_with_both_stand_among_placebos():
    found = overall(TripleDifference(base="universal"), of_arms([], 0, treated=3), "simple")[0]
    assert (found.method, found.treated_clusters, found.n) == ("ferman_pinto", 3, 3)


def test_what_cannot_be_compared_is_refused():
    panel, _ = staggered(57, units=40)
    with pytest.raises(PanelError, match="2 covariates"):
        TripleDifference().fit(replace(panel, covariates=np.hstack([panel.covariates, panel.covariates])))
    with pytest.raises(PanelError, match="0 covariates"):
        TripleDifference().fit(replace(panel, covariates=np.empty((40, 0))))
    with pytest.raises(PanelError, match="40 of 40 rows are marked neither"):
        TripleDifference().fit(replace(panel, covariates=panel.covariates + 0.5))
    with pytest.raises(PanelError, match="0 cells"):
        TripleDifference().fit(replace(panel, covariates=np.ones((40, 1))))
    with pytest.raises(PanelError, match="0 cells"):
        TripleDifference(comparison="never").fit(staggered(58, starts=(3, 5))[0])
    for choices in ({"comparison": "some"}, {"base": "some"}, {"weighting": "some"}, {"eligible": -1}):
        with pytest.raises(ValueError, match="triple_difference: "):
            TripleDifference(**choices)


def test_a_unit_with_gaps_counts_when_observed_in_both_periods():
    panel, _ = staggered(59, units=80)
    part = with_gaps(panel, 60, 0.3)
    fit = TripleDifference().fit(part)
    for cell, effect in zip(fit.cells, fit.effect, strict=True):
        both = part.observed[:, cell.period] & part.observed[:, cell.base]
        gain, eligible = part.outcome[:, cell.period] - part.outcome[:, cell.base], part.covariates[:, 0] == 1
        sides = [
            gain[both & rows & eligible].mean() - gain[both & rows & ~eligible].mean()
            for rows in (part.cohort == cell.cohort, part.cohort == NEVER)
        ]
        np.testing.assert_allclose(effect, sides[0] - sides[1], atol=1e-12)
