"""Did the intervention change who comes in? Then entrants before and after are not the same people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb

from evaluator.design.frozen import Design
from evaluator.diagnostics import credibility
from evaluator.errors import PanelError
from evaluator.estimators.group_time import GroupTime
from evaluator.evaluation.entry_cohorts import labelled, month_index
from evaluator.inference import offered
from evaluator.panel import panel_from_frame, sections_from_frame
from evaluator.spec import EvaluationSpec
from evaluator.vocabulary import Diagnostic, Light, NotEstimable

if TYPE_CHECKING:
    import polars as pl

RED = 0.01
AMBER = 0.10
THRESHOLD = "p over 0,10"
TRAITS = ("target_group", "age_group", "sex", "education_level")
INFLOW_WHY = "Ændrer indsatsen, hvor mange der kommer ind, er de sammenlignede borgere ikke de samme før og efter."
MIX_WHY = "Ændrer indsatsen, hvem der kommer ind, måles en anden sammensætning som effekt."


def composition(connection: duckdb.DuckDBPyConnection, spec: EvaluationSpec, design: Design) -> list[Diagnostic]:
    """Return two checks by the run's own estimator: the volume of the inflow, and its expected outcome at entry.

    Volume: entrants per period over the municipality's own mean before the first start. Mix: the mean outcome that the
    entrants' traits foretell, from group means before the first start in all municipalities. Both p-values come from
    the inference that the run's effects get.
    """
    method = GroupTime(
        comparison=spec.comparison.pool,
        base="universal",
        anticipation=spec.exposure_periods(0),  # nobody has a horizon at entry
        base_periods=spec.base_periods,
    )
    entrants = _entrants(connection, design)
    return [
        _judged("inflow", _volume(method, entrants, design), INFLOW_WHY),
        _judged("composition", _mix(connection, method, entrants, spec, design), MIX_WHY),
    ]


def _entrants(connection: duckdb.DuckDBPyConnection, design: Design) -> pl.DataFrame:
    """Return entrants by municipality, period and traits."""
    import polars as pl

    traits = ", ".join(TRAITS)
    counts = connection.sql(
        f"select municipality_code, period_on, {traits}, count(*) as persons from design.entrants "
        f"group by all order by all"
    ).pl()
    included = (*design.treated_codes, *design.donors)
    return labelled(counts.filter(pl.col("municipality_code").is_in(included)), design)


def _volume(method: GroupTime, entrants: pl.DataFrame, design: Design) -> Any:
    import polars as pl

    assert design.first_start is not None
    first = month_index(design.first_start)
    cells = entrants.group_by("municipality_code", "cohort", "period").agg(pl.col("persons").sum())
    usual = (
        cells.filter(pl.col("period") < first)
        .group_by("municipality_code", "cohort")
        .agg(pl.col("persons").sum().alias("before"))
    )
    periods = pl.DataFrame({"period": sorted(cells["period"].unique())}, schema={"period": pl.Int64})
    number_before = periods.filter(pl.col("period") < first).height
    full = (
        usual.join(periods, how="cross")
        .join(cells, on=["municipality_code", "cohort", "period"], how="left")
        .with_columns(usual=pl.col("before") / number_before)
        .with_columns(relative=pl.col("persons").fill_null(0) / pl.col("usual"))
    )
    try:
        panel = panel_from_frame(
            full, unit="municipality_code", period="period", outcome="relative", cohort="cohort", weight="usual"
        )
    except PanelError:
        return None
    return offered.estimates(method, panel, "simple").overall


def _mix(
    connection: duckdb.DuckDBPyConnection,
    method: GroupTime,
    entrants: pl.DataFrame,
    spec: EvaluationSpec,
    design: Design,
) -> Any:
    import polars as pl

    traits = ", ".join(f"entrants.{trait}" for trait in TRAITS)
    foretold = connection.sql(
        f"select {traits}, avg((outcomes.state = 'job')::integer) as foretold, count(*) as behind "
        "from design.entrants as entrants inner join design.entrant_outcomes as outcomes using (person_id, entry_week) "
        "where horizon_weeks = ? and weeks_after(entry_week, horizon_weeks) < ? group by all order by all",
        params=[spec.primary.horizon_weeks, design.first_start],
    ).pl()
    if foretold.is_empty():
        return None
    joined = entrants.join(foretold, on=list(TRAITS), nulls_equal=True)
    cells = joined.group_by("municipality_code", "cohort", "period").agg(
        y=(pl.col("foretold") * pl.col("persons")).sum() / pl.col("persons").sum(), n=pl.col("persons").sum()
    )
    try:
        sections = sections_from_frame(
            cells.sort("municipality_code", "period"),
            period="period",
            outcome="y",
            cohort="cohort",
            cluster="municipality_code",
            weight="n",
        )
    except PanelError:
        return None
    return offered.estimates(method, sections, "simple").overall


def _judged(name: str, found: Any, why: str) -> Diagnostic:
    if found is None:
        return credibility.not_run(name, THRESHOLD, "Der er ingen tilgang før første start at sammenligne med.")
    if isinstance(found, NotEstimable):
        return credibility.not_run(name, THRESHOLD, found.reason)
    p_value = found.p_value
    light = Light.RED if p_value < RED else Light.AMBER if p_value < AMBER else Light.GREEN
    return Diagnostic(name, p_value, THRESHOLD, light, why)
