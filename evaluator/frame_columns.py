"""Columns of polars and pandas frames as arrays and codes; what cannot be used is refused with counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from evaluator.errors import PanelError
from evaluator.vocabulary import NEVER, Bools, Floats, Ints

Column = npt.NDArray[Any]
Rows = Ints | slice
WHOLE = slice(None)
SPREAD = 4
"""Whole numbers are coded by counting where their range is at most this many times the rows, else by sorting."""


def refuse(wrong: int, of: int, what: str, expected: str) -> None:
    """Raise PanelError when `wrong` of `of` rows or units are."""
    if wrong:
        raise PanelError(f"panel: {wrong:,} of {of:,} {what}; expected {expected}. Mend the input and run again.")


def column(frame: Any, name: str) -> Column:
    """Return a column as an array, without a copy where the frame allows it."""
    if name not in frame.columns:
        raise PanelError(f"panel: column '{name}' is absent; expected it in the frame. Check the names passed.")
    return np.asarray(frame[name].to_numpy())


def missing(values: Column) -> Bools:
    """Return which values are null or not a number."""
    if values.dtype.kind == "O":
        return np.fromiter((v is None or v != v for v in values), dtype=np.bool_, count=values.size)
    if values.dtype.kind in "mM":
        return np.isnat(values)
    return np.isnan(values) if values.dtype.kind == "f" else np.zeros(values.size, dtype=np.bool_)


def keys(frame: Any, name: str) -> tuple[Column, Column | None]:
    """Return a column of numbers or dates as it is; text as the codes of its labels, and those, sorted.

    A missing value is refused.
    """
    if name in frame.columns and _is_polars_text(frame, name):
        text = frame[name]
        refuse(text.null_count(), len(text), f"rows have no {name}", f"a {name} in every row")
        return _coded_text(text)
    values = column(frame, name)
    if values.dtype.kind not in "iub":
        refuse(int(missing(values).sum()), values.size, f"rows have no {name}", f"a {name} in every row")
    if values.dtype.kind != "O":
        return values, None
    from pandas import factorize

    found, labels = factorize(values, sort=True)
    return found, np.asarray(labels)


def codes(frame: Any, name: str) -> tuple[Column, Ints]:
    """Return the sorted labels of a column and each row's index into them."""
    return labelled(keys(frame, name))


def labelled(key: tuple[Column, Column | None]) -> tuple[Column, Ints]:
    """Return the sorted labels of what `keys` returned and each row's index into them; no rows are refused."""
    values, text = key
    if values.size == 0:
        raise PanelError("panel: the frame has no rows; expected at least one. Check the population of the spec.")
    labels, index = coded(values)
    return (labels if text is None else text[labels]), index


def coded(values: Column) -> tuple[Column, Ints]:
    """Return the sorted distinct values and each value's index into them; whole numbers in time linear in the rows."""
    if values.dtype.kind in "iu" and values.size:
        low, high = int(values.min()), int(values.max())
        if high - low <= SPREAD * values.size + 1000 and high <= NEVER:
            offset = values.astype(np.int64, copy=False)
            offset = offset - low if low else offset
            found = np.zeros(high - low + 1, dtype=np.bool_)
            found[offset] = True
            labels = (np.flatnonzero(found) + low).astype(values.dtype)
            if labels.size == found.size:
                return labels, offset
            return labels, (np.cumsum(found) - 1)[offset]
    labels, index = np.unique(values, return_inverse=True)
    return labels, index.astype(np.int64, copy=False)


def floats(frame: Any, name: str, at: Rows = WHOLE) -> Floats:
    """Return a column of numbers, missing as NaN; without a copy where it holds doubles."""
    try:
        values = np.asarray(column(frame, name)[at], dtype=np.float64)
    except (TypeError, ValueError):
        raise PanelError(f"panel: column '{name}' is not numeric; expected numbers. Convert it first.") from None
    with np.errstate(over="ignore", invalid="ignore"):
        is_finite = np.isfinite(values.sum())
    if not is_finite:
        refuse(int(np.isinf(values).sum()), values.size, f"rows have an infinite {name}", "finite numbers")
    return values


def matrix(frame: Any, names: Sequence[str], at: Rows = WHOLE) -> Floats:
    """Return columns of numbers side by side (n, K), one whole column in memory at a time."""
    if not names:
        return np.empty((len(range(len(frame))[at]) if isinstance(at, slice) else at.size, 0))
    return np.column_stack([np.ascontiguousarray(floats(frame, name, at)) for name in names])


def weights(frame: Any, name: str, at: Rows = WHOLE) -> Floats:
    """Return a column of weights; missing and negative ones are refused."""
    values = floats(frame, name, at)
    refuse(int((~(values >= 0)).sum()), values.size, f"rows have no or a negative {name}", "a weight of 0 or more")
    return values


def starts(values: Column, periods: Column) -> Ints:
    """Return the index of the first exposed period (0: from the first on), NEVER for 0, null and after the last."""
    if values.dtype.kind in "iu" and values.size > 1:
        labels, index = coded(values)
        if labels.size < values.size:
            return starts(labels, periods)[index]
    never = missing(values)
    if values.dtype.kind not in "mM":
        never |= values == 0
    start = np.full(values.size, NEVER, dtype=np.int64)
    try:
        first = values[~never].astype(periods.dtype if periods.dtype.kind in "mMOU" else np.float64)
        index = np.searchsorted(periods, first)
    except (TypeError, ValueError):
        raise PanelError("panel: cohort and period differ in type; expected period labels. Convert one.") from None
    start[~never] = np.where(index == periods.size, NEVER, index)
    return start


def _is_polars_text(frame: Any, name: str) -> bool:
    if not type(frame).__module__.startswith("polars"):
        return False
    import polars as pl

    return frame[name].dtype in (pl.String, pl.Categorical, pl.Enum)


def _coded_text(text: Any) -> tuple[Column, Column]:
    import polars as pl

    text = text.cast(pl.String)
    labels = text.unique().sort()
    return text.cast(pl.Enum(labels)).to_physical().to_numpy(), labels.to_numpy()
