"""A register written by hand: rows of text per extract, put into a real store as the loader would."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import duckdb

from evaluator.models import build
from evaluator.project import Project
from evaluator.store import connect

COLUMNS = {
    "personer": ("pnr_pseudo", "foedselsaar", "koen", "boern", "enlig", "kommunekode", "udgaaet_dato", "udgaaet_kode"),
    "ydelser": ("pnr_pseudo", "fra", "til", "ydelseskode", "myndighedskode"),
    "visitation": ("pnr_pseudo", "fra", "til", "visitation"),
    "sagsbehandler": ("pnr_pseudo", "fra", "til", "sagsbehandler_id", "team", "rolle"),
    "sagstal": ("sagsbehandler_id", "team", "kommunekode", "maaned", "antal_sager", "aarsvaerk"),
    "samtaler": ("pnr_pseudo", "dato", "samtaletype", "udeblevet"),
    "indsats": ("kommunekode", "team", "fra", "til", "indsats_navn", "sagstal_foer", "sagstal_efter"),
    "sanktioner": ("pnr_pseudo", "dato", "paragraf", "type", "status", "varsel_dato", "partshoert_dato"),
    "beskaeftigelse": ("pnr_pseudo", "maaned", "timer", "loen"),
    "tilbud": ("pnr_pseudo", "fra", "til", "type", "timer_pr_uge"),
    "uddannelse": ("pnr_pseudo", "fra", "til", "uddannelsesart"),
    "kommunepanel": ("kommunekode", "periode", "ydelse", "fuldtid"),
}
SPEC = {
    "benefits": ["kontanthjaelp", "uddannelseshjaelp"],
    "target_groups": [],
    "age_from": 18,
    "age_to": 66,
    "panel_from": dt.date(2015, 1, 1),
    "panel_to": dt.date(2018, 12, 31),
    "period_months": 1,
    "entry": "inflow",
    "horizons": [26],
    "outcomes_to": None,
}
Rows = Iterable[Sequence[str]]


def open_store(folder: Path) -> duckdb.DuckDBPyConnection:
    """Return a connection to the empty store of a new project."""
    return connect(Project.create(folder / "project"))


def fill(connection: duckdb.DuckDBPyConnection, extracts: Mapping[str, Rows]) -> None:
    """Replace the deliveries of the store by these rows; the last columns of a short row are blank."""
    connection.execute("delete from raw.deliveries")
    for number, (extract, columns) in enumerate(COLUMNS.items(), 1):
        connection.execute(f"delete from raw.{extract}")
        given = enumerate(extracts.get(extract, ()), 2)
        rows = [[*row, *[""] * (len(columns) - len(row)), number, line] for line, row in given]
        if not rows:
            continue
        names = ", ".join((*columns, "_delivery", "_line"))
        marks = ", ".join("?" * (len(columns) + 2))
        connection.executemany(f"insert into raw.{extract} ({names}) values ({marks})", rows)
        connection.execute(
            "insert into raw.deliveries (delivery_id, extract, file, sha256, bytes, rows, rejected, loaded_at) "
            "values (?, ?, ?, ?, 0, ?, 0, now()::timestamp)",
            [number, extract, f"{extract}.csv", hashlib.sha256(repr((extract, rows)).encode()).hexdigest(), len(rows)],
        )


def build_marts(connection: duckdb.DuckDBPyConnection, wage_final_after_months: int = 0) -> None:
    build(connection, ("staging", "marts"), {"wage_final_after_months": wage_final_after_months})


def build_design(connection: duckdb.DuckDBPyConnection, **changes: object) -> None:
    build(connection, ("design",), SPEC | changes)


def person(person_id: str, born: str = "1980", left_on: str = "", municipality: str = "0615") -> tuple[str, ...]:
    return (person_id, born, "K", "0", "1", municipality, left_on, "997" if left_on else "")
