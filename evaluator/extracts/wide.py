"""Wide files: one column per week, month or year. Each row becomes a list of runs of equal values per group of columns.

A block of lines is cut at its separators as one array of bytes, and a run is where neighbouring cells are equal: no
table of 2,000 text columns is ever made. A cell that is no code of its group is a fault of its row.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from evaluator.errors import ExtractError
from evaluator.extracts.contract import Column, Contract

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from evaluator.vocabulary import Ints

DAY = dt.timedelta(days=1)
FIRST_YEAR_OF_1900S = 90
MOST_BYTES = 8
"""A code is at most so long; a longer cell is a fault."""
ENDLESS = dt.date(9999, 12, 31)


@dataclass(frozen=True, slots=True)
class Cell:
    """One column of a group: `name` and `index` in the header, and the days from `first` to `last` that it tells of."""

    column: str
    name: str
    index: int
    first: dt.date
    last: dt.date
    kind: str


@dataclass(frozen=True, slots=True)
class Fault:
    """A cell that cannot be read, by line and name of its column."""

    line: int
    column: str


def cell_of(contract: Contract, name: str, index: int) -> Cell | None:
    """Return the cell that the column `name` of a header is, or None when it belongs to no group.

    A week is named by its ISO year and number (two digits from 90 on are the 1900s); one that the year has not is none.
    """
    for column in contract.columns:
        found = re.fullmatch(column.pattern, name) if column.is_wide else None
        if found:
            parts = {key: int(value) for key, value in found.groupdict().items()}
            try:
                first, last = _days(column.type, **parts)
            except ValueError:
                return None
            return Cell(column.name, name, index, first, last, column.type)
    return None


def _days(kind: str, year: int, week: int = 1, month: int = 1) -> tuple[dt.date, dt.date]:
    """Return first and last day; those of a year are its ISO weeks, so that no week has two municipalities."""
    if kind == "monthly":
        first = dt.date(year, month, 1)
        return first, (first + 31 * DAY).replace(day=1) - DAY
    if kind == "yearly":
        return dt.date.fromisocalendar(year, 1, 1), dt.date.fromisocalendar(year + 1, 1, 1) - DAY
    full = year + (1900 if year >= FIRST_YEAR_OF_1900S else 2000)
    first = dt.date.fromisocalendar(full, week, 1)
    return first, first + 6 * DAY


def refuse_gaps(file: str, cells: tuple[Cell, ...]) -> None:
    """Raise ExtractError when weeks or months are missing between others: unknown is not a week without benefit."""
    for before, after in pairwise(cells):
        if before.kind != "yearly" and after.first != before.last + DAY:
            raise ExtractError(
                f"{file}: columns are missing between '{before.name}' and '{after.name}'; expected every one from the "
                "first to the last. Export the file again with all of them."
            )


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells of a block (rows, columns): where each begins in `data`, and its length in bytes."""

    data: np.ndarray
    starts: Ints
    lengths: Ints
    lines: Ints
    has_blanks: bool

    def texts(self, index: int) -> list[str]:
        """Return one column as text."""
        data = self.data.tobytes()
        spans = zip(self.starts[:, index].tolist(), self.lengths[:, index].tolist(), strict=True)
        return [data[start : start + length].decode("utf-8") for start, length in spans]


def cut(data: bytes, delimiter: str, width: int, line: int) -> Cells | None:
    """Return the cells of whole lines, or None when a line has not `width` cells or a cell holds a separator."""
    import numpy as np

    data = data.replace(b"\r\n", b"\n") if b"\r" in data else data
    data = data.replace(b'"', b"") if b'"' in data else data
    data = data if data.endswith(b"\n") else data + b"\n"
    text = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero((text == ord(delimiter)) | (text == ord("\n")))
    rows = data.count(b"\n")
    if len(ends) != rows * width or not (text[ends[width - 1 :: width]] == ord("\n")).all():
        return None
    starts = np.concatenate([[0], ends[:-1] + 1])
    lengths = (ends - starts).reshape(rows, width)
    return Cells(text, starts.reshape(rows, width), lengths, np.arange(line, line + rows), b" " in data)


