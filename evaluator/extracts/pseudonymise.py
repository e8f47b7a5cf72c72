"""Replace CPR numbers by pseudonyms on the way into a project: HMAC-SHA-256 under a key that lies outside it.

The same number has the same pseudonym under the same key, with or without hyphen and with or without its leading zero.
"""

from __future__ import annotations

import csv
import hmac
import os
import secrets
from pathlib import Path

from evaluator.errors import ExtractError
from evaluator.extracts.cpr import holds_cpr
from evaluator.extracts.guard import tallied
from evaluator.extracts.matching import folded, read_mapping
from evaluator.extracts.reading import Source, blocks, header, open_source, parse
from evaluator.extracts.table_text import inert
from evaluator.project import Project

LEAST_KEY_CHARACTERS = 32
SHOWN_HEX = 32  # 128 bits: no two persons of a country share a pseudonym
CPR_DIGITS = 10


def new_key(project: Project, path: Path) -> None:
    """Write a random key to a new file that only its owner may read; raise ExtractError when it exists."""
    _outside(project, path, "the key")
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise ExtractError(
            f"{path.name}: the key exists; expected a new file. Leave --new-key out to use it: another key gives other "
            "pseudonyms."
        ) from None
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(32) + "\n")


def pseudonymise(project: Project, path: Path, column: str, key_file: Path) -> tuple[Path, int]:
    """Write `path`, of any form that is loaded, to extracts/ as CSV in UTF-8 with pseudonyms in `column`.

    samtaler.csv keeps its name; samtaler.txt becomes samtaler.txt.csv, so that neither overwrites the other.
    Returns the new file and its rows. Raises ExtractError, and writes nothing, at a cell of the column that is no CPR
    number, and at a number in another column, as the guard of the loader judges columns.
    """
    _outside(project, key_file, "the key")
    _outside(project, path, "the file with CPR numbers")
    key = _key(key_file)
    source = open_source(path)
    names = header(source)
    if column not in names:
        raise ExtractError(f"{path.name}: no such column for --column; expected one of {', '.join(names)}. Correct it.")
    _refuse_other_numbers(project, source, column)
    target = project.inside(project.extracts / (path.name.removesuffix(".csv") + ".csv"))
    part = target.with_name(target.name + ".part")
    try:
        rows = _write(source, part, names.index(column), key)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return target, rows


def _refuse_other_numbers(project: Project, source: Source, column: str) -> None:
    """Raise ExtractError when another column holds CPR numbers and mapping.toml does not say that it has none."""
    mappings = read_mapping(project.mapping).values()
    declared = {folded(name) for mapping in mappings for name in mapping.no_cpr}
    for at, (name, tally) in enumerate(zip(header(source), tallied(source), strict=True), 1):
        line = tally.offence() if name != column and folded(name) not in declared else 0
        if line:
            raise ExtractError(
                f"{source.name}: line {line} holds a CPR number in another column, {at} ({name}); expected one column "
                "of them. Take the other out of the file, or declare it under no_cpr in mapping.toml when it holds "
                "none; nothing has been written."
            )


def _write(source: Source, part: Path, place: int, key: bytes) -> int:
    names, rows = header(source), 0
    with part.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, delimiter=source.delimiter, lineterminator="\n")
        writer.writerow([inert(name) for name in names])
        for block in blocks(source):
            table = parse(source, block, [f"c{at}" for at in range(len(names))])
            lines, columns = table.column("_line").to_pylist(), [column.to_pylist() for column in table.columns[:-1]]
            given = zip(lines, columns[place], strict=True)
            columns[place] = [_pseudonym(source, line, text, key) for line, text in given]
            writer.writerows([inert(cell) for cell in cells] for cells in zip(*columns, strict=True))
            rows += len(lines)
    return rows


def _pseudonym(source: Source, line: int, text: str, key: bytes) -> str:
    """Return the pseudonym of a number; blank stays blank."""
    if not text.strip():
        return ""
    digits = text.strip().replace("-", "").replace(" ", "").zfill(CPR_DIGITS)
    if not holds_cpr(digits) or len(digits) != CPR_DIGITS:
        raise _refusal(
            source, line, "has something else in the column than a CPR number", "ten digits that begin with a date"
        )
    return "p" + hmac.new(key, digits.encode(), "sha256").hexdigest()[:SHOWN_HEX]


def _refusal(source: Source, line: int, what: str, wanted: str) -> ExtractError:
    return ExtractError(f"{source.name}: line {line} {what}; expected {wanted}. Correct it; nothing has been written.")


def _outside(project: Project, path: Path, what: str) -> None:
    if path.resolve().is_relative_to(project.root):
        raise ExtractError(
            f"{path.name if not holds_cpr(path.name) else 'file'}: {what} lies in the project; expected it outside, "
            "where those who read the project cannot. Move it."
        )


def _key(path: Path) -> bytes:
    if not path.is_file():
        raise ExtractError(f"{path.name}: no such key; expected a file. Make one with --new-key, and keep it safe.")
    key = path.read_bytes().strip()
    if len(key) < LEAST_KEY_CHARACTERS:
        raise ExtractError(
            f"{path.name}: the key is too short; expected at least {LEAST_KEY_CHARACTERS} characters. "
            "Make one with --new-key."
        )
    return key
