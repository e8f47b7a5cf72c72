"""Frames to `Panel` and `Sections`; the only place where rows become arrays.

A frame that cannot be laid out is refused with counts: never a value, never a unit's name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from evaluator.errors import PanelError
from evaluator.vocabulary import NEVER, Bools, Floats, Ints, Panel, Sections

Column = npt.NDArray[Any]


def panel_from_frame(
    frame: Any,
    *,
    unit: str,
    period: str,
    outcome: str,
    cohort: str | None,
    covariates: Sequence[str] = (),
    cluster: str | None = None,
    weight: str | None = None,
    exposure: str | None = None,
    gaps: bool = False,
) -> Panel:
    """Return the balanced panel of a long polars or pandas frame, one row per unit and period.

    `cohort` holds the first exposed period in the labels of `period`; 0 or null is never. A start after the last period
    is NEVER; units exposed from the first period have no base, are left out and counted in `Panel.dropped`. `exposure`
    is a continuous dose by period; then `cohort` is None. Covariates are those of the first period. With `gaps`, absent
    rows and missing outcomes become unobserved cells instead of an error. Without `cluster` each unit is its own.

    Raises PanelError for duplicates, gaps, missing outcomes, and cohorts, clusters or weights that move within a unit.
    """
    units, row = _codes(frame, unit)
    periods, time = _codes(frame, period)
    shape = (len(units), len(periods))
    slot = row * shape[1] + time
    filled = np.bincount(slot, minlength=shape[0] * shape[1]) > 0
    _refuse(slot.size - int(filled.sum()), slot.size, f"rows repeat ({unit}, {period})", "one row each")
    values = _floats(frame, outcome)
    if not gaps:
        _refuse(shape[0] * shape[1] - slot.size, shape[0] * shape[1], f"({unit}, {period}) are absent", "no gaps")
        _refuse(int(np.isnan(values).sum()), values.size, f"rows have no {outcome}", "a number in every row")
    grid = np.full(shape, np.nan)
    grid.flat[slot] = values
    first = np.zeros(shape[0], dtype=np.int64)
    earliest = np.argmax(filled.reshape(shape), axis=1)
    is_first = time == earliest[row]
    first[row[is_first]] = np.flatnonzero(is_first)
    start = np.full(slot.size, NEVER) if cohort is None else _starts(_column(frame, cohort), periods)
    steady = [(cohort, start), (weight, _weights(frame, weight, slot.size))]
    steady.append((cluster, _codes(frame, cluster)[1] if cluster else row))
    for name, column in steady:
        moved = np.unique(row[column != column[first][row]]).size
        _refuse(moved, shape[0], f"units change {name} over time", f"one {name} per unit")
    observed, dose = np.isfinite(grid), None
    if exposure is not None:
        dose = np.full(shape, np.nan)
        dose.flat[slot] = _floats(frame, exposure)
        _refuse(int((observed & np.isnan(dose)).sum()), slot.size, f"rows have no {exposure}", "a dose in every row")
    panel = Panel(
        periods=tuple(periods.tolist()),
        outcome=np.where(observed, grid, np.nan),
        observed=observed,
        cohort=start[first],
        exposure=dose,
        covariates=_matrix(frame, covariates)[first],
        cluster=steady[2][1][first].astype(np.int64),
        weight=steady[1][1][first].astype(np.float64),
        unit=outcome,
        units=tuple(units.tolist()),
    )
    return _without_always_exposed(panel)


def sections_from_frame(
    frame: Any,
    *,
    period: str,
    outcome: str,
    cohort: str,
    cluster: str,
    weight: str | None = None,
    covariates: Sequence[str] = (),
    periods: Sequence[Any] | None = None,
) -> Sections:
    """Return repeated cross-sections: one row per person, or per cluster and entry period with persons as weights.

    `cohort` as in `panel_from_frame`. `periods` fixes the calendar when some periods hold no row; rows outside it are
    left out. Rows of weight 0 are empty cells and absent. Clusters exposed from the first period are left out: those
    kept are named in `Sections.clusters`.

    Raises PanelError for missing outcomes, negative weights and cohorts that move within a cluster.
    """
    stamps = _column(frame, period)
    _refuse(int(_missing(stamps).sum()), stamps.size, f"rows have no {period}", "a period in every row")
    labels = np.unique(stamps if periods is None else np.asarray(list(periods), dtype=stamps.dtype))
    names, group = _codes(frame, cluster)
    start = _starts(_column(frame, cohort), labels)
    reference = np.zeros(len(names), dtype=np.int64)
    reference[group] = start
    moved = np.unique(group[start != reference[group]]).size
    _refuse(moved, len(names), f"clusters change {cohort} over time", f"one {cohort} per cluster")
    mass = _weights(frame, weight, stamps.size)
    keep = np.isin(stamps, labels) & (mass > 0) & (start > 0)
    values = _floats(frame, outcome)
    _refuse(int(np.isnan(values[keep]).sum()), int(keep.sum()), f"rows have no {outcome}", "a number in every row")
    kept, dense = np.unique(group[keep], return_inverse=True)
    return Sections(
        periods=tuple(labels.tolist()),
        outcome=values[keep],
        period=np.searchsorted(labels, stamps[keep]).astype(np.int64),
        cohort=start[keep],
        covariates=_matrix(frame, covariates)[keep],
        cluster=dense.astype(np.int64),
        weight=mass[keep],
        unit=outcome,
        clusters=tuple(names[kept].tolist()),
    )


def without_clusters(data: Panel | Sections, clusters: Sequence[int] | Ints) -> Panel | Sections:
    """Return the data without the given clusters (indices); the remaining ones keep their order, renumbered."""
    return select(data, ~np.isin(data.cluster, np.asarray(clusters, dtype=np.int64)))


def select(data: Panel | Sections, rows: Bools) -> Panel | Sections:
    """Return the data of the rows where `rows` (N or R,) is true, clusters renumbered from 0."""
    kept, dense = np.unique(data.cluster[rows], return_inverse=True)
    parts: dict[str, Any] = {
        "cluster": dense.astype(np.int64),
        "cohort": data.cohort[rows],
        "weight": data.weight[rows],
    }
    parts |= {"outcome": data.outcome[rows], "covariates": data.covariates[rows]}
    if isinstance(data, Sections):
        names = tuple(data.clusters[index] for index in kept) if data.clusters else ()
        return replace(data, period=data.period[rows], clusters=names, **parts)
    names = tuple(name for name, keep in zip(data.units, rows, strict=True) if keep) if data.units else ()
    exposure = None if data.exposure is None else data.exposure[rows]
    return replace(data, observed=data.observed[rows], exposure=exposure, units=names, **parts)


def _without_always_exposed(panel: Panel) -> Panel:
    kept = panel.cohort > 0
    if bool(kept.all()):
        return panel
    chosen = select(panel, kept)
    assert isinstance(chosen, Panel)
    return replace(chosen, dropped=int((~kept).sum()))


def _column(frame: Any, name: str) -> Column:
    if name not in frame.columns:
        raise PanelError(f"panel: column '{name}' is absent; expected it in the frame. Check the names passed.")
    return np.asarray(frame[name].to_numpy())


def _missing(values: Column) -> Bools:
    if values.dtype.kind == "O":
        return np.fromiter((v is None or v != v for v in values), dtype=np.bool_, count=values.size)
    if values.dtype.kind in "mM":
        return np.isnat(values)
    return np.isnan(values) if values.dtype.kind == "f" else np.zeros(values.size, dtype=np.bool_)


def _codes(frame: Any, name: str) -> tuple[Column, Ints]:
    """Return the sorted labels of a column and each row's index into them."""
    values = _column(frame, name)
    _refuse(int(_missing(values).sum()), values.size, f"rows have no {name}", f"a {name} in every row")
    if values.size == 0:
        raise PanelError("panel: the frame has no rows; expected at least one. Check the population of the spec.")
    labels, codes = np.unique(values, return_inverse=True)
    return labels, codes.astype(np.int64)


