"""Static two-way fixed effects: the number everybody prints, what it is made of, and where it is seen to fail."""

import json
import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from staggered_panel import (
    assert_recovers,
    dummies,
    errors,
    long,
    regression,
    sections_of,
    simulated,
    staggered,
    weighted_worlds,
    with_gaps,
)

from evaluator.errors import PanelError
from evaluator.estimators import TwoWay
from evaluator.inference import aggregate
from evaluator.inference.leave_one_out import leave_one_cluster_out
from evaluator.panel import panel_from_frame
from evaluator.vocabulary import NEVER

SHARED = Path(os.environ.get("EVALUATOR_SHARED", Path(__file__).parents[3] / "shared")) / "golden"


WORLDS = weighted_worlds(41)


@pytest.mark.parametrize("ahead", [0, 1])
@pytest.mark.parametrize("world", WORLDS)
def test_coefficient_and_error_equal_dense_regression(world, ahead):
    data = WORLDS[world]
    fit = TwoWay(anticipation=ahead).fit(data)
    unit, period, cohort, cluster, weight, outcome = long(data)
    start = np.where(cohort == NEVER, NEVER, cohort - ahead)
    kept = (period < start) | (period >= cohort)
    design = np.column_stack([period >= cohort, dummies(unit), dummies(period)])[kept].astype(float)
    coefficient, error = regression(design, outcome[kept], weight[kept], cluster[kept])
    np.testing.assert_allclose(fit.effect, coefficient[0], atol=1e-10)
    np.testing.assert_allclose(errors(fit), error[0], atol=1e-10)


def test_weighted_coefficient_equals_linearmodels():
    from linearmodels.panel import PanelOLS
    from pandas import DataFrame, MultiIndex, Series

    data = with_gaps(WORLDS["complete"], 43)
    unit, period, cohort, cluster, weight, outcome = long(data)
    index = MultiIndex.from_arrays([unit, period])
    exposed = DataFrame({"exposed": (period >= cohort).astype(float)}, index=index)
    model = PanelOLS(
        Series(outcome, index=index), exposed, entity_effects=True, time_effects=True,
        weights=Series(weight, index=index),
    )  # fmt: skip
    plain = {"debiased": False, "group_debias": False, "auto_df": False, "count_effects": False}
    peer = model.fit(cov_type="clustered", clusters=DataFrame({"c": cluster}, index=index), **plain)
    fit = TwoWay().fit(data)
    np.testing.assert_allclose(fit.effect, peer.params.iloc[0], atol=1e-10)
    np.testing.assert_allclose(errors(fit), peer.std_errors.iloc[0], atol=1e-8)


# staggered(7, units=60) and with_gaps(., 8): pyfixest 0.60.0 feols; its errors carry G/(G-1) x (n-1)/(n-K), K = 9
@pytest.mark.parametrize(
    ("gaps", "effect", "error"),
    [(False, 1.4313060674825417, 0.2282353194042926), (True, 1.4356928595772747, 0.23868309042613234)],
)
def test_coefficient_and_error_equal_pyfixest(gaps, effect, error):
    panel, _ = staggered(7, units=60)
    panel = with_gaps(panel, 8) if gaps else panel
    fit, rows = TwoWay().fit(panel), int(panel.observed.sum())
    factor = np.sqrt(60 / 59 * (rows - 1) / (rows - 9))
    np.testing.assert_allclose([fit.effect[0], errors(fit)[0] * factor], [effect, error], atol=1e-10)


@pytest.mark.skipif(not (SHARED / "mpdta").exists(), reason="reference data not found: golden/mpdta")
def test_county_employment_equals_fixest():
    """The error of fixest 0.12.2 carries G/(G-1) x (n-1)/(n-K): 500 counties, 2,500 rows, K = 1 + 5 years."""
    expected = json.loads((SHARED / "mpdta" / "reference.json").read_text(encoding="utf-8"))["twfe_static"]
    panel = panel_from_frame(
        pl.read_csv(SHARED / "mpdta" / "data.csv"), unit="countyreal", period="year", outcome="lemp",
        cohort="first.treat",
    )  # fmt: skip
    fit, factor = TwoWay().fit(panel), np.sqrt(500 / 499 * 2499 / (2500 - 6))
    np.testing.assert_allclose([fit.effect[0], errors(fit)[0] * factor], [expected["coef"], expected["se"]], atol=1e-10)


@pytest.mark.skipif(not (SHARED / "nsw_long").exists(), reason="reference data not found: golden/nsw_long")
def test_training_programme_equals_drdid():
    """The coefficient of DRDID's `twfe_did_panel`, whose error takes the two years of a person as two persons."""
    expected = json.loads((SHARED / "nsw_long" / "reference.json").read_text(encoding="utf-8"))["twfe_did_panel"]
    frame = pl.read_csv(SHARED / "nsw_long" / "data.csv").with_columns(start=pl.col("experimental") * 1978)
    panel = panel_from_frame(frame, unit="id", period="year", outcome="re", cohort="start")
    np.testing.assert_allclose(TwoWay().fit(panel).effect, [expected["att"]], atol=1e-6)


