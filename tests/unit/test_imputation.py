"""Imputation: by hand, against dense least squares and two peers, and where it must fail."""

from dataclasses import replace

import numpy as np
import pytest
from staggered_panel import (
    assert_recovers,
    dummies,
    errors,
    in_clusters,
    long,
    panel_of,
    sections_of,
    simulated,
    staggered,
    with_gaps,
)

from evaluator.errors import PanelError
from evaluator.estimators import GroupTime, Imputation, TwoWay
from evaluator.vocabulary import NEVER


def weighted():
    panel = in_clusters(staggered(11, units=48)[0], size=2)
    return replace(panel, weight=np.random.default_rng(12).integers(1, 20, 48).astype(np.float64))


WORLDS = {
    "complete": weighted,
    "gaps": lambda: with_gaps(weighted(), 13, 0.2),
    "sections": lambda: sections_of(weighted(), 14),
}


def untreated_fit(data, ahead):
    """Return rows, the design of unit and period dummies, which rows are untreated, and their weighted projection."""
    unit, period, cohort, *_, weight, _ = rows = long(data)
    design = np.column_stack([dummies(unit), dummies(period)])
    free = period < np.where(cohort == NEVER, NEVER, cohort - ahead)
    part = design[free] * weight[free, None]
    return rows, design, free, np.linalg.pinv(part.T @ design[free]) @ part.T


@pytest.mark.parametrize("ahead", [0, 1])
@pytest.mark.parametrize("world", WORLDS)
def test_effects_and_influence_equal_dense_least_squares(world, ahead):
    data = WORLDS[world]()
    fit = Imputation(anticipation=ahead, leads=0).fit(data)
    (_, period, cohort, cluster, weight, outcome), design, free, project = untreated_fit(data, ahead)
    gap = outcome - design @ (project @ outcome[free])
    own_mean, residual = gap.copy(), gap.copy()
    for cell in fit.cells:
        rows = (cohort == cell.cohort) & (period == cell.period)
        own_mean[rows] = np.average(gap[rows], weights=weight[rows])
    residual[~free] -= own_mean[~free]
    for index, cell in enumerate(fit.cells):
        rows = (cohort == cell.cohort) & (period == cell.period)
        assert cell.period >= cell.cohort - ahead
        np.testing.assert_allclose(fit.effect[index], own_mean[rows][0], atol=1e-10)
        share = np.where(rows, weight, 0) / weight[rows].sum()
        loading = share.copy()
        loading[free] = -share @ design @ project
        expected = np.bincount(cluster, weights=loading * residual) * data.cluster.size
        np.testing.assert_allclose(fit.influence[:, index], expected, atol=1e-8)


def test_in_two_periods_it_is_group_time_and_two_way_fixed_effects():
    rng = np.random.default_rng(1)
    panel = panel_of(rng.normal(size=(30, 2)), np.repeat([1, NEVER], 15), weight=rng.integers(1, 9, 30))
    one, others = Imputation().fit(panel), [GroupTime().fit(panel), TwoWay().fit(panel)]
    for other in others:
        assert one.cells == other.cells
        np.testing.assert_allclose(one.effect, other.effect, atol=1e-12)
        np.testing.assert_allclose(one.influence, other.influence, atol=1e-11)


# staggered(7, units=60) and with_gaps(., 8): diff-diff 3.13.0 ImputationDiD (effect, error, cells weighted by treated
# rows) and pyfixest 0.60.0 did2s (effect; its sparse solver stops at about 1e-6 where there are gaps)
PEERS = {
    "complete": {
        None: (1.9042831321089118, 0.24848916869657312, 1.9042831319186027),
        0: (1.1437093920357495, 0.19295877138155737, 1.1437093918054329),
        1: (1.6118569032809016, 0.2849373323154228, 1.611856903084731),
        2: (2.3173976390986724, 0.29801603946680016, 2.3173976389256388),
        3: (2.849502606591455, 0.43921666388762143, 2.849502606452673),
        4: (3.291834550350361, 0.4327295123514744, 3.291834550211583),
    },
    "gaps": {
        None: (1.917589297637394, 0.26059080169427673, 1.9175909779744378),
        0: (1.1384872929845358, 0.2074756725975595, 1.1384890081408048),
        1: (1.623277815182226, 0.30456896590237864, 1.623278849529288),
        2: (2.3479064022346376, 0.3204922720387443, 2.347908655684973),
        3: (2.8825725975258396, 0.4423432241830024, 2.8825748562952938),
        4: (3.4665320865049, 0.49137984342051266, 3.4665338368334786),
    },
}


@pytest.mark.parametrize("world", PEERS)
def test_averages_over_treated_rows_equal_two_peers(world):
    panel, _ = staggered(7, units=60)
    if world == "gaps":
        panel = with_gaps(panel, 8)
    fit = Imputation(leads=0).fit(panel)
    time = np.array([cell.period - cell.cohort for cell in fit.cells])
    rows = np.array([panel.observed[panel.cohort == cell.cohort, cell.period].sum() for cell in fit.cells])
    for at, (effect, error, again) in PEERS[world].items():
        weight = np.where((time == at) | (at is None), rows, 0) / rows[(time == at) | (at is None)].sum()
        np.testing.assert_allclose(weight @ fit.effect, effect, atol=1e-9)
        np.testing.assert_allclose(weight @ fit.effect, again, atol=1e-9 if world == "complete" else 3e-6)
        np.testing.assert_allclose(np.sqrt(((fit.influence @ weight) ** 2).sum()) / fit.scale, error, atol=1e-9)


