"""Terrorism in the Basque Country (golden/scm_basque): synthetic control for given predictors and their stored V."""

import json
import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from evaluator.estimators.simplex import GAP
from evaluator.estimators.synthetic_control import SyntheticControl
from evaluator.panel import panel_from_frame

SHARED = Path(os.environ.get("EVALUATOR_SHARED", Path(__file__).parents[3] / "shared"))
FOLDER = SHARED / "golden" / "scm_basque"
pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason="reference data not found: golden/scm_basque")
REFERENCE = json.loads((FOLDER / "reference.json").read_text(encoding="utf-8")) if FOLDER.exists() else {}
BASQUE, SPAIN = "Basque Country (Pais Vasco)", "Spain (Espana)"
CONFIGURATIONS = {
    "config_as_in_peer_test(controls include Spain aggregate)": (),
    "config_without_Spain_aggregate": (SPAIN,),
}
SCHOOL = ("illit", "prim", "med", "high", "post.high")
SECTORS = ("agriculture", "energy", "industry", "construction", "services.venta", "services.nonventa")
PREDICTORS = (
    *((f"school.{name}", range(1964, 1970)) for name in SCHOOL),
    ("invest", range(1964, 1970)),
    ("gdpcap", range(1960, 1970)),
    *((f"sec.{name}", range(1961, 1970, 2)) for name in SECTORS),
    ("popdens", (1969,)),
)


@pytest.fixture(scope="module")
def panel():
    """GDP per head of 18 regions, Spain among them, with the 14 predictors as covariates."""
    frame = pl.read_csv(FOLDER / "data.csv", infer_schema_length=None).with_columns(pl.col("year").cast(pl.Int64))
    means = frame.group_by("regionname").agg(
        pl.col(name).filter(pl.col("year").is_in(list(years))).mean().alias(f"mean of {name}")
        for name, years in PREDICTORS
    )
    joined = frame.join(means, on="regionname").with_columns(
        start=pl.when(pl.col("regionname") == BASQUE).then(pl.lit(1970))
    )
    names = [f"mean of {name}" for name, _ in PREDICTORS]
    return panel_from_frame(
        joined, unit="regionname", period="year", outcome="gdpcap", cohort="start", covariates=names
    )


@pytest.mark.parametrize(("key", "left_out"), CONFIGURATIONS.items(), ids=["with Spain", "without Spain"])
def test_gaps_and_weights_for_the_stored_importance(key, left_out, panel):
    expected = REFERENCE[key]
    estimator = SyntheticControl(demeaned=False, importance=tuple(expected["V"]), exclude=left_out)
    found = estimator.paths(panel)
    np.testing.assert_allclose(found.gap[0], list(expected["gaps"].values()), atol=1e-4)  # asked for: 1e-2
    weights = dict(zip(panel.units, found.weights[0], strict=True))
    for region, weight in expected["weights"].items():
        assert weights[region] == pytest.approx(weight, abs=1e-5), region
    after = [panel.periods.index(year) for year in range(1975, 1998)]
    assert found.gap[0, after].mean() == pytest.approx(expected["att_1975_1997"]["att"], abs=1e-4)
    assert found.slack.max() <= GAP


def test_the_published_weights_of_synth(panel):
    key = next(iter(CONFIGURATIONS))
    found = SyntheticControl(demeaned=False, importance=tuple(REFERENCE[key]["V"])).paths(panel)
    weights = dict(zip(panel.units, found.weights[0], strict=True))
    published = REFERENCE["published_weights_R_Synth"]
    assert published == {region: pytest.approx(weights[region], abs=1e-5) for region in published}
