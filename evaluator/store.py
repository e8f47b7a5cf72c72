"""The project's DuckDB file: who may open it, its schemas and version, its reference tables and macros."""

from __future__ import annotations

import csv
import os
from contextlib import suppress
from dataclasses import astuple
from functools import cache
from hashlib import sha256
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from evaluator import partitions
from evaluator.errors import ProjectError
from evaluator.extracts.column_sql import municipality_of, stored
from evaluator.extracts.contract import contracts
from evaluator.extracts.dream import DreamCode, dream_codes

if TYPE_CHECKING:
    from evaluator.project import Project

# Step i brings a store from version i to i + 1. Steps are added at the end, never edited.
STEPS: tuple[str, ...] = (
    """
    create schema raw;
    create schema staging;
    create schema marts;
    create schema design;
    create schema results;
    create schema release;
    create schema meta;
    create table meta.store (version integer not null, upgraded_at timestamp not null, reference_sha256 varchar);
    insert into meta.store values (0, now() at time zone 'UTC', null);
    create table raw.deliveries (
        delivery_id bigint primary key,
        extract varchar not null,
        file varchar not null,
        sha256 varchar not null unique,
        bytes bigint not null,
        rows bigint not null,
        rejected bigint not null,
        period_from date,
        period_to date,
        loaded_at timestamp not null,
        replaced_by bigint
    );
    create table raw.rejects (
        delivery_id bigint not null,
        extract varchar not null,
        file varchar not null,
        line bigint not null,
        column_name varchar not null
    );
    create table raw.dream_codes (
        code varchar primary key, name varchar, benefit varchar, activation varchar, class varchar
    );
    create table raw.municipalities (
        municipality_code varchar primary key, municipality_name varchar, region varchar, population bigint
    );
    """,
    # What the expectations found, and for which state of the tables they let a run go on.
    """
    create table if not exists meta.findings (
        checked_at timestamp, table_name varchar, rule varchar, severity varchar, passed boolean,
        rows bigint, unexpected bigint, notes varchar
    );
    create table meta.passed (state_sha256 varchar primary key, checked_at timestamp not null);
    create table if not exists meta.builds (
        table_name varchar primary key, fingerprint varchar not null, row_count bigint not null,
        seconds double not null, built_at timestamp not null
    );
    """,
    # When a code was in use.
    """
    alter table raw.dream_codes add column valid_from date;
    alter table raw.dream_codes add column valid_to date;
    """,
    # Columns whose numbers the CPR guard passed: declared by the project, or told by their share of dates.
    """
    create table raw.judged_columns (
        delivery_id bigint not null, extract varchar not null, column_name varchar not null,
        verdict varchar not null, numbers bigint not null, dated bigint not null
    );
    """,
    # Where rows of persons lie, and the files of those that lie outside.
    """
    alter table meta.store add column layout varchar default 'database';
    create table meta.partition_files (
        table_name varchar not null, file varchar primary key, bytes bigint not null, changed_ns bigint not null,
        sha256 varchar not null
    );
    """,
)
VERSION = len(STEPS)
# How DuckDB says that a file is taken: on POSIX, and on Windows.
LOCKED = ("Could not set lock on file", "being used by another process")


