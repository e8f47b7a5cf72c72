"""Simulated spells (golden/durdata) and McCall's unemployed (golden/unempdur): against R durmod 1.1-4."""

import json
import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from evaluator.estimators.mixed_hazards.frame import Columns
from evaluator.estimators.mixed_hazards.mass_points import Search
from evaluator.estimators.timing_of_events import Setting, timing_of_events

SHARED = Path(os.environ.get("EVALUATOR_SHARED", Path(__file__).parents[3] / "shared"))
GOLDEN = SHARED / "golden"
pytestmark = pytest.mark.skipif(not (GOLDEN / "durdata").exists(), reason="reference data not found: golden/durdata")
RISK_SETS = {"unemp": ("job", "program"), "onprogram": ("job",)}
TRAITS = ("age", "ui01", "reprate", "disrate", "logwage", "tenure")


def durdata(search):
    """Return the fits of the peer's model up to `search.points`."""
    return timing_of_events(
        pl.read_csv(GOLDEN / "durdata" / "data.csv"),
        exits=("job",),
        treatments={"program": ("alpha",)},
        covariates=("x1", "x2"),
        columns=Columns("id", "duration", "d", state="state"),
        setting=Setting(risk_sets=RISK_SETS, search=search),
    )


@pytest.fixture(scope="module")
def fit():
    return durdata(Search(points=4, starts=6))


@pytest.fixture(scope="module")
def peer():
    stored = json.loads((GOLDEN / "durdata" / "reference.json").read_text(encoding="utf-8"))
    return stored["measured_rerun"]["fits"]


def test_one_point_is_the_peers(fit):
    assert fit.path[0].log_likelihood == pytest.approx(-23397.2901516, abs=1e-3)


@pytest.mark.parametrize(("number", "least"), [(2, -22568.172), (3, -22483.555), (4, -22469.0497 - 1e-3)])
def test_the_log_likelihood_is_no_lower_than_the_peers(fit, number, least):
    assert fit.path[number - 1].log_likelihood >= least
    assert fit.path[number - 1].has_converged


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_where_the_optimum_is_the_peers_so_are_coefficients_errors_and_mass_points(fit, peer, number):
    ours, theirs = fit.path[number - 1], peer[f"iter{number}"]
    for row in theirs["coefs"]:
        found = ours.estimate(row["name"])
        assert (found.value, found.se) == pytest.approx((row["value"], row["se"]), abs=1e-3)
    order = np.argsort(-ours.point.share)
    np.testing.assert_allclose(ours.point.share[order], [row["prob"] for row in theirs["dist"]], atol=1e-3)
    hazards = [[row["job"], row["program"]] for row in theirs["dist"]]
    np.testing.assert_allclose(np.exp(ours.point.mu[order]), hazards, atol=1e-3)


def test_more_mass_points_are_chosen_and_the_optimum_is_not_claimed_too_early(fit):
    assert fit.chosen.number == 4
    assert fit.path[3].left > 1  # there are up to 13 in the optimum: tests/simulation/durdata_path.csv


@pytest.fixture(scope="module")
def unempdur():
    frame = pl.read_csv(GOLDEN / "unempdur" / "data.csv").with_columns(ui01=(pl.col("ui") == "yes").cast(pl.Float64))
    names = {"ft": "censor1", "pt": "censor2", "unk": "censor3"}
    return frame.with_columns(
        d=pl.coalesce(pl.when(pl.col(column) == 1).then(pl.lit(name)) for name, column in names.items())
    )


@pytest.fixture(scope="module")
def reference():
    return json.loads((GOLDEN / "unempdur" / "reference.json").read_text(encoding="utf-8"))


def one_point(frame, exits):
    return timing_of_events(
        frame,
        exits=exits,
        treatments={},
        covariates=TRAITS,
        columns=Columns("id", "spell", "d"),
        setting=Setting(search=Search(points=1)),
    ).path[0]


def test_three_exits_at_one_point_are_the_peers(unempdur, reference):
    found = one_point(unempdur, ("ft", "pt", "unk"))
    stored = reference["durmod_continuous_constant_baseline"]["fits"]["iter1"]
    assert found.log_likelihood == pytest.approx(-8273.69902434252, abs=1e-6)
    for row in stored["coefs"]:
        ours = found.estimate(row["name"])
        assert (ours.value, ours.se) == pytest.approx((row["value"], row["se"]), abs=1e-3)


@pytest.mark.parametrize(("exit_name", "column"), [("ft", "censor1"), ("pt", "censor2"), ("unk", "censor3")])
def test_one_exit_alone_is_the_exponential_model(unempdur, reference, exit_name, column):
    alone = unempdur.with_columns(d=pl.when(pl.col("d") == exit_name).then("d"))
    found, stored = one_point(alone, (exit_name,)), reference[f"exp_aft_{column}"]
    assert found.log_likelihood == pytest.approx(stored["loglik"], abs=1e-6)
    hessian = np.sqrt(np.diag(found.covariance("hessian")))
    for trait, se in zip(TRAITS, hessian, strict=True):
        assert found.estimate(f"{exit_name}.{trait}").value == pytest.approx(-stored["coef"][trait], abs=1e-6)
        assert se == pytest.approx(stored["se"][trait], rel=1e-5)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("column", ["censor1", "censor2", "censor3"])
def test_cox_through_the_library_is_the_reference(unempdur, reference, column, ties):
    from statsmodels.duration.hazard_regression import PHReg

    data = unempdur.select(TRAITS).to_numpy()
    found = PHReg(unempdur["spell"].to_numpy(), data, status=unempdur[column].to_numpy(), ties=ties).fit()
    stored = reference[f"cox_{column}_{ties}"]
    assert found.llf == pytest.approx(stored["loglik"][1], abs=1e-6)
    np.testing.assert_allclose(found.params, [stored["coef"][trait] for trait in TRAITS], atol=1e-6)
    np.testing.assert_allclose(found.bse, [stored["se"][trait] for trait in TRAITS], atol=1e-6)
