"""GroupTime and its averages against R did 2.5.1 on county employment (golden/mpdta): all 24 configurations."""

import json
import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from evaluator.estimators.group_time import GroupTime
from evaluator.inference.aggregation import aggregate
from evaluator.inference.wald import pre_test
from evaluator.panel import panel_from_frame, sections_from_frame

FOLDER = Path(os.environ.get("EVALUATOR_SHARED", Path(__file__).parents[3] / "shared")) / "golden" / "mpdta"
pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason="reference data not found: golden/mpdta")
REFERENCE = json.loads((FOLDER / "reference.json").read_text(encoding="utf-8")) if FOLDER.exists() else {"cases": []}
CASES = REFERENCE["cases"]
ADJUSTMENT = {"reg": "regression", "ipw": "weighting", "dr": "doubly_robust"}
COMPARISON = {"nevertreated": "never", "notyettreated": "not_yet"}
KIND = {"simple": "simple", "dynamic": "event", "group": "group", "calendar": "calendar"}


def frame():
    return pl.read_csv(FOLDER / "data.csv")


def panel(covariates=()):
    return panel_from_frame(
        frame(), unit="countyreal", period="year", outcome="lemp", cohort="first.treat", covariates=covariates
    )


def numbers(values):
    return np.array([np.nan if v is None else v for v in values], dtype=float)


def assert_cells(fit, periods, rows):
    got = {(periods[c.cohort], periods[c.period]): i for i, c in enumerate(fit.cells)}
    assert set(got) == {(r["group"], r["t"]) for r in rows}
    order = [got[r["group"], r["t"]] for r in rows]
    error = np.sqrt((fit.influence**2).sum(axis=0)) / fit.scale
    expected = numbers(r["se"] for r in rows)
    np.testing.assert_allclose(fit.effect[order], numbers(r["att"] for r in rows), atol=1e-8)
    np.testing.assert_allclose(error[order], np.nan_to_num(expected), atol=1e-8)
    np.testing.assert_allclose(fit.influence.mean(axis=0), 0, atol=1e-10)


def named(case):
    return f"{case['xformla']}-{case['control_group']}-{case['base_period']}-{case['est_method']}"


def test_all_configurations_are_here():
    assert len({named(case) for case in CASES}) == 24


@pytest.mark.parametrize("case", CASES, ids=named)
def test_cells_and_all_four_averages_equal_the_reference(case):
    data = panel(["lpop"] if case["xformla"] == "~lpop" else [])
    estimator = GroupTime(
        comparison=COMPARISON[case["control_group"]],
        base=case["base_period"],
        adjustment=ADJUSTMENT[case["est_method"]],
    )
    fit = estimator.fit(data)
    assert_cells(fit, data.periods, case["att_gt"])
    wald = pre_test(fit)
    np.testing.assert_allclose(wald.statistic, case["wald_pre"], rtol=1e-8)
    np.testing.assert_allclose(wald.p_value, case["wald_pre_p"], atol=5.1e-6)  # the reference is rounded
    for name, kind in KIND.items():
        expected, got = case[f"agg_{name}"], aggregate(fit, data, kind)
        np.testing.assert_allclose([got.value, got.se], [expected["overall_att"], expected["overall_se"]], atol=1e-8)
        if kind != "simple":
            assert list(got.labels) == expected["egt"]
            np.testing.assert_allclose(got.effect, expected["att"], atol=1e-8)
            np.testing.assert_allclose(got.error, numbers(expected["se"]), atol=1e-8)


def test_no_adjustment_is_one_for_a_constant():
    plain = GroupTime("not_yet").fit(panel())
    for adjustment in ADJUSTMENT.values():
        adjusted = GroupTime("not_yet", adjustment=adjustment).fit(panel())
        np.testing.assert_allclose(adjusted.effect, plain.effect, atol=1e-12)
        np.testing.assert_allclose(adjusted.influence, plain.influence, atol=1e-10)


@pytest.mark.parametrize("adjustment", ["none", *ADJUSTMENT.values()])
def test_a_repeated_cross_section_equals_the_reference(adjustment):
    data = sections_from_frame(
        frame().with_row_index("row"), period="year", outcome="lemp", cohort="first.treat", cluster="row"
    )
    assert_cells(GroupTime(adjustment=adjustment).fit(data), data.periods, REFERENCE["panel_FALSE"]["att_gt"])


def test_sections_clustered_by_county_equal_the_panel():
    data, followed = (
        sections_from_frame(frame(), period="year", outcome="lemp", cohort="first.treat", cluster="countyreal"),
        panel(),
    )
    for kind in KIND.values():
        one, two = (aggregate(GroupTime("not_yet").fit(d), d, kind) for d in (data, followed))
        np.testing.assert_allclose([one.value, one.se], [two.value, two.se], atol=1e-10)


def test_event_time_covariance_equals_the_reference():
    data = panel()
    got = aggregate(GroupTime(base="universal").fit(data), data, "event")
    expected = REFERENCE["dynamic_vcov_dr_universal_nocov"]
    parts = got.influence[:, 1:]
    assert list(got.labels) == expected["egt"]
    np.testing.assert_allclose(parts.T @ parts / got.scale**2, expected["vcov"], atol=1e-8)


@pytest.mark.parametrize("adjustment", ADJUSTMENT.values())
@pytest.mark.parametrize("comparison", ["never", "not_yet"])
def test_anticipation_moves_the_base_and_drops_the_cohort_without_one(comparison, adjustment):
    data = panel()
    rows = REFERENCE["anticipation1_universal_dr"]["att_gt"]
    fit = GroupTime("never", "universal", 1, adjustment=adjustment).fit(data)
    assert_cells(fit, data.periods, rows)
    windows = GroupTime(comparison, "universal", 1, adjustment=adjustment).fit(data)
    assert {(c.cohort, c.base) for c in windows.cells} == {(3, 1), (4, 2)}
