"""A mapping for unfamiliar files, proposed by the likeness of names and by what stands under them; the analyst decides.

Cells are read, and none is repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

from evaluator.errors import ExtractError
from evaluator.extracts.column_sql import TYPED, faulty, kept, quoted
from evaluator.extracts.contract import Column, Contract, contracts
from evaluator.extracts.matching import LEAST_LIKENESS, Attempt, Mapping, attempt, folded
from evaluator.extracts.reading import Source, blocks, header, open_source, parse
from evaluator.store import parser

ALIKE = 0.6
"""Names under this likeness (matching letters, 0 to 1) are not proposed for each other."""
SAME_END = 0.75
"""The likeness of a name to one that ends with it: in Danish the last word says what a thing is (mødedato)."""
LEAST_END = 3
MOST_FAULTY = 0.05
"""Of the rows that are looked at, those that a column may not be able to take."""

Fits = Callable[[Column, str], bool]


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


def proposals(files: Iterable[Path], mappings: dict[str, Mapping]) -> tuple[str, list[ExtractError]]:
    """Return what to write in mapping.toml so that the files are recognised, and the errors of those like no extract.

    The header of such a file may be a row of data, and is not repeated. Files of one extract share their tables.
    """
    guesses: dict[str, list[_Guess]] = {}
    lines, errors = [], []
    for path in files:
        try:
            source = open_source(path)
            guess = _best(source, mappings)
        except ExtractError as problem:
            errors.append(problem)
            continue
        name = guess.tried.contract.name
        lines.append(f"# {source.name}: {name}, {_counted(guess)}")
        guesses.setdefault(name, []).append(guess)
    for name, found in guesses.items():
        lines += _tables(name, found, name in mappings)
    return "\n".join(lines), errors


def _counted(guess: _Guess) -> str:
    if guess.tried.fits:
        return "nothing to do: the file is recognised as it is"
    return f"{guess.tried.known} columns known, {len(guess.pairs)} proposed"


def _tables(name: str, guesses: list[_Guess], is_mapped: bool) -> list[str]:
    """Return the lines of one extract."""
    others = [other for guess in guesses for other in guess.pairs.values()]
    spare = [other for guess in guesses for other in guess.tried.unknown if other not in others]
    aliases: dict[str, dict[str, None]] = {}
    for column, other in (pair for guess in guesses for pair in guess.pairs.items()):
        aliases.setdefault(column, {})[other] = None
    missing = dict.fromkeys(column for guess in guesses for column in guess.tried.missing if column not in guess.pairs)
    lines = []
    if spare:
        lines += ["", f"[{name}]", f"ignored = [{_listed(spare)}]   # of no use to {name}, unless one is missing below"]
    if aliases:
        lines += ["", f"[{name}.aliases]", *(f"{column} = [{_listed(known)}]" for column, known in aliases.items())]
    if missing:
        unset = (f'# {column} = ""   # not found: one value for all, or an alias of a column' for column in missing)
        lines += ["", f"[{name}.set]", *unset]
    if lines and is_mapped:
        lines.insert(1, f"# mapping.toml names {name} already: put the lines under the headings that are there")
    return lines


def _best(source: Source, mappings: dict[str, Mapping]) -> _Guess:
    """Return the contract that is most like the file; raise ExtractError when none is."""
    names = header(source)
    fits = _reader(source, names)
    guesses = [_guess(contract, names, mappings.get(contract.name, Mapping()), fits) for contract in contracts()]
    best = max(guesses, key=lambda guess: guess.share)
    if best.share < LEAST_LIKENESS:
        raise ExtractError(
            f"{source.name}: the header is like no extract; expected at least half of the columns of one. See "
            "'evaluator contracts', and check that the first line names the columns; if so, rename those of use."
        )
    return best


def _guess(contract: Contract, names: list[str], mapping: Mapping, fits: Fits) -> _Guess:
    """Return the contract with each missing column given the unknown one most like it, the most alike first.

    A name that is left goes with the only column left that can take what stands under it.
    """
    tried = attempt(contract, names, mapping)
    likeness = sorted(
        (
            (-_likeness(contract.column(column), other), column, other)
            for column in tried.missing
            for other in tried.unknown
        ),
    )
    pairs: dict[str, str] = {}
    for unlike, column, other in likeness:
        is_free = column not in pairs and other not in pairs.values()
        if -unlike >= ALIKE and is_free and fits(contract.column(column), other):
            pairs[column] = other
    for column in tried.missing:
        left = [other for other in tried.unknown if other not in pairs.values()]
        taking = [other for other in left if column not in pairs and fits(contract.column(column), other)]
        if len(taking) == 1 and _is_telling(contract.column(column)):
            pairs[column] = taking[0]
    return _Guess(tried, pairs)


def _likeness(column: Column, other: str) -> float:
    names = [folded(name) for name in (column.name, *column.aliases)]
    ends = any(len(name) >= LEAST_END and folded(other).endswith(name) for name in names)
    return max(SAME_END * ends, *(SequenceMatcher(None, name, folded(other)).ratio() for name in names))


def _is_telling(column: Column) -> bool:
    """Tell whether few things but the column's own can stand in it."""
    return bool(column.domain) or column.type in ("date", "month", "period", "municipality")


def _reader(source: Source, names: list[str]) -> Fits:
    """Return what tells whether a column can take what the first block of the file has under a name."""
    table = parse(source, next(blocks(source)), [f"c{at}" for at in range(len(names))])
    connection = parser()
    connection.register("block", table)

    def fits(column: Column, name: str) -> bool:
        if not (column.domain or column.type in TYPED) or not table.num_rows:
            return True
        cells = kept(column, f"c{names.index(name)}")
        [(wrong,)] = connection.execute(
            f"select avg({faulty(column)}::integer) from (select {cells} as {quoted(column.name)} from block)"
        ).fetchall()
        return bool(wrong <= MOST_FAULTY)

    return fits


def _listed(names: Iterable[str]) -> str:
    return ", ".join('"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"' for name in names)
