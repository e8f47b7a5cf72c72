"""How the rows about one treated municipality leave: its path and gaps, those of its placebos, weights and tests."""

from __future__ import annotations

import math
from collections.abc import Callable

from evaluator.release_rules import Policy, Row, coarse, effects

FIT_LOGS = ("before", "after", "left_out_low", "left_out_high")
FIT_NUMBERS = ("followed", "ratio", "ratio_p", "effective_donors", "hull_p")


def _paths(rows: list[Row], policy: Policy) -> list[Row]:
    """Levels as they may leave, and gaps in steps of one rounding base; without the intervention from these two."""
    released = []
    for row in rows:
        hidden = policy.hides(row["persons"])
        behind = None if policy.is_public or hidden else policy.count(row["persons"])
        actual = None if hidden else policy.level(row["actual"])
        numbers = {key: None if hidden else coarse(row[key], behind, "log") for key in ("gap", "low", "high")}
        without = None if actual is None or numbers["gap"] is None else round(actual / math.exp(numbers["gap"]), 1)
        status = "suppressed" if actual is None else "shown"
        released.append({**row, **numbers, "actual": actual, "counterfactual": without, "status": status})
    return released


def _placebo_paths(rows: list[Row], policy: Policy) -> list[Row]:
    released = []
    for row in rows:
        if not policy.hides(row["persons"]):
            behind = None if policy.is_public else policy.count(row["persons"])
            released.append({**row, "gap": coarse(row["gap"], behind, "log")})
    return released


def _weights(rows: list[Row], policy: Policy) -> list[Row]:
    decimals = 3 if policy.is_public else 2
    return [{**row, "weight": round(row["weight"], decimals)} for row in rows if not policy.hides(row["persons"])]


def _fits(rows: list[Row], policy: Policy) -> list[Row]:
    released = []
    for row in rows:
        hidden = policy.hides(row["persons"])
        behind = None if policy.is_public or hidden else policy.count(row["persons"])
        logs = {k: None if hidden else coarse(row[k], behind, "log") for k in FIT_LOGS}
        others = {k: None if hidden or row[k] is None else round(row[k], 3) for k in FIT_NUMBERS}
        released.append({**row, **logs, **others, "status": "suppressed" if hidden else "shown"})
    return released


def _tests(rows: list[Row], policy: Policy) -> list[Row]:
    released = []
    for row in effects("low", "high")(rows, policy):
        p_value = None if row["status"] == "suppressed" or row["p_value"] is None else round(row["p_value"], 3)
        status = row["status"] if row["is_offered"] else "not_estimable"
        size = None if row["size"] is None else round(row["size"], 3)
        released.append({**row, "p_value": p_value, "size": size, "status": status})
    return released


RULES: dict[str, Callable[[list[Row], Policy], list[Row]]] = {
    "paths": _paths,
    "placebo_paths": _placebo_paths,
    "weights": _weights,
    "fits": _fits,
    "tests": _tests,
}
