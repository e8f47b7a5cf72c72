"""What is left among several outcomes once the p-values are adjusted for how many were looked at."""

from __future__ import annotations

from reports import answer, numbers, words
from reports.released import Released, Row

LEVEL = 0.05


def members(released: Released) -> list[Row]:
    """Return the declared outcomes whose adjusted p-value may be shown."""
    rows = [row for row in released["estimates"] if row["aggregate"] == "overall"]
    return [row for row in rows if numbers.is_known(row["p_family"])]


def looked_at(released: Released) -> int:
    """Return how many outcomes the adjustment is for, hidden ones too; 0 where there was none."""
    return (released.whole("family_size") or 0) if members(released) else 0


def sentence(released: Released) -> str:
    """Return which of the declared outcomes moved after adjustment, each with its size; empty without a family."""
    size = looked_at(released)
    if not size or answer.stance(released) in ("hidden", "not_delivered"):
        return ""
    found = [row for row in members(released) if row["p_family"] < LEVEL]
    looked = f"Efter korrektion for, at {size} udfald er undersøgt,"
    if not found:
        return f"{looked} kan ingen af dem skelnes fra uændret."
    told = [
        f"{_named(row)}: {numbers.effect(row['value'], row['unit'])} "
        f"({numbers.interval(row['low'], row['high'], row['unit'])}; p {_p(row['p_family'])})"
        for row in found
    ]
    return f"{looked} er der forskel på {words.listed(told, limit=9)}."


def _named(row: Row) -> str:
    label = words.outcome(row["outcome"]).label
    return f"{label[0].lower()}{label[1:]} efter {row['horizon_weeks']} uger" if row["horizon_weeks"] else label


def _p(value: float) -> str:
    shown = numbers.p_value(value)
    return shown if shown.startswith("under") else f"= {shown}"
