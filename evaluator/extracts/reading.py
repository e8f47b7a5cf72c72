"""Read a delivered file: fingerprint and encoding first, then blocks of whole lines as UTF-8, each checked.

UTF-8 (with or without BOM), UTF-16 with BOM and cp1252 are read. Bytes that are neither, and text that was garbled
before it was delivered, are refused with the line.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from threading import Event
from typing import IO, TYPE_CHECKING

from evaluator.errors import ExtractError
from evaluator.extracts.cpr import LONGEST, holds_cpr, masked, may_hold_cpr
from evaluator.extracts.forms import opened

if TYPE_CHECKING:
    import pyarrow as pa

BLOCK_BYTES = 8_000_000
LOOK_BYTES = 1 << 20  # what is only looked at stays in the processor's cache
MOST_QUOTED_BYTES = 64_000_000
MOST_LINE_BYTES = 16_000_000
DELIMITERS = (";", ",", "\t")
CONTINUATION = "".join(sorted({bytes([b]).decode(c, "ignore") for b in range(128, 192) for c in ("cp1252", "latin-1")}))
# UTF-8 read as cp1252 or latin-1 (Ã¦), lost characters, control characters, and DOS or Macintosh letters inside words.
GARBLED = re.compile(rf"[ÂÃ][{re.escape(CONTINUATION)}]|â€|ï»¿|\ufffd|[\x80-\x9f]|(?<=[a-zæøå])[›‘†¾¿Œ](?=[a-zæøå])")


@dataclass(frozen=True, slots=True)
class Source:
    """A file that has been read through once. `invalid_line` is the first that is not UTF-8 (0 when all are).

    `may_hold_cpr` is false when no text in it can be a CPR number. `bytes` and `changed_ns` (nanoseconds since 1970)
    are those of the file before it was read.
    """

    path: Path
    sha256: str
    bytes: int
    encoding: str
    invalid_line: int
    delimiter: str = ";"
    may_hold_cpr: bool = True
    changed_ns: int = 0

    @property
    def name(self) -> str:
        return self.path.name

    def is_current(self) -> bool:
        """Whether the file is still the one that was read through, by its size and time of change."""
        try:
            found = self.path.stat()
        except OSError:
            return False
        return (found.st_size, found.st_mtime_ns) == (self.bytes, self.changed_ns)


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines as UTF-8; `line` is the number of the first in the file."""

    line: int
    data: bytes


def open_source(path: Path, stop: Event | None = None) -> Source:
    """Fingerprint the file and find its encoding; raise ExtractError when it cannot be read.

    Raises CancelledError soon after `stop` is set.
    """
    if holds_cpr(path.name):
        raise ExtractError(
            f"{masked(path.name)}: the file name holds a CPR number; expected pseudonyms only. "
            "Rename the file, and delete the copy with the number."
        )
    if path.is_dir():
        raise ExtractError(f"{path.name}: is a folder; expected a file. Name the files in it instead.")
    if not path.is_file():
        raise ExtractError(f"{path.name}: no such file; expected an extract. Check the name and the folder.")
    found = path.stat()
    if not found.st_size:
        raise ExtractError(f"{path.name}: the file is empty; expected a header line and rows. Export it again.")
    with ThreadPoolExecutor(1) as pool:
        digest = pool.submit(_digest, path, stop)
        invalid_line, may_hold = _look_through(path, stop)
    encoding = "cp1252" if invalid_line else "utf-8"
    delimiter = _delimiter(path)
    return Source(path, digest.result(), found.st_size, encoding, invalid_line, delimiter, may_hold, found.st_mtime_ns)


def _digest(path: Path, stop: Event | None) -> str:
    digest = sha256()
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(LOOK_BYTES):
            _heed(stop)
            digest.update(chunk)
    return digest.hexdigest()


def _heed(stop: Event | None) -> None:
    if stop and stop.is_set():
        raise CancelledError


