"""Reads the SQL models and their headers, orders them by their inputs and builds what has changed."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib import resources
from typing import TYPE_CHECKING

import duckdb

from evaluator import partitions
from evaluator.errors import ModelError
from evaluator.store import transaction

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

LAYERS = ("staging", "marts", "design", "release")
"""The folders of sql/ that hold models, in the direction of the data; each is a schema of its own."""

ONE_ROW = "one row"
"""The grain of a table that has a single row."""

LEDGER = ("raw.deliveries", "raw.rejects")
"""Written together with every delivery, so the deliveries of a model's own extracts already stand for them."""

MUNICIPALITY = "municipality_code"

HEADER = re.compile(r"--\s+(grain|inputs|outputs|note):\s*(.*)")
VARIABLE = re.compile(r"getvariable\('(\w+)'\)")
STATEMENT_ERRORS = (duckdb.ParserException, duckdb.BinderException, duckdb.CatalogException)
"""Errors about the text of a query; the messages of all other errors may quote a person's value."""


@dataclass(frozen=True, slots=True)
class Model:
    """One SELECT and what its header promises."""

    name: str  # the file's name and the table's
    schema: str  # the folder's name
    description: str
    grain: tuple[str, ...]  # columns that name a row; none when the table has one row
    inputs: tuple[str, ...]  # schema.table
    outputs: tuple[str, ...]  # columns, in order
    notes: tuple[str, ...]
    sql: str
    path: str  # sql/marts/exits.sql
    inputs_line: int = 1

    @property
    def table(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def municipality(self) -> str | None:
        """The column of the municipality, when the rows are about persons, of no single evaluation, and say it."""
        is_kept = self.schema in ("staging", "marts") and "person_id" in self.grain
        return MUNICIPALITY if is_kept and MUNICIPALITY in self.outputs else None

    @property
    def variables(self) -> tuple[str, ...]:
        return tuple(sorted(set(VARIABLE.findall(self.sql))))


@dataclass(frozen=True, slots=True)
class Built:
    """What became of a model in one build."""

    model: Model
    rows: int
    seconds: float
    skipped: bool  # nothing it depends on has changed


def parse(sql: str, schema: str, name: str) -> Model:
    """Return the model of a SQL text; raise ModelError naming file and line when its header is incomplete."""
    path = f"sql/{schema}/{name}.sql"
    found: dict[str, list[str]] = {"description": [], "grain": [], "inputs": [], "outputs": [], "note": []}
    key, inputs_line = "description", 1
    for number, line in enumerate(sql.splitlines(), 1):
        if not line.startswith("--"):
            break
        if match := HEADER.match(line):
            key, text = match.groups()
            found[key].append(text.strip())
            inputs_line = number if key == "inputs" else inputs_line
        elif found[key]:
            found[key][-1] += " " + line[2:].strip()
        else:
            found[key].append(line[2:].strip())
    else:
        raise ModelError(f"{path}:1: there is no query; expected one SELECT under the header. Write it.")
    for wanted in ("description", "grain", "inputs", "outputs"):
        if len(found[wanted]) != 1 or not found[wanted][0]:
            raise ModelError(
                f"{path}:{number}: the header has no single '{wanted}'; expected a sentence and the lines grain, "
                "inputs and outputs before the query. Complete the header."
            )
    grain = () if found["grain"][0] == ONE_ROW else _names(found["grain"][0])
    return Model(
        name=name,
        schema=schema,
        description=found["description"][0],
        grain=grain,
        inputs=_names(found["inputs"][0]),
        outputs=_names(found["outputs"][0]),
        notes=tuple(found["note"]),
        sql=sql,
        path=path,
        inputs_line=inputs_line,
    )


@cache
def read_models(schemas: Sequence[str] = LAYERS) -> tuple[Model, ...]:
    """Return every model of the given schemas, in the order of their names."""
    models = []
    for schema in schemas:
        for file in _sql_files(resources.files("sql") / schema):
            models.append(parse(_text(file), schema, file.name.removesuffix(".sql")))
    return tuple(models)


def order(models: Iterable[Model]) -> tuple[Model, ...]:
    """Return the models so that each comes after its inputs; names decide where nothing else does.

    Raises ModelError, naming file and line, for an input that no model makes and for models that wait for each other.
    """
    known = {model.table: model for model in sorted(models, key=lambda m: m.table)}
    for model in known.values():
        for name in model.inputs:
            if name.split(".")[0] in LAYERS and name not in known:
                raise ModelError(
                    f"{model.path}:{model.inputs_line}: unknown input '{name}'; expected a model of an earlier step. "
                    "Correct the name, or write the model."
                )
    sorter = TopologicalSorter({m.table: [i for i in m.inputs if i in known] for m in known.values()})
    try:
        sorter.prepare()
        ready: list[str] = []
        while sorter.is_active():
            names = sorted(sorter.get_ready())
            sorter.done(*names)
            ready += names
        return tuple(known[name] for name in ready)
    except CycleError as problem:
        circle = list(reversed(problem.args[1]))
        first = known[circle[0]]
        raise ModelError(
            f"{first.path}:{first.inputs_line}: models wait for each other: {' needs '.join(circle)}; expected inputs "
            "that lead back to raw tables. Take one of these inputs out."
        ) from None


def build(
    connection: duckdb.DuckDBPyConnection,
    schemas: Sequence[str] = ("staging", "marts"),
    variables: Mapping[str, object] | None = None,
) -> tuple[Built, ...]:
    """Build the models of `schemas` in order, each in a transaction of its own; leave unchanged ones alone.

    A model is unchanged when its text, the macros, the variables it reads and the fingerprints of its inputs are.
    Variables that are not given are null. Raises ModelError naming the model and, where known, the line.
    """
    last = max(LAYERS.index(schema) for schema in schemas)
    models = order(read_models(LAYERS[: last + 1]))
    return build_models(connection, [model for model in models if model.schema in schemas], variables or {})


def build_models(
    connection: duckdb.DuckDBPyConnection, models: Sequence[Model], variables: Mapping[str, object]
) -> tuple[Built, ...]:
    """Build these models, which must be in order; see `build`."""
    values = {name: variables.get(name) for model in models for name in model.variables}
    for name, value in values.items():
        connection.execute(f"set variable {name} = ?", [value])
    past = dict(
        connection.execute(
            "select table_name, fingerprint from meta.builds "
            "where table_name in (select table_schema || '.' || table_name from information_schema.tables)"
        ).fetchall()
    )
    current: dict[str, str] = {}
    return tuple(_build_one(connection, model, values, past, current) for model in models)


def _build_one(
    connection: duckdb.DuckDBPyConnection,
    model: Model,
    values: Mapping[str, object],
    past: Mapping[str, str],
    current: dict[str, str],
) -> Built:
    """Build one model, or find it unchanged; note its fingerprint in `current`."""
    digest = hashlib.sha256(f"{model.sql}\0{_macro_text()}".encode())
    digest.update(repr([(name, values[name]) for name in model.variables]).encode())
    for name in model.inputs:
        digest.update(f"{name}={_input_fingerprint(connection, model, name, past, current)}".encode())
    fingerprint = current[model.table] = digest.hexdigest()
    started = time.perf_counter()
    municipality = model.municipality if partitions.layout_of(connection) == partitions.PARQUET else None
    is_in_layout = partitions.is_partitioned(connection, model.table) == bool(municipality)
    if past.get(model.table) == fingerprint and is_in_layout:
        return Built(model, _count(connection, model.table), time.perf_counter() - started, True)
    # by municipality they are in no order of the grain, and sorting would take the memory that the query needs
    sorting = f" order by {', '.join(model.grain)}" if model.grain and not municipality else ""
    try:
        with transaction(connection):
            partitions.put(connection, model.table, f"from (\n{model.sql}\n){sorting}", municipality)
            rows = _count(connection, model.table)
            seconds = time.perf_counter() - started
            connection.execute(
                "insert or replace into meta.builds values (?, ?, ?, ?, now()::timestamp)",
                [model.table, fingerprint, rows, seconds],
            )
    except duckdb.Error as problem:
        raise _explained(model, problem) from None
    return Built(model, rows, seconds, False)


def _input_fingerprint(
    connection: duckdb.DuckDBPyConnection,
    model: Model,
    name: str,
    past: Mapping[str, str],
    current: Mapping[str, str],
) -> str:
    """Return what identifies the content of an input: of a model its own, of an extract its deliveries."""
    schema, _, table = name.partition(".")
    if schema in LAYERS:
        if name not in current and name not in past:
            raise ModelError(f"{model.path}:{model.inputs_line}: {name} is not built. Run 'evaluator build' first.")
        return current.get(name) or past[name]
    if name in LEDGER:
        return ""
    columns = connection.execute(
        "select column_name from duckdb_columns() where schema_name = ? and table_name = ?", [schema, table]
    ).fetchall()
    if not columns:
        raise ModelError(
            f"{model.path}:{model.inputs_line}: the store has no {name}; expected a table. Correct the name."
        )
    if ("_delivery",) in columns:
        query = "select sha256, delivery_id from raw.deliveries where extract = ? and replaced_by is null order by all"
        return repr(connection.execute(query, [table]).fetchall())
    return repr(connection.execute(f"select count(*), bit_xor(hash(source)) from {name} as source").fetchall())


def _explained(model: Model, problem: duckdb.Error) -> ModelError:
    """Return a ModelError that quotes the database only where no value from the data can be in it."""
    if isinstance(problem, STATEMENT_ERRORS):
        lines = str(problem).strip().splitlines()
        found = re.search(r"LINE (\d+):", str(problem))
        where = f"{model.path}:{max(int(found.group(1)) - 1, 1)}" if found else model.path
        return ModelError(f"{where}: {lines[0].rstrip('.!')}; expected a query that runs. Correct the model.")
    kind = type(problem).__name__
    return ModelError(
        f"{model.table}: the query stopped ({kind}); expected it to run on the loaded extracts. "
        f"Run 'evaluator why {model.name}' and 'evaluator check'."
    )


def why(connection: duckdb.DuckDBPyConnection, name: str) -> str:
    """Return what a table is, what it is made of and whether its grain holds, as text; counts only.

    Raises ModelError when there is no model of that name.
    """
    models = {model.name: model for model in read_models()}
    model = models.get(name.split(".")[-1])
    if model is None:
        raise ModelError(f"{name}: no such model; expected one of {', '.join(sorted(models))}.")
    lines = [f"{model.table}: {model.description}", f"  file      {model.path}"]
    lines.append(f"  grain     {', '.join(model.grain) or ONE_ROW}")
    lines += [f"  note      {note}" for note in model.notes]
    lines.append(f"  rows      {_rows(connection, model.table)}")
    if model.grain and _exists(connection, model.table):
        keys = ", ".join(model.grain)
        repeated = _count(connection, f"(select 1 from {model.table} group by {keys} having count(*) > 1)")
        rows = _count(connection, model.table) - _count(connection, f"(select distinct {keys} from {model.table})")
        lines.append(f"  repeats   {rows:,} rows too many over {repeated:,} repeated ({keys})")
    lines += [f"  input     {source}: {_rows(connection, source)}" for source in model.inputs]
    extracts = sorted(_extracts(model, {m.table: m for m in models.values()}))
    for extract, rejected in connection.execute(
        "select extract, count(distinct (delivery_id, line)) from raw.rejects where list_contains(?, extract) "
        "group by extract order by extract",
        [extracts],
    ).fetchall():
        lines.append(f"  rejected  {rejected:,} rows of extract {extract}")
    return "\n".join(lines)


def _extracts(model: Model, models: Mapping[str, Model]) -> set[str]:
    """Return the extracts that a model comes from."""
    found: set[str] = set()
    for name in model.inputs:
        if name in models:
            found |= _extracts(models[name], models)
        elif name.startswith("raw.") and name not in LEDGER:
            found.add(name.removeprefix("raw."))
    return found


def _exists(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    query = "select 1 from information_schema.tables where table_schema || '.' || table_name = ?"
    return connection.execute(query, [table]).fetchall() != []


def _rows(connection: duckdb.DuckDBPyConnection, table: str) -> str:
    return f"{_count(connection, table):,}" if _exists(connection, table) else "not built"


def _count(connection: duckdb.DuckDBPyConnection, source: str) -> int:
    [(rows,)] = connection.execute(f"select count(*) from {source}").fetchall()  # fetchone leaves the result open
    return int(rows)


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _sql_files(folder: Traversable) -> list[Traversable]:
    files = folder.iterdir() if folder.is_dir() else iter(())
    return sorted((file for file in files if file.name.endswith(".sql")), key=lambda file: file.name)


def _text(file: Traversable) -> str:
    return file.read_text(encoding="utf-8").replace("\r\n", "\n")


@cache
def _macro_text() -> str:
    return "\n".join(_text(file) for file in _sql_files(resources.files("sql") / "macros"))
