"""Entropy balancing on the job-training data (golden/nsw_long): the dual by scipy, and an effect of R DRDID 1.2.3.

R's improved doubly robust estimator of a panel weighs the comparison by inverse probability tilting, which balances the
means exactly; the regression then adds nothing, so its effect is that of entropy balancing (Zhao and Percival 2017,
Journal of Causal Inference 5(1)).
"""

import json
import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.optimize import minimize

from evaluator.estimators.adjustment.entropy import tilted

FOLDER = Path(os.environ.get("EVALUATOR_SHARED", Path(__file__).parents[3] / "shared")) / "golden" / "nsw_long"
pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason="reference data not found: golden/nsw_long")
COVARIATES = ["age", "educ", "black", "married", "nodegree", "hisp", "re74"]


@pytest.fixture(scope="module")
def solved():
    """Return the comparison's covariates, its weights, the treated means and both gains of earnings."""
    frame = pl.read_csv(FOLDER / "data.csv").sort("id", "year")
    years = sorted(frame["year"].unique())
    before, after = (frame.filter(pl.col("year") == year) for year in (years[0], years[-1]))
    gain = (after["re"] - before["re"]).to_numpy()
    x, treated = before.select(COVARIATES).to_numpy().astype(np.float64), before["experimental"].to_numpy() == 1
    traits, stratum = np.unique(x[~treated], axis=0, return_inverse=True)
    persons = np.bincount(stratum).astype(np.float64)[None, None]
    found = tilted(persons, traits, x[treated].mean(axis=0)[:, None])
    assert found.is_balanced.all()
    weight = found.weight[0, :, 0][stratum]
    return x[~treated], weight / weight.sum(), x[treated].mean(axis=0), gain[~treated], gain[treated]


def test_means_are_met_to_eight_digits(solved):
    x, weight, target, _, _ = solved
    np.testing.assert_allclose(weight @ x, target, rtol=1e-8)


def test_the_effect_is_the_reference_of_the_improved_estimator(solved):
    _, weight, _, compared, treated = solved
    expected = json.loads((FOLDER / "reference.json").read_text(encoding="utf-8"))["drdid_imp_panel"]["att"]
    assert treated.mean() - weight @ compared == pytest.approx(expected, rel=1e-8)


def test_the_weights_are_those_of_the_dual_solved_by_scipy(solved):
    x, weight, target, _, _ = solved
    scaled = (x - target) / x.std(axis=0)

    def dual(b):
        height = scaled @ b
        top = height.max()
        lean = np.exp(height - top)
        return top + np.log(lean.sum()), lean @ scaled / lean.sum()

    best = minimize(dual, np.zeros(x.shape[1]), jac=True, method="BFGS", options={"gtol": 1e-9}).x
    lean = np.exp(scaled @ best)
    np.testing.assert_allclose(weight, lean / lean.sum(), rtol=1e-5, atol=1e-10)
