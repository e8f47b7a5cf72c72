"""Release: the only way from results to the tables that a report may open.

Each table is one SELECT in `sql/release`; its rule in `release_rules` decides how its counts leave.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import resources
from typing import Any

import duckdb

from evaluator.disclosure import MINIMUM_COUNT
from evaluator.quality.rules import RULES as QUALITY_RULES
from evaluator.release_meetings import RULES as MEETING_RULES
from evaluator.release_one_treated import RULES as ONE_TREATED_RULES
from evaluator.release_rules import RULES as RUN_RULES
from evaluator.release_rules import Policy
from evaluator.release_sanctions import RULES as SANCTION_RULES
from evaluator.results import ensure
from evaluator.store import transaction

Row = dict[str, Any]

COLUMNS: dict[str, str] = {
    "run": "key text, value text",
    "estimates": 'outcome text, horizon_weeks int, aggregate text, "at" int, at_label text, value double, low double, '
    "high double, se double, band_low double, band_high double, p_value double, method text, n bigint, clusters int, "
    "treated_clusters int, unit text, status text, reason text, what_would_help text, is_primary boolean, "
    "relevant_change double, is_partly_exposed boolean, freedom double, p_family double",
    "before_after": "outcome text, horizon_weeks int, before double, after double, change double, "
    "counterfactual_after double, effect double, unit text, status text",
    "means": "outcome text, horizon_weeks int, arm text, period_on date, persons bigint, share double, status text",
    "end_states": "arm text, state text, persons bigint, share double, status text",
    "placebos": "outcome text, rank int, effect double, scaled double, is_treated boolean, size_band text",
    "paths": "outcome text, estimator text, period_on date, actual double, counterfactual double, gap double, "
    "low double, high double, is_after boolean, status text",
    "placebo_paths": "outcome text, estimator text, place int, period_on date, gap double, is_treated boolean",
    "weights": "outcome text, estimator text, place int, municipality_name text, weight double",
    "fits": "outcome text, estimator text, donors int, before double, after double, followed double, ratio double, "
    "ratio_rank int, ratio_of int, ratio_p double, effective_donors double, slack double, hull_p double, "
    "periods_outside int, left_out_low double, left_out_high double, left_out_name text, status text",
    "tests": "outcome text, estimator text, place int, test text, is_offered boolean, is_headline boolean, "
    "p_value double, low double, high double, size double, reason text, unit text, status text",
    "claim": "text text, kind text, before double, after double, parts text, persons double, change double, "
    "amount_dkk double, amount text, dkk_per_person double, verdict text, green_low double, green_high double, "
    "amber_low double, amber_high double, source text, note text",
    "bounds": "outcome text, horizon_weeks int, bound double, low double, high double, unit text, status text",
    "drift": "outcome text, horizon_weeks int, power double, slope double, bias double, bias_if_passed double, "
    "unit text, status text",
    "curve": "outcome text, horizon_weeks int, estimator text, comparison text, base_periods int, adjustment text, "
    "leave_out text, is_main boolean, value double, low double, high double, unit text, status text, reason text",
    "decomposition": "outcome text, horizon_weeks int, kind text, weight double, value double, unit text, status text",
    "delivery": "municipality_code text, municipality_name text, start_on date, planned_before double, "
    "planned_after double, measured_before double, measured_after double, delivered_share double, verdict text, "
    "counted_before double, counted_after double, counted_verdict text",
    "caseload_path": "municipality_name text, month date, caseload double, status text",
    "groups": "grouping text, group_name text, persons bigint, value double, low double, high double, status text, "
    "reason text",
    "diagnostics": "name text, label text, value double, threshold text, verdict text, why text",
    "quality": "table_name text, rule text, severity text, passed boolean, rows bigint, unexpected bigint, notes text",
    "deliveries": "extract text, file text, rows bigint, rejected bigint, period_from date, period_to date, "
    "sha256 text, source text",
    "refusals": "outcome text, reason text, what_would_help text",
    "caveats": "position int, text text",
    "participants": "outcome text, horizon_weeks int, who text, persons bigint, share double, status text",
    "sanction_effects": "destination text, method text, subset text, group_name text, from_weeks int, to_weeks int, "
    "value double, low double, high double, se double, p_value double, unit text, events bigint, persons bigint, "
    "is_headline boolean, reason text, what_would_help text, green_low double, green_high double, amber_low double, "
    "amber_high double, plausibility text, status text",
    "sanction_incidence": "arm text, destination text, weeks int, share double, low double, high double, "
    "persons bigint, status text",
    "sanction_shares": "measure text, arm text, group_name text, weeks int, persons bigint, share double, low double, "
    "high double, status text",
    "sanction_amounts": "sanction_type text, is_reversed boolean, decisions bigint, persons bigint, "
    "without_amount bigint, amount_dkk double, status text",
    "sanction_designs": "design text, destination text, weeks int, value double, low double, high double, "
    "p_value double, unit text, n bigint, reason text, what_would_help text, status text",
    "meeting_hazards": "destination text, method text, kind text, than text, from_weeks int, to_weeks int, "
    "value double, low double, high double, se double, p_value double, p_family double, unit text, events bigint, "
    "weeks bigint, rate double, rate_low double, rate_high double, reason text, what_would_help text, status text",
}
QUALITY_COLUMNS: dict[str, str] = {
    "run": COLUMNS["run"],
    "quality": COLUMNS["quality"],
    "quality_deliveries": "extract text, file text, sha256 text, loaded_on date, rows bigint, usable bigint, "
    "usable_status text, rejected bigint, rejected_status text, replaced bigint, "
    "replaced_status text, period_from date, period_to date, is_balanced boolean",
    "quality_extracts": "extract text, rows bigint, typed bigint, typed_status text, merged bigint, "
    "merged_status text, rejected bigint, rejected_status text, replaced bigint, "
    "replaced_status text, is_balanced boolean",
    "quality_rejects": "extract text, column_name text, reason text, rows bigint, status text",
    "quality_columns": "extract text, column_name text, rows bigint, unknown bigint, share double, status text, "
    "may_be_blank boolean",
    "quality_merged": "extract text, file text, sha256 text, rule text, rows bigint, status text",
    "quality_judged": "extract text, file text, sha256 text, column_name text, verdict text, numbers bigint, "
    "share double",
    "quality_series": "series text, month date, rows bigint, status text",
    "quality_breaks": "series text, kind text, month date, before double, after double, change double, reform text",
    "quality_delays": "delay text, share double, status text",
    "quality_reversed": "municipality_code text, municipality_name text, decisions bigint, reversed bigint, "
    "share double, low double, high double, status text",
    "quality_exits": "exit_weeks int, destination text, exits bigint, status text",
    "quality_actions": "position int, kind text, code text, subject text, item text, month date, rows bigint, "
    "share double, status text, notes text",
}
"""The tables of a quality report, released under the fingerprint of the state that was measured."""
RULES = {**RUN_RULES, **ONE_TREATED_RULES, **SANCTION_RULES, **MEETING_RULES}
EFFECT_TABLES = (
    *("estimates", "before_after", "end_states", "placebos", "groups", "means"),
    *("bounds", "drift", "curve", "decomposition", "participants"),
    *("paths", "placebo_paths", "weights", "fits", "tests", "claim"),
    *("sanction_effects", "sanction_incidence", "sanction_designs", "meeting_hazards"),
)
"""Tables from which an effect can be read or computed; of a refused run nothing in them leaves."""


def release(
    connection: duckdb.DuckDBPyConnection, run_id: str, policy: Policy, marks: Mapping[str, str] | None = None
) -> None:
    """Write the release tables of one run, replacing an earlier release of it, in one transaction.

    `marks` are facts about the run among others, which may change after it: they join `release.run`.
    """
    facts = _facts(connection, run_id)
    withheld = EFFECT_TABLES if facts.get("answer_kind") == "refused" else ()
    rows = {table: [] if table in withheld else RULES[table](_select(connection, table), policy) for table in COLUMNS}
    rows["run"] += [{"key": key, "value": value} for key, value in (marks or {}).items()]
    _replace(connection, run_id, COLUMNS, rows)


def release_quality(connection: duckdb.DuckDBPyConnection, quality_id: str) -> None:
    """Write the release tables of a quality report, replacing an earlier release of it, in one transaction."""
    policy = Policy(MINIMUM_COUNT)
    _facts(connection, quality_id)
    rows = {table: QUALITY_RULES[table](_select(connection, table), policy) for table in QUALITY_COLUMNS}
    _replace(connection, quality_id, QUALITY_COLUMNS, rows)


def _facts(connection: duckdb.DuckDBPyConnection, run_id: str) -> dict[str, str]:
    """Point the queries of sql/release at a run; return its facts."""
    connection.execute("set variable run_id = ?", [run_id])
    return {row["key"]: row["value"] for row in _select(connection, "run")}


def _replace(
    connection: duckdb.DuckDBPyConnection, run_id: str, tables: Mapping[str, str], rows: Mapping[str, list[Row]]
) -> None:
    with transaction(connection):
        for table, definition in tables.items():
            ensure(connection, f"release.{table}", f"run_id text, {definition}")
            connection.execute(f"delete from release.{table} where run_id = ?", [run_id])
            _insert(connection, table, run_id, rows[table])


def present(connection: duckdb.DuckDBPyConnection) -> frozenset[str]:
    """Return the release tables of a store; one released by an older version of the program has fewer."""
    found = connection.execute("select table_name from duckdb_tables() where schema_name = 'release'").fetchall()
    return frozenset(row[0] for row in found) & set(COLUMNS)


def _select(connection: duckdb.DuckDBPyConnection, table: str) -> list[Row]:
    query = resources.files("sql").joinpath("release", f"{table}.sql").read_text(encoding="utf-8")
    cursor = connection.execute(query)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _insert(connection: duckdb.DuckDBPyConnection, table: str, run_id: str, rows: Iterable[Row]) -> None:
    names = [part.split()[0].strip('"') for part in (COLUMNS | QUALITY_COLUMNS)[table].split(", ")]
    values = [[run_id, *(row.get(name) for name in names)] for row in rows]
    if values:
        marks = ", ".join("?" * (len(names) + 1))
        listed = ", ".join(f'"{name}"' for name in ("run_id", *names))
        connection.executemany(f"insert into release.{table} ({listed}) values ({marks})", values)
