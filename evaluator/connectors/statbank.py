"""Statistics Denmark's StatBank (https://api.statbank.dk/v1): tables, their values, and data as rows of codes.

Cells are counted before anything is asked for: over a million the selection is split by period, or fetched as BULK
when every variable is selected (BULK sums nothing).
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evaluator.connectors.service import Answer, Service, plain
from evaluator.errors import FetchError

BASE = "https://api.statbank.dk/v1"
MOST_CELLS = 1_000_000
FORMATS = ("CSV", "BULK", "JSONSTAT")
MISSING = ".."
NEXT_STEP = {
    "EXTRACT-NOTFOUND": "Look up table, variables and values with 'evaluator fetch statbank TABLE'.",
    "EXTRACT-NOTALLOWED": "Select values for every variable that the table does not sum over.",
    "REQUEST-LIMIT": "Select fewer values, or all variables and --format BULK.",
    "REQUEST-MISSING": "Name the table and the format.",
    "REQUEST-EMPTY": "Report the request to whoever maintains the program.",
    "REQUEST-NOTFOUND": "Look at the address in EVALUATOR_STATBANK_URL.",
}


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable; an eliminable one may be left out and is then summed. `values` are codes."""

    code: str
    text: str
    eliminable: bool
    is_time: bool
    values: tuple[str, ...]
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    code: str
    text: str
    unit: str
    updated: str
    variables: tuple[Variable, ...]

    def variable(self, name: str) -> Variable:
        """Return the variable of this code or text, whatever its case; raise FetchError when there is none."""
        for variable in self.variables:
            if name.casefold() in (variable.code.casefold(), variable.text.casefold()):
                return variable
        known = ", ".join(variable.code for variable in self.variables)
        raise FetchError(f"StatBank {self.code}: no variable '{plain(name)}'; expected {known}. Correct the name.")


@dataclass(frozen=True, slots=True)
class Query:
    """Codes by variable, in the table's order; `format` is one of FORMATS."""

    table: Table
    selected: Mapping[str, tuple[str, ...]]
    format: str = "CSV"

    @property
    def cells(self) -> int:
        return math.prod(len(codes) for codes in self.selected.values())

    def body(self) -> dict[str, Any]:
        """Return the request as it is posted to /data."""
        shared = {"table": self.table.code, "lang": "da", "format": self.format}
        text = {"valuePresentation": "Code", "delimiter": "Semicolon"} if self.format != "JSONSTAT" else {}
        variables = [{"code": code, "values": list(codes)} for code, codes in self.selected.items()]
        return shared | text | {"variables": variables}


def table_info(service: Service, code: str) -> Table:
    """Return what a table holds."""
    answer = service.ask("/tableinfo", body={"table": code.upper(), "lang": "da", "format": "JSON"})
    good = _good(answer, code)
    try:
        data = json.loads(good)
        variables = tuple(_variable(told) for told in data["variables"])
        return Table(data["id"].upper(), data["text"], data["unit"], data["updated"], variables)
    except (ValueError, KeyError, TypeError):
        raise FetchError(
            f"StatBank {plain(code)}: the description of the table has another form; expected variables and values. "
            "Look at the address in EVALUATOR_STATBANK_URL."
        ) from None


def _variable(told: dict[str, Any]) -> Variable:
    codes, labels = (tuple(value[key] for value in told["values"]) for key in ("id", "text"))
    return Variable(told["id"], told["text"], bool(told["elimination"]), bool(told["time"]), codes, labels)


def select(table: Table, wanted: Mapping[str, Sequence[str]], form: str = "CSV") -> Query:
    """Return the query for `wanted` values or patterns by variable, every pattern written out.

    Patterns: `*`, `2017*`, `*K1`, `(1)` the latest, `(-n+5)` the last five, `>=2014K1<=2019K4`.
    """
    by_code = {table.variable(name).code: patterns for name, patterns in wanted.items()}
    selected = {}
    for variable in table.variables:
        if variable.code in by_code:
            patterns = by_code[variable.code]
            matched = {code for pattern in patterns for code in _matching(table, variable, pattern)}
            selected[variable.code] = tuple(code for code in variable.values if code in matched)
        elif not variable.eliminable or form == "BULK":
            why = "BULK sums nothing" if variable.eliminable else "the table does not sum over it"
            raise FetchError(
                f"StatBank {table.code}: no values for {variable.code}, and {why}; expected at least one. "
                f"Add {variable.code}=CODE or {variable.code}=* to the command."
            )
    return Query(table, selected, form)


def _matching(table: Table, variable: Variable, pattern: str) -> list[str]:
    values = list(variable.values)
    last = re.fullmatch(r"\(-n\+(\d+)\)", pattern)
    span = re.fullmatch(r"(?:>=?([^<>=]+))?(?:<=?([^<>=]+))?", pattern)
    if pattern == "(1)":
        found = values[-1:]
    elif last:
        found = values[-int(last[1]) :] if int(last[1]) else []
    elif pattern[:1] in (">", "<") and span:
        found = [v for v in values if _within(v, pattern, span[1], span[2])]
    elif "*" in pattern:
        shape = re.compile(".*".join(re.escape(part) for part in pattern.split("*")))
        found = [v for v in values if shape.fullmatch(v)]
    else:
        found = [v for v in values if v == pattern]
    if not found:
        raise FetchError(
            f"StatBank {table.code}: {variable.code} has no value '{plain(pattern)}'; expected a code or a pattern of "
            f"codes. Look the values up with 'evaluator fetch statbank {table.code}'."
        )
    return found


