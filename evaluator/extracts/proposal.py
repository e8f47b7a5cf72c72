"""A mapping for an unfamiliar file, proposed by the likeness of names; the analyst decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from evaluator.errors import ExtractError
from evaluator.extracts.contract import Column, Contract, contracts
from evaluator.extracts.matching import LEAST_LIKENESS, Attempt, Mapping, attempt, folded

ALIKE = 0.6
"""Names under this likeness (matching letters, 0 to 1) are not proposed for each other."""


@dataclass(frozen=True, slots=True)
class _Guess:
    tried: Attempt
    pairs: dict[str, str]

    @property
    def share(self) -> float:
        """Of the contract's needed and the file's columns, those that are known or proposed."""
        found = self.tried.known + len(self.pairs)
        left = len(self.tried.missing) + len(self.tried.unknown) - 2 * len(self.pairs)
        return found / (found + left)


def proposal(file: str, header: Sequence[str], mappings: dict[str, Mapping]) -> str:
    """Return what to write in mapping.toml so that the file is recognised, as text.

    Raises ExtractError when the header is like no contract; it may then be a row of data, and is not repeated.
    """
    guesses = [_guess(contract, list(header), mappings.get(contract.name, Mapping())) for contract in contracts()]
    best = max(guesses, key=lambda guess: guess.share)
    if best.share < LEAST_LIKENESS:
        raise ExtractError(
            f"{file}: the header is like no extract; expected at least half of the columns of one. "
            "See 'evaluator contracts', and check that the first line names the columns."
        )
    name = best.tried.contract.name
    missing = [column for column in best.tried.missing if column not in best.pairs]
    spare = [column for column in best.tried.unknown if column not in best.pairs.values()]
    lines = [f"# {file}: {name}, {best.tried.known} columns known, {len(best.pairs)} proposed"]
    if best.pairs:
        lines += ["", f"[{name}.aliases]", *(f"{column} = [{_quoted(other)}]" for column, other in best.pairs.items())]
    if missing:
        lines += [
            "",
            f"[{name}.set]",
            *(f'# {column} = ""   # not in the file: one value for all' for column in missing),
        ]
    lines += [f"# {_quoted(column)} belongs to no column of {name}: take it out of the file" for column in spare]
    if best.tried.fits:
        lines.append("# nothing to do: the file is recognised as it is")
    return "\n".join(lines)


def _guess(contract: Contract, header: list[str], mapping: Mapping) -> _Guess:
    """Return the contract with each missing column given the unknown name most like it, the most alike first."""
    tried = attempt(contract, header, mapping)
    likeness = sorted(
        (
            (-_likeness(contract.column(column), other), column, other)
            for column in tried.missing
            for other in tried.unknown
        ),
    )
    pairs: dict[str, str] = {}
    for unlike, column, other in likeness:
        if -unlike >= ALIKE and column not in pairs and other not in pairs.values():
            pairs[column] = other
    return _Guess(tried, pairs)


def _likeness(column: Column, other: str) -> float:
    names = (column.name, *column.aliases)
    return max(SequenceMatcher(None, folded(name), folded(other)).ratio() for name in names)


def _quoted(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
