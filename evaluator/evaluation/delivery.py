"""Was it delivered? Planned and measured caseload of every treated municipality, before any effect is shown.

Measured is what the municipality counts itself (extract sagstal); where it delivers none, citizens are counted from who
had whom (extract sagsbehandler). That count always stands beside the other, as a control of the fall.
"""

from __future__ import annotations

import datetime as dt

import duckdb

from evaluator.design.frozen import Design, later, period_of
from evaluator.disclosure import MINIMUM_COUNT, rounded
from evaluator.results import Findings

NOT_DELIVERED_BELOW = 0.25  # measured fall as a share of the planned one; the product's rule for page one
PARTLY_BELOW = 0.75
YEAR = 12
REPORTED = (
    "select month, sum(cases), sum(fte) from marts.caseworker_month "
    "where municipality_code = ? and (? is null or team = ?) group by 1 order by 1"
)
COUNTED = (
    "select month, round(sum(citizen_days) / day(last_day(month)))::bigint, sum(fte_days) / day(last_day(month)) "
    "from marts.caseload_month where municipality_code = ? and (? is null or team = ?) "
    "group by 1 having bool_and(measured_days = days) order by 1"
)
"""Citizens and full-time equivalents a day, in months in which every team is measured on every day."""
LEAD_IN_MONTHS = 3  # hires ramp up: the year after the start is measured from here


def measure(connection: duckdb.DuckDBPyConnection, design: Design, intervention: str) -> Findings:
    """Return rows for `delivery` and `caseload_path`.

    Before is the mean caseload of the 12 months before the start, after that of the 12 months that begin three
    months after it; citizens per full-time caseworker, in the intervention's team where the plan names just one.
    `counted_before` and `counted_after` are the same means of the caseload counted from spells with a caseworker, and
    `counted_verdict` is what they would have said.
    """
    findings = Findings()
    plans = {
        row[0]: row[1:]
        for row in connection.execute(
            "select municipality_code, "
            "case when count(distinct team) = 1 and count(team) = count(*) then max(team) end as team, "
            "avg(planned_before), avg(planned_after) from staging.stg_interventions where intervention = ? group by 1",
            [intervention],
        ).fetchall()
    }
    names = dict(connection.execute("select municipality_code, municipality_name from raw.municipalities").fetchall())
    for start in design.treated:
        team, planned_before, planned_after = plans.get(start.unit, (None, None, None))
        counted = connection.execute(COUNTED, [start.unit, team, team]).fetchall()
        path = connection.execute(REPORTED, [start.unit, team, team]).fetchall() or counted
        name = names.get(start.unit, start.unit)
        findings.add(
            "caseload_path",
            *({"municipality_name": name, "month": m, "cases": c, "fte": f} for m, c, f in path),
        )
        before, after = _before_after(path, start.on)
        counted_before, counted_after = _before_after(counted, start.on)
        share = _delivered_share(planned_before, planned_after, before, after)
        counted_share = _delivered_share(planned_before, planned_after, counted_before, counted_after)
        findings.add(
            "delivery",
            {
                "municipality_code": start.unit,
                "municipality_name": name,
                "start_on": start.on,
                "planned_before": planned_before,
                "planned_after": planned_after,
                "measured_before": None if before is None else round(before),
                "measured_after": None if after is None else round(after),
                "counted_before": None if counted_before is None else round(counted_before),
                "counted_after": None if counted_after is None else round(counted_after),
                "delivered_share": None if share is None else round(share, 2),
                "verdict": verdict(share),
                "counted_verdict": verdict(counted_share),
            },
        )
    return findings


def verdict(delivered_share: float | None) -> str:
    """Return delivered, partly, not_delivered or not_measured."""
    if delivered_share is None:
        return "not_measured"
    if delivered_share < NOT_DELIVERED_BELOW:
        return "not_delivered"
    return "partly" if delivered_share < PARTLY_BELOW else "delivered"


def _before_after(path: list[tuple], start: dt.date) -> tuple[float | None, float | None]:
    first = period_of(start, 1)
    begun = later(first, LEAD_IN_MONTHS)
    return _mean(path, later(first, -YEAR), first), _mean(path, begun, later(begun, YEAR))


def _mean(path: list[tuple], first: object, end: object) -> float | None:
    inside = [(cases, fte) for month, cases, fte in path if first <= month < end]
    citizens, workers = rounded(sum(c for c, _ in inside)), float(sum(f for _, f in inside))
    is_shown = workers and citizens > MINIMUM_COUNT * len(inside)
    return citizens / workers if is_shown else None


def _delivered_share(
    planned_before: float | None, planned_after: float | None, before: float | None, after: float | None
) -> float | None:
    if planned_before is None or planned_after is None or before is None or after is None:
        return None
    planned = float(planned_before) - float(planned_after)
    return (before - after) / planned if planned else None
