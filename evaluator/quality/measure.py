"""Measure the quality of what is in the store, and append it to results.* under the fingerprint of that state."""

from __future__ import annotations

import duckdb

from evaluator.quality import ledger, verdict, volume
from evaluator.quality.exits import exits
from evaluator.quality.reversed_decisions import counted
from evaluator.release_rules import Row
from evaluator.results import Findings

LATEST_FINDINGS = (
    "select table_name, rule, severity, passed, rows, unexpected, notes from meta.findings "
    "where checked_at = (select max(checked_at) from meta.findings) order by table_name, rule"
)


def measure(connection: duckdb.DuckDBPyConnection) -> Findings:
    """Return the rows of the quality tables; the latest expectations must have been checked on this very state."""
    delivered = ledger.deliveries(connection)
    reconciled = ledger.reconciled(connection, delivered)
    columns = ledger.unknowns(connection)
    series = volume.volumes(connection)
    measured = {"series": series, "breaks": volume.breaks(series), "delays": volume.delays(connection)}
    rules = _rows(connection, LATEST_FINDINGS)
    told = verdict.actions(reconciled, columns, measured, rules)
    findings = Findings()
    findings.add("quality_deliveries", *delivered)
    findings.add("quality_extracts", *reconciled)
    findings.add("quality_rejects", *ledger.rejects(connection))
    findings.add("quality_columns", *columns)
    findings.add("quality_merged", *ledger.merged(connection), *ledger.replaced(delivered))
    findings.add("quality_judged", *ledger.judged(connection))
    for name, rows in measured.items():
        findings.add(f"quality_{name}", *rows)
    findings.add("quality_exits", *exits(connection))
    named = dict(connection.execute("select municipality_code, municipality_name from raw.municipalities").fetchall())
    findings.add(
        "quality_reversed",
        *(
            {"municipality_code": code, "municipality_name": named.get(code, code), "reversed": gone, "upheld": upheld}
            for code, gone, upheld in counted(connection)
        ),
    )
    findings.add("quality", *rules)
    findings.add("quality_actions", *told)
    [reach] = _rows(connection, "select data_from, data_to from marts.observation")
    [times] = _rows(
        connection,
        "select max(loaded_at)::date as loaded_on, (select max(checked_at)::date from meta.findings) as checked_on "
        "from raw.deliveries",
    )
    facts = {**reach, **times, "light": verdict.light(told)}
    findings.facts(**{key: value for key, value in facts.items() if value is not None})
    return findings


def _rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[Row]:
    cursor = connection.execute(query)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
