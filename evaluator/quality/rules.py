"""How the rows of each quality table leave: one rule per table, as in `evaluator.release_rules`.

A count of defects is told as none, as few (up to the minimum) or rounded; parts of a whole are rounded together, so
that they still add up. Numbers of persons or events by month obey secondary suppression.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from typing import Any

from evaluator import disclosure
from evaluator.disclosure import MINIMUM_COUNT, Margin
from evaluator.quality import reversed_decisions
from evaluator.release_rules import RULES as RUN_RULES
from evaluator.release_rules import SHARE_DECIMALS, Policy, Row

PARTS = {
    "quality_deliveries": ("usable", "rejected", "replaced"),
    "quality_extracts": ("typed", "merged", "rejected", "replaced"),
}


def said(count: int) -> str:
    """Return how a count of defects is told: none, few or shown."""
    return "none" if count == 0 else "few" if count <= MINIMUM_COUNT else "shown"


def _defects(count: int) -> int | None:
    return 0 if count == 0 else None if count <= MINIMUM_COUNT else disclosure.rounded(count)


def _share(part: int | None, whole: int | None) -> float | None:
    """Return the quotient of rounded counts; none when either is missing or too small to be told."""
    if part is None or not whole or whole <= MINIMUM_COUNT:
        return None
    shown = _defects(part)
    return None if shown is None else round(min(shown / disclosure.rounded(whole), 1.0), SHARE_DECIMALS)


def _added_up(parts: tuple[str, ...]) -> Callable[[list[Row], Policy], list[Row]]:
    """Return a rule for rows whose `parts` add up to `rows`, released as multiples of the base that still do."""

    def rule(rows: list[Row], policy: Policy) -> list[Row]:
        released = []
        for row in rows:
            counts = [row[name] for name in parts]
            if row["rows"] > MINIMUM_COUNT and min(counts) >= 0:
                shown = disclosure.rounded_parts(counts)
                numbers: dict[str, Any] = {
                    name: None if said(count) == "few" else value
                    for name, count, value in zip(parts, counts, shown, strict=True)
                }
                numbers["rows"] = sum(shown)
            else:
                numbers = dict.fromkeys(("rows", *parts))
            states = {f"{name}_status": said(count) for name, count in zip(parts, counts, strict=True)}
            released.append({**row, **numbers, **states})
        return released

    return rule


def _rejects(rows: list[Row], policy: Policy) -> list[Row]:
    return [{**row, "rows": _defects(row["rows"]), "status": said(row["rows"])} for row in rows]


def _columns(rows: list[Row], policy: Policy) -> list[Row]:
    return [
        {
            **row,
            **{"unknown": _defects(row["unknown"]), "share": _share(row["unknown"], row["rows"])},
            **{"rows": policy.count(row["rows"]), "status": said(row["unknown"])},
        }
        for row in rows
    ]


def _judged(rows: list[Row], policy: Policy) -> list[Row]:
    """Release how many numbers a column holds, and the share that begin with a date."""
    told = []
    for row in rows:
        numbers, share = policy.count(row["numbers"]), _share(row["dated"], row["numbers"])
        told.append({**{name: row[name] for name in row if name != "dated"}, "numbers": numbers, "share": share})
    return told


def _series(rows: list[Row], policy: Policy) -> list[Row]:
    released = []
    for _, group in groupby(rows, key=lambda row: row["series"]):
        members = list(group)
        counts = [row["rows"] for row in members]
        hidden = disclosure.suppressed(counts, [Margin(tuple(range(len(counts))))], policy.minimum)
        for row, count, is_hidden in zip(members, counts, hidden, strict=True):
            shown = None if is_hidden else policy.count(count)
            released.append({**row, "rows": shown, "status": "suppressed" if shown is None else "shown"})
    return released


def _breaks(rows: list[Row], policy: Policy) -> list[Row]:
    released = []
    for row in rows:
        before, after = (policy.count(row[name]) for name in ("before", "after"))
        change = None if before is None or after is None else round(after / before - 1, SHARE_DECIMALS)
        released.append({**row, "before": before, "after": after, "change": change})
    return released


def _delays(rows: list[Row], policy: Policy) -> list[Row]:
    parts = disclosure.rounded_parts([row["meetings"] for row in rows])
    total, released = sum(parts), []
    for row, part in zip(rows, parts, strict=True):
        status = said(row["meetings"])
        is_hidden = status == "few" or total <= MINIMUM_COUNT
        released.append({**row, "share": None if is_hidden else round(part / total, SHARE_DECIMALS), "status": status})
    return released


def _exits(rows: list[Row], policy: Policy) -> list[Row]:
    """Hide small destinations of each rule, and one beside them: the exits of a rule add up to a total."""
    released = []
    for weeks, group in groupby(rows, key=lambda row: row["exit_weeks"]):
        members = list(group)
        counts = [row["exits"] for row in members]
        shown = disclosure.rounded_parts(counts)
        margin = Margin(tuple(range(len(counts))), len(counts))
        hidden = disclosure.suppressed([*counts, sum(counts)], [margin], policy.minimum)
        members.append({"exit_weeks": weeks, "destination": "all"})
        for row, count, is_hidden in zip(members, [*shown, sum(shown)], hidden, strict=True):
            status = "suppressed" if is_hidden else "shown"
            released.append({**row, "exits": None if is_hidden else count, "status": status})
    return released


def _reversed(rows: list[Row], policy: Policy) -> list[Row]:
    """Shares of rounded counts with Wilson intervals; every row is part of the total, so small ones hide others."""
    if not rows:
        return []
    left = reversed_decisions.released(
        [(row["municipality_code"], row["reversed"], row["upheld"]) for row in rows], policy.minimum
    )
    return [
        {
            **row,
            **{"decisions": one.decisions, "reversed": one.reversed, "share": one.share},
            **{"low": one.low, "high": one.high, "status": "suppressed" if one.share is None else "shown"},
        }
        for row, one in zip(rows, left, strict=True)
    ]


def _checked(rows: list[Row], policy: Policy) -> list[Row]:
    return [{**row, "rows": policy.count(row["rows"]), "unexpected": _defects(row["unexpected"])} for row in rows]


def _actions(rows: list[Row], policy: Policy) -> list[Row]:
    return [
        {
            **row,
            "share": _share(row["rows"], row["of"]),
            "rows": None if row["rows"] is None else _defects(row["rows"]),
            "status": "" if row["rows"] is None else said(row["rows"]),
        }
        for row in rows
    ]


RULES: dict[str, Callable[[list[Row], Policy], list[Row]]] = {
    "run": RUN_RULES["run"],
    "quality": _checked,
    **{table: _added_up(parts) for table, parts in PARTS.items()},
    "quality_rejects": _rejects,
    "quality_columns": _columns,
    "quality_merged": _rejects,
    "quality_judged": _judged,
    "quality_series": _series,
    "quality_breaks": _breaks,
    "quality_delays": _delays,
    "quality_exits": _exits,
    "quality_reversed": _reversed,
    "quality_actions": _actions,
}
