"""Tables of persons as Parquet files in a folder per municipality, in place of tables inside the store's own file.

Each is a view of the same name, columns and types, so that the same SQL reads both layouts. A file is written once and
never changed. It counts when a committed row of meta.partition_files names it; any other was left by a write that
failed or was killed, or has been replaced, and `tidy` deletes it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import duckdb

from evaluator.errors import ProjectError

DATABASE, PARQUET = LAYOUTS = ("database", "parquet")
UNKNOWN = "unknown"
"""The partition of the rows whose municipality is blank or no code of three digits."""

PREFIX = "rows_"
"""Begins the name of every file that is written here; others are left alone."""

ROW_GROUP = 20_000
"""Rows that a file being written keeps in memory; one is open for each municipality and thread."""


def reach(connection: duckdb.DuckDBPyConnection, folder: Path, layout: str) -> None:
    """Let SQL read and write below `folder`: once external access is off, no other file is in reach."""
    if layout == PARQUET:
        folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_dir():
        connection.execute(f"set allowed_directories = [{_literal(folder.as_posix())}]")
    connection.execute(found_by(folder))


def found_by(folder: Path) -> str:
    """Return the statement that tells a connection where the views find their files."""
    return f"set variable partitions = {_literal(folder.as_posix() + '/')}"


def is_partitioned(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    query = "select 1 from duckdb_views() where schema_name || '.' || view_name = ?"
    return connection.execute(query, [table]).fetchall() != []


def layout_of(connection: duckdb.DuckDBPyConnection) -> str:
    """Return the layout that the project asks for; single tables keep another until they are next written."""
    [(layout,)] = connection.execute("select layout from meta.store").fetchall()
    return str(layout)


def put(connection: duckdb.DuckDBPyConnection, table: str, query: str, municipality: str | None) -> None:
    """Make `table` hold the rows of `query`, which may read the table itself.

    Partitioned by the expression `municipality`, or a table inside the store's file when there is none.
    """
    past = _files(connection, table)
    was_partitioned = is_partitioned(connection, table)
    if municipality:
        columns = dict(connection.execute(f"select column_name, column_type from (describe {query})").fetchall())
        _write(connection, table, query, municipality)
        if not was_partitioned:
            connection.execute(f"drop table if exists {table}")
        _forget(connection, past)
        show(connection, table, columns)
    elif was_partitioned:
        _, name = table.split(".")
        connection.execute(f"create table {table}_anew as {query}")
        connection.execute(f"drop view {table}")
        connection.execute(f"alter table {table}_anew rename to {name}")
        _forget(connection, past)
    else:
        connection.execute(f"create or replace table {table} as {query}")


def insert(connection: duckdb.DuckDBPyConnection, table: str, query: str, municipality: str | None) -> None:
    """Add the rows of `query` to `table`, column by name; its files so far are not touched."""
    if municipality and is_partitioned(connection, table):
        _write(connection, table, query, municipality)
        show(connection, table, _columns(connection, table))
    else:
        connection.execute(f"insert into {table} by name {query}")


def delete(connection: duckdb.DuckDBPyConnection, table: str, using: str, where: str, municipality: str | None) -> None:
    """Delete the rows of `table`, called `old` in `where`, that have a match among the rows of `using`.

    Only files with such a row are written again.
    """
    if not municipality or not is_partitioned(connection, table):
        connection.execute(f"delete from {table} as old using {using} where {where}")
        return
    matched = f"exists (select 1 from {using} where {where})"
    sources = f"read_parquet([{_listed(_files(connection, table))}], union_by_name = true, filename = true)"
    start = len(_folder(connection).as_posix()) + 2
    touched = connection.execute(f"select distinct filename[{start}:] from {sources} as old where {matched}").fetchall()
    if not touched:
        return
    files = [file for (file,) in touched]
    columns = _columns(connection, table)
    kept = f"select * from {_reading(files, columns)} as old where not {matched}"
    _write(connection, table, kept, municipality)
    _forget(connection, files)
    show(connection, table, columns)


def show(connection: duckdb.DuckDBPyConnection, table: str, columns: Mapping[str, str]) -> None:
    """Make the view `table` over its files, with these columns and types; a column that no file has is null."""
    typed = ", ".join(f'"{name}"::{kind} as "{name}"' for name, kind in columns.items())
    source = _reading(_files(connection, table), columns)
    connection.execute(f"create or replace view {table} as select {typed} from {source}")


def inspect(connection: duckdb.DuckDBPyConnection, *, read_only: bool) -> None:
    """Raise ProjectError naming the first file that is missing or is not what the store wrote.

    Content decides; a file that was copied, and so has another time, is read once and its time noted.
    """
    folder = _folder(connection)
    copied = []
    rows = connection.execute("select file, bytes, changed_ns, sha256 from meta.partition_files order by file")
    for file, size, changed, digest in rows.fetchall():
        path = folder / file
        try:
            now = path.stat()
            if now.st_size == size and now.st_mtime_ns == changed:
                continue
            wrong = "" if now.st_size == size and _sha256(path) == digest else "the file was changed by something else"
        except OSError:
            wrong = "the file is missing or cannot be read"
        if wrong:
            raise ProjectError(
                f"{folder.parent.name}/{folder.name}/{file}: {wrong}; expected it as this program wrote it. "
                f"Put it back from a backup, or delete the folder {folder.parent.name} and load the extracts again."
            )
        copied.append([now.st_mtime_ns, file])
    if copied and not read_only:
        connection.executemany("update meta.partition_files set changed_ns = ? where file = ?", copied)


def tidy(connection: duckdb.DuckDBPyConnection) -> None:
    """Delete the files that no table has: replaced ones, and rows of persons that a failed write left behind."""
    [(folder,)] = connection.execute("select getvariable('partitions')").fetchall()
    if folder is None:
        return
    known: set[str] = set()
    with suppress(duckdb.CatalogException):  # a store that is being made has no list yet
        known = {file for (file,) in connection.execute("select file from meta.partition_files").fetchall()}
    root = Path(folder)
    for path in root.glob(f"*/municipality=*/{PREFIX}*"):
        if path.relative_to(root).as_posix() not in known:
            with suppress(OSError):
                path.unlink()
                path.parent.rmdir()  # when it was the last one there


def _write(connection: duckdb.DuckDBPyConnection, table: str, query: str, municipality: str) -> None:
    """Write the rows of `query` into new files, and put those on the list of the table."""
    code = f"case when regexp_full_match({municipality}, '\\d{{3}}') then {municipality} else '{UNKNOWN}' end"
    folder = _folder(connection)
    (folder / table).mkdir(mode=0o700, exist_ok=True)
    [(_, files)] = connection.execute(
        f"copy (select *, {code} as municipality from ({query})) to {_literal((folder / table).as_posix())} "
        f"(format parquet, partition_by (municipality), append, filename_pattern '{PREFIX}{{uuid}}', compression zstd, "
        f"row_group_size {ROW_GROUP}, return_files)"
    ).fetchall()
    if not files:
        return
    rows = [_sealed(Path(file), folder) for file in files]
    for holding in {Path(file).parent for file in files} | {folder / table, folder}:
        _keep_names(holding)
    connection.execute(
        "insert into meta.partition_files select ?, unnest(?), unnest(?), unnest(?), unnest(?)",
        [table, *(list(column) for column in zip(*rows, strict=True))],
    )


def _sealed(path: Path, folder: Path) -> tuple[str, int, int, str]:
    """Return name, bytes, time of change and hash of a new file that is on the disk and its owner's alone."""
    if os.name == "posix":
        path.parent.chmod(0o700)
        path.chmod(0o600)
    with path.open("rb+") as file:
        os.fsync(file.fileno())
    found = path.stat()
    return path.relative_to(folder).as_posix(), found.st_size, found.st_mtime_ns, _sha256(path)


