"""One sheet of an Excel workbook (xlsx) as lines of CSV, one line per row, so that a line is the row Excel shows.

What a cell holds decides, not how it is shown: numbers get a decimal comma, dates are written by ISO, text stays as it
is (leading zeros, numbers stored as text). Cells of one column may be of several kinds. Formulas count as the value
that Excel last saved; one that failed is refused by its cell.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from posixpath import join, normpath
from typing import IO, TYPE_CHECKING, Literal
from xml.etree import ElementTree

from evaluator.errors import ExtractError
from evaluator.extracts.archives import MOST_OF_WORKBOOK, repacked, workbook_parts
from evaluator.extracts.contract import contracts
from evaluator.extracts.cpr import holds_cpr, masked
from evaluator.extracts.table_text import written, written_names

if TYPE_CHECKING:
    import fastexcel
    import pyarrow as pa

ROWS = 5_000
MOST_CELLS = 5_000_000
"""Cells of a sheet from A1 to its last row and column, empty ones too: the reader holds them all in memory."""
OLD_WORKBOOK = b"\xd0\xcf\x11\xe0"
"""How Windows' compound files begin: workbooks of before 2007, and those with a password."""
CELL = re.compile(rb"<(?:\w+:)?c\b([^>]*?)(/?)>")
PLACE = re.compile(rb"""\br\s*=\s*["']([A-Z]{1,3})(\d{1,7})["']""")
FAILED = re.compile(rb"""\bt\s*=\s*["']e["']""")
ROW = re.compile(rb"<(?:\w+:)?row\b")
MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
MIDNIGHT = r"^(\d{4}-\d\d-\d\d) 00:00:00$"


def lines_of_workbook(name: str, file: IO[bytes]) -> Iterator[bytes]:
    """Yield the rows of the one sheet as CSV.

    The sheet is the only one with cells, else the only one named as an extract. Raises ExtractError when there is none
    or a choice, when its first row is empty, when it is larger than a workbook may be, or when a formula failed.
    """
    import fastexcel

    logging.getLogger("fastexcel").setLevel(logging.ERROR)  # it warns of every empty column
    data = file.read(MOST_OF_WORKBOOK)
    if data.startswith(OLD_WORKBOOK):
        raise ExtractError(
            f"{name}: the workbook has a password, or is of the kind before 2007 (xls); expected an open xlsx. "
            "Save it as a workbook without a password, or as 'CSV UTF-8'."
        )
    parts = workbook_parts(name, data)
    sheet = _only_sheet(name, parts)
    try:
        reader = fastexcel.read_excel(repacked(parts))
        del parts
        yield from _lines(name, reader, sheet)
    except fastexcel.FastExcelError:
        raise ValueError("no workbook") from None


def _only_sheet(name: str, parts: dict[str, bytes]) -> str:
    """Return the name of the sheet to read, after its size has been looked at."""
    sheets = {sheet: size for sheet, size in _sheets(name, parts).items() if size}
    extracts = {contract.name for contract in contracts()}
    named = [sheet for sheet in sheets if sheet.strip().lower() in extracts]
    chosen = list(sheets) if len(sheets) == 1 else named
    if len(chosen) == 1:
        if holds_cpr(chosen[0]):
            raise ExtractError(
                f"{name}: the name of the sheet holds a CPR number; expected pseudonyms only. "
                "Rename the sheet, and delete the copy with the number."
            )
        if sheets[chosen[0]] > MOST_CELLS:
            raise ExtractError(
                f"{name}: the sheet reaches over {sheets[chosen[0]]:,} cells; expected at most {MOST_CELLS:,}. "
                "Deliver it as 'CSV UTF-8' or Parquet, or delete what lies far below or to the right of the data."
            )
        return chosen[0]
    if not sheets:
        raise ExtractError(f"{name}: the workbook is empty; expected a sheet with names and rows. Export it again.")
    shown = ", ".join(f"'{masked(sheet) if holds_cpr(sheet) else sheet}'" for sheet in named or sheets)
    raise ExtractError(
        f"{name}: the workbook has several sheets to choose from ({shown}); expected one, or one that is named as its "
        "extract. Delete the others, or save each in a workbook of its own."
    )


def _sheets(name: str, parts: dict[str, bytes]) -> dict[str, int]:
    """Return the cells that each sheet reaches over."""
    try:
        book = ElementTree.fromstring(parts["xl/workbook.xml"])
        relations = ElementTree.fromstring(parts["xl/_rels/workbook.xml.rels"])
    except (KeyError, ElementTree.ParseError):
        raise ValueError("no workbook") from None
    targets = {part.get("Id"): part.get("Target", "") for part in relations}
    found = {}
    for sheet in book.iter(f"{MAIN}sheet"):
        target = normpath(join("xl", targets.get(sheet.get(RELATION), ""))).lstrip("/")
        if target in parts:
            found[sheet.get("name", "")] = _reach(name, parts[target])
    return found


