"""Reads the released tables of one run; the only file that holds a query."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from evaluator.errors import ProjectError
from evaluator.release import EFFECT_TABLES, QUALITY_COLUMNS, present

Row = dict[str, Any]

TABLES = (
    "estimates",
    "before_after",
    "means",
    "end_states",
    "placebos",
    "paths",
    "placebo_paths",
    "weights",
    "fits",
    "tests",
    "claim",
    "bounds",
    "drift",
    "curve",
    "decomposition",
    "delivery",
    "caseload_path",
    "groups",
    "diagnostics",
    "quality",
    "deliveries",
    "refusals",
    "caveats",
    "participants",
    "sanction_effects",
    "sanction_incidence",
    "sanction_shares",
    "sanction_amounts",
    "sanction_designs",
    "meeting_hazards",
)
WITHOUT_HORIZON = ("recipients", "exit_job", "exit_education", "exit_other_benefit", "exit_self_support")


@dataclass(frozen=True, slots=True)
class Released:
    """One run as a report sees it: facts (text by key) and tables (rows as dictionaries)."""

    run_id: str
    facts: dict[str, str]
    tables: dict[str, list[Row]]

    def __getitem__(self, table: str) -> list[Row]:
        return self.tables[table]

    def fact(self, key: str, default: str = "") -> str:
        return self.facts.get(key) or default

    def flag(self, key: str) -> bool:
        return self.fact(key).lower() in ("true", "1")

    def whole(self, key: str) -> int | None:
        """Return a fact as a whole number; None when it is absent or suppressed."""
        try:
            return int(float(self.fact(key)))
        except ValueError:
            return None

    @property
    def answer_kind(self) -> str:
        return self.fact("answer_kind", "refused")

    @property
    def is_association(self) -> bool:
        return self.fact("kind") == "sanction" or self.answer_kind == "association"

    @property
    def horizon(self) -> int | None:
        """Return weeks after entry; None for outcomes of municipalities, which have no entry."""
        return None if self.outcome in WITHOUT_HORIZON else self.whole("horizon_weeks") or None

    @property
    def outcome(self) -> str:
        return self.fact("primary_outcome")

    def primary(self, table: str) -> list[Row]:
        """Return the rows of the primary outcome at the primary horizon."""
        return [r for r in self[table] if r["outcome"] == self.outcome and (r["horizon_weeks"] or None) == self.horizon]

    def overall(self, outcome: str | None = None) -> Row | None:
        """Return an outcome's overall estimate, at the primary horizon or else its longest (default: the primary)."""
        rows = [r for r in self["estimates"] if r["aggregate"] == "overall"]
        if outcome is None:
            named = [r for r in rows if r["is_primary"]]
            rows = named or [r for r in rows if r in self.primary("estimates")]
        else:
            named = [r for r in rows if r["outcome"] == outcome]
            rows = [r for r in named if (r["horizon_weeks"] or None) == self.horizon]
            rows = rows or sorted(named, key=lambda r: -(r["horizon_weeks"] or 0))
        return rows[0] if rows else None


def read(connection: Any, run_id: str) -> Released:
    """Return the released tables of `run_id`, without any effect when the run was refused.

    Raises ProjectError when the run is not among the released ones.
    """
    facts = {r["key"]: r["value"] for r in _rows(connection, "run", run_id) if r["value"] is not None}
    if not facts:
        raise ProjectError(
            f"report: run {run_id} is not released; expected a finished run. Run 'evaluator runs' to see them."
        )
    known = present(connection)
    tables = {table: _rows(connection, table, run_id) if table in known else [] for table in TABLES}
    released = Released(run_id, facts, tables)
    if released.answer_kind == "refused":
        tables.update({table: [] for table in EFFECT_TABLES})
    return released


def read_quality(connection: Any, quality_id: str) -> Released:
    """Return the released tables of a quality report; raise ProjectError when it is not released."""
    facts = {r["key"]: r["value"] for r in _rows(connection, "run", quality_id) if r["value"] is not None}
    if not facts:
        raise ProjectError(
            f"quality: report {quality_id} is not released; expected a measured state. Run 'evaluator quality'."
        )
    tables = {table: _rows(connection, table, quality_id) for table in QUALITY_COLUMNS if table != "run"}
    return Released(quality_id, facts, tables)


def _rows(connection: Any, table: str, run_id: str) -> list[Row]:
    cursor = connection.execute(f"select * from release.{table} where run_id = ? order by all", [run_id])
    names = [column[0] for column in cursor.description]
    return [
        {name: _plain(value) for name, value in zip(names, row, strict=True) if name != "run_id"}
        for row in cursor.fetchall()
    ]


def _plain(value: Any) -> Any:
    """Return a value that JSON can hold: decimals as floats, dates as ISO text, NaN as null (infinity stays)."""
    if isinstance(value, Decimal):
        value = float(value)
    if isinstance(value, float) and value != value:
        return None
    return value.isoformat() if isinstance(value, date | datetime) else value
