"""Recognise an extract by its header, with the contract's aliases and those of the project's mapping.toml."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from itertools import pairwise
from pathlib import Path

from evaluator.errors import ExtractError
from evaluator.extracts.contract import Contract, contracts
from evaluator.extracts.wide import Cell, cell_of, refuse_gaps
from evaluator.project import line_of, read_toml

LEAST_LIKENESS = 0.5


@dataclass(frozen=True, slots=True)
class Mapping:
    """What mapping.toml says of one extract: more names for its columns, values for columns it has not, which columns
    hold no CPR numbers, by any of their names, and which of the file's own columns are passed over.
    """

    aliases: dict[str, tuple[str, ...]] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)
    no_cpr: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Match:
    """A file's extract: `positions` gives the index in the header of each column that it has, `wide` its groups.

    `no_cpr` are the names in the header of columns that are said to hold no CPR numbers, with who says so: `declared`
    by the project, or `contract`. Columns that are `unnamed` (a separator at the end of every line) must be empty,
    and so must those that are `impossible`: named as a week or month that no year has.
    """

    contract: Contract
    positions: dict[str, int]
    constants: dict[str, str]
    wide: dict[str, tuple[Cell, ...]] = field(default_factory=dict)
    no_cpr: dict[str, str] = field(default_factory=dict)
    unnamed: tuple[int, ...] = ()
    impossible: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Attempt:
    """What a header has of one contract, lacks and has besides."""

    contract: Contract
    positions: dict[str, int]
    constants: dict[str, str]
    missing: tuple[str, ...]
    unknown: tuple[str, ...]
    twice: tuple[str, ...]
    wide: dict[str, tuple[Cell, ...]]

    @property
    def known(self) -> int:
        return len(self.positions) + sum(len(cells) for cells in self.wide.values())

    @property
    def likeness(self) -> float:
        return self.known / (self.known + len(self.missing) + len(self.unknown))

    @property
    def fits(self) -> bool:
        return not (self.missing or self.unknown or self.twice)


def read_mapping(path: Path) -> dict[str, Mapping]:
    """Return mapping.toml by extract; raise ExtractError naming file and line of what no contract knows."""
    if not path.is_file():
        return {}
    data, text = read_toml(path, ExtractError)
    known = {contract.name: contract for contract in contracts()}
    result = {}
    for name, tables in data.items():
        where = f"{path.name}:{line_of(text, name)}"
        if name not in known or not isinstance(tables, dict):
            raise ExtractError(f"{where}: unknown extract '{name}'; expected one of {', '.join(known)}. Correct it.")
        no_cpr, ignored = tables.pop("no_cpr", ()), tables.pop("ignored", ())
        for table in tables:
            if table not in ("aliases", "set") or not isinstance(tables[table], dict):
                raise ExtractError(
                    f"{where}: unknown key '{table}'; expected [{name}.aliases], [{name}.set], no_cpr or "
                    "ignored. Correct the name."
                )
            for column in tables[table]:
                _refuse_unknown_column(known[name], column, f"{path.name}:{line_of(text, f'{name}.{table}', column)}")
        mapping = Mapping(
            {column: _names(names) for column, names in tables.get("aliases", {}).items()},
            {column: str(value) for column, value in tables.get("set", {}).items()},
            _names(no_cpr),
            _names(ignored),
        )
        _refuse_unknown_names(known[name], mapping, f"{path.name}:{line_of(text, name, 'no_cpr')}")
        _refuse_known_names(known[name], mapping, f"{path.name}:{line_of(text, name, 'ignored')}")
        result[name] = mapping
    return result


def _names(names: str | list[str]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(str(name) for name in names)


def _refuse_unknown_column(contract: Contract, column: str, where: str) -> None:
    names = [item.name for item in contract.columns]
    if column not in names:
        raise ExtractError(
            f"{where}: the extract {contract.name} has no column '{column}'; expected one of {', '.join(names)}. "
            "Correct the name."
        )


def _refuse_unknown_names(contract: Contract, mapping: Mapping, where: str) -> None:
    """Raise ExtractError when a column without CPR numbers is none that the extract may have."""
    known = {*_columns(contract, mapping), *_passed_over(contract, mapping)}
    for name in mapping.no_cpr:
        if folded(name) not in known and not contract.passes_over:
            raise ExtractError(
                f"{where}: the extract {contract.name} has no column '{name}'; expected the name of one that holds no "
                "CPR numbers. Correct the name."
            )


def _refuse_known_names(contract: Contract, mapping: Mapping, where: str) -> None:
    """Raise ExtractError when a column that is to be passed over is one that the extract has use for."""
    names = _columns(contract, mapping)
    for name in mapping.ignored:
        if folded(name) in names:
            raise ExtractError(
                f"{where}: '{name}' is the column '{names[folded(name)]}' of {contract.name}; expected one that the "
                "extract has no use for. Take it out of ignored."
            )


def _passed_over(contract: Contract, mapping: Mapping) -> set[str]:
    return {folded(name) for name in (*contract.ignored, *mapping.ignored)}


def _columns(contract: Contract, mapping: Mapping) -> dict[str, str]:
    """Return the contract's column by each name that it may have in a header."""
    return {
        folded(name): column.name
        for column in contract.columns
        for name in (column.name, *column.aliases, *mapping.aliases.get(column.name, ()))
    }


