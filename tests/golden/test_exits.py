"""Exits from spells: against lifelines 0.30.0 on 40 spells, and R and statsmodels on golden/unempdur."""

import json
import os
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from evaluator.estimators.exits.cumulative_incidence import cumulative_incidence
from evaluator.estimators.exits.hazards import cumulative_hazards
from evaluator.estimators.exits.multinomial_hazard import multinomial_hazard
from evaluator.estimators.exits.weibull import weibull

SHARED = Path(os.environ.get("EVALUATOR_SHARED", Path(__file__).parents[3] / "shared"))
FOLDER = SHARED / "golden" / "unempdur"
needs_shared = pytest.mark.skipif(not FOLDER.exists(), reason="reference data not found: golden/unempdur")
LIFELINES = json.loads(Path(__file__).with_name("lifelines_exits.json").read_text(encoding="utf-8"))
TRAITS = ("age", "ui01", "reprate", "disrate", "logwage", "tenure")


@pytest.mark.parametrize("kind", ["plain", "entry"])
def test_forty_spells_are_as_lifelines_has_them(kind):
    entry = LIFELINES["entry_at"] if kind == "entry" else None
    spells = (LIFELINES["duration"], LIFELINES["exit"])
    found, stored = cumulative_incidence(*spells, exits=2, entry=entry), LIFELINES[kind]
    place = np.searchsorted(found.table.time, stored["time"])
    for k in (0, 1):
        for name, values in stored[f"exit_{k + 1}"].items():
            np.testing.assert_allclose(getattr(found, name)[place, k], values, atol=1e-8)
    hazards = cumulative_hazards(*spells, exits=2, entry=entry)
    np.testing.assert_allclose(hazards.value[place, 0], stored["hazard_1"], atol=1e-8)


@pytest.fixture(scope="module")
def reference():
    return json.loads((FOLDER / "reference.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def unemployed():
    frame = pl.read_csv(FOLDER / "data.csv").with_columns(ui01=(pl.col("ui") == "yes").cast(pl.Float64))
    exits = [pl.when(pl.col(f"censor{k}") == 1).then(k) for k in (1, 2, 3)]
    return frame.with_columns(exit=pl.coalesce(*exits, pl.lit(0)))


@needs_shared
def test_shares_and_errors_are_r_s_with_many_ties(unemployed, reference):
    found = cumulative_incidence(unemployed["spell"].to_numpy(), unemployed["exit"].to_numpy(), exits=3)
    stored = reference["aalen_johansen"]
    place = np.searchsorted(found.table.time, stored["times"])
    shares = np.column_stack([found.survival, found.share])[place]
    np.testing.assert_allclose(shares, stored["pstate"], atol=1e-12)
    np.testing.assert_allclose(np.sqrt(found.variance[place]), np.array(stored["se"])[:, 1:], atol=1e-10)


@needs_shared
@pytest.mark.parametrize("row", range(6))
def test_shares_by_insurance_are_r_s(unemployed, reference, row):
    stored = reference["aalen_johansen_by_ui"]
    part = unemployed.filter(pl.col("ui") == stored["strata"][row].removeprefix("ui="))
    found = cumulative_incidence(part["spell"].to_numpy(), part["exit"].to_numpy(), exits=3)
    np.testing.assert_allclose(found.at(stored["times"][row])[0], stored["pstate"][row][1:], atol=1e-12)


@needs_shared
@pytest.mark.parametrize("exit_code", [1, 2, 3])
def test_the_weibull_model_is_r_s(unemployed, reference, exit_code):
    stored = reference[f"weibull_aft_censor{exit_code}"]
    design = np.column_stack([np.ones(len(unemployed)), unemployed.select(TRAITS).to_numpy()])
    found = weibull(unemployed["spell"].to_numpy(), unemployed["exit"].to_numpy() == exit_code, design)
    assert found.log_likelihood == pytest.approx(stored["loglik"], abs=1e-6)
    assert 1 / found.shape == pytest.approx(stored["scale"], abs=1e-6)
    expected = [-stored["coef"][name] / stored["scale"] for name in ("(Intercept)", *TRAITS)]
    np.testing.assert_allclose(found.coefficient, expected, atol=1e-5)


@needs_shared
def test_the_discrete_hazard_is_the_library_s_multinomial_logit(unemployed):
    from statsmodels.discrete.discrete_model import MNLogit

    weeks = np.concatenate([np.arange(1, spell + 1) for spell in unemployed["spell"]])
    spell = np.repeat(np.arange(len(unemployed)), unemployed["spell"])
    is_last = np.diff(spell, append=-1) != 0
    code = np.where(is_last, unemployed["exit"].to_numpy()[spell], 0)
    design = np.column_stack([np.ones(len(weeks)), weeks > 5, unemployed["ui01"].to_numpy()[spell]])
    found, library = multinomial_hazard(design, code, exits=3), MNLogit(code, design).fit(disp=False)
    assert found.log_likelihood == pytest.approx(library.llf, abs=1e-7)
    np.testing.assert_allclose(found.coefficient.T, library.params, atol=1e-6)
    np.testing.assert_allclose(found.error.T, library.bse, atol=1e-6)
    alike, inverse = np.unique(np.column_stack([design, code]), axis=0, return_inverse=True)
    fewer = multinomial_hazard(alike[:, :3], alike[:, 3], exits=3, weight=np.bincount(inverse.ravel()))
    np.testing.assert_allclose(fewer.coefficient, found.coefficient, atol=1e-8)


def test_a_hundred_thousand_spells_with_intervals_take_less_than_a_second():
    random = np.random.default_rng(1)
    duration, code = random.exponential(20.0, 100_000), random.integers(0, 5, 100_000)
    begun = time.process_time()
    found = cumulative_incidence(duration, code, exits=4, entry=duration * random.random(100_000))
    assert time.process_time() - begun < 1.0
    assert found.share.shape == (100_000, 4)
