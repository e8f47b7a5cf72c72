"""Where in the delivered files two spells of one person share a day: files and lines, never a value."""

from __future__ import annotations

import duckdb

from evaluator.extracts.column_sql import quoted
from evaluator.extracts.contract import contracts

MOST_TOLD = 3


def overlaps(connection: duckdb.DuckDBPyConnection, table: str, extracts: frozenset[str]) -> str:
    """Return the lines of the first overlapping spells behind a staging table, as text; nothing when there are none.

    `extracts` are those that the table is made of. Spells that the table took from elsewhere are left out.
    """
    told: list[str] = []
    for contract in contracts():
        if contract.name not in extracts or len(contract.ordered) != 1:
            continue
        [(first, last)] = contract.ordered
        found = connection.execute(
            f"""
            with spells as (
                select as_text(pnr_pseudo) as person_id, as_date({quoted(first)}) as from_on,
                    as_date({quoted(last)}) as to_on, _delivery, _line
                from raw.{contract.name}
            ),
            followed as (
                select _delivery, _line, to_on, lead(from_on) over later as next_on,
                    lead(_delivery) over later as next_delivery, lead(_line) over later as next_line
                from spells semi join {table} using (person_id, from_on)
                window later as (partition by person_id order by from_on, to_on nulls last, _delivery, _line)
            )
            select a.file, _line, b.file, next_line
            from followed
            inner join raw.deliveries as a on a.delivery_id = _delivery
            inner join raw.deliveries as b on b.delivery_id = next_delivery
            where next_on <= coalesce(to_on, date '9999-12-31')
            order by _delivery, _line limit {MOST_TOLD}
            """
        ).fetchall()
        told += [_pair(*pair) for pair in found]
    return "; ".join(told[:MOST_TOLD])


def _pair(file: str, line: int, other: str, other_line: int) -> str:
    if file == other:
        return f"{file}, lines {line} and {other_line}"
    return f"{file}, line {line}, and {other}, line {other_line}"
