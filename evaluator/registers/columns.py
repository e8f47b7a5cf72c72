"""Columns of an extract: texts are kept as few names and many indices, so that writing stays cheap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evaluator.vocabulary import Ints


@dataclass(frozen=True, slots=True)
class Text:
    """A text column: row i holds names[index[i]]; a missing name is an empty field."""

    names: Sequence[str | None]
    index: Ints


Columns = Mapping[str, Any]  # Text, a list of values, numbers, or datetime64 days (NaT is an empty field)


def write_extract(folder: Path, name: str, columns: Columns, *, is_more: bool = False) -> None:
    """Write a semicolon file with decimal comma, or more rows of it; the bytes depend on the values alone."""
    import polars as pl

    def series(key: str, values: Any) -> pl.Series:
        if isinstance(values, Text):
            return pl.Series(key, list(values.names), dtype=pl.String).gather(pl.Series(np.asarray(values.index)))
        return pl.Series(key, values)

    frame = pl.DataFrame([series(key, values) for key, values in columns.items()])
    with (folder / f"{name}.csv").open("ab" if is_more else "wb") as file:
        frame.write_csv(file, include_header=not is_more, separator=";", decimal_comma=True, line_terminator="\n")