def _reach(name: str, xml: bytes) -> int:
    """Return the cells from A1 to the last row and column with a value; raise ExtractError at a failed formula."""
    width, last = 0, len(ROW.findall(xml))
    rows, most = 0, 0
    for cell in CELL.finditer(xml):
        attributes, is_blank = cell.groups()
        if is_blank:
            continue
        place = PLACE.search(attributes)
        if place:
            width, last = max(width, _number(place[1])), max(last, int(place[2]))
        else:
            most += 1
        rows += 1
        if FAILED.search(attributes):
            where = f"cell {place[1].decode()}{place[2].decode()}" if place else "a cell"
            raise ExtractError(
                f"{name}: {where} holds a formula that failed; expected a value. Correct it, or empty the cell."
            )
    return max(width, min(most, 16_384)) * last if rows else 0


def _number(letters: bytes) -> int:
    """Return the number of a column from its letters: A is 1, AA is 27."""
    number = 0
    for letter in letters:
        number = 26 * number + letter - 64
    return number


def _lines(name: str, reader: fastexcel.ExcelReader, sheet: str) -> Iterator[bytes]:
    import pyarrow as pa

    texts = _loaded(reader, sheet, 0, "string")
    names = [(column[0].as_py() or "").strip() for column in texts.columns]
    while names and not names[-1] and not _has_cells(texts.column(len(names) - 1)):
        names.pop()
    if not any(names):
        raise ExtractError(
            f"{name}: the first row of the sheet is empty; expected the names of the columns. Delete the rows above it."
        )
    yield written_names(_one_line(pa.array(names, pa.string())).to_pylist())
    if texts.num_rows == 1:
        return
    typed, numbers = _loaded(reader, sheet, 1, None), _loaded(reader, sheet, 1, "boolean")
    texts = texts.slice(1)
    columns = [_column(texts.column(at), typed.column(at), numbers.column(at)) for at in range(len(names))]
    yield from _without_blank_rows(columns)


def _loaded(
    reader: fastexcel.ExcelReader, sheet: str, skipped: int, kind: Literal["string", "boolean"] | None
) -> pa.RecordBatch:
    """Return the rows after `skipped` ones, each column as `kind` or as its cells are."""
    return reader.load_sheet(sheet, header_row=None, skip_rows=skipped, schema_sample_rows=None, dtypes=kind).to_arrow()


def _has_cells(column: pa.Array) -> bool:
    return any(value and value.strip() for value in column.to_pylist())


def _column(text: pa.Array, typed: pa.Array, number: pa.Array) -> pa.Array:
    """Return a column for CSV: as its type when all cells have one, else text cell by cell.

    `number` is null where a cell is text or a date.
    """
    import pyarrow as pa
    from pyarrow import compute

    if pa.types.is_floating(typed.type) or pa.types.is_boolean(typed.type) or pa.types.is_temporal(typed.type):
        return typed if not pa.types.is_duration(typed.type) else text
    danish = compute.replace_substring(text, ".", ",")
    mixed = compute.if_else(compute.is_valid(number), danish, text)
    return _one_line(compute.replace_substring_regex(mixed, MIDNIGHT, r"\1"))


def _one_line(text: pa.Array) -> pa.Array:
    """Return text with line breaks inside cells as blanks: a row must stay one line."""
    from pyarrow import compute

    return compute.replace_substring_regex(text, r"\r\n|[\r\n]|_x000D_\n?", " ")


def _without_blank_rows(columns: list[pa.Array]) -> Iterator[bytes]:
    """Yield the rows as CSV; an empty row is an empty line, and those at the end are left out."""
    import numpy as np
    import pyarrow as pa
    from pyarrow import compute

    filled = np.zeros(len(columns[0]), bool)
    for column in columns:
        some = column.is_valid()
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            some = compute.and_(some, compute.not_equal(compute.utf8_trim_whitespace(column), "")).fill_null(False)
        filled |= some.to_numpy(zero_copy_only=False)
    end = int(filled.nonzero()[0][-1]) + 1 if filled.any() else 0
    for start in range(0, end, ROWS):
        stop = min(start + ROWS, end)
        lines = written([column.slice(start, stop - start) for column in columns])
        if not filled[start:stop].all():
            kept = lines.split(b"\n")
            lines = b"".join(kept[at] * bool(filled[start + at]) + b"\n" for at in range(stop - start))
        yield lines
