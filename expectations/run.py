"""Run the suites with Great Expectations on the store and keep the verdict. No other file meets its API.

Three facts about this version decide the shape (tests/unit/test_expectations_engine.py keeps them true):
it closes DuckDB's connection before reading from it unless the dialect is on its private list of persisted ones;
it holds the database's lock until every engine it made is disposed of; and a query that raises looks like a failed
expectation unless `exception_info` is read. Only counts are taken from its results.
"""

from __future__ import annotations

import atexit
import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import expectations
from evaluator.errors import CheckError
from evaluator.partitions import found_by
from evaluator.project import Project
from evaluator.store import connect
from evaluator.vocabulary import Finding, Verdict
from expectations.rules import Rule, Suite

SCHEMAS = ("raw", "staging", "marts")
COUNTS_ONLY = {"result_format": "BASIC", "partial_unexpected_count": 0}
ABORTED = "transaction is aborted"  # what DuckDB answers to every query after one that raised


def check(project: Project) -> Verdict:
    """Check every suite whose table is built, store the findings in meta.findings and return them.

    Marts that are not built yet are left out. Any other missing table raises CheckError, and so does a rule that could
    not be evaluated. The caller must hold no connection to the store.
    """
    rows = _row_counts(project)
    has_marts = any(table.startswith("marts.") for table in rows)
    built = [suite for suite in suites() if has_marts or not suite.table.startswith("marts.")]
    missing = [suite.table for suite in built if suite.table not in rows]
    if missing:
        raise CheckError(f"{missing[0]}: the table is missing; expected it in the store. Run 'evaluator build'.")
    with _tables(project) as tables:
        findings = tuple(finding for suite in built for finding in _findings(tables, suite, rows[suite.table]))
    _store(project, findings)
    return Verdict(findings)


def suites() -> tuple[Suite, ...]:
    """Return every suite of this package in the order of the data: raw, staging, marts."""
    modules = (import_module(f"expectations.{found.name}") for found in iter_modules(expectations.__path__))
    stated = [module.SUITE for module in modules if hasattr(module, "SUITE")]
    return tuple(sorted(stated, key=lambda suite: (SCHEMAS.index(suite.table.split(".")[0]), suite.table)))


def _next_step(table: str) -> str:
    schema, model = table.split(".")
    if schema == "raw":
        return "Deliver the file again, complete, and run 'evaluator load'."
    return f"Run 'evaluator why {model}'."


def _row_counts(project: Project) -> dict[str, int]:
    listed = (
        "select table_schema || '.' || table_name from information_schema.tables "
        "where table_schema in ('raw', 'staging', 'marts')"
    )
    with connect(project, read_only=True) as connection:
        tables = [name for (name,) in connection.execute(listed).fetchall()]
        return {name: connection.execute(f"select count(*) from {name}").fetchone()[0] for name in tables}


def _findings(tables: Any, suite: Suite, rows: int) -> list[Finding]:
    """Return one finding per rule of `suite`, in its order; raise CheckError when a rule could not be evaluated."""
    import great_expectations as gx

    asset = _asset(tables, suite.table)
    stated = gx.ExpectationSuite(name=suite.table)
    for position, rule in enumerate(suite.rules):
        stated.add_expectation(_expectation(rule, position))
    results = asset.validate(stated, result_format=COUNTS_ONLY).results
    _refuse_errors(suite, results)
    by_position = {result.expectation_config.meta["position"]: result for result in results}
    return [
        Finding(
            table=suite.table,
            rule=rule.name,
            severity=rule.severity,
            passed=bool(by_position[position].success),
            rows=rows,
            unexpected=_unexpected(rule, by_position[position], rows),
            notes=rule.notes,
        )
        for position, rule in enumerate(suite.rules)
    ]


def _unexpected(rule: Rule, result: Any, rows: int) -> int:
    """Return the number of offending rows: the only thing read from a result beside its success."""
    if result.success:
        tolerated = result.result.get("unexpected_count", 0)
        return int(tolerated or 0)
    if rule.kind == "row_count":
        return rows
    return int(result.result["observed_value" if rule.kind == "query" else "unexpected_count"])


def _refuse_errors(suite: Suite, results: Any) -> None:
    """Raise CheckError when a rule raised instead of answering. Its message may hold values: only its kind is told."""
    errors = [(result, _exception_text(result.exception_info)) for result in results]
    errors = [(result, text) for result, text in errors if text is not None]
    if not errors:
        return
    result, text = next((error for error in errors if ABORTED not in error[1]), errors[0])
    rule = suite.rules[result.expectation_config.meta["position"]]
    named = re.search(r"\b(\w+(?:Exception|Error))\b", text)
    kind = named.group(1) if named else "no reason given"
    raise CheckError(
        f"{suite.table}: the rule '{rule.name}' could not be evaluated ({kind}); "
        f"expected an answer, failed or passed. {_next_step(suite.table)}"
    )