def _within(value: str, pattern: str, low: str | None, high: str | None) -> bool:
    above = low is None or value > low or (value == low and f">={low}" in pattern)
    return above and (high is None or value < high or (value == high and f"<={high}" in pattern))


def plan(query: Query, most: int = MOST_CELLS) -> list[Query]:
    """Return the queries to ask: the one, itself as BULK when all variables are selected, or its periods in parts."""
    if query.cells <= most or query.format == "BULK":
        return [query]
    if len(query.selected) == len(query.table.variables):
        return [Query(query.table, query.selected, "BULK")]
    time = next((v.code for v in query.table.variables if v.is_time and v.code in query.selected), None)
    periods = query.selected[time] if time else ()
    size = most * len(periods) // query.cells
    if not time or not size:
        raise FetchError(
            f"StatBank {query.table.code}: {query.cells:,} cells selected; expected at most {most:,} for each period. "
            "Select fewer values, or all variables."
        )
    parts = [periods[at : at + size] for at in range(0, len(periods), size)]
    return [Query(query.table, {**query.selected, time: part}, query.format) for part in parts]


def ask(service: Service, query: Query) -> bytes:
    """Return the raw answer to one query."""
    return _good(service.ask("/data", body=query.body()), query.table.code)


def rows(query: Query, answer: bytes) -> list[tuple[str, ...]]:
    """Return the cells of an answer: codes in the order of `query.selected`, then the value (`..` when missing).

    Raises FetchError when the answer holds other cells than asked for.
    """
    read = list(_from_jsonstat(query, answer) if query.format == "JSONSTAT" else _from_text(query, answer))
    allowed = [set(codes) for codes in query.selected.values()]
    strange = any(code not in codes for row in read for code, codes in zip(row, allowed, strict=False))
    keys = {row[:-1] for row in read}
    # BULK leaves empty cells out; the other formats hold one row for each cell
    short = len(read) > query.cells if query.format == "BULK" else len(read) != query.cells
    if strange or short or len(keys) != len(read):
        raise FetchError(
            f"StatBank {query.table.code}: the answer holds {len(read):,} rows that are not the {query.cells:,} cells "
            "asked for; expected one row for each. Fetch again with --refresh."
        )
    return read


def _from_text(query: Query, answer: bytes) -> Iterator[tuple[str, ...]]:
    reader = csv.reader(io.StringIO(answer.decode("utf-8-sig", "replace"), newline=""), delimiter=";")
    header = next(reader, [])
    if len(header) != len(query.selected) + 1:
        raise _unlike(query, f"{len(header)} columns")
    names = [query.table.variable(name).code for name in header[:-1]]
    if set(names) != set(query.selected):
        raise _unlike(query, "other variables")
    places = [names.index(code) for code in query.selected]
    for cells in filter(None, reader):
        if len(cells) != len(header):
            raise _unlike(query, f"a row of {len(cells)} fields")
        yield (*(cells[place] for place in places), cells[-1].strip() or MISSING)


def _from_jsonstat(query: Query, answer: bytes) -> Iterator[tuple[str, ...]]:
    """Read JSON-stat 1.x as StatBank nests it: one dataset, values row-major over `dimension.id`."""
    try:
        data = json.loads(answer)["dataset"]
        dimension, values = data["dimension"], data["value"]
        codes = [_categories(dimension[name]["category"]["index"]) for name in dimension["id"]]
    except (ValueError, KeyError, TypeError):
        raise _unlike(query, "no JSON-stat dataset") from None
    sizes = [len(part) for part in codes]
    if sizes != dimension["size"] or math.prod(sizes) != len(values):
        raise _unlike(query, "dimensions that do not fit its values")
    names = [name if name == "ContentsCode" else query.table.variable(name).code for name in dimension["id"]]
    if set(names) - {"ContentsCode"} != set(query.selected):
        raise _unlike(query, "other variables")
    places = [names.index(code) for code in query.selected]
    for at, value in enumerate(values):
        key, rest = [""] * len(sizes), at
        for place in reversed(range(len(sizes))):
            rest, index = divmod(rest, sizes[place])
            key[place] = codes[place][index]
        yield (*(key[place] for place in places), MISSING if value is None else str(value).replace(".", ","))


def _categories(index: dict[str, int] | list[str]) -> list[str]:
    return index if isinstance(index, list) else sorted(index, key=lambda code: index[code])


def _unlike(query: Query, what: str) -> FetchError:
    return FetchError(
        f"StatBank {query.table.code}: the {query.format} answer holds {what}; expected the variables asked for and "
        "a value. Try another --format."
    )


def _good(answer: Answer, code: str) -> bytes:
    """Return the body of an answer, or raise FetchError with StatBank's own code and words."""
    if answer.status == 200:
        return answer.body
    try:
        told = json.loads(answer.body)
        kind, message = plain(told["errorTypeCode"]), plain(told["message"])
    except (ValueError, KeyError, TypeError):
        kind, message = f"status {answer.status}", "no explanation"
    step = NEXT_STEP.get(kind, "Try again later.")
    raise FetchError(f"StatBank {plain(code).upper()}: {kind}, '{message}'; expected data. {step}")