def test_leads_in_a_complete_panel_are_the_regression_on_leads_by_cohort():
    panel = in_clusters(staggered(11, units=48)[0], size=2)
    fit = Imputation(leads=2).fit(panel)
    (_, period, cohort, _, _, outcome), design, free, _ = untreated_fit(panel, 0)
    leads = [cell for cell in fit.cells if cell.period < cell.cohort]
    assert [(c.cohort, c.period, c.base) for c in leads] == [
        (3, 1, 0), (3, 2, 0), (5, 3, 2), (5, 4, 2), (6, 4, 3), (6, 5, 3),
    ]  # fmt: skip
    columns = [(cohort == cell.cohort) & (period == cell.period) for cell in leads]
    full = np.column_stack([design, np.array(columns).T])[free]
    found = np.linalg.lstsq(full, outcome[free], rcond=None)[0][-len(leads) :]
    np.testing.assert_allclose(fit.effect[[fit.cells.index(cell) for cell in leads]], found, atol=1e-10)


def test_leads_by_default_are_half_of_the_periods_before_the_window():
    fit = Imputation(anticipation=1).fit(weighted())
    before = {s: [c.period for c in fit.cells if c.cohort == s and c.period < s - 1] for s in (3, 5, 6)}
    assert before == {3: [1], 5: [2, 3], 6: [3, 4]}
    bases = {(c.cohort, c.period < c.cohort - 1): c.base for c in fit.cells}
    assert bases == {(3, True): 0, (3, False): 1, (5, True): 1, (5, False): 3, (6, True): 2, (6, False): 4}


def test_a_trend_before_the_start_shows_in_the_leads_and_anticipation_does_too():
    rng = np.random.default_rng(3)
    cohort = np.repeat([6, NEVER], 200)
    drift = 0.3 * np.arange(8) * (cohort != NEVER)[:, None]
    fit = Imputation(leads=3).fit(panel_of(rng.normal(size=(400, 8)) + drift, cohort))
    leads = [index for index, cell in enumerate(fit.cells) if cell.period < 6]
    assert (fit.effect[leads] / errors(fit)[leads] > 2).all()
    early, _ = staggered(5, units=800, early=1.0)
    seen = Imputation(leads=1).fit(early)
    at = [index for index, cell in enumerate(seen.cells) if cell.period == cell.cohort - 1]
    np.testing.assert_allclose(seen.effect[at], 1.0, atol=4 * errors(seen)[at].max())


@pytest.mark.parametrize("ahead", [0, 1])
def test_no_exposed_outcome_moves_the_imputation(ahead):
    panel, cell_of = weighted(), Imputation(anticipation=ahead)
    fit = cell_of.fit(panel)
    for index, cell in enumerate(fit.cells):
        exposed = np.arange(8) >= panel.cohort[:, None] - ahead
        exposed &= ~((panel.cohort == cell.cohort)[:, None] & (np.arange(8) == cell.period))
        again = cell_of.fit(replace(panel, outcome=panel.outcome + 1e3 * exposed))
        np.testing.assert_allclose(again.effect[index], fit.effect[index], atol=1e-9)


def test_known_growing_effects_are_recovered_and_intervals_cover():
    assert_recovers(*simulated(Imputation(), 250))


def test_anticipation_unknown_to_it_is_seen_as_bias_and_told_it_is_gone():
    _, off = simulated(Imputation(leads=0), 60, early=1.0)
    assert off.mean() < -0.25
    assert_recovers(*simulated(Imputation(anticipation=1), 200, early=1.0))


def test_units_without_an_earlier_period_count_in_no_cell():
    panel, _ = staggered(21, units=60)
    observed = panel.observed.copy()
    observed[0, :3] = False  # a unit of the cohort that starts in period 3
    part = replace(panel, observed=observed)
    poisoned = replace(part, outcome=np.where(np.arange(60)[:, None] == 0, 1e6, part.outcome))
    assert panel.cohort[0] == 3
    np.testing.assert_allclose(Imputation().fit(part).effect, Imputation().fit(poisoned).effect, atol=1e-9)


def test_a_period_that_nobody_unexposed_shares_has_no_cell():
    panel, _ = staggered(22, starts=(3, 5))
    periods = {(cell.cohort, cell.period) for cell in Imputation(leads=0).fit(panel).cells}
    assert periods == {(3, 3), (3, 4)}
    with pytest.raises(PanelError, match="0 cells"):
        Imputation().fit(staggered(22, starts=(4,))[0])


def test_periods_linked_by_no_unit_are_not_compared():
    # early units are seen in periods 0-1 only, the others in 2-5 only: nothing ties the level of period 4 to period 0
    observed = np.repeat([[True, True, False, False, False, False], [False, False, True, True, True, True]], 4, axis=0)
    cohort = np.array([1, 1, NEVER, NEVER, 4, 4, NEVER, NEVER])
    panel = panel_of(np.random.default_rng(0).normal(size=(8, 6)), cohort, observed=observed)
    assert {(c.cohort, c.period) for c in Imputation(leads=0).fit(panel).cells} == {(1, 1), (4, 4), (4, 5)}
    observed = np.array([[True, False, True]] * 2 + [[True, True, False]] * 2)
    with pytest.raises(PanelError, match="0 cells"):
        Imputation().fit(panel_of(np.zeros((4, 3)), [2, 2, NEVER, NEVER], observed=observed))


def test_choices_that_make_no_sense_are_refused():
    for choices in ({"anticipation": -1}, {"leads": -1}):
        with pytest.raises(ValueError, match="imputation: "):
            Imputation(**choices)
