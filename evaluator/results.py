"""The append-only store of what was estimated: one set of tables, keyed by run, never updated.

Counts are exact here and never leave: `evaluator.release` makes the tables a report may open.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb

from evaluator.errors import ProjectError
from evaluator.store import transaction

Row = Mapping[str, Any]

TABLES: dict[str, str] = {
    "runs": "run_id text, spec_name text, spec_hash text, extract_hash text, code_hash text, seed bigint, "
    "created_at timestamp, spec_text text",
    "locks": "intervention text, unit text, spec_hash text, design_hash text, run_id text, locked_at timestamp",
    "run": "run_id text, key text, value text",
    "estimates": 'run_id text, outcome text, horizon_weeks int, aggregate text, "at" int, at_label text, value double, '
    "low double, high double, se double, band_low double, band_high double, p_value double, method text, "
    "n bigint, smallest_count bigint, clusters int, treated_clusters int, unit text, is_estimable boolean, "
    "reason text, what_would_help text, is_primary boolean, relevant_change double, is_partly_exposed boolean, "
    "freedom double, p_family double",
    "before_after": "run_id text, outcome text, horizon_weeks int, before_count double, before_persons bigint, "
    "after_count double, after_persons bigint, effect double, unit text, is_estimable boolean",
    "means": "run_id text, outcome text, horizon_weeks int, arm text, period_on date, persons bigint, count double, "
    "reference double",
    "end_states": "run_id text, arm text, state text, count bigint, persons bigint, effect double",
    "placebos": "run_id text, outcome text, rank int, effect double, scaled double, is_treated boolean, persons double",
    "paths": "run_id text, outcome text, estimator text, period_on date, actual double, counterfactual double, "
    "gap double, low double, high double, is_after boolean, persons double",
    "placebo_paths": "run_id text, outcome text, estimator text, place int, period_on date, gap double, "
    "is_treated boolean, persons double",
    "weights": "run_id text, outcome text, estimator text, place int, municipality_name text, weight double, "
    "persons double",
    "fits": "run_id text, outcome text, estimator text, donors int, before double, after double, followed double, "
    "ratio double, ratio_rank int, ratio_of int, ratio_p double, effective_donors double, slack double, "
    "objective double, hull_distance double, hull_p double, periods_outside int, left_out_low double, "
    "left_out_high double, left_out_name text, persons double",
    "tests": "run_id text, outcome text, estimator text, place int, test text, is_offered boolean, "
    "is_headline boolean, p_value double, low double, high double, size double, reason text, unit text, n bigint, "
    "smallest_count bigint",
    "claim": "run_id text, text text, kind text, before double, after double, parts text, persons double, "
    "change double, amount_dkk double, amount text, dkk_per_person double, verdict text, green_low double, "
    "green_high double, amber_low double, amber_high double, source text, note text",
    "bounds": "run_id text, outcome text, horizon_weeks int, bound double, low double, high double, unit text, "
    "n bigint, smallest_count bigint",
    "drift": "run_id text, outcome text, horizon_weeks int, power double, slope double, bias double, "
    "bias_if_passed double, unit text, n bigint, smallest_count bigint",
    "curve": "run_id text, outcome text, horizon_weeks int, estimator text, comparison text, base_periods int, "
    "adjustment text, leave_out text, is_main boolean, value double, low double, high double, unit text, n bigint, "
    "smallest_count bigint, is_estimable boolean, reason text",
    "decomposition": "run_id text, outcome text, horizon_weeks int, kind text, weight double, value double, unit text, "
    "n bigint, smallest_count bigint",
    "delivery": "run_id text, municipality_code text, municipality_name text, start_on date, planned_before double, "
    "planned_after double, measured_before double, measured_after double, delivered_share double, verdict text, "
    "counted_before double, counted_after double, counted_verdict text",
    "caseload_path": "run_id text, municipality_name text, month date, cases bigint, fte double",
    "groups": "run_id text, grouping text, group_name text, persons bigint, value double, low double, high double, "
    "smallest_count bigint, is_estimable boolean, reason text",
    "diagnostics": "run_id text, name text, label text, value double, threshold text, verdict text, why text",
    "quality": "run_id text, table_name text, rule text, severity text, passed boolean, rows bigint, "
    "unexpected bigint, notes text",
    "deliveries": "run_id text, extract text, file text, rows bigint, rejected bigint, period_from date, "
    "period_to date, sha256 text, source text",
    "refusals": "run_id text, outcome text, reason text, what_would_help text",
    "caveats": "run_id text, position int, text text",
    "participants": "run_id text, outcome text, horizon_weeks int, who text, persons bigint, count bigint",
    "sanction_effects": "run_id text, destination text, method text, subset text, group_name text, from_weeks int, "
    "to_weeks int, value double, low double, high double, se double, p_value double, unit text, events bigint, "
    "persons bigint, is_headline boolean, is_estimable boolean, reason text, what_would_help text, green_low double, "
    "green_high double, amber_low double, amber_high double, plausibility text",
    "sanction_incidence": "run_id text, arm text, destination text, weeks int, share double, low double, high double, "
    "events bigint, persons bigint",
    "sanction_shares": "run_id text, measure text, arm text, group_name text, weeks int, count bigint, persons bigint, "
    "share double, low double, high double",
    "sanction_amounts": "run_id text, sanction_type text, is_reversed boolean, decisions bigint, persons bigint, "
    "without_amount bigint, amount_dkk double",
    "sanction_designs": "run_id text, design text, destination text, weeks int, value double, low double, high double, "
    "p_value double, unit text, n bigint, smallest_count bigint, is_estimable boolean, reason text, "
    "what_would_help text",
    "meeting_hazards": "run_id text, destination text, method text, kind text, than text, from_weeks int, "
    "to_weeks int, value double, low double, high double, se double, p_value double, p_family double, unit text, "
    "events bigint, weeks bigint, rate double, rate_low double, rate_high double, is_estimable boolean, reason text, "
    "what_would_help text",
    "quality_deliveries": "run_id text, extract text, file text, sha256 text, loaded_on date, rows bigint, "
    "usable bigint, rejected bigint, replaced bigint, period_from date, period_to date, "
    "is_balanced boolean",
    "quality_extracts": "run_id text, extract text, rows bigint, typed bigint, merged bigint, rejected bigint, "
    "replaced bigint, is_balanced boolean",
    "quality_rejects": "run_id text, extract text, column_name text, reason text, rows bigint",
    "quality_columns": "run_id text, extract text, column_name text, rows bigint, unknown bigint, may_be_blank boolean",
    "quality_merged": "run_id text, extract text, file text, sha256 text, rule text, rows bigint",
    "quality_judged": "run_id text, extract text, file text, sha256 text, column_name text, verdict text, "
    "numbers bigint, dated bigint",
    "quality_series": "run_id text, series text, month date, rows bigint",
    "quality_breaks": "run_id text, series text, kind text, month date, before double, after double, reform text",
    "quality_delays": "run_id text, delay text, meetings bigint",
    "quality_reversed": "run_id text, municipality_code text, municipality_name text, reversed bigint, upheld bigint",
    "quality_exits": "run_id text, exit_weeks int, destination text, exits bigint",
    "quality_actions": "run_id text, position int, kind text, code text, subject text, item text, month date, "
    'rows bigint, "of" bigint, notes text',
}


def columns(table: str) -> tuple[str, ...]:
    """Return the column names of a results table in order."""
    return tuple(part.split()[0].strip('"') for part in TABLES[table].split(", "))


@dataclass(slots=True)
class Findings:
    """Rows for the results tables, gathered while a run estimates."""

    rows: dict[str, list[Row]] = field(default_factory=dict)

    def add(self, table: str, *rows: Row) -> None:
        self.rows.setdefault(table, []).extend(rows)

    def facts(self, **values: object) -> None:
        """Add key and value pairs to the run's facts."""
        self.add("run", *({"key": key, "value": str(value)} for key, value in values.items()))