def _keep_names(folder: Path) -> None:
    """Put the names in a folder on the disk: a file that is there without its name is lost when the power goes."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _reading(files: Sequence[str], columns: Mapping[str, str]) -> str:
    """Return a source of the rows of `files`, with nulls in the columns that they lack."""
    empty = ", ".join(f'null::{kind} as "{name}"' for name, kind in columns.items())
    if not files:
        return f"(select {empty} where false)"
    written = f"read_parquet([{_listed(files)}], union_by_name = true, hive_partitioning = false)"
    return f"(select * from {written} union all by name select {empty} where false)"


def _listed(files: Iterable[str]) -> str:
    return ", ".join(f"getvariable('partitions') || {_literal(file)}" for file in files)


def _files(connection: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    query = "select file from meta.partition_files where table_name = ? order by file"
    return [file for (file,) in connection.execute(query, [table]).fetchall()]


def _forget(connection: duckdb.DuckDBPyConnection, files: Sequence[str]) -> None:
    if files:
        connection.execute("delete from meta.partition_files where file in (select unnest(?))", [list(files)])


def _columns(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    query = (
        "select column_name, data_type from duckdb_columns() "
        "where schema_name || '.' || table_name = ? order by column_index"
    )
    return dict(connection.execute(query, [table]).fetchall())


def _folder(connection: duckdb.DuckDBPyConnection) -> Path:
    [(folder,)] = connection.execute("select getvariable('partitions')").fetchall()
    return Path(folder)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
