"""Load deliveries into raw.*: each file in one transaction with its ledger row, or not at all."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import duckdb

from evaluator.errors import ExtractError, ProjectError
from evaluator.extracts import ledger
from evaluator.extracts.column_sql import kept, literal, municipality_of, quoted, stored
from evaluator.extracts.contract import Contract
from evaluator.extracts.folder import delivered
from evaluator.extracts.guard import Judged, judge
from evaluator.extracts.ledger import Delivery
from evaluator.extracts.matching import Mapping, Match, read_mapping, recognise
from evaluator.extracts.reading import Block, Source, blocks, header, open_source, parse, without_header
from evaluator.extracts.row_checks import refuse_backward_spells, refuse_many_rejects, refuse_repeats, reject
from evaluator.extracts.wide import Fault, cut, joined, numbers, runs
from evaluator.partitions import insert
from evaluator.store import connect, transaction

if TYPE_CHECKING:
    import pyarrow as pa

    from evaluator.project import Project

AHEAD = 2
"""So many blocks of a wide file are worked on at once; others, whose rows take more memory, are taken one by one."""
Parsed = tuple["pa.Table", list[Fault]]

Progress = Callable[[str, str, int], None]
"""Called with the file, the stage (inserting, checked, committed) and the rows so far."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A file that may be loaded: its extract, and the columns whose numbers the CPR guard passed."""

    source: Source
    match: Match
    judged: tuple[Judged, ...]


def load(
    project: Project, paths: Iterable[Path | str] | None = None, progress: Progress | None = None
) -> tuple[Delivery, ...]:
    """Load `paths`, or every file in extracts/ that can be read; the same bytes twice are a no-op.

    Raises ExtractError naming file, line and column of a delivery that is refused. That delivery leaves the store as
    it was; those before it stay loaded, and loading again goes on from there.
    """
    files = delivered(project) if paths is None else [Path(path) for path in paths]
    if not files:
        return ()
    mappings = read_mapping(project.mapping)
    report = progress or (lambda file, stage, rows: None)
    share = project.settings.max_rejected_share
    loaded, stop = [], Event()
    with ThreadPoolExecutor(1) as pool:
        # looked through while the store opens, the next while one loads
        source = pool.submit(open_source, files[0], stop)
        try:
            with connect(project) as connection:
                for following in [*files[1:], None]:
                    found = source.result()
                    if following:
                        source = pool.submit(open_source, following, stop)
                    loaded.append(_load_file(connection, found, mappings, share, report))
        finally:
            stop.set()  # an error is told at once, not when the next file has been looked through
    return tuple(loaded)


def _load_file(
    connection: duckdb.DuckDBPyConnection, source: Source, mappings: dict[str, Mapping], share: float, report: Progress
) -> Delivery:
    if not source.is_current():  # exported again since it was looked through
        source = open_source(source.path)
    known = ledger.already_loaded(connection, source)
    if known:
        return known
    match = recognise(source.name, header(source), mappings)
    checked = Checked(source, match, judge(source, match.contract.name, match.no_cpr))
    try:
        delivery = _deliver(connection, checked, share, report)
    except (duckdb.Error, ProjectError) as problem:
        raise ExtractError(
            f"{source.name}: the store could not take the delivery ({type(problem).__name__}); "
            "expected room on the disk and enough memory. Look at [store] memory_limit in evaluator.toml."
        ) from None
    report(source.name, "committed", delivery.rows)
    return delivery


def _deliver(connection: duckdb.DuckDBPyConnection, checked: Checked, share: float, report: Progress) -> Delivery:
    """Insert, check and enter one delivery in one transaction."""
    source, match = checked.source, checked.match
    with transaction(connection):
        delivery_id = ledger.next_id(connection)
        rows, faults = _insert(connection, source, match, delivery_id, report)
        refuse_backward_spells(connection, match.contract, source, delivery_id)
        _note_faults(connection, match.contract, source, delivery_id, faults)
        rejected = reject(connection, match.contract, source, delivery_id)
        refuse_many_rejects(connection, source, delivery_id, (rows, rejected, share))
        refuse_repeats(connection, match.contract, source, delivery_id)
        delivery = Delivery(match.contract.name, source.name, source.sha256, rows, rejected, None, None, "loaded")
        delivery = ledger.enter(connection, delivery_id, match.contract, source, delivery)
        ledger.note_judged(connection, delivery_id, match.contract, checked.judged)
        _refuse_changed(source)
        report(source.name, "checked", rows)
    return delivery


def _refuse_changed(source: Source) -> None:
    """Raise ExtractError when the file is no longer the one that the CPR guard judged."""
    if not source.is_current():
        raise ExtractError(
            f"{source.name}: the file changed while it was read; expected it to stay as it was. "
            "Wait until the export has ended, and load it again."
        )


