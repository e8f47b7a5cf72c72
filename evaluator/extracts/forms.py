"""The forms that a delivery may have, each opened as one stream of CSV: text in any of three codings, Parquet, Stata,
SAS, and a zip with one of these. What is no text is written as semicolon CSV in UTF-8, so that every guard reads it.
"""

from __future__ import annotations

import codecs
import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from evaluator.errors import ExtractError
from evaluator.extracts.cpr import holds_cpr, masked

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

ROWS = 5_000
TEXT_BYTES = 4_000_000
MOST_EXPANSION = 200
"""A zip that unpacks to more than so many times its size is no delivery; CSV of registers shrinks 5 to 30 times."""
MOST_WHOLE = 2.0**53
"""Numbers of floating point are whole numbers one by one up to here."""
MARKS = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """Open the delivery as a stream of CSV; raise ExtractError when its form cannot be read."""
    with path.open("rb") as file:
        if path.suffix.lower() == ".zip":
            with _unzipped(path.name, file) as (name, member):
                yield _decoded(path.name, Path(name).suffix, member, "a whole zip archive")
        else:
            yield _decoded(path.name, path.suffix, file)


@contextmanager
def _unzipped(name: str, file: IO[bytes]) -> Iterator[tuple[str, IO[bytes]]]:
    """Open the only file in a zip."""
    try:
        archive = zipfile.ZipFile(file)
    except zipfile.BadZipFile:
        raise _unreadable(name, "a zip archive") from None
    with archive:
        members = [entry for entry in archive.infolist() if not entry.is_dir()]
        if len(members) != 1:
            raise ExtractError(
                f"{name}: the zip holds {len(members)} files; expected one extract in each. Deliver them one by one."
            )
        member = members[0]
        if holds_cpr(member.filename):
            raise ExtractError(
                f"{name}: the file {masked(Path(member.filename).name)} in it holds a CPR number in its name; expected "
                "pseudonyms only. Rename the file, and delete the copy with the number."
            )
        if member.flag_bits & 1:
            raise ExtractError(f"{name}: the zip has a password; expected one that opens. Unpack it and load the file.")
        if member.file_size > MOST_EXPANSION * max(member.compress_size, 1):
            raise ExtractError(
                f"{name}: the zip unpacks to more than {MOST_EXPANSION} times its size; expected an extract. "
                "Unpack it yourself and look at the file."
            )
        with archive.open(member) as opened_member:
            yield member.filename, opened_member


def _decoded(name: str, suffix: str, file: IO[bytes], whole: str = "") -> IO[bytes]:
    """Return the file as CSV; `whole` says what a text must be a part of, or nothing when it is a file of its own."""
    if suffix.lower() in READERS:
        said, pieces = READERS[suffix.lower()]
        return io.BufferedReader(_Pieces(_guarded(name, said, pieces(file))), TEXT_BYTES)
    if whole:
        pieces_of_text = iter(lambda: file.read(TEXT_BYTES), b"")
        return _text(io.BufferedReader(_Pieces(_guarded(name, whole, pieces_of_text)), TEXT_BYTES))
    assert isinstance(file, io.BufferedReader)  # what Path.open returns
    return _text(file)