def joined(table: pa.Table, delimiter: str) -> Cells:
    """Return the cells of a table of text whose file could not simply be cut; its `_line` names the lines."""
    import numpy as np

    lines = table.column("_line").to_numpy()
    columns = [table.column(name).to_pylist() for name in table.column_names if name != "_line"]
    unsafe = re.compile(rf'[{re.escape(delimiter)}"\r\n]')
    rows = (delimiter.join(unsafe.sub(" ", cell or "") for cell in row) for row in zip(*columns, strict=True))
    data = "".join(f"{row}\n" for row in rows).encode()
    if not data:
        empty = np.empty((0, len(columns)), np.int64)
        return Cells(np.empty(0, np.uint8), empty, empty, lines, False)
    cells = cut(data, delimiter, len(columns), 1)
    assert cells is not None  # every separator inside a cell is a blank now
    return replace(cells, lines=lines)


def runs(cells: Cells, column: Column, group: tuple[Cell, ...]) -> tuple[pa.Array, list[Fault]]:
    """Return for each row its runs of equal values (fra, til, kode), and the faults.

    A run of years lasts until the next value, over blank years too, and the last for ever.
    """
    import numpy as np
    import pyarrow as pa

    keys = _keys(cells, np.array([cell.index for cell in group]))
    rows, width = keys.shape
    change = np.ones(keys.shape, bool)
    np.not_equal(keys[:, 1:], keys[:, :-1], out=change[:, 1:])
    begin = np.flatnonzero(change)
    last = np.append(begin[1:], rows * width) - 1
    filled = keys.ravel()[begin] != 0
    begin, last = begin[filled], last[filled]
    if group[0].kind == "yearly":
        ends_row = np.append(begin[1:] // width != begin[:-1] // width, True)[: len(begin)]
        last = np.where(ends_row, (begin // width + 1) * width, np.append(begin[1:], 0)[: len(begin)]) - 1
    codes, which = np.unique(keys.ravel()[begin], return_inverse=True)
    words = [int(code).to_bytes(MOST_BYTES, "little").rstrip(b"\0").decode("utf-8", "replace") for code in codes]
    wrong = np.array([re.fullmatch(column.cell, word) is None for word in words], bool)[which]
    at = zip(cells.lines[begin[wrong] // width].tolist(), (begin[wrong] % width).tolist(), strict=True)
    faults = [Fault(line, group[place].name) for line, place in at]
    offsets = np.concatenate([[0], np.bincount(begin // width, minlength=rows).cumsum()]).astype(np.int32)
    values = pa.StructArray.from_arrays(
        [
            pa.array(np.array([cell.first for cell in group], "datetime64[D]")[begin % width]),
            pa.array(np.array(_lasts(group), "datetime64[D]")[last % width]),
            pa.array(words, pa.string()).take(pa.array(which)),
        ],
        ["fra", "til", "kode"],
    )
    return pa.ListArray.from_arrays(pa.array(offsets), values), faults


def _lasts(group: tuple[Cell, ...]) -> list[dt.date]:
    if group[0].kind != "yearly":
        return [cell.last for cell in group]
    return [*(after.first - DAY for after in group[1:]), ENDLESS]


def _keys(cells: Cells, indices: Ints) -> np.ndarray:
    """Return each cell as one number, its bytes without blanks around them; 0 is an empty cell."""
    import numpy as np

    beside = len(indices) == indices[-1] - indices[0] + 1 and (np.diff(indices) == 1).all()
    chosen = slice(int(indices[0]), int(indices[-1]) + 1) if beside else indices
    starts, lengths = cells.starts[:, chosen], cells.lengths[:, chosen]
    if not starts.size:
        return np.zeros(starts.shape, np.uint64)
    if cells.has_blanks:
        starts, lengths = _trimmed(cells.data, starts, lengths)
    kind = np.dtype("<u4") if int(lengths.max()) <= 4 else np.dtype("<u8")
    padded = np.append(cells.data, np.zeros(kind.itemsize, np.uint8))
    words = np.ndarray(len(cells.data) + 1, kind, padded, strides=(1,))  # the bytes from every place on
    masks = np.array([256**length - 1 for length in range(kind.itemsize + 1)], kind)
    keys = words.take(starts) & masks.take(lengths, mode="clip")
    if int(lengths.max()) > MOST_BYTES:
        keys[lengths > MOST_BYTES] = masks[-1]  # bytes of no letter: the cell is a fault
    return keys


def _trimmed(data: np.ndarray, starts: Ints, lengths: Ints) -> tuple[Ints, Ints]:
    import numpy as np

    blank = ord(" ")
    while (leading := (lengths > 0) & (data[np.minimum(starts, len(data) - 1)] == blank)).any():
        starts, lengths = starts + leading, lengths - leading
    while (trailing := (lengths > 0) & (data[np.maximum(starts + lengths - 1, 0)] == blank)).any():
        lengths = lengths - trailing
    return starts, lengths
