"""Outcomes of whole municipalities that an intervention for a few of their citizens cannot have moved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import duckdb

from evaluator.design.frozen import Design
from evaluator.diagnostics import credibility
from evaluator.errors import PanelError
from evaluator.estimators.group_time import GroupTime
from evaluator.evaluation.entry_cohorts import month_index
from evaluator.evaluation.estimate_rows import Place, estimate_row
from evaluator.evaluation.methods import BASE
from evaluator.inference import offered
from evaluator.panel import panel_from_frame
from evaluator.results import Findings
from evaluator.spec import MONTHS_PER_YEAR, EvaluationSpec
from evaluator.vocabulary import Diagnostic, NotEstimable, Panel

NAME = "placebo_outcome"
THRESHOLD = "p over 0,10"
EMPLOYEES = "employees"
SERIES = "fuldtidsansatte"  # the name of the series in the extract kommunepanel
PERIOD_KIND, PERIOD_MONTHS = "quarter", 3
ABSENT = "Serien over fuldtidsansatte er ikke leveret for de kommuner og kvartaler."
WHY = "Indsatsen er for lille til at flytte kommunens samlede beskæftigelse; gør tallet det, er kommunerne forskellige."


def placebo_outcomes(
    connection: duckdb.DuckDBPyConnection, spec: EvaluationSpec, design: Design, findings: Findings
) -> list[Diagnostic]:
    """Add the effect on each placebo outcome of the spec; return the checks that it is not there."""
    return [TESTS[placebo.name](connection, spec, design, findings) for placebo in spec.placebo_outcomes]


def _employees(
    connection: duckdb.DuckDBPyConnection, spec: EvaluationSpec, design: Design, findings: Findings
) -> Diagnostic:
    """Test the log of full-time employees living in the municipality, quarter by quarter, with employees as weights.

    The comparison and the months of anticipation are the run's; nobody has a horizon here. The base is a year.
    """
    try:
        panel = _read(connection, spec, design)
    except PanelError:
        return credibility.not_run(NAME, THRESHOLD, ABSENT)
    method = GroupTime(
        comparison=spec.comparison.pool,
        base=BASE,
        anticipation=-(-spec.comparison.anticipation // PERIOD_MONTHS),
        base_periods=MONTHS_PER_YEAR // PERIOD_MONTHS,
    )
    found = offered.estimates(method, panel, "simple").overall
    findings.add("estimates", estimate_row(Place(EMPLOYEES, None, "log", NAME), found))
    if isinstance(found, NotEstimable) or found.p_value is None:
        return credibility.not_run(NAME, THRESHOLD, found.reason if isinstance(found, NotEstimable) else ABSENT)
    return replace(credibility.pre_trend(found.p_value), name=NAME, why=WHY)


def _read(connection: duckdb.DuckDBPyConnection, spec: EvaluationSpec, design: Design) -> Panel:
    """Return the log of employees by municipality and quarter; a municipality with an unknown number is left out."""
    import polars as pl

    found = connection.sql(
        "select municipality_code, year(period_on) * 12 + month(period_on) - 1 as period, full_time::double as number "
        "from marts.municipality_statistics where benefit = ? and period_kind = ? and full_time > 0 "
        "and period_on between ? and ? and list_contains(?, municipality_code) order by all",
        params=[SERIES, PERIOD_KIND, spec.panel.from_, spec.panel.to, [*design.treated_codes, *design.donors]],
    ).pl()
    whole = found.filter(pl.len().over("municipality_code") == pl.col("period").n_unique())
    starts = {code: _first_quarter(month_index(start)) for code, start in design.cohort_of().items()}
    frame = whole.with_columns(
        y=pl.col("number").log(),
        level=pl.col("number").mean().over("municipality_code"),
        cohort=pl.col("municipality_code").replace_strict(starts, default=0, return_dtype=pl.Int64),
    )
    return panel_from_frame(
        frame, unit="municipality_code", period="period", outcome="y", cohort="cohort", weight="level"
    )


def _first_quarter(month: int) -> int:
    """Return the first month of the first quarter that begins in a month or after it."""
    return -(-month // PERIOD_MONTHS) * PERIOD_MONTHS


TESTS: dict[str, Callable[..., Diagnostic]] = {EMPLOYEES: _employees}
