"""Wide files: a column per week, month, quarter or year. Each row becomes a list of runs of equal values per group.

A block of lines is never cut into cells, but at the separators between cells that differ: codes of three letters and
blanks that repeat are seen by comparing the bytes with those four, or one, before. No table of 2,000 text columns is
ever made. A cell that is no code of its group is a fault of its row.
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
CODE_BYTES = 3
"""So long are the codes of DREAM, and the municipalities': their repeats are passed over unread."""
MARGIN = b"\n" * MOST_BYTES
PIECE = 1 << 18  # bytes that are compared at a time, so that they stay in the processor's cache
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


def _days(kind: str, year: int, week: int = 1, month: int = 1, quarter: int = 1) -> tuple[dt.date, dt.date]:
    """Return first and last day; those of a year are its ISO weeks, so that no week has two municipalities."""
    if kind == "quarterly":
        first = dt.date(year, 3 * quarter - 2, 1)
        return first, (first + 93 * DAY).replace(day=1) - DAY
    if kind == "monthly":
        first = dt.date(year, month, 1)
        return first, (first + 31 * DAY).replace(day=1) - DAY
    if kind == "yearly":
        return dt.date.fromisocalendar(year, 1, 1), dt.date.fromisocalendar(year + 1, 1, 1) - DAY
    full = year + (1900 if year >= FIRST_YEAR_OF_1900S else 2000)
    first = dt.date.fromisocalendar(full, week, 1)
    return first, first + 6 * DAY


