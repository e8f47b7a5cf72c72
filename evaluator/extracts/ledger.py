"""The ledger of deliveries, raw.deliveries, and what a new delivery does to earlier ones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Literal

from evaluator.extracts.column_sql import municipality_of, period_of, scope_of
from evaluator.extracts.contract import Contract
from evaluator.partitions import delete

if TYPE_CHECKING:
    import duckdb

    from evaluator.extracts.guard import Judged
    from evaluator.extracts.reading import Source


@dataclass(frozen=True, slots=True)
class Delivery:
    """One file in the ledger. `replaced` counts the rows of earlier deliveries that it took the place of."""

    extract: str
    file: str
    sha256: str
    rows: int
    rejected: int
    period_from: date | None
    period_to: date | None
    status: Literal["loaded", "already_loaded"]
    replaced: int = 0


def already_loaded(connection: duckdb.DuckDBPyConnection, source: Source) -> Delivery | None:
    """Return the delivery with the same bytes, or None."""
    found = connection.execute(
        "select extract, file, sha256, rows, rejected, period_from, period_to from raw.deliveries where sha256 = ?",
        [source.sha256],
    ).fetchall()
    for extract, file, digest, rows, rejected, period_from, period_to in found:
        return Delivery(extract, file, digest, rows, rejected, period_from, period_to, "already_loaded")
    return None


def next_id(connection: duckdb.DuckDBPyConnection) -> int:
    return int(connection.execute("select coalesce(max(delivery_id), 0) + 1 from raw.deliveries").fetchall()[0][0])


def enter(
    connection: duckdb.DuckDBPyConnection, delivery_id: int, contract: Contract, source: Source, delivery: Delivery
) -> Delivery:
    """Write the ledger row, and take away the rows of earlier deliveries that this one replaces."""
    table = f"raw.{contract.name}"
    [(period_from, period_to)] = connection.execute(
        f"select min({period_of(contract, 'r')}), max({period_of(contract, 'r')}) from {table} r where _delivery = ?",
        [delivery_id],
    ).fetchall()
    connection.execute(
        "insert into raw.deliveries values (?, ?, ?, ?, ?, ?, ?, ?, ?, now() at time zone 'UTC', null)",
        [
            delivery_id,
            contract.name,
            source.name,
            source.sha256,
            source.bytes,
            delivery.rows,
            delivery.rejected,
            period_from,
            period_to,
        ],
    )
    replaced = _replace_earlier(connection, delivery_id, contract)
    return replace(delivery, period_from=period_from, period_to=period_to, replaced=replaced)


def note_judged(
    connection: duckdb.DuckDBPyConnection, delivery_id: int, contract: Contract, judged: tuple[Judged, ...]
) -> None:
    """Write down the columns whose numbers the CPR guard passed, and why."""
    for column in judged:
        values = [delivery_id, contract.name, column.column, column.verdict, column.numbers, column.dated]
        connection.execute("insert into raw.judged_columns values (?, ?, ?, ?, ?, ?)", values)


def _replace_earlier(connection: duckdb.DuckDBPyConnection, delivery_id: int, contract: Contract) -> int:
    """Delete earlier rows inside the new delivery's period, scope by scope; return how many."""
    table, extract = f"raw.{contract.name}", contract.name
    before = _count_earlier(connection, table, delivery_id)
    if not before:
        return 0
    inside = f"{period_of(contract, 'old')} between span.first and span.last" if contract.period else "true"
    spans = f"""(
        select {scope_of(contract, "r")} as scope, min({period_of(contract, "r")}) as first,
            max({period_of(contract, "r")}) as last
        from {table} r where r._delivery = {delivery_id} group by all
    ) as span"""
    where = f"old._delivery <> {delivery_id} and {scope_of(contract, 'old')} = span.scope and {inside}"
    delete(connection, table, spans, where, municipality_of(contract))
    if contract.period:
        undated = f"""(
            select r._delivery from {table} r where r._delivery <> {delivery_id}
            group by r._delivery having count({period_of(contract, "r")}) = 0
        ) as undated"""
        delete(connection, table, undated, "old._delivery = undated._delivery", municipality_of(contract))
    connection.execute(
        f"""
        delete from raw.rejects as reject where reject.extract = $extract and not exists (
            select 1 from {table} r where r._delivery = reject.delivery_id and r._line = reject.line
        )
        """,
        {"extract": extract},
    )
    connection.execute(
        f"""
        update raw.deliveries set replaced_by = $id
        where extract = $extract and delivery_id <> $id and replaced_by is null and rows > 0
            and delivery_id not in (select distinct _delivery from {table})
        """,
        {"id": delivery_id, "extract": extract},
    )
    return before - _count_earlier(connection, table, delivery_id)


def _count_earlier(connection: duckdb.DuckDBPyConnection, table: str, delivery_id: int) -> int:
    rows = connection.execute(f"select count(*) from {table} where _delivery <> ?", [delivery_id]).fetchall()
    return int(rows[0][0])
