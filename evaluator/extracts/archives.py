"""Zip archives, which a workbook of Excel is too: what may be in one, and how much it may unpack to.

A bomb is a small file that unpacks to a large one. What is unpacked is counted as it comes, since a header may lie;
nothing is ever written to the disk.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO

from evaluator.errors import ExtractError
from evaluator.extracts.cpr import holds_cpr, masked

MOST_EXPANSION = 200
"""A zip that unpacks to more than so many times its size is no delivery; CSV of registers shrinks 5 to 30 times."""
MOST_UNPACKED = 50_000_000_000
MOST_ENTRIES = 1_000
MOST_OF_WORKBOOK = 250_000_000
"""Bytes that a workbook may unpack to; it is held in memory, unlike every other form."""
NOT_DELIVERED = ("__MACOSX", ".DS_Store", "Thumbs.db")
"""What macOS and Windows put into zips on their own."""
PARTS = (".xml", ".rels")
"""The parts of a workbook that hold cells; pictures and macros are left out."""


@contextmanager
def unzipped(name: str, file: IO[bytes]) -> Iterator[tuple[str, IO[bytes]]]:
    """Open the only file in a zip; yield its name and a stream."""
    with _archive(name, file, "a zip archive") as archive:
        members = [entry for entry in archive.infolist() if not entry.is_dir() and not _is_litter(entry.filename)]
        if len(members) != 1:
            raise ExtractError(
                f"{name}: the zip holds {len(members):,} files; expected one extract in each. Deliver them one by one."
            )
        member = members[0]
        _refuse_name(name, member.filename)
        if member.flag_bits & 1:
            raise ExtractError(f"{name}: the zip has a password; expected one that opens. Unpack it and load the file.")
        _refuse_bomb(name, [member], MOST_UNPACKED)
        with archive.open(member) as opened_member:
            yield member.filename, opened_member


def workbook_parts(name: str, data: bytes) -> dict[str, bytes]:
    """Return the parts of a workbook that hold cells; raise ExtractError when they unpack to more than it may."""
    with _archive(name, io.BytesIO(data), "a workbook of Excel (xlsx)") as archive:
        entries = archive.infolist()
        if len(entries) > MOST_ENTRIES:
            raise ExtractError(
                f"{name}: the workbook holds {len(entries):,} parts; expected at most {MOST_ENTRIES:,}. "
                "Save the extract in a workbook of its own."
            )
        wanted = [entry for entry in entries if entry.filename.lower().endswith(PARTS)]
        _refuse_bomb(name, wanted, MOST_OF_WORKBOOK)
        if any(entry.flag_bits & 1 for entry in wanted):
            raise ValueError("a password")
        return {entry.filename: archive.read(entry) for entry in wanted}


def repacked(parts: dict[str, bytes]) -> bytes:
    """Return the parts as an archive whose headers say what is in it."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return target.getvalue()


def _archive(name: str, file: IO[bytes], what: str) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(file)
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        raise ExtractError(
            f"{name}: the file cannot be read; expected {what}. Export it again, or deliver it as CSV."
        ) from None


def _is_litter(member: str) -> bool:
    return any(part in NOT_DELIVERED for part in PurePosixPath(member).parts)


def _refuse_name(name: str, member: str) -> None:
    inner = Path(member.replace("\\", "/")).name
    if holds_cpr(member):
        raise ExtractError(
            f"{name}: the file {masked(inner)} in it holds a CPR number in its name; expected "
            "pseudonyms only. Rename the file, and delete the copy with the number."
        )
    path = PureWindowsPath(member)
    if ".." in path.parts or path.drive or path.root:
        raise ExtractError(
            f"{name}: the file in it is named by a path that leads out of the archive; expected a plain file name. "
            "Pack the file again without its folders."
        )
    if inner.lower().endswith(".zip"):
        raise ExtractError(
            f"{name}: the zip holds another zip; expected the extract itself. Unpack it once and deliver what is in it."
        )


def _refuse_bomb(name: str, entries: list[zipfile.ZipInfo], most: int) -> None:
    size, packed = (sum(getattr(entry, key) for entry in entries) for key in ("file_size", "compress_size"))
    if size > MOST_EXPANSION * max(packed, 1):
        raise ExtractError(
            f"{name}: the zip unpacks to more than {MOST_EXPANSION} times its size; expected an extract. "
            "Unpack it yourself and look at the file."
        )
    if size > most:
        raise ExtractError(
            f"{name}: the file unpacks to {size / 1e9:.1f} GB; expected at most {most / 1e9:g} GB. "
            "Deliver the extract as CSV or Parquet, in parts if need be."
        )