@pytest.mark.parametrize("weights", [True, False])
def test_comparisons_weigh_one_and_sum_to_the_coefficient(weights):
    panel = WORLDS["complete"] if weights else staggered(7, units=60)[0]
    found = TwoWay().decomposition(panel)
    np.testing.assert_allclose(sum(pair.weight for pair in found), 1, atol=1e-12)
    assert min(pair.weight for pair in found) > 0
    total = sum(pair.weight * pair.estimate for pair in found)
    np.testing.assert_allclose(total, TwoWay().fit(panel).effect[0], atol=1e-10)
    assert len(found) == 9


def test_comparisons_equal_a_peer():
    """diff-diff 3.13.0 BaconDecomposition on staggered(7, units=60); its starts are counted from 1."""
    expected = {
        (3, NEVER): ("treated_never", 2.8069020739569437, 0.19736842105263158),
        (5, NEVER): ("treated_never", 1.7334828223485108, 0.19736842105263158),
        (6, NEVER): ("treated_never", 1.2751483795286358, 0.15789473684210525),
        (3, 5): ("earlier_later", 1.3752662639793496, 0.07894736842105264),
        (5, 3): ("later_earlier", 0.22063299787788426, 0.07894736842105263),
        (3, 6): ("earlier_later", 1.4084159855483107, 0.11842105263157894),
        (6, 3): ("later_earlier", -0.17011490886189629, 0.07894736842105264),
        (5, 6): ("earlier_later", 0.7548173947860825, 0.06578947368421051),
        (6, 5): ("later_earlier", 0.18358508395524198, 0.02631578947368421),
    }
    found = TwoWay().decomposition(staggered(7, units=60)[0])
    assert {(pair.treated, pair.compared): pair.kind for pair in found} == {k: v[0] for k, v in expected.items()}
    for pair in found:
        kind, estimate, weight = expected[pair.treated, pair.compared]
        np.testing.assert_allclose([pair.estimate, pair.weight], [estimate, weight], atol=1e-9)
        assert pair.is_forbidden == (kind == "later_earlier")


def test_growing_effects_are_seen_to_be_missed_through_forbidden_comparisons():
    panel, truth = staggered(45, units=4000, growth=1.0)
    exposed = truth > 0
    coefficient = TwoWay().fit(panel).effect[0]
    assert coefficient < truth[exposed].mean() - 0.5
    allowed = [pair for pair in TwoWay().decomposition(panel) if not pair.is_forbidden]
    forbidden = [pair.estimate for pair in TwoWay().decomposition(panel) if pair.is_forbidden]
    assert max(forbidden) < min(pair.estimate for pair in allowed)
    scaled, off = simulated(TwoWay(), 60, lambda fit, p, t: np.full(fit.effect.size, t[t > 0].mean()))
    assert off.mean() < -0.25
    assert (np.abs(scaled) < 1.96).mean() < 0.7


def test_a_constant_effect_is_recovered_and_intervals_cover():
    assert_recovers(*simulated(TwoWay(), 250, growth=0.0))


def test_every_exposed_cell_carries_the_coefficient_and_counts_its_clusters():
    panel = WORLDS["complete"]
    fit = TwoWay().fit(panel)
    assert {(c.cohort, c.period) for c in fit.cells} == {(s, t) for s in (3, 5, 6) for t in range(s, 8)}
    assert np.ptp(fit.effect) == 0
    assert {(c.cohort, c.base) for c in TwoWay(anticipation=1).fit(panel).cells} == {(3, 1), (5, 3), (6, 4)}
    for kind in ("simple", "event", "group", "calendar"):
        found = aggregate(fit, panel, kind)
        np.testing.assert_allclose([found.value, found.se], [fit.effect[0], errors(fit)[0]], atol=1e-12)
    counted = leave_one_cluster_out(TwoWay(), panel, "event")
    treated = {time: int(n) for time, n in zip(counted.aggregate.labels, counted.treated[1:], strict=True)}
    assert treated == {0: 18, 1: 18, 2: 12, 3: 6, 4: 6}


def test_it_is_marked_as_an_exhibit():
    assert TwoWay.is_exhibit
    assert TwoWay().is_exhibit


def test_what_cannot_be_decomposed_or_estimated_is_refused():
    with pytest.raises(PanelError, match="not equally observed"):
        TwoWay().decomposition(with_gaps(WORLDS["complete"], 43))
    with pytest.raises(PanelError, match="not equally observed"):
        TwoWay().decomposition(sections_of(WORLDS["complete"], 44))
    with pytest.raises(PanelError, match="1 periods are left out"):
        TwoWay(anticipation=1).decomposition(WORLDS["complete"])
    alone, _ = staggered(46, starts=(4,))
    with pytest.raises(PanelError, match="does not vary"):
        TwoWay().fit(alone)
    with pytest.raises(PanelError, match="0 cohorts can be compared"):
        TwoWay().decomposition(alone)
    with pytest.raises(ValueError, match="two_way: "):
        TwoWay(anticipation=-1)
