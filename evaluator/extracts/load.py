"""Load deliveries into raw.*: each file in one transaction with its ledger row, or not at all."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from evaluator.errors import ExtractError
from evaluator.extracts import ledger
from evaluator.extracts.column_sql import faulty, kept, literal, quoted
from evaluator.extracts.contract import Contract
from evaluator.extracts.forms import SUFFIXES
from evaluator.extracts.ledger import Delivery
from evaluator.extracts.matching import Mapping, Match, read_mapping, recognise
from evaluator.extracts.reading import Block, Source, blocks, header, open_source, parse, without_header
from evaluator.extracts.wide import Fault, cut, joined, runs
from evaluator.store import connect, transaction

if TYPE_CHECKING:
    import pyarrow as pa

    from evaluator.project import Project

FIRST_LINES = 5

Parsed = tuple["pa.Table", list[Fault]]

Progress = Callable[[str, str, int], None]
"""Called with the file, the stage (inserting, checked, committed) and the rows so far."""


def load(
    project: Project, paths: Iterable[Path | str] | None = None, progress: Progress | None = None
) -> tuple[Delivery, ...]:
    """Load `paths`, or every file in extracts/ that can be read; the same bytes twice are a no-op.

    Raises ExtractError naming file, line and column of a delivery that is refused. That delivery leaves the store as
    it was; those before it stay loaded, and loading again goes on from there.
    """
    files = _delivered(project) if paths is None else [Path(path) for path in paths]
    if not files:
        raise ExtractError(
            f"{project.extracts.name}: no files to load; expected at least one extract. "
            "Put the extracts in the folder, or name them: evaluator load FILES."
        )
    mappings = read_mapping(project.mapping)
    report = progress or (lambda file, stage, rows: None)
    share = project.settings.max_rejected_share
    with connect(project) as connection:
        return tuple(_load_file(connection, path, mappings, share, report) for path in files)


def _delivered(project: Project) -> list[Path]:
    """Return the files in extracts/ that can be read; a workbook would be forgotten in silence and is refused."""
    workbooks = sorted(path.name for path in project.extracts.glob("[!~.]*.[xX][lL][sS]*"))
    if workbooks:
        raise ExtractError(
            f"{workbooks[0]}: a workbook of Excel; expected CSV with semicolons. "
            "Save it as 'CSV UTF-8' and take the workbook out of the folder."
        )
    return sorted(path for path in project.extracts.iterdir() if path.suffix.lower() in SUFFIXES)


def _load_file(
    connection: duckdb.DuckDBPyConnection, path: Path, mappings: dict[str, Mapping], share: float, report: Progress
) -> Delivery:
    source = open_source(path)
    known = ledger.already_loaded(connection, source)
    if known:
        return known
    match = recognise(source.name, header(source), mappings)
    try:
        delivery = _deliver(connection, source, match, share, report)
    except duckdb.Error as problem:
        raise ExtractError(
            f"{source.name}: the store could not take the delivery ({type(problem).__name__}); "
            "expected room on the disk and enough memory. Look at [store] memory_limit in evaluator.toml."
        ) from None
    report(source.name, "committed", delivery.rows)
    return delivery


def _deliver(
    connection: duckdb.DuckDBPyConnection, source: Source, match: Match, share: float, report: Progress
) -> Delivery:
    """Insert, check and enter one delivery in one transaction."""
    with transaction(connection):
        delivery_id = ledger.next_id(connection)
        rows, faults = _insert(connection, source, match, delivery_id, report)
        _refuse_backward_spells(connection, match.contract, source, delivery_id)
        _note_faults(connection, match.contract, source, delivery_id, faults)
        rejected = _reject(connection, match.contract, source, delivery_id)
        _refuse_many_rejects(connection, source, delivery_id, (rows, rejected, share))
        delivery = Delivery(match.contract.name, source.name, source.sha256, rows, rejected, None, None, "loaded")
        delivery = ledger.enter(connection, delivery_id, match.contract, source, delivery)
        report(source.name, "checked", rows)
    return delivery


def _insert(
    connection: duckdb.DuckDBPyConnection, source: Source, match: Match, delivery_id: int, report: Progress
) -> tuple[int, list[Fault]]:
    """Append every row to raw.<extract>; return how many, and the faults of wide columns."""
    names = header(source)
    values = []
    for column in match.contract.columns:
        if column.name in match.wide:
            values.append(f"block.{quoted(column.name)}")
        elif column.name in match.positions:
            values.append(kept(column, f"block.c{match.positions[column.name]}"))
        elif column.name in match.constants:
            values.append(literal(match.constants[column.name]))
        else:
            values.append("null")
    columns = ", ".join(quoted(column.name) for column in match.contract.columns)
    statement = (
        f"insert into raw.{match.contract.name} ({columns}, _delivery, _line) "
        f"select {', '.join(values)}, {delivery_id}, _line from block"
    )
    stream = _Stream(blocks(source), lambda part: _parsed(source, part, match, len(names)))
    connection.register("block", stream.reader(lambda rows: report(source.name, "inserting", rows)))
    try:
        connection.execute(statement)
    except duckdb.Error:
        if stream.problem:
            raise stream.problem from None
        raise
    connection.unregister("block")
    return stream.rows, stream.faults


class _Stream:
    """The parsed blocks of one delivery, read by the store as it inserts; no block is kept after it.

    Tables registered one by one would stay in memory until the transaction ends.
    """

    def __init__(self, parts: Iterable[Block], work: Callable[[Block], Parsed]) -> None:
        self.parsed = _in_step(parts, work)
        self.rows = 0
        self.faults: list[Fault] = []
        self.problem: Exception | None = None

    def reader(self, report: Callable[[int], None]) -> pa.RecordBatchReader:
        """Return a reader of every row; what goes wrong while it is read is kept as `problem`."""
        import pyarrow as pa

        first = next(self.parsed)
        return pa.RecordBatchReader.from_batches(first[0].schema, self._batches(first, report))

    def _batches(self, first: Parsed, report: Callable[[int], None]) -> Iterator[pa.RecordBatch]:
        try:
            for table, faults in chain([first], self.parsed):
                self.faults += faults
                self.rows += table.num_rows
                yield from table.to_batches()
                report(self.rows)
        except Exception as problem:
            self.problem = problem
            raise


def _in_step(parts: Iterable[Block], work: Callable[[Block], Parsed]) -> Iterator[Parsed]:
    """Yield the work on each part in order; while one is used, the next is worked on."""
    with ThreadPoolExecutor(1) as pool:
        waiting: deque[Future[Parsed]] = deque()
        for part in parts:
            waiting.append(pool.submit(work, part))
            if len(waiting) > 1:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _parsed(source: Source, block: Block, match: Match, width: int) -> Parsed:
    """Return the block's rows, the runs of each wide column as a list per row, and the faults."""
    names = [f"c{index}" for index in range(width)]
    if not match.wide:
        return parse(source, block, names), []
    import pyarrow as pa

    data, line = without_header(block)
    cells = cut(data, source.delimiter, width, line) if data.strip() else None
    if cells is None:
        cells = joined(parse(source, block, names), source.delimiter)
    columns: dict[str, pa.Array] = {"_line": pa.array(cells.lines)}
    for index in match.positions.values():
        columns[f"c{index}"] = pa.array(cells.texts(index), pa.string())
    faults: list[Fault] = []
    for name, group in match.wide.items():
        columns[name], found = runs(cells, match.contract.column(name), group)
        faults += found
    return pa.table(columns), faults


def _note_faults(
    connection: duckdb.DuckDBPyConnection, contract: Contract, source: Source, delivery_id: int, faults: list[Fault]
) -> None:
    if faults:
        lines, columns = [fault.line for fault in faults], [fault.column for fault in faults]
        connection.execute(
            "insert into raw.rejects select ?, ?, ?, unnest(?), unnest(?)",
            [delivery_id, contract.name, source.name, lines, columns],
        )


def _refuse_backward_spells(
    connection: duckdb.DuckDBPyConnection, contract: Contract, source: Source, delivery_id: int
) -> None:
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


def _reject(connection: duckdb.DuckDBPyConnection, contract: Contract, source: Source, delivery_id: int) -> int:
    """Note the columns of the delivery that cannot be typed, line by line; return the number of rows."""
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
    rows = connection.execute("select count(distinct line) from raw.rejects where delivery_id = ?", [delivery_id])
    return int(rows.fetchall()[0][0])


def _refuse_many_rejects(
    connection: duckdb.DuckDBPyConnection, source: Source, delivery_id: int, counts: tuple[int, int, float]
) -> None:
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


def _lines(numbers: Iterable[int]) -> str:
    return "lines " + ", ".join(str(number) for number in numbers)