def recognise(file: str, header: list[str], mappings: dict[str, Mapping]) -> Match:
    """Return the one contract that the header fits; raise ExtractError naming what is missing or unknown."""
    attempts = [attempt(contract, header, mappings.get(contract.name, Mapping())) for contract in contracts()]
    fitting = [tried for tried in attempts if tried.fits]
    if len(fitting) == 1:
        found = fitting[0]
        unset = {name: value for name, value in found.constants.items() if name not in found.positions}
        for cells in found.wide.values():
            refuse_gaps(file, cells)
        no_cpr = _declared(header, found.contract, mappings.get(found.contract.name, Mapping()))
        unnamed = tuple(index for index, name in enumerate(header) if not name)
        impossible = _impossible(found.contract, header)
        return Match(found.contract, found.positions, unset, found.wide, no_cpr, unnamed, impossible)
    if fitting:
        names = " and ".join(tried.contract.name for tried in fitting)
        raise ExtractError(f"{file}: the header fits {names}; expected one extract. Use the contract's own names.")
    raise ExtractError(f"{file}: {_difference(max(attempts, key=lambda tried: tried.likeness), header)}")


def _impossible(contract: Contract, header: list[str]) -> dict[int, str]:
    """Return by index the names that look like those of a group but are of no week, month or quarter (y_1653)."""
    patterns = [column.pattern for column in contract.columns if column.is_wide]
    alike = {at: name for at, name in enumerate(header) if any(re.fullmatch(p, folded(name)) for p in patterns)}
    return {at: name for at, name in alike.items() if cell_of(contract, folded(name), at) is None}


def _declared(header: list[str], contract: Contract, mapping: Mapping) -> dict[str, str]:
    """Return the names in the header of columns said to hold no CPR numbers: by the contract, or by the project."""
    names, declared = _columns(contract, mapping), {folded(name) for name in mapping.no_cpr}
    known = {name: names.get(folded(name)) for name in header}
    by_contract = {name: "contract" for name, column in known.items() if column and contract.column(column).no_cpr}
    return by_contract | {name: "declared" for name, column in known.items() if {folded(name), column} & declared}


def attempt(contract: Contract, header: list[str], mapping: Mapping) -> Attempt:
    """Return how the header compares with the contract and the project's mapping of it."""
    names = _columns(contract, mapping)
    ignored = _passed_over(contract, mapping)
    positions: dict[str, int] = {}
    cells: dict[str, list[Cell]] = {}
    unknown, twice = [], []
    for index, name in enumerate(header):
        column_name = names.get(folded(name))
        cell = cell_of(contract, folded(name), index)
        if cell:
            cells.setdefault(cell.column, []).append(cell)
        elif column_name is None:
            if name and folded(name) not in ignored and not contract.passes_over:
                unknown.append(name)
        elif column_name in positions:
            twice.append(column_name)
        else:
            positions[column_name] = index
    wide = {name: tuple(sorted(found, key=lambda cell: cell.first)) for name, found in cells.items()}
    twice += [b.name for found in wide.values() for a, b in pairwise(found) if a.first == b.first]
    told = (contract.implied.get(folded(name), {}) for name in header)
    constants = {**mapping.constants, **{column: value for values in told for column, value in values.items()}}
    missing = tuple(
        column.name
        for column in contract.columns
        if column.required and column.name not in {*positions, *constants, *wide}
    )
    return Attempt(contract, positions, constants, missing, tuple(unknown), tuple(twice), wide)


@cache
def folded(name: str) -> str:
    """Return a name as names are compared."""
    return name.strip().casefold().replace(" ", "_")


def _difference(closest: Attempt, header: list[str]) -> str:
    """Say how the header differs; names from the file are repeated only when it surely is a header."""
    name = closest.contract.name
    if closest.likeness < LEAST_LIKENESS:
        hint = "Separate columns with semicolons" if len(header) <= 1 else "Check that the first line names the columns"
        return (
            f"the header fits no extract (closest is {name}: {closest.known} of "
            f"{len(header)} columns are known); expected the columns of a contract. {hint}, and run 'evaluator map': "
            "it proposes what to write in mapping.toml."
        )
    if closest.twice:
        return f"column '{closest.twice[0]}' of {name} stands twice in the header; expected it once. Remove one."
    parts = [f"column '{column}' is missing" for column in closest.missing]
    parts += [f"column '{column}' is unknown" for column in closest.unknown]
    if len(closest.missing) == 1 and len(closest.unknown) == 1:
        renamed = True
    else:
        renamed = bool(closest.missing and get_close_matches(closest.missing[0], closest.unknown, cutoff=0.4))
    step = "Rename it back" if renamed else "Correct the header"
    wanted = ", ".join(column.name for column in closest.contract.columns if column.required)
    return (
        f"{'; '.join(parts)}; expected the columns of {name}: {wanted}. "
        f"{step}, or run 'evaluator map' for what to write in mapping.toml under [{name}.aliases]."
    )
