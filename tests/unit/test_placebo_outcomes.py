"""Full-time employees, whom an intervention for a few cannot move: read from published figures and tested."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pytest
from small_register import build_marts, fill, open_store

from evaluator.design.frozen import Design, periods_between
from evaluator.evaluation.placebo_outcomes import placebo_outcomes
from evaluator.registers.municipalities import municipalities
from evaluator.results import Findings
from evaluator.spec import PlaceboOutcome, Start
from evaluator.spec_reading import read_spec
from evaluator.vocabulary import Light

TRAPPE = read_spec(Path(__file__).resolve().parents[2] / "data/synthetic/specs/trappe.toml")
SPEC = replace(TRAPPE, placebo_outcomes=(PlaceboOutcome("employees"),))
CODES = [m.code for m in municipalities()][:36]
TREATED = CODES[3::5]
DESIGN = Design(
    treated=tuple(Start(code, dt.date(2017, 1, 1)) for code in TREATED),
    donors=tuple(code for code in CODES if code not in TREATED),
    excluded=(),
    periods=periods_between(SPEC.panel.from_, SPEC.panel.to, 1),
    period_months=1,
)
QUARTERS = [(year, quarter) for year in range(2014, 2019) for quarter in (1, 2, 3, 4)]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    return open_store(tmp_path_factory.mktemp("employees"))


def _series(lift: float = 0.0, hidden: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Return employees by municipality and quarter: a level, a season, noise of half a per cent, and a lift."""
    draw = np.random.default_rng(3)
    rows = []
    for place, code in enumerate((*CODES, "000")):
        for year, quarter in QUARTERS:
            after = code in TREATED and year >= 2017
            number = (5000 + 400 * place) * (1 + 0.01 * quarter + 0.005 * draw.standard_normal() + lift * after)
            shown = ".." if code in hidden and (year, quarter) == (2015, 2) else str(round(number))
            rows.append((code, f"{year}K{quarter}", "fuldtidsansatte", shown))
    return rows


def _run(store: duckdb.DuckDBPyConnection, rows: list[tuple[str, ...]]) -> tuple[list, list]:
    fill(store, {"kommunepanel": rows})
    build_marts(store)
    findings = Findings()
    return placebo_outcomes(store, SPEC, DESIGN, findings), findings.rows.get("estimates", [])


def test_no_effect_is_no_finding_and_the_row_says_what_it_is(store: duckdb.DuckDBPyConnection) -> None:
    (check,), (row,) = _run(store, _series())
    assert (check.name, check.verdict) == ("placebo_outcome", Light.GREEN)
    assert (row["outcome"], row["aggregate"], row["unit"]) == ("employees", "placebo_outcome", "log")
    assert abs(row["value"]) < 0.01
    assert row["clusters"] == len(CODES)  # the whole country is no municipality


def test_a_lift_of_five_per_cent_is_red_and_found(store: duckdb.DuckDBPyConnection) -> None:
    (check,), (row,) = _run(store, _series(lift=0.05))
    assert check.verdict is Light.RED
    assert row["value"] == pytest.approx(np.log(1.05), abs=0.01)


def test_a_municipality_with_an_unknown_number_is_left_out(store: duckdb.DuckDBPyConnection) -> None:
    _, (row,) = _run(store, _series(hidden=(DESIGN.donors[0], TREATED[0])))
    assert (row["clusters"], row["treated_clusters"]) == (len(CODES) - 2, len(TREATED) - 1)


def test_a_series_that_is_not_delivered_is_a_check_that_was_not_run(store: duckdb.DuckDBPyConnection) -> None:
    (check,), rows = _run(store, [])
    assert (check.verdict, check.value, rows) == (Light.NOT_RUN, None, [])
    assert "ikke leveret" in check.why
