"""Was it delivered? Planned and measured caseload of every treated municipality, before any effect is shown."""

from __future__ import annotations

import duckdb

from evaluator.design.frozen import Design, later, period_of
from evaluator.disclosure import MINIMUM_COUNT, rounded
from evaluator.results import Findings

NOT_DELIVERED_BELOW = 0.25  # measured fall as a share of the planned one; the product's rule for page one
PARTLY_BELOW = 0.75
YEAR = 12
LEAD_IN_MONTHS = 3  # hires ramp up: the year after the start is measured from here


def measure(connection: duckdb.DuckDBPyConnection, design: Design, intervention: str) -> Findings:
    """Return rows for `delivery` and `caseload_path`.

    Before is the mean caseload of the 12 months before the start, after that of the 12 months that begin three
    months after it; citizens per full-time caseworker, in the intervention's team where the plan names just one.
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
        path = connection.execute(
            "select month, sum(cases), sum(fte) from marts.caseworker_month "
            "where municipality_code = ? and (? is null or team = ?) group by 1 order by 1",
            [start.unit, team, team],
        ).fetchall()
        name = names.get(start.unit, start.unit)
        findings.add(
            "caseload_path",
            *({"municipality_name": name, "month": m, "cases": c, "fte": f} for m, c, f in path),
        )
        first = period_of(start.on, 1)
        before = _mean(path, later(first, -YEAR), first)
        after = _mean(path, later(first, LEAD_IN_MONTHS), later(first, LEAD_IN_MONTHS + YEAR))
        share = _delivered_share(planned_before, planned_after, before, after)
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
                "delivered_share": None if share is None else round(share, 2),
                "verdict": verdict(share),
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
