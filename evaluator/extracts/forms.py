"""The forms that a delivery may have, each opened as one stream of CSV: text in any of three codings, Excel, Parquet,
Stata, SAS, and a zip with one of these. What is no text is written as semicolon CSV in UTF-8, so every guard reads it.
"""

from __future__ import annotations

import codecs
import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from evaluator.errors import ExtractError
from evaluator.extracts.archives import unzipped
from evaluator.extracts.parquet_file import lines_of_parquet
from evaluator.extracts.table_text import written, written_names
from evaluator.extracts.workbook import lines_of_workbook

if TYPE_CHECKING:
    import pandas as pd

ROWS = 5_000
TEXT_BYTES = 4_000_000
LONGEST_START = 64
OTHER_KINDS = {
    b"PK\x03\x04": "a zip archive or a workbook",
    b"PAR1": "a Parquet file",
    b"\xd0\xcf\x11\xe0": "a workbook or document of Office",
    b"%PDF": "a PDF document",
    b"\x1f\x8b": "a gzip archive",
}
MARKUP = {
    b"<!doctype html": "a web page (HTML)",
    b"<html": "a web page (HTML)",
    b"<table": "a web page (HTML)",
    b"<?xml": "XML",
    b"{": "JSON",
    b"[{": "JSON",
}
MARKS = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """Open the delivery as a stream of CSV; raise ExtractError when its form cannot be read."""
    with path.open("rb", buffering=TEXT_BYTES) as file:
        if path.suffix.lower() == ".zip":
            with unzipped(path.name, file) as (name, member):
                yield _decoded(path.name, Path(name).suffix, member, "a whole zip archive")
        else:
            yield _decoded(path.name, path.suffix, file)


def _decoded(name: str, suffix: str, file: IO[bytes], whole: str = "") -> IO[bytes]:
    """Return the file as CSV; `whole` says what a text must be a part of, or nothing when it is a file of its own."""
    if suffix.lower() in OTHER_WORKBOOKS:
        raise ExtractError(
            f"{name}: a workbook that is not xlsx; expected xlsx or CSV. Save it as an ordinary workbook (xlsx)."
        )
    if suffix.lower() in READERS:
        said, pieces = READERS[suffix.lower()]
        return io.BufferedReader(_Pieces(_guarded(name, said, pieces(name, file))), TEXT_BYTES)
    if whole:
        pieces_of_text = iter(lambda: file.read(TEXT_BYTES), b"")
        return _text(name, io.BufferedReader(_Pieces(_guarded(name, whole, pieces_of_text)), TEXT_BYTES))
    assert isinstance(file, io.BufferedReader)  # what Path.open returns
    return _text(name, file)


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


def _text(name: str, file: io.BufferedReader) -> IO[bytes]:
    """Return the file as it is, or as UTF-8 when it begins as UTF-16; lines that end with a return get a line feed."""
    _refuse_other_kinds(name, file.peek(LONGEST_START)[:LONGEST_START])
    coding = MARKS.get(file.peek(2)[:2])
    if coding is not None:
        file.read(2)
        file = io.BufferedReader(_Pieces(_recoded(file, coding)), TEXT_BYTES)
    seen = file.peek(TEXT_BYTES)
    if b"\r" in seen and b"\n" not in seen:
        pieces = iter(lambda: file.read(TEXT_BYTES), b"")
        return io.BufferedReader(_Pieces(piece.replace(b"\r", b"\n") for piece in pieces), TEXT_BYTES)
    return file


def _refuse_other_kinds(name: str, start: bytes) -> None:
    text = start.removeprefix(codecs.BOM_UTF8).lstrip().lower()
    found = [kind for mark, kind in OTHER_KINDS.items() if start.startswith(mark)]
    found += [kind for mark, kind in MARKUP.items() if text.startswith(mark)]
    if found:
        raise ExtractError(
            f"{name}: the file is {found[0]}; expected text in columns. Export the extract as CSV, or give the file "
            "the ending of what it is."
        )


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


def _from_stata(name: str, file: IO[bytes]) -> Iterator[bytes]:
    import pandas as pd

    with pd.read_stata(file, chunksize=ROWS, convert_categoricals=False, preserve_dtypes=False) as chunks:
        yield from _from_frames(chunks)


def _from_sas(name: str, file: IO[bytes]) -> Iterator[bytes]:
    import pandas as pd

    with pd.read_sas(file, format="sas7bdat", chunksize=ROWS, encoding="infer") as chunks:
        yield from _from_frames(chunks)


def _from_frames(chunks: Iterator[pd.DataFrame]) -> Iterator[bytes]:
    import pyarrow as pa

    for number, frame in enumerate(chunks):
        table = pa.Table.from_pandas(frame, preserve_index=False)
        if number == 0:
            yield written_names(table.column_names)
        yield written(table.columns)


READERS: dict[str, tuple[str, Callable[[str, IO[bytes]], Iterator[bytes]]]] = {
    ".xlsx": ("a workbook of Excel (xlsx)", lines_of_workbook),
    ".parquet": ("a Parquet file", lines_of_parquet),
    ".dta": ("a Stata file", _from_stata),
    ".sas7bdat": ("a SAS file (sas7bdat)", _from_sas),
}
SUFFIXES = (".csv", ".tsv", ".zip", *READERS)
OTHER_WORKBOOKS = (".xls", ".xlsm", ".xlsb", ".ods")