def _exception_text(info: dict[str, Any]) -> str | None:
    """Return what was raised, or None. `info` is one exception, or a mapping of metrics to exceptions."""
    if "raised_exception" in info:
        return str(info.get("exception_message")) if info["raised_exception"] else None
    texts = [str(one.get("exception_message")) for one in info.values() if one.get("raised_exception")]
    return next((text for text in texts if ABORTED not in text), texts[0] if texts else None)


def _expectation(rule: Rule, position: int) -> Any:
    import great_expectations.expectations as gxe

    given = rule.arguments
    common = {"meta": {"position": position}, "notes": rule.notes, "severity": rule.severity}
    match rule.kind:
        case "unique" if len(given["columns"]) == 1:
            return gxe.ExpectColumnValuesToBeUnique(column=given["columns"][0], **common)
        case "unique":
            return gxe.ExpectCompoundColumnsToBeUnique(column_list=given["columns"], **common)
        case "not_null":
            return gxe.ExpectColumnValuesToNotBeNull(column=given["column"], **common)
        case "one_of":
            return gxe.ExpectColumnValuesToBeInSet(column=given["column"], value_set=given["values"], **common)
        case "between":
            return gxe.ExpectColumnValuesToBeBetween(
                column=given["column"], min_value=given["low"], max_value=given["high"], **common
            )
        case "row_count":
            return gxe.ExpectTableRowCountToBeBetween(min_value=given["low"], max_value=given["high"], **common)
        case "query":
            return gxe.UnexpectedRowsExpectation(unexpected_rows_query=given["query"], **common)
    raise ValueError(f"unknown kind of rule: {rule.kind}")


@contextmanager
def _tables(project: Project) -> Iterator[Any]:
    """Yield Great Expectations' data source over the store, read-only; leave no connection and no lock behind."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    logging.getLogger("great_expectations").setLevel(logging.CRITICAL)  # its log lines quote queries and values
    import great_expectations as gx
    from great_expectations.data_context.types import base
    from sqlalchemy import event

    persist_duckdb_connections()
    _hush_exit()
    in_memory = base.InMemoryStoreBackendDefaults(init_temp_docs_sites=False)  # else it leaves a folder in /tmp
    quiet = base.ProgressBarsConfig(globally=False)
    settings = base.DataContextConfig(store_backend_defaults=in_memory, progress_bars=quiet, analytics_enabled=False)
    context = gx.get_context(project_config=settings, mode="ephemeral")
    config = {
        "memory_limit": project.settings.memory_limit,
        "threads": project.settings.threads,
        "temp_directory": str(project.store / "spill"),
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    source = context.data_sources.add_sql(
        "store",
        connection_string=f"duckdb:///{project.database.as_posix()}",
        kwargs={"connect_args": {"read_only": True, "config": config}},
    )
    statement = found_by(project.partitions)
    event.listen(source.get_engine(), "checkout", lambda connection, *_: connection.execute(statement))
    with source.get_execution_engine().get_connection() as persisted:
        persisted.exec_driver_sql(statement)
    try:
        yield source
    finally:
        engine = source.get_execution_engine()
        with engine.get_connection() as persisted:
            persisted.close()
        engine.close()
        source.get_engine().dispose()


def persist_duckdb_connections() -> None:
    """Put DuckDB on the list of dialects whose connection stays open; without it every metric raises."""
    from great_expectations.execution_engine import sqlalchemy_execution_engine as module

    dialects = module._PERSISTED_CONNECTION_DIALECTS
    if not any(dialect.value == "duckdb" for dialect in dialects):
        module._PERSISTED_CONNECTION_DIALECTS = (*dialects, _DuckDBDialect("duckdb"))


@cache
def _hush_exit() -> None:
    """Drop what the process writes to stderr after its work is done.

    With Great Expectations and duckdb-engine in one process DuckDB's binding reports hundreds of "leaked instances" at
    exit. They are module constants; the lines would frighten a reader and say nothing.
    """
    atexit.register(lambda: os.dup2(os.open(os.devnull, os.O_WRONLY), 2))


class _DuckDBDialect(str):
    """Compares like the name of the dialect and has the attribute that the list's members have."""

    __slots__ = ()

    @property
    def value(self) -> str:
        return str(self)


def _asset(source: Any, table: str) -> Any:
    schema, name = table.split(".")
    asset = source.add_table_asset(table, table_name=name, schema_name=schema)
    return asset.add_batch_definition_whole_table("all").get_batch()


def _store(project: Project, findings: tuple[Finding, ...]) -> None:
    checked_at = datetime.now(UTC).replace(tzinfo=None)
    with connect(project) as connection:
        connection.executemany(
            "insert into meta.findings (checked_at, table_name, rule, severity, passed, rows, unexpected, notes)"
            " values (?, ?, ?, ?, ?, ?, ?, ?)",
            [(checked_at, f.table, f.rule, f.severity, f.passed, f.rows, f.unexpected, f.notes) for f in findings],
        )