def connect(project: Project, *, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """Open the project's store, made or upgraded when needed; use as a context manager.

    Files (but the partitions) and the network are out of reach of its SQL, and its configuration is locked. Raises
    ProjectError when another process has the store open, when a newer version of the program made it, or when a file
    of its partitions is missing or not as it was written.
    """
    if read_only and not project.database.exists():
        connect(project).close()
    connection = _open(project, read_only)
    try:
        partitions.reach(connection, project.partitions, project.settings.layout)
        _lock_down(connection)
        for statement in _macros():
            connection.execute(statement)
        version = _version(connection)
        if version > VERSION:
            raise ProjectError(
                f"{project.database.name}: the store has version {version}; expected at most {VERSION}. "
                "Install the newer version of the program that made it."
            )
        codes = dream_codes(project.codes)
        if version == VERSION:
            partitions.inspect(connection, read_only=read_only)
        if not _is_current(connection, version, codes, project.settings.layout):
            if read_only:
                connection.close()
                connect(project).close()
                return connect(project, read_only=True)
            _prepare(connection, version, codes, project.settings.layout)
    except BaseException:
        connection.close()
        raise
    _restrict(project.database)
    if not read_only:
        _drop_old_spill(project, connection)
        partitions.tidy(connection)
    return connection


def parser() -> duckdb.DuckDBPyConnection:
    """Return a database in memory that reads text as a store does: its macros and the municipalities, nothing else."""
    connection = duckdb.connect()
    _lock_down(connection)
    for statement in (*_macros(), "create schema raw", "create table raw.municipalities (municipality_code varchar)"):
        connection.execute(statement)
    connection.execute("insert into raw.municipalities select unnest(?)", [[code for code, *_ in _municipalities()]])
    return connection


def _open(project: Project, read_only: bool) -> duckdb.DuckDBPyConnection:
    project.store.mkdir(exist_ok=True)
    with suppress(OSError):
        project.store.chmod(0o700)
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": project.settings.memory_limit,
        "threads": project.settings.threads,
        "temp_directory": str(project.spill),
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    try:
        if not project.database.exists():
            _make(project.database)
        return duckdb.connect(str(project.database), read_only=read_only, config=config)
    except duckdb.ConnectionException:
        who, wish = "this process already has the store open in another way", "one connection at a time"
        step = "Close the other connection first"
    except duckdb.Error as problem:
        if any(words in str(problem) for words in LOCKED):
            who, wish = "another process has the store open", "one at a time"
            step = "Wait until it has finished, or close it"
        else:
            who, wish = "the file cannot be opened", "a database made by this program"
            step = "Check the disk and the rights to the folder, or delete the file and load the extracts again"
    raise ProjectError(f"store: {who}; expected {wish}. {step}.") from None


def _make(path: Path) -> None:
    """Make an empty database, under another name first: a process killed meanwhile leaves no half of a header."""
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    duckdb.connect(str(new)).close()
    new.replace(path)


def _lock_down(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")


def _version(connection: duckdb.DuckDBPyConnection) -> int:
    """Return the store's version; 0 when the file is new."""
    try:
        rows = connection.execute("select version from meta.store").fetchall()
    except duckdb.CatalogException:
        return 0
    return int(rows[0][0])


def _is_current(connection: duckdb.DuckDBPyConnection, version: int, codes: tuple[DreamCode, ...], layout: str) -> bool:
    """Tell whether the store was last prepared by this very package, for these codes and this layout."""
    if version < VERSION:
        return False
    found = connection.execute("select reference_sha256, layout from meta.store").fetchall()
    return found == [(_reference_sha256(codes), layout)]


def _prepare(connection: duckdb.DuckDBPyConnection, version: int, codes: tuple[DreamCode, ...], layout: str) -> None:
    """Upgrade the store, and bring its tables in line with contracts and reference data, in one transaction."""
    with transaction(connection):
        for step in STEPS[version:]:
            connection.execute(step)
        _make_raw_tables(connection, layout)
        _fill_reference_tables(connection, codes)
        connection.execute(
            "update meta.store set version = ?, reference_sha256 = ?, layout = ?, "
            "upgraded_at = now() at time zone 'UTC'",
            [VERSION, _reference_sha256(codes), layout],
        )


def _make_raw_tables(connection: duckdb.DuckDBPyConnection, layout: str) -> None:
    """Create raw.<extract> for each contract in the layout, and add the columns that a contract has gained."""
    present: dict[str, dict[str, str]] = {}
    rows = connection.execute(
        "select table_name, column_name, data_type from duckdb_columns() where schema_name = 'raw'"
    )
    for table, column, kind in rows.fetchall():
        present.setdefault(table, {})[column] = kind
    for contract in contracts():
        table, columns = f"raw.{contract.name}", {column.name: stored(column) for column in contract.columns}
        if contract.name not in present:
            listed = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
            connection.execute(f"create table {table} ({listed}, _delivery bigint, _line bigint)")
        gained = {name: kind for name, kind in columns.items() if name not in present.get(contract.name, columns)}
        if partitions.is_partitioned(connection, table):
            if gained:
                partitions.show(connection, table, present[contract.name] | gained)
        else:
            for name, kind in gained.items():
                connection.execute(f'alter table {table} add column "{name}" {kind}')
        municipality = municipality_of(contract) if layout == partitions.PARQUET else None
        if partitions.is_partitioned(connection, table) != bool(municipality):
            partitions.put(connection, table, f"from {table}", municipality)


def _fill_reference_tables(connection: duckdb.DuckDBPyConnection, codes: tuple[DreamCode, ...]) -> None:
    """Write raw.dream_codes, and raw.municipalities from the package."""
    for table, rows in (
        ("dream_codes", [astuple(code) for code in codes]),
        ("municipalities", _municipalities()),
    ):
        columns = [list(column) for column in zip(*rows, strict=True)]
        connection.execute(f"delete from raw.{table}")
        connection.execute(f"insert into raw.{table} select {', '.join(['unnest(?)'] * len(columns))}", columns)


@cache
def _reference_sha256(codes: tuple[DreamCode, ...]) -> str:
    """Return a fingerprint of the contracts' columns, the code table and the municipalities."""
    columns = [(contract.name, [column.name for column in contract.columns]) for contract in contracts()]
    return sha256(repr((columns, codes, _municipalities())).encode()).hexdigest()


@cache
def _municipalities() -> list[list[Any]]:
    """Return code, name, region and population of the 98 municipalities."""
    text = (resources.files("evaluator") / "registers" / "municipalities.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines(), delimiter=";")
    return [
        [row["municipality_code"].zfill(3), row["municipality_name"], row["region"], int(row["population"])]
        for row in rows
    ]


@cache
def _macros() -> tuple[str, ...]:
    """Return the text of every file in sql/macros, in the order of their names."""
    folder: Traversable = resources.files("sql") / "macros"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    return tuple(file.read_text(encoding="utf-8") for file in files)


class transaction:  # noqa: N801 - reads as a statement: with transaction(connection)
    """Commit what the block does, or none of it; files of partitions that no table has then are deleted.

    Raises ProjectError when the disk does not take it.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection

    def __enter__(self) -> None:
        self.connection.execute("begin transaction")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            try:
                self.connection.execute("commit")
                partitions.tidy(self.connection)
            except (duckdb.IOException, duckdb.TransactionException):
                self._undo()
                raise _unwritten() from None
            return
        self._undo()
        if issubclass(kind, duckdb.IOException):
            raise _unwritten() from None

    def _undo(self) -> None:
        with suppress(duckdb.Error):
            self.connection.execute("rollback")
        with suppress(duckdb.Error):
            partitions.tidy(self.connection)


def _unwritten() -> ProjectError:
    return ProjectError(
        "store: the disk did not take what was to be written; expected room on it and the right to write. "
        "Make room, and run the command again: nothing of it is done, and what was there is as it was."
    )


def _restrict(database: Path) -> None:
    """Let only the owner read the store, where the system has file modes."""
    if os.name == "posix":
        for file in (database, database.with_name(database.name + ".wal")):
            with suppress(OSError):
                file.chmod(0o600)


def _drop_old_spill(project: Project, connection: duckdb.DuckDBPyConnection) -> None:
    """Delete the spill of a process that was killed: rows of persons, which nobody else would remove."""
    in_use = {Path(path).name for (path,) in connection.execute("select path from duckdb_temporary_files()").fetchall()}
    for file in project.spill.glob("*"):
        if file.name not in in_use:
            with suppress(OSError):
                file.unlink()
