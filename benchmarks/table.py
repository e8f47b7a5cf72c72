"""Runs to the committed table: medians, ratios to ours, and whether each program answers the same.

An answer agrees when effect and clustered error are within one part in a million of ours. One that does not must have
a reason here, with how far that reason may carry it; beyond that it is called unexplained and fails the run.
"""

from __future__ import annotations

import csv
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

TABLE = Path(__file__).with_name("peers.csv")
SAME = 1e-6


@dataclass(frozen=True, slots=True)
class Known:
    """A known reason for which a program's number is `low` to `high` times ours."""

    method: str
    program: str
    part: str  # "effect" or "error"
    low: float
    high: float
    reason: str
    drawn: bool | None = None  # with draws, without, or both


FEW = "error x sqrt(G / (G - 1)) with G = 98"
SHARES = "error takes the cohorts' shares as known"
REASONS: tuple[Known, ...] = (
    Known("group_time", "diff-diff", "error", 1.0051, 1.0052, FEW, drawn=False),
    Known("group_time", "diff-diff", "effect", 0.999, 1.001, "odds over the number treated, not their sum", drawn=True),
    Known("group_time", "diff-diff", "error", 0.8, 1.25, "error of 999 random draws", drawn=True),
    Known("group_time", "csdid", "error", 0.8, 1.35, "error is the quartile range of 999 skewed draws", drawn=True),
    Known("group_time", "moderndid", "error", 0.05, 1.0, "without draws errors are by person", drawn=False),
    Known("group_time", "moderndid", "error", 0.2, 2.0, "draws of cluster means, not sums", drawn=True),
    Known("group_time", "differences", "error", 0.05, 1.0, "errors by person: cluster_var raises an error"),
    Known("imputation", "diff-diff", "error", 0.9, 1.0, SHARES),
    Known("saturated", "diff-diff", "error", 0.9, 1.01, SHARES),
    Known("saturated", "pyfixest", "error", 0.9, 1.01, SHARES),
    Known("two_way", "pyfixest", "error", 1.0051, 1.0053, FEW + " and counted coefficients"),
)


def written(runs: Sequence[dict[str, Any]], target: Path) -> list[dict[str, Any]]:
    """Write the table of all runs to `target` and return its rows."""
    rows = [_row(key, [run for run in runs if run["key"] == key]) for key in dict.fromkeys(run["key"] for run in runs)]
    question = ("method", "persons", "covariates", "draws")
    for row in rows:
        ours = next(r for r in rows if r["program"] == "ours" and all(r[name] == row[name] for name in question))
        for kind in ("cold", "warm"):
            row[f"{kind}_to_ours"] = _ratio(row[f"{kind}_seconds"], ours[f"{kind}_seconds"])
        row["agreement"] = _agreement(row, ours)
    order = [*[name for name in rows[0] if name not in ("effect", "error")], "effect", "error"]
    shown = [{name: row[name] for name in order} | _machine() for row in rows]
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(shown[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(shown)
    return shown


def _row(key: str, runs: list[dict[str, Any]]) -> dict[str, Any]:
    answered = [run for run in runs if run["effect"] is not None]
    kept = answered or runs
    same = ("method", "persons", "covariates", "draws", "program", "version")
    return {name: kept[0][name] for name in same} | {
        "runs": len(answered),
        "cold_seconds": _middle(run["cold"] for run in answered),
        "warm_seconds": _middle(run["warm"] for run in answered),
        "peak_megabytes": max((run["megabytes"] for run in answered), default=""),
        "effect": kept[0]["effect"],
        "error": kept[0]["error"],
        "note": next((run["note"] for run in runs if run["note"]), ""),
    }


def _middle(values: Any) -> float | str:
    known = [value for value in values if value is not None]
    return round(median(known), 4) if known else ""


def _ratio(value: Any, ours: Any) -> float | str:
    return round(value / ours, 2) if value != "" and ours != "" else ""


def _agreement(row: dict[str, Any], ours: dict[str, Any]) -> str:
    """Return "agrees", the known reasons why not, or what differs without one."""
    if row["effect"] is None or ours["effect"] is None:
        return "no answer to compare"
    said = []
    for part in ("effect", "error"):
        ratio = row[part] / ours[part]
        if abs(ratio - 1) <= SAME:
            continue
        drawn = row["draws"] > 0
        reason = next((known.reason for known in REASONS if _applies(known, row, part, drawn, ratio)), None)
        if reason is None:
            return f"differs: {part} {ratio:.6f} times ours"
        said.append(f"{part} {ratio:.4f} times ours: {reason}")
    return "; ".join(said) or "agrees"


def _applies(known: Known, row: dict[str, Any], part: str, drawn: bool, ratio: float) -> bool:
    asked = (known.method, known.program, known.part) == (row["method"], row["program"], part)
    return asked and known.low <= ratio <= known.high and known.drawn in (None, drawn)


def _machine() -> dict[str, Any]:
    return {"python": platform.python_version(), "cores": os.cpu_count(), "threads": "each program's own choice"}