def create(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the results tables that do not exist yet, and add the columns that a table has gained."""
    for table, definition in TABLES.items():
        ensure(connection, f"results.{table}", definition)


def ensure(connection: duckdb.DuckDBPyConnection, table: str, definition: str) -> None:
    """Create a table with these columns, or add those that an older version of the program did not know."""
    connection.execute(f"create table if not exists {table} ({definition})")
    for column in definition.split(", "):
        connection.execute(f"alter table {table} add column if not exists {column}")


def append(connection: duckdb.DuckDBPyConnection, run_id: str, findings: Findings) -> None:
    """Append all rows of a run in one transaction."""
    with transaction(connection):
        for table, rows in findings.rows.items():
            insert(connection, table, ({**row, "run_id": run_id} for row in rows))


def insert(connection: duckdb.DuckDBPyConnection, table: str, rows: Iterable[Row], schema: str = "results") -> None:
    """Insert rows given as mappings; a key that is no column is an error, an absent key is null."""
    names = columns(table)
    values = []
    for row in rows:
        if stranger := set(row) - set(names):
            raise KeyError(f"{table}: no column {sorted(stranger)[0]}")
        values.append([_plain(row.get(name)) for name in names])
    if values:
        marks, listed = ", ".join("?" * len(names)), ", ".join(f'"{name}"' for name in names)
        connection.executemany(f"insert into {schema}.{table} ({listed}) values ({marks})", values)


def _plain(value: Any) -> Any:
    """Return a value DuckDB can bind: numpy scalars become Python's, not-a-number becomes null."""
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and value != value else value


@dataclass(frozen=True, slots=True)
class Run:
    """One line of `evaluator runs`."""

    run_id: str
    spec_name: str
    created_at: dt.datetime
    spec_hash: str


def runs(connection: duckdb.DuckDBPyConnection) -> Sequence[Run]:
    """Return all runs, newest first; none in a store that has never estimated."""
    create(connection)
    found = connection.execute(
        "select run_id, spec_name, created_at, spec_hash from results.runs order by created_at desc, run_id"
    ).fetchall()
    return [Run(*row) for row in found]


def find_run(connection: duckdb.DuckDBPyConnection, wanted: str | None) -> str:
    """Return the id of the run that begins with `wanted` or whose spec is called so; the newest when None.

    Raises ProjectError when there is none.
    """
    stored = runs(connection)
    if not stored:
        raise ProjectError("results: no run is in the store; expected one. Run 'evaluator run SPEC'.")
    for run in stored:
        if wanted is None or run.run_id.startswith(wanted) or run.spec_name == wanted:
            return run.run_id
    raise ProjectError(
        f"run {wanted}: not in the store; expected a run id or the name of a spec that has run. See 'evaluator runs'."
    )