def _guarded(name: str, said: str, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the pieces; whatever a reader says against its file becomes one sentence without a value."""
    try:
        yield from pieces
    except (
        ValueError,
        LookupError,
        EOFError,
        TypeError,
        NotImplementedError,
        struct.error,
        zlib.error,
        zipfile.BadZipFile,
    ):
        raise _unreadable(name, said) from None


def _unreadable(name: str, what: str) -> ExtractError:
    return ExtractError(f"{name}: the file cannot be read; expected {what}. Export it again, or deliver it as CSV.")


def _text(file: io.BufferedReader) -> IO[bytes]:
    """Return the file as it is, or as UTF-8 when it begins as UTF-16."""
    coding = MARKS.get(file.peek(2)[:2])
    if coding is None:
        return file
    file.read(2)
    return io.BufferedReader(_Pieces(_recoded(file, coding)), TEXT_BYTES)


def _recoded(file: IO[bytes], coding: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(coding)("replace")  # what is no letter is found as garbled, with its line
    while data := file.read(TEXT_BYTES):
        yield decoder.decode(data).encode("utf-8")
    yield decoder.decode(b"", final=True).encode("utf-8")


class _Pieces(io.RawIOBase):
    """A stream over pieces of bytes."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self.pieces, self.rest = pieces, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self.rest:
            try:
                self.rest = next(self.pieces)
            except StopIteration:
                return 0
        size = min(len(buffer), len(self.rest))
        buffer[:size], self.rest = self.rest[:size], self.rest[size:]
        return size


def _from_parquet(file: IO[bytes]) -> Iterator[bytes]:
    import pyarrow as pa
    from pyarrow import parquet

    source = parquet.ParquetFile(file)
    yield _written(source.schema_arrow.empty_table(), header=True)
    for batch in source.iter_batches(ROWS):
        yield _written(pa.Table.from_batches([batch]), header=False)


def _from_stata(file: IO[bytes]) -> Iterator[bytes]:
    import pandas as pd

    with pd.read_stata(file, chunksize=ROWS, convert_categoricals=False, preserve_dtypes=False) as chunks:
        yield from _from_frames(chunks)


def _from_sas(file: IO[bytes]) -> Iterator[bytes]:
    import pandas as pd

    with pd.read_sas(file, format="sas7bdat", chunksize=ROWS, encoding="infer") as chunks:
        yield from _from_frames(chunks)


def _from_frames(chunks: Iterator[pd.DataFrame]) -> Iterator[bytes]:
    import pyarrow as pa

    for number, frame in enumerate(chunks):
        yield _written(pa.Table.from_pandas(frame, preserve_index=False), header=number == 0)


def _written(table: pa.Table, header: bool) -> bytes:
    """Return the rows as semicolon CSV with Danish decimals, dates by ISO and nothing for what is missing."""
    import pyarrow as pa
    from pyarrow import csv

    columns = [_as_text(column) for column in table.columns]
    names = pa.table({name: [name] for name in table.column_names})
    target = io.BytesIO()
    options = csv.WriteOptions(include_header=False, delimiter=";", quoting_style="needed")
    if header:
        csv.write_csv(names, target, options)
    if table.num_rows:
        csv.write_csv(pa.table(dict(zip(table.column_names, columns, strict=True))), target, options)
    return target.getvalue()


def _as_text(column: pa.ChunkedArray) -> pa.ChunkedArray | pa.Array:
    """Return a column as integers or text: whole numbers without a point, others with a decimal comma."""
    import pyarrow as pa
    from pyarrow import compute

    kind = column.type
    if pa.types.is_dictionary(kind):
        return _as_text(column.cast(kind.value_type))
    if pa.types.is_boolean(kind):
        return column.cast(pa.int8())
    if pa.types.is_timestamp(kind):
        days = column.cast(pa.date32(), safe=False)
        return days if compute.all(compute.equal(days.cast(kind), column)).as_py() is not False else column
    if pa.types.is_floating(kind):
        column = compute.if_else(compute.is_nan(column), None, column)
        whole = compute.and_(
            compute.equal(compute.floor(column), column), compute.less(compute.abs(column), MOST_WHOLE)
        )
        if compute.all(whole).as_py() is not False:
            return column.cast(pa.int64(), safe=False)
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        values = (None if value is None else format(Decimal(str(value)), "f") for value in column.to_pylist())
        return pa.array([value and value.replace(".", ",") for value in values], pa.string())
    return column if pa.types.is_integer(kind) or pa.types.is_date(kind) else column.cast(pa.string())


READERS: dict[str, tuple[str, Callable[[IO[bytes]], Iterator[bytes]]]] = {
    ".parquet": ("a Parquet file", _from_parquet),
    ".dta": ("a Stata file", _from_stata),
    ".sas7bdat": ("a SAS file (sas7bdat)", _from_sas),
}
SUFFIXES = (".csv", ".zip", *READERS)
