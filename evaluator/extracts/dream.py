"""The DREAM code table: one row per code, unfolded from the compact ranges of dream_codes.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any


@dataclass(frozen=True, slots=True)
class DreamCode:
    """One code: its Danish name, the benefit it belongs to, the activation (or None) and the outcome class."""

    code: str
    name: str
    benefit: str
    activation: str | None
    outcome_class: str


@cache
def dream_codes() -> tuple[DreamCode, ...]:
    """Return every known code, ordered by number."""
    text = (resources.files("evaluator.extracts") / "dream_codes.toml").read_text(encoding="utf-8")
    data = tomllib.loads(text)
    codes = [code for group in data["group"] for code in _unfold(group, data["digits"])]
    return tuple(sorted(codes, key=lambda item: int(item.code)))


def _unfold(group: dict[str, Any], digits: dict[str, list[str]]) -> Iterator[DreamCode]:
    benefit, outcome_class = group["benefit"], group["class"]
    for code, name in group.get("names", {}).items():
        yield DreamCode(code, name, benefit, None, outcome_class)
    for part in filter(None, group.get("codes", "").split(",")):
        first, _, last = part.partition("-")
        for number in range(int(first), int(last or first) + 1):
            activation, label = digits[str(number % 10)] if group.get("by_digit") else (None, "")
            name = f"{group['name']}, {label}" if label else group["name"]
            yield DreamCode(str(number), name, benefit, activation, outcome_class)
