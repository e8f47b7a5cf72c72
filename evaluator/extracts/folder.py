"""Which files of extracts/ are deliveries; the others are named, so that none is forgotten in silence."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from evaluator.errors import ExtractError
from evaluator.extracts.cpr import holds_cpr, masked
from evaluator.extracts.forms import OTHER_WORKBOOKS, SUFFIXES

if TYPE_CHECKING:
    from evaluator.project import Project

NOT_EXTRACTS = ("~$", ".")
"""How the names of files begin that programs put into folders on their own."""
HEADER_BYTES = 64_000


def delivered(project: Project) -> list[Path]:
    """Return the files in extracts/ that are loaded without being named.

    Raises ExtractError when there is none, or when a workbook of another kind would be forgotten.
    """
    files = _files(project)
    workbooks = [_told(path) for path in files if path.suffix.lower() in OTHER_WORKBOOKS]
    if workbooks:
        raise ExtractError(
            f"{workbooks[0]}: a workbook that is not xlsx; expected xlsx or CSV. "
            "Save it as an ordinary workbook (xlsx) and take this one out of the folder."
        )
    found = [path for path in files if _is_delivery(path)]
    if not found:
        raise ExtractError(
            f"{project.extracts.name}: no files to load; expected at least one extract. "
            "Put the extracts in the folder, or name them: evaluator load FILES."
        )
    return found


def passed_over(project: Project) -> tuple[str, ...]:
    """Return the names of the files in extracts/ that are no deliveries by their ending, digits of a CPR hidden."""
    return tuple(_told(path) for path in _files(project) if not _is_delivery(path))


def _files(project: Project) -> list[Path]:
    return [path for path in sorted(project.extracts.iterdir()) if not path.name.startswith(NOT_EXTRACTS)]


def _told(path: Path) -> str:
    return masked(path.name) if holds_cpr(path.name) else path.name


def _is_delivery(path: Path) -> bool:
    """Tell by the ending; a text (what Excel calls Unicode text) by whether its first line has separators."""
    if path.suffix.lower() != ".txt" or not path.is_file():
        return path.suffix.lower() in SUFFIXES
    with path.open("rb") as file:
        return re.search(rb"[\t;]", file.readline(HEADER_BYTES)) is not None
