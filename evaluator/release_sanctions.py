"""How the rows about those who were sanctioned leave: effects on hazards, end states, shares and kroner."""

from __future__ import annotations

import math
from collections.abc import Callable

from evaluator import disclosure
from evaluator.disclosure import ROUNDING_BASE, Margin
from evaluator.release_rules import SHARE_DECIMALS, Policy, Row, coarse, effects

FEWEST_EVENTS = 10
"""Exits behind a hazard that leaves: fewer say little, and the model could be solved for them."""
DECIMALS = 2
STEP_DKK = 1000
SPREAD_DECIMALS = 2
"""Shares of municipalities' fifths: means over at least five municipalities, in whole per cents."""


def _effects(rows: list[Row], policy: Policy) -> list[Row]:
    """Log hazard ratios with two decimals; a quotient of counts, as the naive one is, in steps of five exits."""
    released = []
    for row in rows:
        events = row["events"] or 0
        hidden = row["is_estimable"] and (policy.hides(events) or events < FEWEST_EVENTS)
        status = "suppressed" if hidden else "estimated" if row["is_estimable"] else "not_estimable"
        step = ROUNDING_BASE / events if row["method"] == "naive" and events else 0.0
        numbers = {
            key: None if hidden or row[key] is None else round(_stepped(row[key], step), DECIMALS)
            for key in ("value", "low", "high", "se")
        }
        p_value = None if hidden or row["p_value"] is None else round(row["p_value"], 3)
        light = None if hidden else row["plausibility"]
        counts = {key: policy.count(row[key] or 0) for key in ("events", "persons")}
        released.append({**row, **numbers, **counts, "p_value": p_value, "plausibility": light, "status": status})
    return released


def _stepped(value: float, step: float) -> float:
    return round(value / step) * step if step else value


def _incidence(rows: list[Row], policy: Policy) -> list[Row]:
    """Shares in steps of five persons; hidden while at most the minimum have left that way."""
    released = []
    for row in rows:
        persons = policy.count(row["persons"])
        hidden = policy.hides(row["events"]) or persons is None
        numbers = {key: None if hidden else coarse(row[key], persons, "share") for key in ("share", "low", "high")}
        released.append({**row, **numbers, "persons": persons, "status": "suppressed" if hidden else "shown"})
    return released


def _shares(rows: list[Row], policy: Policy) -> list[Row]:
    """Quotients of rounded counts; one hidden municipality or type hides a second, since all of them are shown."""
    hidden = _hidden(rows, policy)
    return [
        _spread(row) if row["measure"] == "fifth" else _counted(row, policy, hidden[i]) for i, row in enumerate(rows)
    ]


def _hidden(rows: list[Row], policy: Policy) -> list[bool]:
    """Return which rows must be hidden: their count or the rest is small, or another of the measure would give it."""
    found = [False] * len(rows)
    for measure in {row["measure"] for row in rows}:
        places = [i for i, row in enumerate(rows) if row["measure"] == measure]
        margins = [Margin(tuple(range(len(places))))] if measure in ("municipality", "type") else []
        counts = [rows[i]["count"] or 0 for i in places]
        rests = [(rows[i]["persons"] or 0) - count for i, count in zip(places, counts, strict=True)]
        parts = (disclosure.suppressed(part, margins, policy.minimum) for part in (counts, rests))
        for i, *is_small in zip(places, *parts, strict=True):
            found[i] = any(is_small)
    return found


def _counted(row: Row, policy: Policy, is_hidden: bool) -> Row:
    persons = policy.count(row["persons"] or 0)
    if is_hidden or persons is None or row["share"] is None:
        return {**row, "share": None, "low": None, "high": None, "persons": persons, "status": "suppressed"}
    parts = disclosure.rounded_parts([row["count"], row["persons"] - row["count"]])
    share = coarse(row["share"], persons, "share") if row["low"] is not None else parts[0] / sum(parts)
    ends = {key: coarse(row[key], persons, "share") for key in ("low", "high")}
    return {**row, **ends, "share": round(share or 0.0, SHARE_DECIMALS), "persons": sum(parts), "status": "shown"}


def _spread(row: Row) -> Row:
    return {**row, "share": round(row["share"], SPREAD_DECIMALS), "status": "shown"}


def _amounts(rows: list[Row], policy: Policy) -> list[Row]:
    """Kroner in steps of five decisions of mean size, and of at least a thousand."""
    released = []
    for row in rows:
        hidden = policy.hides(row["persons"])
        step = STEP_DKK * max(1, math.ceil(ROUNDING_BASE * row["amount_dkk"] / max(row["decisions"], 1) / STEP_DKK))
        counts = {key: None if hidden else policy.count(row[key] or 0) for key in ("decisions", "persons")}
        without = None if hidden else policy.count(row["without_amount"] or 0) or 0
        amount = None if hidden else round(row["amount_dkk"] / step) * step
        status = "suppressed" if hidden else "shown"
        released.append({**row, **counts, "without_amount": without, "amount_dkk": amount, "status": status})
    return released


def _designs(rows: list[Row], policy: Policy) -> list[Row]:
    """Differences in shares in steps of five sanctioned persons."""
    released = []
    for row in effects("value", "low", "high")(rows, policy):
        p_value = None if row["status"] == "suppressed" or row["p_value"] is None else round(row["p_value"], 3)
        released.append({**row, "n": policy.count(row["n"] or 0), "p_value": p_value})
    return released


RULES: dict[str, Callable[[list[Row], Policy], list[Row]]] = {
    "sanction_effects": _effects,
    "sanction_incidence": _incidence,
    "sanction_shares": _shares,
    "sanction_amounts": _amounts,
    "sanction_designs": _designs,
}
