"""What the rows of a delivery may not say: rows that cannot be typed are rejected, contradictions refuse the file."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from evaluator.errors import ExtractError
from evaluator.extracts.column_sql import TYPED, faulty, literal, quoted
from evaluator.extracts.contract import Contract

if TYPE_CHECKING:
    import duckdb

    from evaluator.extracts.reading import Source

FIRST_LINES = 5


def reject(connection: duckdb.DuckDBPyConnection, contract: Contract, source: Source, delivery_id: int) -> int:
    """Note the columns of the delivery that cannot be used, line by line; return the number of rows."""
    faults = [(column.name, faulty(column)) for column in contract.columns]
    named = ", ".join(f"case when {wrong} then {literal(name)} end" for name, wrong in faults if wrong != "false")
    any_fault = " or ".join(wrong for _, wrong in faults if wrong != "false") or "false"
    connection.execute(
        f"""
        insert into raw.rejects
        select {delivery_id}, {literal(contract.name)}, ?, _line, column_name
        from (
            select _line, unnest([{named}]) as column_name
            from raw.{contract.name} where _delivery = {delivery_id} and ({any_fault})
        ) where column_name is not null
        order by _line, column_name
        """,
        [source.name],
    )
    for column in contract.summed:
        _reject_lone_corrections(connection, contract, source, (delivery_id, column))
    rows = connection.execute("select count(distinct line) from raw.rejects where delivery_id = ?", [delivery_id])
    return int(rows.fetchall()[0][0])


def _reject_lone_corrections(
    connection: duckdb.DuckDBPyConnection, contract: Contract, source: Source, which: tuple[int, str]
) -> None:
    """Reject negative rows of a sum that is under zero: what they correct is not in the delivery.

    Only sums that hold a negative row are made, so that memory holds the corrections and not the delivery.
    """
    delivery_id, column = which
    keys = ", ".join(f"{_typed(contract, name)} as key_{name}" for name in contract.summed_by)
    grouped, amount = ", ".join(f"key_{name}" for name in contract.summed_by), f"as_decimal({quoted(column)})"
    connection.execute(
        f"create or replace temp table negative as select {keys}, _line from {_usable(contract, delivery_id)} "
        f"where {amount} < 0"
    )
    if connection.execute("select 1 from negative limit 1").fetchall():
        connection.execute(
            f"""
            insert into raw.rejects
            with short as (
                select {grouped}
                from (select {keys}, {amount} as amount from {_usable(contract, delivery_id)}) as amounts
                semi join negative using ({grouped})
                group by all having sum(amount) < 0
            )
            select {delivery_id}, {literal(contract.name)}, ?, _line, {literal(column)}
            from negative semi join short using ({grouped}) order by _line
            """,
            [source.name],
        )
    connection.execute("drop table negative")


def refuse_backward_spells(
    connection: duckdb.DuckDBPyConnection, contract: Contract, source: Source, delivery_id: int
) -> None:
    """Raise ExtractError naming the first lines where a spell ends before it begins."""
    for first, last in contract.ordered:
        wrong = f"_delivery = {delivery_id} and as_date({quoted(first)}) > as_date({quoted(last)})"
        lines = connection.execute(
            f"select _line, count(*) over () from raw.{contract.name} where {wrong} order by _line limit {FIRST_LINES}"
        ).fetchall()
        if lines:
            raise ExtractError(
                f"{source.name}: {lines[0][1]:,} rows have '{last}' before '{first}' "
                f"({_lines(line for line, _ in lines)}{', ...' if lines[0][1] > len(lines) else ''}); "
                f"expected '{first}' on or before '{last}'. Correct the dates and deliver again."
            )


def refuse_repeats(connection: duckdb.DuckDBPyConnection, contract: Contract, source: Source, delivery_id: int) -> None:
    """Raise ExtractError when two rows of an extract that says a thing once have the same key."""
    if not contract.once:
        return
    keys = ", ".join(_typed(contract, name) for name in contract.key)
    found = connection.execute(
        f"""
        select min(_line) as first, arg_min(_line, _line, 2)[2], count(*) over ()
        from {_usable(contract, delivery_id)} group by {keys} having count(*) > 1 order by first limit 1
        """
    ).fetchall()
    for first, second, pairs in found:
        raise ExtractError(
            f"{source.name}: lines {first} and {second} have the same {' and '.join(contract.key)} ({pairs:,} such "
            "keys in all); expected one row of each. Take the repeated rows out, or correct the key."
        )


def refuse_many_rejects(
    connection: duckdb.DuckDBPyConnection, source: Source, delivery_id: int, counts: tuple[int, int, float]
) -> None:
    """Raise ExtractError naming columns and first lines when more than the share of rows cannot be used."""
    rows, rejected, share = counts
    if rejected <= share * rows:
        return
    columns = connection.execute(
        "select column_name, count(*), min(line) from raw.rejects where delivery_id = ? group by 1 order by 2 desc, 1",
        [delivery_id],
    ).fetchall()
    what = ", ".join(f"{name}: {count:,}, first in line {line}" for name, count, line in columns)
    raise ExtractError(
        f"{source.name}: {rejected:,} of {rows:,} rows cannot be read ({what}); expected at most {share * 100:g} %. "
        "Correct the columns, or raise max_rejected_share in evaluator.toml if the rows may be left out."
    )


def _usable(contract: Contract, delivery_id: int) -> str:
    """Return the rows of the delivery that were not rejected."""
    return (
        f"(select * from raw.{contract.name} where _delivery = {delivery_id}) as r anti join "
        f"(select line as _line from raw.rejects where delivery_id = {delivery_id}) as rejected using (_line)"
    )


def _typed(contract: Contract, name: str) -> str:
    """Return what two rows are compared by: 0615 and 615 are one municipality, two ways to write a day one day."""
    kind = contract.column(name).type
    macro = TYPED[kind] if kind in ("date", "month", "municipality", "area", "iso_year", "iso_week") else "as_text"
    return f"{macro}({quoted(name)})"


def _lines(numbers: Iterable[int]) -> str:
    return "lines " + ", ".join(str(number) for number in numbers)