def _look_through(path: Path, stop: Event | None) -> tuple[int, bool]:
    """Return the first line that is not UTF-8 (0 when all are), and whether a CPR number may stand anywhere."""
    decoder, lines, invalid_line, may_hold, tail = codecs.getincrementaldecoder("utf-8")(), 1, 0, False, b""
    with opened(path) as file:
        while not (invalid_line and may_hold) and (chunk := file.read(LOOK_BYTES)):
            _heed(stop)
            may_hold = may_hold or may_hold_cpr(tail + chunk)
            tail = chunk[-LONGEST:]
            if invalid_line:
                continue
            try:
                if decoder.getstate()[0] or not chunk.isascii():
                    decoder.decode(chunk)
            except UnicodeDecodeError as problem:
                invalid_line = lines + chunk[: max(0, problem.start)].count(b"\n")
            lines += chunk.count(b"\n")
    if not invalid_line and decoder.getstate()[0]:
        invalid_line = lines
    return invalid_line, may_hold


def _delimiter(path: Path) -> str:
    """Return the separator of the header, a semicolon when it has none; raise ExtractError when two are as likely."""
    with opened(path) as file:
        first = re.sub(rb'"[^"]*"', b"", _rest_of_line(path.name, file))
    counts = {delimiter: first.count(delimiter.encode()) for delimiter in DELIMITERS}
    found = [delimiter for delimiter, count in counts.items() if count == max(counts.values())]
    if counts[found[0]] and len(found) > 1:
        raise ExtractError(
            f"{path.name}: the header is separated in two ways; expected one of semicolon, comma and tab. "
            "Export the extract again with semicolons."
        )
    return found[0]


def blocks(source: Source, size: int = BLOCK_BYTES) -> Iterator[Block]:
    """Yield the file's lines in blocks; raise ExtractError at undecodable or garbled lines."""
    line = 1
    with opened(source.path) as file:
        first = True
        while data := file.read(size):
            data += _rest_of_line(source.name, file, line)
            data = _close_quotes(source, line, data, file)
            if first:
                data, first = data.removeprefix(codecs.BOM_UTF8), False
            yield Block(line, _as_utf8(source, line, data))
            line += data.count(b"\n")


def _rest_of_line(name: str, file: IO[bytes], line: int = 1) -> bytes:
    """Return what is left of a line; raise ExtractError when it does not end."""
    rest = file.readline(MOST_LINE_BYTES)
    if len(rest) == MOST_LINE_BYTES and not rest.endswith(b"\n"):
        raise ExtractError(
            f"{name}: in line {line} or later is a line of more than {MOST_LINE_BYTES // 10**6} MB; expected rows. "
            "Export the extract again with one row in each line."
        )
    return rest


def _close_quotes(source: Source, line: int, data: bytes, file: IO[bytes]) -> bytes:
    """Return `data` with lines added until every quoted field in it has ended."""
    if b'"' not in data or data.count(b'"') % 2 == 0:
        return data
    parts, quotes, size = [data], data.count(b'"'), len(data)
    while quotes % 2:
        more = _rest_of_line(source.name, file, line)
        if not more or size > len(data) + MOST_QUOTED_BYTES:
            odd = next(n for n, text in enumerate(data.split(b"\n"), line) if text.count(b'"') % 2)
            raise ExtractError(
                f"{source.name}: a quotation mark opens in line {odd} or later and is never closed; "
                "expected pairs. Correct the line, or deliver without quotation marks."
            )
        parts.append(more)
        quotes += more.count(b'"')
        size += len(more)
    return b"".join(parts)


def _as_utf8(source: Source, line: int, data: bytes) -> bytes:
    if b"\x00" in data:
        at = line + data[: data.index(b"\x00")].count(b"\n")
        raise ExtractError(
            f"{source.name}: line {at} holds zero bytes; expected text (UTF-16 must begin with its mark). "
            "Save the extract as CSV in UTF-8."
        )
    if data.isascii():
        return data
    try:
        text = data.decode(source.encoding)
    except UnicodeDecodeError as problem:
        raise _neither(source, line + data[: problem.start].count(b"\n")) from None
    garbled = GARBLED.search(text)
    if garbled and source.invalid_line:
        raise _neither(source, source.invalid_line)
    if garbled:
        at = line + text.count("\n", 0, garbled.start())
        raise ExtractError(
            f"{source.name}: line {at} holds garbled letters (æ, ø or å converted wrongly); expected text in UTF-8 "
            "or cp1252. Export the extract again with the right character set."
        )
    return data if source.encoding == "utf-8" else text.encode("utf-8")