def refuse_gaps(file: str, cells: tuple[Cell, ...]) -> None:
    """Raise ExtractError when weeks, months or quarters are missing inside: unknown is not a week without benefit."""
    for before, after in pairwise(cells):
        if before.kind != "yearly" and after.first != before.last + DAY:
            raise ExtractError(
                f"{file}: columns are missing between '{before.name}' and '{after.name}'; expected every one from the "
                "first to the last. Export the file again with all of them."
            )


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells of a block of rows, as S stretches of equal cells beside each other in one row.

    Neighbouring stretches may be equal too. `first` counts cells through the block: row x width + column.
    """

    data: bytes  # lines between margins
    starts: Ints  # (S,) where the first cell of a stretch begins in `data`
    lengths: Ints  # (S,) bytes of each of its cells
    first: Ints  # (S,) number of its first cell
    width: int
    lines: Ints  # (rows,)
    has_blanks: bool

    def texts(self, index: int) -> pa.Array:
        """Return one column as text."""
        import numpy as np

        cells = np.arange(len(self.lines)) * self.width + index
        at = np.searchsorted(self.first, cells, side="right") - 1
        begins = self.starts[at] + (cells - self.first[at]) * (self.lengths[at] + 1)
        spans = zip(begins.tolist(), (begins + self.lengths[at]).tolist(), strict=True)
        return _strings([self.data[begin:end] for begin, end in spans])


def cut(data: bytes, delimiter: str, width: int, line: int) -> Cells | None:
    """Return the cells of whole lines, or None when a line has not `width` cells or a cell holds a separator."""
    import numpy as np

    data = data.replace(b"\r\n", b"\n") if b"\r" in data else data
    data = data.replace(b'"', b"") if b'"' in data else data
    data = b"".join([MARGIN, data, b"\n" if data and not data.endswith(b"\n") else b"", MARGIN])
    text = np.frombuffer(data, np.uint8)
    last = _changes(text, delimiter)
    starts = np.concatenate([[len(MARGIN)], last + 1])[: len(last)]
    size = last - starts
    begins = text[starts[:, None] + np.arange(CODE_BYTES + 1)]
    is_end = (begins == ord(delimiter)) | (begins == ord("\n"))
    is_code = is_end[:, CODE_BYTES] & ~is_end[:, :CODE_BYTES].any(axis=1)
    count = np.where(is_end[:, 0], size + 1, np.where(is_code, (size + 1) // (CODE_BYTES + 1), 1))
    lengths = np.where(is_end[:, 0], 0, np.where(is_code, CODE_BYTES, size))
    past = count.cumsum()
    ends_row = past[text[last] == ord("\n")]
    if not np.array_equal(ends_row, width * np.arange(1, len(ends_row) + 1)):
        return None
    lines = np.arange(line, line + len(ends_row))
    return Cells(data, starts, lengths, past - count, width, lines, b" " in data)


def _changes(text: np.ndarray, delimiter: str) -> Ints:
    """Return where separators stand, but for those between two equal codes or two empty cells of a row."""
    import numpy as np

    found, margin = [], len(MARGIN)
    for at in range(margin, len(text) - margin, PIECE):
        piece = text[at - margin : at + PIECE + margin]
        size = len(piece) - 2 * margin
        is_newline = piece == ord("\n")
        is_end = is_newline | (piece == ord(delimiter))
        is_same = np.zeros(len(piece), bool)
        np.equal(piece[: -CODE_BYTES - 1], piece[CODE_BYTES + 1 :], out=is_same[: -CODE_BYTES - 1])
        near = [slice(margin + step, margin + step + size) for step in range(-CODE_BYTES - 1, CODE_BYTES + 2)]
        before, here, after = near[: CODE_BYTES + 1], near[CODE_BYTES + 1], near[CODE_BYTES + 2 :]
        repeats = is_end[before[0]] & is_end[after[-1]]
        for place in before[1:]:
            repeats &= is_same[place] & ~is_end[place]
        repeats |= is_end[before[-1]] & is_end[after[0]]
        found.append(np.flatnonzero(is_end[here] & ~repeats | is_newline[here]) + at)
    return np.concatenate(found) if found else np.empty(0, np.int64)


def joined(table: pa.Table, delimiter: str) -> Cells:
    """Return the cells of a table of text whose file could not simply be cut; its `_line` names the lines."""
    lines = table.column("_line").to_numpy()
    columns = [table.column(name).to_pylist() for name in table.column_names if name != "_line"]
    unsafe = re.compile(rf'[{re.escape(delimiter)}"\r\n]')
    rows = (delimiter.join(unsafe.sub(" ", cell or "") for cell in row) for row in zip(*columns, strict=True))
    cells = cut("".join(f"{row}\n" for row in rows).encode(), delimiter, len(columns), 1)
    assert cells is not None  # every separator inside a cell is a blank now
    return replace(cells, lines=lines)


def runs(cells: Cells, column: Column, group: tuple[Cell, ...]) -> tuple[pa.Array, list[Fault]]:
    """Return for each row its runs of equal values (fra, til, kode), and the faults.

    A run of years lasts until the next value, over blank years too, and the last for ever.
    """
    import numpy as np
    import pyarrow as pa

    rows, width = len(cells.lines), len(group)
    begin, which = _inside(cells, np.array([cell.index for cell in group]))
    keys = _keys(cells, which)
    is_new = np.ones(len(keys), bool)
    is_new[1:] = (keys[1:] != keys[:-1]) | (begin[1:] % width == 0)
    begin, keys = begin[is_new], keys[is_new]
    last = np.append(begin[1:], rows * width)[: len(begin)] - 1
    begin, last, keys = begin[keys != 0], last[keys != 0], keys[keys != 0]
    if group[0].kind == "yearly":
        ends_row = np.append(begin[1:] // width != begin[:-1] // width, True)[: len(begin)]
        last = np.where(ends_row, (begin // width + 1) * width, np.append(begin[1:], 0)[: len(begin)]) - 1
    coded = numbers(keys, pa.uint64()).dictionary_encode()
    spelled = np.frombuffer(coded.indices.buffers()[1], np.int32, len(keys))
    codes = coded.dictionary.to_pylist()
    words = [code.to_bytes(MOST_BYTES, "little").rstrip(b"\0").decode("utf-8", "replace") for code in codes]
    is_wrong = np.array([re.fullmatch(column.cell, word) is None for word in words], bool)
    wrong = begin[is_wrong[spelled]]
    at = zip(cells.lines[wrong // width].tolist(), (wrong % width).tolist(), strict=True)
    faults = [Fault(line, group[place].name) for line, place in at]
    offsets = np.concatenate([[0], np.bincount(begin // width, minlength=rows).cumsum()]).astype(np.int32)
    values = pa.StructArray.from_arrays(
        [
            numbers(_days_of([cell.first for cell in group])[begin % width], pa.date32()),
            numbers(_days_of(_lasts(group))[last % width], pa.date32()),
            _strings([word.encode() for word in words]).take(coded.indices),
        ],
        ["fra", "til", "kode"],
    )
    return pa.ListArray.from_arrays(numbers(offsets, pa.int32()), values), faults


def numbers(values: np.ndarray, kind: pa.DataType) -> pa.Array:
    """Return numbers as an Arrow array over the same memory; `pa.array` would first import pandas, for 0.3 seconds."""
    import pyarrow as pa

    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(values)])


def _strings(words: list[bytes]) -> pa.Array:
    import numpy as np
    import pyarrow as pa

    offsets = np.cumsum([0, *map(len, words)], dtype=np.int32)
    return pa.Array.from_buffers(pa.string(), len(words), [None, pa.py_buffer(offsets), pa.py_buffer(b"".join(words))])


def _days_of(days: list[dt.date]) -> np.ndarray:
    import numpy as np

    return np.array(days, "datetime64[D]").astype(np.int32)


def _lasts(group: tuple[Cell, ...]) -> list[dt.date]:
    if group[0].kind != "yearly":
        return [cell.last for cell in group]
    return [*(after.first - DAY for after in group[1:]), ENDLESS]


def _inside(cells: Cells, indices: Ints) -> tuple[Ints, Ints]:
    """Return the parts of stretches inside a group's columns: where each begins (row x columns + place), and of which.

    Columns in another order than the file's are taken cell by cell.
    """
    import numpy as np

    width, columns = cells.width, len(indices)
    count = np.diff(cells.first, append=len(cells.lines) * width)
    if (np.diff(indices) != 1).any():
        each = np.repeat(np.arange(len(count)), count).reshape(-1, width)[:, indices].ravel()
        return np.arange(len(each)), each
    row, place = cells.first // width, cells.first % width
    low = np.maximum(place, indices[0])
    which = np.flatnonzero(low < np.minimum(place + count, indices[0] + columns))
    return row[which] * columns + low[which] - indices[0], which


def _keys(cells: Cells, which: Ints) -> np.ndarray:
    """Return the cell of each stretch as one number, its bytes without blanks around them; 0 is an empty cell."""
    import numpy as np

    text = np.frombuffer(cells.data, np.uint8)
    starts, lengths = cells.starts[which], cells.lengths[which]
    if cells.has_blanks:
        starts, lengths = _trimmed(text, starts, lengths)
    kind = np.dtype("<u8")
    words = np.ndarray(len(text) - MOST_BYTES + 1, kind, text, strides=(1,))  # the bytes from every place on
    masks = np.array([256**length - 1 for length in range(MOST_BYTES + 1)], kind)
    keys = words[starts] & masks.take(lengths, mode="clip")
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