def _insert(
    connection: duckdb.DuckDBPyConnection, source: Source, match: Match, delivery_id: int, report: Progress
) -> tuple[int, list[Fault]]:
    """Append every row to raw.<extract>; return how many, and the faults of wide columns."""
    names = header(source)
    values = []
    for column in match.contract.columns:
        if column.name in match.wide:
            value = f"block.{quoted(column.name)}"
        elif column.name in match.positions:
            value = kept(column, f"block.c{match.positions[column.name]}")
        elif column.name in match.constants:
            value = kept(column, literal(match.constants[column.name]))
        else:
            value = f"null::{stored(column)}"
        values.append(f"{value} as {quoted(column.name)}")
    query = f"select {', '.join(values)}, {delivery_id}::bigint as _delivery, _line::bigint as _line from block"
    done = (in_step if match.wide else map)(lambda part: parsed(source, part, match, len(names)), blocks(source))
    stream = _Stream(done)
    connection.register("block", stream.reader(lambda rows: report(source.name, "inserting", rows)))
    try:
        insert(connection, f"raw.{match.contract.name}", query, municipality_of(match.contract))
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

    def __init__(self, in_order: Iterator[Parsed]) -> None:
        self.parsed = in_order
        self.rows = 0
        self.faults: list[Fault] = []
        self.problem: Exception | None = None

    def reader(self, report: Callable[[int], None]) -> pa.RecordBatchReader:
        """Return a reader of every row; what goes wrong while it is read is kept as `problem`."""
        import pyarrow as pa

        first = next(self.parsed)
        return pa.RecordBatchReader.from_batches(first[0].schema, self._batches(first, report))

    def _batches(self, first: Parsed, report: Callable[[int], None]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        try:
            for table, faults in chain([first], self.parsed):
                self.faults += faults
                self.rows += table.num_rows
                yield from table.to_batches()
                pa.default_memory_pool().release_unused()  # before the next block is read
                report(self.rows)
        except Exception as problem:
            self.problem = problem
            raise


def in_step(work: Callable[[Block], Parsed], parts: Iterable[Block]) -> Iterator[Parsed]:
    """Yield the work on each part as `map` does; while one is used, the next ones are worked on, AHEAD at once."""
    with ThreadPoolExecutor(AHEAD) as pool:
        waiting: deque[Future[Parsed]] = deque()
        for part in parts:
            waiting.append(pool.submit(work, part))
            if len(waiting) > AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def parsed(source: Source, block: Block, match: Match, width: int) -> Parsed:
    """Return the block's rows, the runs of each wide column as a list per row, and the faults."""
    names = [f"c{index}" for index in range(width)]
    if not match.wide:
        table = parse(source, block, names)
        for index in match.unnamed:
            lines_and_texts = (table.column(name).to_pylist() for name in ("_line", f"c{index}"))
            _refuse_unnamed(source, index, zip(*lines_and_texts, strict=True))
        return table, []
    import pyarrow as pa

    data, line = without_header(block)
    cells = cut(data, source.delimiter, width, line) if data.strip() else None
    if cells is None:
        cells = joined(parse(source, block, names), source.delimiter)
    columns: dict[str, pa.Array] = {"_line": numbers(cells.lines, pa.int64())}
    for index in match.positions.values():
        columns[f"c{index}"] = cells.texts(index)
    for index in match.unnamed:
        _refuse_unnamed(source, index, zip(cells.lines.tolist(), cells.texts(index).to_pylist(), strict=True))
    for index, name in match.impossible.items():
        _refuse_filled(source, name, zip(cells.lines.tolist(), cells.texts(index).to_pylist(), strict=True))
    faults: list[Fault] = []
    for name, group in match.wide.items():
        columns[name], found = runs(cells, match.contract.column(name), group)
        faults += found
    return pa.table(columns), faults


def _refuse_unnamed(source: Source, index: int, cells: Iterable[tuple[int, str]]) -> None:
    """Raise ExtractError when a column without a name holds a value."""
    for line, cell in cells:
        if cell.strip():
            raise ExtractError(
                f"{source.name}: line {line} has a value in column {index + 1}, which has no name; expected a name "
                "for every column in use. Name it in the header, or empty it."
            )


def _refuse_filled(source: Source, name: str, cells: Iterable[tuple[int, str]]) -> None:
    """Raise ExtractError when a column of a week or month that does not exist holds a code."""
    for line, cell in cells:
        if cell.strip():
            raise ExtractError(
                f"{source.name}: line {line} has a value in column '{name}', but no calendar has that week, month or "
                "quarter; expected it empty (2009, 2015, 2020 and 2026 have a week 53). Correct the name of the "
                "column, or empty it, and export the file again."
            )


def _note_faults(
    connection: duckdb.DuckDBPyConnection, contract: Contract, source: Source, delivery_id: int, faults: list[Fault]
) -> None:
    if faults:
        lines, columns = [fault.line for fault in faults], [fault.column for fault in faults]
        connection.execute(
            "insert into raw.rejects select ?, ?, ?, unnest(?), unnest(?)",
            [delivery_id, contract.name, source.name, lines, columns],
        )
