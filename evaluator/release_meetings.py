"""How the rows about exits after meetings leave."""

from __future__ import annotations

from collections.abc import Callable

from evaluator import disclosure
from evaluator.release_rules import RATE_DECIMALS, Policy, Row
from evaluator.release_sanctions import DECIMALS, FEWEST_EVENTS


def _hazards(rows: list[Row], policy: Policy) -> list[Row]:
    """Log hazard ratios with two decimals; rates as quotients of rounded counts, their ends in steps of five exits."""
    released = []
    for row in rows:
        events, weeks = row["events"] or 0, row["weeks"] or 0
        hidden = row["is_estimable"] and (policy.hides(events) or events < FEWEST_EVENTS)
        few = hidden or policy.hides(events) or not weeks
        status = "suppressed" if hidden else "estimated" if row["is_estimable"] else "not_estimable"
        ratios = {
            key: None if hidden or row[key] is None else round(row[key], DECIMALS)
            for key in ("value", "low", "high", "se")
        }
        step = disclosure.ROUNDING_BASE / weeks if weeks else 1.0
        rates = {
            key: None if few or row[key] is None else round(round(row[key] / step) * step, RATE_DECIMALS)
            for key in ("rate", "rate_low", "rate_high")
        }
        chances = {key: None if hidden or row[key] is None else round(row[key], 3) for key in ("p_value", "p_family")}
        counts = {"events": policy.count(events), "weeks": policy.count(weeks)}
        released.append({**row, **ratios, **rates, **counts, **chances, "status": status})
    return released


RULES: dict[str, Callable[[list[Row], Policy], list[Row]]] = {"meeting_hazards": _hazards}
