"""Columns of polars and pandas frames as arrays and codes; what cannot be used is refused with counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from evaluator.errors import PanelError
from evaluator.vocabulary import NEVER, Bools, Floats, Ints

Column = npt.NDArray[Any]
BLOCK = 2**17
"""Rows of a column read at once, so that the chunks of a Parquet file need not be joined to be checked."""
SPREAD = 4
"""Whole numbers are coded by counting where their range is at most this many times the rows, else by sorting."""


def refuse(wrong: int, of: int, what: str, expected: str) -> None:
    """Raise PanelError when `wrong` of `of` rows or units are."""
    if wrong:
        raise PanelError(f"panel: {wrong:,} of {of:,} {what}; expected {expected}. Mend the input and run again.")


def source(frame: Any, name: str) -> Any:
    """Return a column as the frame holds it: a polars series, whose chunks are not joined, or an array."""
    if name not in frame.columns:
        raise PanelError(f"panel: column '{name}' is absent; expected it in the frame. Check the names passed.")
    return frame[name] if _is_polars(frame) else frame[name].to_numpy()


def joined(values: Any) -> Column:
    """Return a source as one array, without a copy where it is one already."""
    return np.asarray(values if isinstance(values, np.ndarray) else values.to_numpy())


def column(frame: Any, name: str) -> Column:
    """Return a column as an array, without a copy where the frame allows it."""
    return joined(source(frame, name))


def blocks(values: Any, periods: int) -> Iterator[Column]:
    """Yield a source as arrays of about `BLOCK` rows, whole units of `periods` rows each."""
    size = max(1, BLOCK // periods) * periods
    for start in range(0, len(values), size):
        yield joined(values[start : start + size])


def steady(values: Any, periods: int) -> Column | None:
    """Return the value of each unit (N,) of a source sorted by units of `periods` rows; None where one may change.

    Doubles and times are compared by their bits, so that null equals null.
    """
    first = []
    for block in blocks(values, periods):
        first.append(block[::periods].copy())
        has_bits = block.dtype.kind in "fmM" and block.dtype.itemsize == 8
        seen = block.view(np.int64) if has_bits else block
        changed = np.asarray(seen[1:] != seen[:-1], dtype=np.bool_)
        changed[periods - 1 :: periods] = False
        if changed.any():
            return None
    return np.concatenate(first)


def firsts(values: Any, periods: int) -> Column:
    """Return the first value of each unit (N,) of a source sorted by units of `periods` rows."""
    return np.concatenate([block[::periods].copy() for block in blocks(values, periods)])


def missing(values: Column) -> Bools:
    """Return which values are null or not a number."""
    if values.dtype.kind == "O":
        return np.fromiter((v is None or v != v for v in values), dtype=np.bool_, count=values.size)
    if values.dtype.kind in "mM":
        return np.isnat(values)
    return np.isnan(values) if values.dtype.kind == "f" else np.zeros(values.size, dtype=np.bool_)


def key_source(frame: Any, name: str) -> tuple[Any, Column | None]:
    """Return a column of numbers or dates as its source; text as the codes of its labels, and those, sorted.

    Missing text is refused; a missing number or date is left to `known`.
    """
    values = source(frame, name)
    if _is_polars_text(values):
        refuse(values.null_count(), len(values), f"rows have no {name}", f"a {name} in every row")
        return _coded_text(values)
    if _is_polars_ordered(values):
        return values, None
    values = joined(values)
    if values.dtype.kind != "O":
        return values, None
    from pandas import factorize

    found, labels = factorize(known(values, name), sort=True)
    return found, np.asarray(labels)


def known(values: Column, name: str) -> Column:
    """Return the values of a column of which none may be missing."""
    if values.dtype.kind not in "iub":
        refuse(int(missing(values).sum()), values.size, f"rows have no {name}", f"a {name} in every row")
    return values


def keys(frame: Any, name: str) -> tuple[Column, Column | None]:
    """Return a column of numbers or dates as it is; text as the codes of its labels, and those, sorted.

    A missing value is refused.
    """
    values, text = key_source(frame, name)
    return known(joined(values), name), text


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


def numbers(values: Column, name: str) -> Floats:
    """Return a column as doubles, missing as NaN; without a copy where it holds them."""
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise PanelError(f"panel: column '{name}' is not numeric; expected numbers. Convert it first.") from None


def finite(values: Floats, name: str) -> Floats:
    """Return numbers of which none may be infinite."""
    with np.errstate(over="ignore", invalid="ignore"):
        is_finite = np.isfinite(values.sum())
    if not is_finite:
        refuse(int(np.isinf(values).sum()), values.size, f"rows have an infinite {name}", "finite numbers")
    return values


def floats(frame: Any, name: str) -> Floats:
    """Return a column of finite numbers, missing as NaN; without a copy where it holds doubles."""
    return finite(numbers(column(frame, name), name), name)


def matrix(columns: Sequence[Floats], rows: int) -> Floats:
    """Return columns side by side (n, K), also where there are none."""
    return np.column_stack(columns) if columns else np.empty((rows, 0))


def weighed(values: Column, name: str) -> Floats:
    """Return a column as weights; missing and negative ones are refused."""
    found = finite(numbers(values, name), name)
    refuse(int((~(found >= 0)).sum()), found.size, f"rows have no or a negative {name}", "a weight of 0 or more")
    return found


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


def _is_polars(values: Any) -> bool:
    return type(values).__module__.startswith("polars")


def _is_polars_text(values: Any) -> bool:
    if not _is_polars(values):
        return False
    import polars as pl

    return values.dtype in (pl.String, pl.Categorical, pl.Enum)


def _is_polars_ordered(values: Any) -> bool:
    if not _is_polars(values):
        return False
    import polars as pl

    return values.dtype.is_integer() or values.dtype.is_float() or values.dtype in (pl.Date, pl.Datetime, pl.Duration)


def _coded_text(text: Any) -> tuple[Any, Column]:
    import polars as pl

    text = text.cast(pl.String)
    labels = text.unique().sort()
    return text.cast(pl.Enum(labels)).to_physical(), labels.to_numpy()
