"""Two-by-twos against R DRDID 1.2.3 on the job-training data (golden/nsw_long), panel and repeated cross-section.

Not compared: the reference's Horvitz-Thompson weighting, which is not offered since it moves with a constant added to
the outcome.
"""

import json
import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from evaluator.estimators.group_time import GroupTime
from evaluator.panel import panel_from_frame, sections_from_frame

FOLDER = Path(os.environ.get("EVALUATOR_SHARED", Path(__file__).parents[3] / "shared")) / "golden" / "nsw_long"
pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason="reference data not found: golden/nsw_long")
REFERENCE = json.loads((FOLDER / "reference.json").read_text(encoding="utf-8")) if FOLDER.exists() else {}
COVARIATES = ["age", "educ", "black", "married", "nodegree", "hisp", "re74"]
ESTIMATORS = {
    "drdid_imp": GroupTime(adjustment="doubly_robust", variant="improved"),
    "drdid_trad": GroupTime(adjustment="doubly_robust"),
    "ordid": GroupTime(adjustment="regression"),
    "ipwdid_hajek_std": GroupTime(adjustment="weighting"),
}
WITH_A_SLIP = "drdid_trad_rc"


def frame():
    return (
        pl.read_csv(FOLDER / "data.csv").with_columns(start=1978 * pl.col("experimental")).with_row_index("observation")
    )


def data(kind):
    names = {"period": "year", "outcome": "re", "cohort": "start", "covariates": COVARIATES}
    if kind == "panel":
        return panel_from_frame(frame(), unit="id", **names)
    return sections_from_frame(frame(), cluster="observation", **names)


def error(influence):
    return np.sqrt((influence**2).sum()) / influence.size


@pytest.mark.parametrize("kind", ["panel", "rc"])
@pytest.mark.parametrize("name", ESTIMATORS)
def test_effects_and_errors_equal_the_reference(name, kind):
    expected, fit = REFERENCE[f"{name}_{kind}"], ESTIMATORS[name].fit(data(kind))
    np.testing.assert_allclose(fit.effect, [expected["att"]], rtol=1e-9, atol=1e-6)
    np.testing.assert_allclose(fit.influence.mean(), 0, atol=1e-6)
    if f"{name}_{kind}" != WITH_A_SLIP:
        np.testing.assert_allclose(error(fit.influence[:, 0]), expected["se"], rtol=1e-7, atol=1e-6)


def test_one_reference_error_has_the_wrong_sign_in_one_term():
    """R DRDID adds what the regression of the earlier period does to the error where its derivative subtracts it.

    Ours is the derivative (unit tests); with that one term turned around it is the reference's to its last digits.
    """
    frame_ = frame()
    design = np.column_stack([np.ones(frame_.height), frame_.select(COVARIATES).to_numpy()])
    treated, later = (frame_[name].to_numpy() == value for name, value in (("experimental", 1), ("year", 1978)))
    outcome = frame_["re"].to_numpy()
    compared = ~treated & ~later
    scaled = design / np.abs(design).max(axis=0)
    logit = np.zeros(design.shape[1])
    for _ in range(25):
        share = 1 / (1 + np.exp(-scaled @ logit))
        information = (scaled * (share * (1 - share))[:, None]).T @ scaled
        logit += np.linalg.solve(information, scaled.T @ (treated - share))
    odds = np.exp(scaled @ logit)
    own, regressors = scaled[compared], np.linalg.inv(scaled[compared].T @ scaled[compared])
    residual = outcome[compared] - own @ (regressors @ (own.T @ outcome[compared]))
    gap = scaled[treated & ~later].mean(axis=0) - np.average(own, axis=0, weights=odds[compared])
    term = np.zeros(frame_.height)
    term[compared] = frame_.height * residual * (own @ regressors @ gap)
    influence = ESTIMATORS["drdid_trad"].fit(data("rc")).influence[:, 0]
    expected = REFERENCE[WITH_A_SLIP]["se"]
    assert abs(error(influence) - expected) > 0.1
    np.testing.assert_allclose(error(influence - 2 * term), expected, rtol=1e-9)
