"""The CPR guard: judge every column of a delivery before a row of it is loaded.

A number that begins with a date is a CPR number wherever it stands, and the delivery is refused with its line and
column. Only when numbers of nine or ten digits fill a column can they be something else: of random ones 7 % begin with
a date (12 % of those with nine digits), of CPR numbers all. The column is passed when at least LEAST_NUMBERS different
numbers stand in LEAST_FILLED of its cells and at most MOST_DATED begin with a date, or when nearly all begin with a
year (case numbers such as 2011004567). A third of dates among 50 random numbers is chance once in 20 million columns
(nine digits: once in 20,000, which is less than once in a million cells). Fewer than 50 are never passed. Where nearly
all numbers of a passed column begin alike (a series, a prefix, years), one that begins with a date and otherwise than
they do is a CPR number. One among random numbers cannot be told from them: of 50, three or four begin with a date.

A contract, or a project in mapping.toml, may declare that a column holds no CPR numbers. All are noted in the ledger.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from evaluator.errors import ExtractError
from evaluator.extracts.cpr import BEGINNING, BEGINS_WITH_A_YEAR, DATED, HIDDEN, KEY, SHAPES, holds_cpr, may_hold_cpr
from evaluator.extracts.reading import Source, blocks, header, parse

if TYPE_CHECKING:
    import pyarrow as pa

LEAST_NUMBERS = 50
LEAST_FILLED = 0.5
MOST_DATED = 1 / 3
MOST_YEARS = 0.9
ALIKE = 0.9
"""Of the numbers, those with the same two digits in front when all are of a series; 19 and 20 count as the same."""
YEARS = ("19", "20")
ANY_SHAPE = "|".join(f"(?:{shape})" for shape in SHAPES.values())


@dataclass(frozen=True, slots=True)
class Judged:
    """A column whose numbers were passed: `declared` by the project, by the `contract`, or `ids` by their dates."""

    column: str
    verdict: str
    numbers: int
    dated: int


@dataclass(slots=True)
class Numbers:
    """The numbers of one shape in a column: cells with one; different numbers block by block, with the most in one."""

    cells: int = 0
    numbers: int = 0
    dated: int = 0
    years: int = 0
    most: int = 0
    first_line: int = 0
    beginnings: Counter[str] = field(default_factory=Counter)
    dated_lines: dict[str, int] = field(default_factory=dict)

    def stranger(self) -> int:
        """Return the first line with a dated number that begins otherwise than nearly all, 0 when there is none."""
        [(common, most)] = self.beginnings.most_common(1) or [("", 0)]
        others = [line for beginning, line in self.dated_lines.items() if beginning != common]
        return min(others, default=0) if most >= ALIKE * self.numbers else 0

    def are_ids(self, filled: int) -> bool:
        enough = self.most >= LEAST_NUMBERS and self.cells >= LEAST_FILLED * filled
        few_dates = self.dated <= MOST_DATED * self.numbers
        return enough and (few_dates or self.years >= MOST_YEARS * self.numbers)


@dataclass(slots=True)
class Tally:
    """What has been seen of one column."""

    filled: int = 0
    shapes: dict[str, Numbers] = field(default_factory=lambda: {shape: Numbers() for shape in SHAPES})

    def add(self, column: pa.Array, lines: pa.Array) -> None:
        """Count the numbers among the cells of a block."""
        from pyarrow import compute

        self.filled += compute.sum(compute.not_equal(column, "")).as_py() or 0
        shaped = compute.match_substring_regex(column, ANY_SHAPE)
        if not compute.any(shaped).as_py():
            return
        cells = compute.replace_substring_regex(column.filter(shaped), KEY, HIDDEN)
        lines = lines.filter(shaped)
        for shape, numbers in self.shapes.items():
            is_number = compute.match_substring_regex(cells, SHAPES[shape])
            different = compute.unique(cells.filter(is_number))
            if not len(different):
                continue
            dated = compute.sum(compute.match_substring_regex(different, DATED[shape])).as_py()
            numbers.cells += compute.sum(is_number).as_py()
            numbers.numbers += len(different)
            numbers.dated += dated
            numbers.years += compute.sum(compute.match_substring_regex(different, BEGINS_WITH_A_YEAR)).as_py()
            numbers.most = max(numbers.most, len(different))
            if shape == "whole":
                counted = compute.value_counts(_beginnings(different)).to_pylist()
                numbers.beginnings.update({found["values"]: found["counts"] for found in counted})
            if dated and not numbers.first_line:
                at = compute.index(compute.match_substring_regex(cells, DATED[shape]), True).as_py()
                numbers.first_line = lines[at].as_py()
            if dated and shape == "whole":
                is_dated = compute.match_substring_regex(cells, DATED[shape])
                begin, at_lines = _beginnings(cells.filter(is_dated)), lines.filter(is_dated)
                for beginning in compute.unique(begin).to_pylist():
                    at = compute.index(begin, beginning).as_py()
                    numbers.dated_lines.setdefault(beginning, at_lines[at].as_py())

    def offence(self) -> int:
        """Return the line of the first CPR number, 0 when there is none."""
        lines = (n.stranger() if n.are_ids(self.filled) else n.first_line for n in self.shapes.values() if n.dated)
        return min((line for line in lines if line), default=0)


def _beginnings(cells: pa.Array) -> pa.Array:
    """Return the first two digits of the number in each cell; those of years are one."""
    from pyarrow import compute

    digits = compute.struct_field(compute.extract_regex(cells, BEGINNING), "digits")
    return compute.if_else(compute.equal(digits, YEARS[1]), YEARS[0], digits).fill_null("")


def judge(source: Source, extract: str, declared: Mapping[str, str]) -> tuple[Judged, ...]:
    """Return the columns whose numbers were passed; raise ExtractError at a CPR number, naming line and column.

    `declared` names columns of the header that are said to hold none, with who says so. `extract` is told in the next
    step.
    """
    if not source.may_hold_cpr:
        return ()
    names, tallies = header(source), tallied(source)
    for at, (name, tally) in enumerate(zip(names, tallies, strict=True), 1):
        line = tally.offence()
        if line and name not in declared:
            raise _refusal(source, extract, (at, name), line)
    return tuple(_passed(name, tally, declared) for name, tally in zip(names, tallies, strict=True) if _dates(tally))


def tallied(source: Source) -> list[Tally]:
    """Return what stands in each column of a file."""
    names = header(source)
    tallies = [Tally() for _ in names]
    keys = [f"c{at}" for at in range(len(names))]
    for block in blocks(source):
        if may_hold_cpr(block.data):
            table = parse(source, block, keys).combine_chunks()
            lines = table.column("_line").combine_chunks()
            for key, tally in zip(keys, tallies, strict=True):
                tally.add(table.column(key).combine_chunks(), lines)
    return tallies


def _dates(tally: Tally) -> int:
    return sum(numbers.dated for numbers in tally.shapes.values())


def _passed(name: str, tally: Tally, declared: Mapping[str, str]) -> Judged:
    verdict = declared.get(name, "ids")
    return Judged(name, verdict, sum(numbers.numbers for numbers in tally.shapes.values()), _dates(tally))


def _refusal(source: Source, extract: str, place: tuple[int, str], line: int) -> ExtractError:
    at, name = place
    is_told = bool(name) and not holds_cpr(name)
    return ExtractError(
        f"{source.name}: line {line}, column {at}{f' ({name})' if is_told else ''} holds a CPR number; expected "
        "pseudonyms only. Replace the numbers by pseudonyms ('evaluator pseudonymise'), and delete this file. When "
        f'they are none, write no_cpr = ["{name if is_told else "its name"}"] under [{extract}] in mapping.toml.'
    )