def _floats(frame: Any, name: str) -> Floats:
    try:
        values = np.array(_column(frame, name), dtype=np.float64)
    except (TypeError, ValueError):
        raise PanelError(f"panel: column '{name}' is not numeric; expected numbers. Convert it first.") from None
    _refuse(int(np.isinf(values).sum()), values.size, f"rows have an infinite {name}", "finite numbers")
    return values


def _matrix(frame: Any, names: Sequence[str]) -> Floats:
    return np.column_stack([_floats(frame, n) for n in names]) if names else np.empty((len(frame), 0))


def _weights(frame: Any, name: str | None, rows: int) -> Floats:
    if name is None:
        return np.ones(rows)
    values = _floats(frame, name)
    _refuse(int((~(values >= 0)).sum()), rows, f"rows have no or a negative {name}", "a weight of 0 or more")
    return values


def _starts(values: Column, periods: Column) -> Ints:
    """Return the index of the first exposed period (0: from the first on), NEVER for 0, null and after the last."""
    never = _missing(values)
    if values.dtype.kind not in "mM":
        never |= values == 0
    start = np.full(values.size, NEVER, dtype=np.int64)
    try:
        known = values[~never].astype(periods.dtype if periods.dtype.kind in "mMOU" else np.float64)
        index = np.searchsorted(periods, known)
    except (TypeError, ValueError):
        raise PanelError("panel: cohort and period differ in type; expected period labels. Convert one.") from None
    start[~never] = np.where(index == periods.size, NEVER, index)
    return start


def _refuse(wrong: int, of: int, what: str, expected: str) -> None:
    if wrong:
        raise PanelError(f"panel: {wrong:,} of {of:,} {what}; expected {expected}. Mend the input and run again.")
