"""Rows by month of what was delivered, and where the series break without a reason in the law."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence

import duckdb

from evaluator.design.frozen import later
from evaluator.diagnostics.reforms import REFORMS
from evaluator.extracts.column_sql import period_of
from evaluator.extracts.contract import contracts
from evaluator.quality.ledger import usable_rows
from evaluator.release_rules import Row

RECIPIENTS = "modtagere"  # persons on a benefit by month; the other series are named as their extracts
YEAR = 12
WINDOW = 3  # months on each side of a break
LEAST_LEVEL = 20.0  # rows a month: under it a series is too thin to say that something is missing
GAP_SHARE = 0.2  # a month under a fifth of its neighbourhood
LEAST_CHANGE = math.log(1.5)
NOISE = 4.0  # a break is at least so many Poisson errors
REFORM_MONTHS = 3  # a reform this near before a break, or one month after it, may be the reason

Counts = Sequence[int]


def volumes(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """Return rows by extract and month, zero where a month has none, inside the months that benefits cover."""
    [(first, last)] = connection.execute("select data_from, data_to from marts.observation").fetchall()
    if first is None:
        return []
    first, last = first.replace(day=1), last.replace(day=1)
    found = _series(
        RECIPIENTS,
        connection.execute(
            "select month, count(*) from marts.person_month group by 1 order by 1",
        ).fetchall(),
        (first, last),
    )
    for contract in contracts():
        if contract.period is None or contract.column(contract.period).type not in ("date", "month"):
            continue
        counted = connection.execute(
            f"select month_of({period_of(contract, 'r')}), count(*) from {usable_rows(contract)} group by 1 order by 1",
            [contract.name],
        ).fetchall()
        found += _series(contract.name, counted, (first, last))
    return found


def _series(name: str, counted: Sequence[tuple], reach: tuple[dt.date, dt.date]) -> list[Row]:
    """Return one row a month from the first to the last month with rows inside `reach`."""
    rows = {month: count for month, count in counted if month and reach[0] <= month <= reach[1]}
    if not rows:
        return []
    months, month = [], min(rows)
    while month <= max(rows):
        months.append(month)
        month = later(month, 1)
    return [{"series": name, "month": month, "rows": rows.get(month, 0)} for month in months]


def breaks(series: Sequence[Row]) -> list[Row]:
    """Return the gaps and breaks of every series, oldest first, each with the reform beside it if there is one."""
    found = []
    for name in dict.fromkeys(row["series"] for row in series):
        own = [row for row in series if row["series"] == name]
        counts, months = [row["rows"] for row in own], [row["month"] for row in own]
        for kind, at, before, after in [*gaps(counts), *shifts(counts)]:
            row = {"series": name, "kind": kind, "month": months[at], "before": before, "after": after}
            found.append({**row, "reform": _reform(months[at], kind)})
    return sorted(found, key=lambda row: (row["series"], row["month"]))


def gaps(counts: Counts) -> list[tuple[str, int, float, float]]:
    """Return months under a fifth of the median of the six months around them, as (kind, index, level, rows)."""
    found = []
    for at in range(1, len(counts) - 1):
        around = sorted([*counts[max(at - WINDOW, 0) : at], *counts[at + 1 : at + 1 + WINDOW]])
        level = float(around[len(around) // 2])
        if level >= LEAST_LEVEL and counts[at] < GAP_SHARE * level:
            found.append(("gap", at, level, float(counts[at])))
    return found


def shifts(counts: Counts) -> list[tuple[str, int, float, float]]:
    """Return (kind, index, mean before, mean after) where a series changes its level.

    The sum of three months against the three before them, in logs, both as it is and less the same change a year
    before: so neither a season nor the slowing growth of a new register is a break. Each must be at least a factor 1.5
    and four errors of Poisson counts, in one direction. Of neighbours the largest counts.
    """
    holes = {at for _, at, _, _ in gaps(counts)}
    scores = {}
    for at in range(YEAR + WINDOW, len(counts) - WINDOW + 1):
        near = range(at - WINDOW, at + WINDOW)
        if not holes & {*near, *(month - YEAR for month in near)}:
            scores[at] = _change(counts, at)
    found: list[int] = []
    for at in sorted(scores, key=lambda at: (-abs(scores[at]), at)):
        if scores[at] and all(abs(at - other) >= 2 * WINDOW for other in found):
            found.append(at)
    return [
        ("shift", at, sum(counts[at - WINDOW : at]) / WINDOW, sum(counts[at : at + WINDOW]) / WINDOW)
        for at in sorted(found)
    ]


def _change(counts: Counts, at: int) -> float:
    """Return the change of level at a month less that of a year before; zero when it is no break."""
    after, before, after_then, before_then = (
        sum(counts[start : start + WINDOW]) for start in (at, at - WINDOW, at - YEAR, at - YEAR - WINDOW)
    )
    if min(after, before, after_then, before_then) == 0 or max(after, before) < LEAST_LEVEL * WINDOW:
        return 0.0
    plain = math.log(after / before)
    less_season = plain - math.log(after_then / before_then)
    noise = NOISE * math.sqrt(sum(1 / n for n in (after, before, after_then, before_then)))
    is_break = plain * less_season > 0 and min(abs(plain), abs(less_season)) > max(LEAST_CHANGE, noise)
    return less_season if is_break else 0.0


def _reform(month: dt.date, kind: str) -> str | None:
    """Return the last reform that may explain what happened in a month; a gap needs a shock that lasts."""
    found = None
    for reform in REFORMS:
        begun = reform.on.replace(day=1)
        over = later((reform.until or reform.on).replace(day=1), REFORM_MONTHS)
        if later(begun, -1) <= month <= over and (kind == "shift" or reform.until):
            found = reform.name
    return found


def delays(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """Return meetings by the time from the day they were held to the day they were registered."""
    counted = connection.execute(
        "select case when registered_on is null then 'unknown' when registered_on < held_on then 'before' "
        "when registered_on <= held_on + 7 then 'week' when registered_on <= held_on + 30 then 'month' "
        "when registered_on <= held_on + 90 then 'quarter' else 'later' end, count(*) "
        "from staging.stg_meetings group by 1"
    ).fetchall()
    found = dict(counted)
    return [{"delay": delay, "meetings": found.get(delay, 0)} for delay in DELAYS] if found else []


DELAYS = ("before", "week", "month", "quarter", "later", "unknown")
