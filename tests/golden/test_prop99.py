"""Smoking in California after Proposition 99 (golden/california_prop99): against R synthdid 0.0.9 and its weights."""

import json
import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.optimize import nnls

from evaluator.estimators.donor_pool import DonorPool
from evaluator.estimators.simplex import GAP
from evaluator.estimators.synthetic_control import SyntheticControl
from evaluator.estimators.synthetic_did import SyntheticDid
from evaluator.estimators.weighted_paths import gap_of
from evaluator.panel import panel_from_frame

SHARED = Path(os.environ.get("EVALUATOR_SHARED", Path(__file__).parents[3] / "shared"))
FOLDER = SHARED / "golden" / "california_prop99"
pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason="reference data not found: golden/california_prop99")
REFERENCE = json.loads((FOLDER / "reference.json").read_text(encoding="utf-8")) if FOLDER.exists() else {}
OURS = {"synthdid": SyntheticDid(), "sc": SyntheticControl(demeaned=False), "did": DonorPool()}


@pytest.fixture(scope="module")
def panel():
    frame = pl.read_csv(FOLDER / "data.csv").with_columns(start=pl.when(pl.col("State") == "California").then(1989))
    return panel_from_frame(frame, unit="State", period="Year", outcome="PacksPerCapita", cohort="start")


@pytest.fixture(scope="module")
def paths(panel):
    return {name: estimator.paths(panel) for name, estimator in OURS.items()}


def stored(name, panel):
    """Return the peer's unit weights (N,) and period weights (19,)."""
    omega, lam = REFERENCE[name]["omega"], REFERENCE[name]["lambda"]
    weights = np.array([omega.get(unit, 0.0) for unit in panel.units])
    return weights, np.array([lam[str(year)] for year in panel.periods[:19]])


def objective(name, panel, weights):
    """Return what the peer's unit weights minimise: the mean squared gap before 1989 and zeta^2 times their squares."""
    target = panel.outcome[panel.units.index("California")]
    gap = (target - weights @ panel.outcome)[:19]
    gap = gap - gap.mean() if name == "synthdid" else gap
    return np.mean(gap**2) + REFERENCE[name]["zeta_omega"] ** 2 * (weights @ weights)


@pytest.mark.parametrize("name", OURS)
def test_the_stored_weights_give_the_stored_numbers(name, panel):
    weights, periods = stored(name, panel)
    gap = gap_of(panel.outcome[panel.units.index("California")], panel.outcome, weights, periods)
    assert gap[19:].mean() == pytest.approx(REFERENCE[name]["estimate"], abs=1e-8)
    np.testing.assert_allclose(gap[19:], list(REFERENCE[name]["effect_curve"].values()), atol=1e-8)


@pytest.mark.parametrize("name", ["synthdid", "sc"])
def test_the_objective_is_no_worse(name, panel, paths):
    own, peer = paths[name].weights[0], stored(name, panel)[0]
    assert objective(name, panel, own) <= objective(name, panel, peer)
    assert paths[name].objective[0] == pytest.approx(objective(name, panel, own), rel=1e-9)
    assert paths[name].slack.max() <= GAP


@pytest.mark.parametrize(("name", "estimate"), [("synthdid", -15.60540), ("did", -27.34911)])
def test_estimates(name, estimate, paths):
    assert paths[name].effect[0] == pytest.approx(REFERENCE[name]["estimate"], abs=5e-3)
    assert paths[name].effect[0] == pytest.approx(estimate, abs=1e-5)  # at the exact optimum


def frank_wolfe(distance, weight, steps):
    """Return weights after some steps of Frank and Wolfe's algorithm with the best step length."""
    moments = distance.T @ distance
    for _ in range(steps):
        slope = moments @ weight
        towards = -weight
        towards[slope.argmin()] += 1
        weight = weight + np.clip(-(slope @ towards) / (towards @ moments @ towards), 0, 1) * towards
    return weight


def test_the_peer_stops_before_the_optimum_of_synthetic_control(panel, paths):
    """Its 10,000 steps, after 100 and a sparse restart, end 1.02 per cent above the optimum, 0.106 away."""
    target = panel.outcome[panel.units.index("California")]
    pool = np.delete(panel.outcome, panel.units.index("California"), axis=0)
    distance = (pool[:, :19] - target[:19]).T
    early = frank_wolfe(distance, np.full(38, 1 / 38), 100)
    sparse = np.where(early > early.max() / 4, early, 0)
    peer = frank_wolfe(distance, sparse / sparse.sum(), 10_000)
    assert (target - peer @ pool)[19:].mean() == pytest.approx(REFERENCE["sc"]["estimate"], abs=1e-6)

    best, _ = nnls(np.vstack([distance / 30, np.ones(38)]), np.append(np.zeros(19), 1.0))
    best = best / best.sum()
    own = np.delete(paths["sc"].weights[0], panel.units.index("California"))
    np.testing.assert_allclose(own, best, atol=1e-6)
    left = [((distance @ weight) ** 2).mean() for weight in (peer, own)]
    assert left[0] / left[1] == pytest.approx(1.0102, abs=1e-4)
    assert paths["sc"].effect[0] == pytest.approx(-19.51363, abs=1e-5)


@pytest.mark.parametrize(("name", "furthest", "median"), [("synthdid", 0.06, 1e-2), ("did", 1e-8, 1e-8)])
def test_every_control_in_the_place_of_california(name, furthest, median, panel, paths):
    found = dict(zip((panel.units[row] for row in paths[name].units[1:]), paths[name].effect[1:], strict=True))
    expected = REFERENCE[name]["placebo_each_control"]
    assert len(expected) == 38
    difference = np.abs([found[state] - value for state, value in expected.items()])
    assert difference.max() < furthest
    assert np.median(difference) < median


def test_periods_weigh_as_the_peer_has_it(panel, paths):
    np.testing.assert_allclose(paths["synthdid"].period_weights[0, :19], stored("synthdid", panel)[1], atol=1e-3)
    np.testing.assert_allclose(paths["synthdid"].weights[0], stored("synthdid", panel)[0], atol=5e-3)
