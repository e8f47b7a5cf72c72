"""Contracts: what each extract must look like, read from contracts/*.toml (one file per extract, named after it)."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

TYPES = (
    "text",
    "code",
    "date",
    "month",
    "period",
    "integer",
    "decimal",
    "statistic",
    "flag",
    "municipality",
    "area",
    "iso_year",
    "iso_week",
)
WIDE_TYPES = ("weekly", "monthly", "quarterly", "yearly")
"""One column of the file per week, month, quarter or year; raw.* keeps a list of runs of equal values per row."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `name` is the canonical Danish name in raw.*; `blank` says that a row may leave it empty,
    `no_cpr` that numbers in it are no CPR numbers, whatever they look like.

    A wide column is a group of columns: `pattern` finds them in the header (groups year, and week, month or quarter),
    and `cell` is what a value in them must look like.
    """

    name: str
    type: str = "text"
    aliases: tuple[str, ...] = ()
    domain: tuple[str, ...] = ()
    required: bool = True
    blank: bool = False
    description: str = ""
    pattern: str = ""
    cell: str = ""
    no_cpr: bool = False

    @property
    def is_wide(self) -> bool:
        return self.type in WIDE_TYPES


@dataclass(frozen=True, slots=True)
class Contract:
    """One extract. `period` dates its rows; a new delivery replaces rows of its period and, where given, its scope.

    `implied` are values of columns that a file lacks, by the name in its header that tells them. A contract that
    `passes_over` leaves columns it does not know unread: a file of 1,700 columns is read by pattern. A file says a
    thing `once` when no two rows may have the same key. Rows with the same `summed_by` are added up in the columns
    `summed`, where corrections are negative. `partition` is the column with the municipality of a row about a person.
    """

    name: str
    description: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    period: str | None = None
    scope: tuple[str, ...] = ()
    ordered: tuple[tuple[str, str], ...] = ()
    ignored: tuple[str, ...] = ()
    implied: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    passes_over: bool = False
    once: bool = False
    summed: tuple[str, ...] = ()
    summed_by: tuple[str, ...] = ()
    partition: str | None = None

    def column(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)


@cache
def contracts() -> tuple[Contract, ...]:
    """Return every contract, ordered by name."""
    folder = resources.files("evaluator.extracts") / "contracts"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".toml")), key=lambda file: file.name)
    return tuple(_contract(file.name.removesuffix(".toml"), tomllib.loads(file.read_text("utf-8"))) for file in files)


def _contract(name: str, data: dict[str, Any]) -> Contract:
    columns = tuple(_column(column, settings) for column, settings in data["columns"].items())
    contract = Contract(
        name=name,
        description=data["description"],
        columns=columns,
        key=tuple(data["key"]),
        period=data.get("period"),
        scope=tuple(data.get("scope", ())),
        ordered=tuple((first, last) for first, last in data.get("ordered", ())),
        ignored=tuple(data.get("ignored", ())),
        implied=data.get("implied", {}),
        passes_over=data.get("passes_over", False),
        once=data.get("once", False),
        summed=tuple(data.get("summed", ())),
        summed_by=tuple(data.get("summed_by", ())),
        partition=data.get("partition"),
    )
    names = {column.name for column in columns}
    named = {*(column for values in contract.implied.values() for column in values)}
    named |= {
        *contract.key,
        *contract.scope,
        *contract.summed,
        *contract.summed_by,
        *(item for pair in contract.ordered for item in pair),
    }
    named |= {name for name in (contract.period, contract.partition) if name}
    if named - names:
        raise ValueError(f"contract {name}: no column {sorted(named - names)}")
    return contract


def _column(name: str, settings: dict[str, Any]) -> Column:
    column = Column(
        name=name,
        type=settings.get("type", "text"),
        aliases=tuple(settings.get("aliases", ())),
        domain=tuple(settings.get("domain", ())),
        required=settings.get("required", True),
        blank=settings.get("blank", False),
        description=settings["description"],
        pattern=settings.get("pattern", ""),
        cell=settings.get("cell", ""),
        no_cpr=settings.get("no_cpr", False),
    )
    if column.is_wide:
        re.compile(column.pattern)
        re.compile(column.cell)
    if column.type not in (*TYPES, *WIDE_TYPES) or column.is_wide != bool(column.pattern):
        raise ValueError(f"column {name}: no type {column.type}, or a pattern without a wide type")
    return column


def described(contract: Contract) -> str:
    """Return a contract as text: its columns in order, what each may hold and its other names."""
    lines = [f"{contract.name}: {contract.description}", f"  key       {', '.join(contract.key)}"]
    for column in contract.columns:
        kind = "|".join(column.domain) or column.pattern or column.type
        marks = {"optional": not column.required, "may be blank": column.blank, "no CPR numbers": column.no_cpr}
        stated = f" ({', '.join(word for word, holds in marks.items() if holds)})" if any(marks.values()) else ""
        lines.append(f"  {column.name:<16} {kind}{stated}: {column.description}")
        if column.aliases:
            lines.append(f"  {'':<16} also {', '.join(column.aliases)}")
    if contract.passes_over:
        lines.append("  other columns are passed over")
    elif contract.ignored:
        lines.append(f"  passed over: {', '.join(contract.ignored)}")
    return "\n".join(lines)
