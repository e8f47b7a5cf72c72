"""Typed columns written as semicolon CSV with Danish decimals, dates by ISO and nothing for what is missing."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import pyarrow as pa

    Values: TypeAlias = pa.ChunkedArray | pa.Array

MOST_WHOLE = 2.0**53
"""Numbers of floating point are whole numbers one by one up to here."""


def inert(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula: an apostrophe goes before one, and before nothing else.

    A sign alone (`-` is zero in published series) and signed numbers are left.
    """
    is_formula = re.match(r"\s*[=@+\-]", cell) and not re.fullmatch(r"\s*[+-]?[\d.,\s]*", cell)
    return f"'{cell}" if is_formula or cell.startswith(("\t", "\r")) else cell


def written(columns: Sequence[Values]) -> bytes:
    """Return the rows of `columns` as lines of CSV."""
    import pyarrow as pa
    from pyarrow import csv

    target = io.BytesIO()
    if columns and len(columns[0]):
        table = pa.table([as_text(column) for column in columns], [f"c{at}" for at in range(len(columns))])
        options = csv.WriteOptions(include_header=False, delimiter=";", quoting_style="needed")
        csv.write_csv(table, target, options)
    return target.getvalue()


def written_names(names: Sequence[str]) -> bytes:
    """Return the line that names the columns."""
    import pyarrow as pa

    return written([pa.array([name], pa.string()) for name in names])


def as_text(column: Values) -> Values:
    """Return a column as integers or text: whole numbers without a point, others with a decimal comma."""
    import pyarrow as pa
    from pyarrow import compute

    kind = column.type
    if pa.types.is_dictionary(kind):
        return as_text(column.cast(kind.value_type))
    if pa.types.is_boolean(kind):
        return column.cast(pa.int8())
    if pa.types.is_timestamp(kind):
        days = column.cast(pa.date32(), safe=False)
        return days if compute.all(compute.equal(days.cast(kind), column)).as_py() is not False else column
    if pa.types.is_floating(kind):
        column = compute.if_else(compute.is_nan(column), None, column)
        whole = compute.and_(
            compute.equal(compute.floor(column), column), compute.less(compute.abs(column), MOST_WHOLE)
        )
        if compute.all(whole).as_py() is not False:
            return column.cast(pa.int64(), safe=False)
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        values = (None if value is None else format(Decimal(str(value)), "f") for value in column.to_pylist())
        return pa.array([value and value.replace(".", ",") for value in values], pa.string())
    return column if pa.types.is_integer(kind) or pa.types.is_date(kind) else column.cast(pa.string())
