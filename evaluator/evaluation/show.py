"""What `evaluator show` prints: the released numbers of a run, as text or JSON."""

from __future__ import annotations

import json
from typing import Any

import duckdb

from evaluator.release import COLUMNS, present

BESIDE = {
    "estimator": "by {}",
    "exhibit": "warning: by {}",
    "without_start": "without the start {}",
    "without_municipality": "without {}",
    "without_neighbours": "without neighbours {}",
    "without_projects": "without projects {}",
    "placebo_date": "false start {}",
    "placebo_outcome": "placebo outcome {}",
    "cross_section": "between municipalities, {}",
}
"""What the primary answer becomes otherwise, by the aggregate that holds it."""

Rows = list[dict[str, Any]]


def released(connection: duckdb.DuckDBPyConnection, run_id: str) -> dict[str, Rows]:
    """Return every release table of a run as rows."""
    tables: dict[str, Rows] = {}
    known = present(connection)
    for table in COLUMNS:
        if table not in known:
            tables[table] = []
            continue
        cursor = connection.execute(f"select * exclude run_id from release.{table} where run_id = ?", [run_id])
        names = [column[0] for column in cursor.description]
        tables[table] = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return tables


def as_json(connection: duckdb.DuckDBPyConnection, run_id: str) -> str:
    """Return the release tables as JSON; dates as ISO text."""
    return json.dumps({"run_id": run_id, **released(connection, run_id)}, default=str, ensure_ascii=False, indent=1)


def as_text(connection: duckdb.DuckDBPyConnection, run_id: str) -> str:
    """Return the facts, the overall estimates, what the answer becomes otherwise and the checks, one line each."""
    tables = released(connection, run_id)
    facts = {row["key"]: row["value"] for row in tables["run"]}
    lines = [f"{facts.get('name', '')}  {run_id}", facts.get("title", ""), f"credibility {facts.get('credibility')}"]
    for row in tables["estimates"]:
        if row["aggregate"] == "overall":
            lines.append(f"{row['outcome']:<18}{row['horizon_weeks'] or '':>4}  {_numbers(row)}")
    for row in tables["estimates"]:
        if row["aggregate"] in BESIDE:
            lines.append(f"{BESIDE[row['aggregate']].format(row['at_label'] or row['outcome']):<30}  {_numbers(row)}")
    if choices := [row for row in tables["curve"] if row["value"] is not None]:
        low, high = (end(row["value"] for row in choices) for end in (min, max))
        joint = f", joint p {facts['curve_p']}" if "curve_p" in facts else ""
        lines.append(f"{len(choices)} sets of choices: {low:+.4f} to {high:+.4f}{joint}")
    lines += [
        f"{row['label']}: {row['verdict']} {'' if row['value'] is None else round(row['value'], 3)}".rstrip()
        for row in tables["diagnostics"]
    ]
    lines += [f"refused: {row['outcome']}: {row['reason']}" for row in tables["refusals"]]
    return "\n".join(lines)


def _numbers(row: dict[str, Any]) -> str:
    if row["status"] != "estimated":
        return str(row["status"])
    return f"{row['value']:+.4f}  [{row['low']:+.4f}, {row['high']:+.4f}]  {row['unit']}  {row['method']}"
