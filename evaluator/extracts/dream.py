"""The DREAM code table: one row per code, unfolded from the compact ranges of dream_codes.toml.

A project may have a dream_codes.toml of its own in the same form; its codes are added, or stand for those here.
"""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from evaluator.errors import ExtractError
from evaluator.project import read_toml

CLASSES = (
    "ydelse",
    "beskaeftigelse",
    "uddannelse",
    "stottet_job",
    "varig",
    "andet",
    "uddannelse_eller_job",
    "censurering",
    "selvforsorgelse",
)
KEYS = {"benefit", "class", "name", "codes", "names", "by_digit", "valid_from", "valid_to"}


@dataclass(frozen=True, slots=True)
class DreamCode:
    """One code: its Danish name, its benefit, the activation (or None), the outcome class, and when it was in use."""

    code: str
    name: str
    benefit: str
    activation: str | None
    outcome_class: str
    valid_from: dt.date | None = None
    valid_to: dt.date | None = None


def dream_codes(own: Path | None = None) -> tuple[DreamCode, ...]:
    """Return every known code, ordered by number, with those of a project's `own` file where there is one.

    Raises ExtractError naming the file and the group that cannot be used.
    """
    if own is None or not own.is_file():
        return _packaged()[0]
    groups = read_toml(own, ExtractError)[0].get("group", [])
    found = {code.code: code for code in _packaged()[0]}
    for number, group in enumerate(groups if isinstance(groups, list) else [None], 1):
        wrong = _fault(group)
        if wrong:
            raise ExtractError(
                f"{own.name}: group {number}: {wrong}; expected benefit, class, name and codes. Correct the group."
            )
        found |= {code.code: code for code in _unfold(group, _packaged()[1])}
    return tuple(sorted(found.values(), key=lambda item: int(item.code)))


def _fault(group: Any) -> str:
    """Return what is wrong with a group of a project's own file, or nothing."""
    if not isinstance(group, dict) or not {"benefit", "class"} <= group.keys() or group.keys() - KEYS:
        return "keys are missing or unknown"
    if group["class"] not in CLASSES:
        return f"the class is none of {', '.join(CLASSES)}"
    if not re.fullmatch(r"(\d{1,3}(-\d{1,3})?(,(?!$)|$))*", str(group.get("codes", ""))):
        return "codes are not numbers and ranges such as 700,703-709"
    if not all(re.fullmatch(r"\d{1,3}", code) for code in group.get("names", {})):
        return "a code in names is not a number"
    if not all(isinstance(group[key], dt.date) for key in ("valid_from", "valid_to") if key in group):
        return "valid_from or valid_to is no date"
    return "" if "names" in group or "name" in group else "there is no name"


@cache
def _packaged() -> tuple[tuple[DreamCode, ...], dict[str, list[str]]]:
    """Return the codes of the package, ordered by number, and the meaning of last digits."""
    text = (resources.files("evaluator.extracts") / "dream_codes.toml").read_text(encoding="utf-8")
    data = tomllib.loads(text)
    codes = [code for group in data["group"] for code in _unfold(group, data["digits"])]
    return tuple(sorted(codes, key=lambda item: int(item.code))), data["digits"]


def _unfold(group: dict[str, Any], digits: dict[str, list[str]]) -> Iterator[DreamCode]:
    benefit, outcome_class = group["benefit"], group["class"]
    valid = group.get("valid_from"), group.get("valid_to")
    for code, name in group.get("names", {}).items():
        yield DreamCode(code, name, benefit, None, outcome_class, *valid)
    for part in filter(None, group.get("codes", "").split(",")):
        first, _, last = part.partition("-")
        for number in range(int(first), int(last or first) + 1):
            activation, label = digits.get(str(number % 10), (None, "")) if group.get("by_digit") else (None, "")
            name = f"{group['name']}, {label}" if label else group["name"]
            yield DreamCode(str(number), name, benefit, activation, outcome_class, *valid)
