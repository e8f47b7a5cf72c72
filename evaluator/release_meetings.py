"""How the rows about exits after meetings leave."""

from __future__ import annotations

import math
from collections.abc import Callable

from evaluator import disclosure
from evaluator.release_rules import RATE_DECIMALS, Policy, Row
from evaluator.release_sanctions import DECIMALS, FEWEST_EVENTS


def _hazards(rows: list[Row], policy: Policy) -> list[Row]:
    """Log hazard ratios with two decimals; rates as quotients of rounded counts, their ends in steps of five exits.

    Errors are those of the rounded number of exits: one over the square of the exact one would give the exits away.
    """
    released = []
    for row in rows:
        events, weeks = row["events"] or 0, row["weeks"] or 0
        hidden = row["is_estimable"] and (policy.hides(events) or events < FEWEST_EVENTS)
        few = hidden or policy.hides(events) or not weeks
        status = "suppressed" if hidden else "estimated" if row["is_estimable"] else "not_estimable"
        counts = {"events": policy.count(events), "weeks": policy.count(weeks)}
        ratios = _ratios(row, None if hidden else counts["events"])
        step = disclosure.ROUNDING_BASE / (counts["weeks"] or math.inf)
        rates = {
            key: None if few or not step or row[key] is None else round(round(row[key] / step) * step, RATE_DECIMALS)
            for key in ("rate", "rate_low", "rate_high")
        }
        family = None if hidden or row["p_family"] is None else round(row["p_family"], 3)
        released.append({**row, **ratios, **rates, **counts, "p_family": family, "status": status})
    return released


def _ratios(row: Row, rounded: int | None) -> Row:
    """Return the log hazard ratio with the error of so many exits; nothing where it is hidden or not estimated."""
    if not rounded or row["value"] is None or not row["se"]:
        return dict.fromkeys(("value", "low", "high", "se", "p_value"))
    value, wider = row["value"], math.sqrt(row["events"] / rounded)
    ends = {"low": value - wider * (value - row["low"]), "high": value + wider * (row["high"] - value)}
    numbers = {"value": value, **ends, "se": wider * row["se"]}
    p_value = math.erfc(abs(value) / numbers["se"] / math.sqrt(2))
    return {**{key: round(number, DECIMALS) for key, number in numbers.items()}, "p_value": round(p_value, 3)}


RULES: dict[str, Callable[[list[Row], Policy], list[Row]]] = {"meeting_hazards": _hazards}