def _neither(source: Source, line: int) -> ExtractError:
    return ExtractError(
        f"{source.name}: line {line} holds bytes that are neither UTF-8 nor cp1252; expected one of the two "
        "throughout. Export the extract again in UTF-8."
    )


def header(source: Source) -> list[str]:
    """Return the names in the first line as delivered, without surrounding blanks."""
    with opened(source.path) as file:
        first = _rest_of_line(source.name, file).removeprefix(codecs.BOM_UTF8)
    text = _as_utf8(source, 1, first).decode("utf-8")
    if holds_cpr(text):
        raise ExtractError(
            f"{source.name}: the header holds a CPR number; expected the names of the columns. "
            "Deliver the file with its header line and pseudonyms, and delete this file."
        )
    return [cell.strip() for cell in next(csv.reader([text], delimiter=source.delimiter), [])]


def without_header(block: Block) -> tuple[bytes, int]:
    """Return the rows of a block, and the number of their first line."""
    if block.line > 1:
        return block.data, block.line
    cut = block.data.find(b"\n") + 1
    return (block.data[cut:] if cut else b""), 2


def parse(source: Source, block: Block, names: list[str]) -> pa.Table:
    """Return the block's rows as text columns `names`, with their line numbers as `_line`."""
    import numpy as np
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    data, line = without_header(block)
    if not data.strip():
        return pa.table({name: pa.array([], pa.string()) for name in names} | {"_line": pa.array([], pa.int64())})
    blank = source.delimiter.encode() * (len(names) - 1)
    if blank and blank in data and re.search(rb"(?m)^" + re.escape(blank) + rb"\r?$", data):
        return _parse_slowly(source, data, line, names)
    lines = data.count(b"\n") + (not data.endswith(b"\n"))
    try:
        table = arrow_csv.read_csv(
            io.BytesIO(data),
            arrow_csv.ReadOptions(column_names=names, use_threads=False, block_size=len(data) + 1),
            arrow_csv.ParseOptions(delimiter=source.delimiter, newlines_in_values=True),
            arrow_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False),
        )
    except pa.ArrowInvalid:
        return _parse_slowly(source, data, line, names)
    if table.num_rows != lines:
        return _parse_slowly(source, data, line, names)
    return table.append_column("_line", pa.array(np.arange(line, line + lines, dtype=np.int64)))


def _parse_slowly(source: Source, data: bytes, line: int, names: list[str]) -> pa.Table:
    """Parse line by line: empty lines are passed over, quoted fields may hold line breaks, faults are named."""
    import pyarrow as pa

    reader = csv.reader(io.StringIO(data.decode("utf-8"), newline=""), delimiter=source.delimiter)
    columns: list[list[str]] = [[] for _ in names]
    numbers: list[int] = []
    at = line
    try:
        for cells in reader:
            if len(cells) != len(names) and any(cell.strip() for cell in cells):
                raise ExtractError(
                    f"{source.name}: line {at} has {len(cells)} fields; expected {len(names)} as in the header. "
                    "Look for a missing or an extra separator."
                )
            if any(cell.strip() for cell in cells):
                numbers.append(at)
                for column, cell in zip(columns, cells, strict=True):
                    column.append(cell)
            at = line + reader.line_num
    except csv.Error:
        raise ExtractError(
            f"{source.name}: line {at} cannot be split into fields; expected separators between them. Correct the line."
        ) from None
    arrays = {name: pa.array(column, pa.string()) for name, column in zip(names, columns, strict=True)}
    return pa.table(arrays | {"_line": pa.array(numbers, pa.int64())})
