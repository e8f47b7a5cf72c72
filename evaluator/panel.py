"""Frames to `Panel` and `Sections`; the only place where rows become arrays.

A frame that cannot be laid out is refused with counts: never a value, never a unit's name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from evaluator.errors import PanelError
from evaluator.frame_columns import (
    BLOCK,
    Column,
    blocks,
    coded,
    codes,
    column,
    finite,
    firsts,
    floats,
    joined,
    key_source,
    known,
    labelled,
    matrix,
    missing,
    numbers,
    refuse,
    source,
    starts,
    steady,
    weighed,
)
from evaluator.vocabulary import NEVER, Bools, Floats, Ints, Panel, Sections


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

    Rows may come in any order. A complete frame that is sorted by unit and period is a panel already: its outcome is
    not copied beyond the joining of its chunks, and its other columns are read block by block.

    Raises PanelError for duplicates, gaps, missing outcomes, and cohorts, clusters or weights that move within a unit.
    """
    order = _order(frame, unit, period)
    values = order.sorted(numbers(column(frame, outcome), outcome))
    grid = order.grid(values)
    observed, dose = np.isfinite(grid), None
    without = grid.size - int(np.count_nonzero(observed))
    if without:
        finite(values, outcome)
    if not gaps:
        refuse(grid.size - values.size, grid.size, f"({unit}, {period}) are absent", "no gaps")
        refuse(without, values.size, f"rows have no {outcome}", "a number in every row")
    start = np.full(order.shape[0], NEVER)
    if cohort is not None:
        start = starts(_of_units(order, source(frame, cohort), cohort, _as_is), order.periods)
    mass, group = np.ones(start.size), np.arange(start.size)
    if weight is not None:
        mass = _of_units(order, source(frame, weight), weight, weighed)
    if cluster is not None:
        group = coded(_of_units(order, key_source(frame, cluster)[0], cluster, known))[1]
    if exposure is not None:
        dose = order.grid(order.sorted(floats(frame, exposure)))
        refuse(int((observed & np.isnan(dose)).sum()), values.size, f"rows have no {exposure}", "a dose in every row")
    panel = Panel(
        periods=tuple(order.periods.tolist()),
        outcome=grid,
        observed=observed,
        cohort=start,
        exposure=dose,
        covariates=matrix([_at_first(order, frame, name) for name in covariates], start.size),
        cluster=group,
        weight=mass,
        unit=outcome,
        units=tuple(order.units.tolist()),
    )
    return _without_always_exposed(panel)


@dataclass(frozen=True, slots=True)
class _Order:
    """How the rows of a frame follow each other by unit and period."""

    units: Column  # (N,) sorted labels
    periods: Column  # (T,) sorted labels
    first: Ints  # (N + 1,) where a unit's rows begin among the sorted rows
    rows: Ints | None  # (n,) the sorted rows; None when the frame is sorted
    slot: Ints | None  # (n,) unit x T + period of the sorted rows; None when all are there

    @property
    def shape(self) -> tuple[int, int]:
        return self.units.size, self.periods.size

    def firsts(self, values: Any) -> Column:
        """Return the first value of each unit (N,) of a source."""
        return firsts(values, self.periods.size) if self.rows is None else joined(values)[self.rows[self.first[:-1]]]

    def sorted(self, values: Column) -> Column:
        return values if self.rows is None else values[self.rows]

    def grid(self, values: Floats) -> Floats:
        """Return sorted values as a matrix (N, T), NaN where a row is absent."""
        if self.slot is None:
            return values.reshape(self.shape)
        out = np.full(self.shape, np.nan)
        out.flat[self.slot] = values
        return out


def _order(frame: Any, unit: str, period: str) -> _Order:
    """Return the order of the rows; one (unit, period) twice is refused."""
    units, times = key_source(frame, unit), key_source(frame, period)
    found = _as_it_is(units, times)
    if found is not None:
        return found
    (names, row), (labels, time) = (
        labelled((known(joined(values), name), text)) for (values, text), name in ((units, unit), (times, period))
    )
    slot = row * labels.size
    slot += time
    place = np.full(names.size * labels.size, -1, dtype=np.int64)
    place[slot] = np.arange(slot.size)
    filled = int(np.count_nonzero(place >= 0))
    refuse(slot.size - filled, slot.size, f"rows repeat ({unit}, {period})", "one row each")
    ends = np.arange(names.size + 1) * labels.size
    if filled == place.size:
        return _Order(names, labels, ends, place, None)
    kept = np.flatnonzero(place >= 0)
    return _Order(names, labels, np.searchsorted(kept, ends), place[kept], kept)


def _as_it_is(units: tuple[Any, Column | None], times: tuple[Any, Column | None]) -> _Order | None:
    """Return the order of a frame that is complete and sorted by unit and period; else None."""
    (unit, names), (time, labels) = units, times
    head = joined(unit[:BLOCK])
    changed = head[1:] != head[:-1]
    periods = int(changed.argmax()) + 1 if changed.any() else head.size
    if not head.size or len(unit) % periods:
        return None
    when = joined(time[:periods])
    calendar = np.tile(when, 1 + BLOCK // periods)
    if not (_increases(when) and all(np.array_equal(part, calendar[: part.size]) for part in blocks(time, periods))):
        return None
    who = steady(unit, periods)
    if who is None or not _increases(who):
        return None
    who, when = (values if text is None else text[values] for values, text in ((who, names), (when, labels)))
    return _Order(who, when, np.arange(who.size + 1) * periods, None, None)


def _increases(values: Column) -> bool:
    """Return whether labels are known, distinct and sorted."""
    return not missing(values).any() and bool((values[1:] > values[:-1]).all())


def _as_is(values: Column, name: str) -> Column:
    return values


def _at_first(order: _Order, frame: Any, name: str) -> Floats:
    """Return a column of finite numbers in each unit's first row (N,)."""
    return finite(numbers(order.firsts(source(frame, name)), name), name)


def _of_units(order: _Order, values: Any, name: str, read: Callable[[Column, str], Column]) -> Column:
    """Return what `read` makes of a source in each unit's first row (N,); values that change within a unit are refused.

    What is wrong in a frame sorted as it is shows block by block, and is then counted in the joined column.
    """
    if order.rows is None:
        first = steady(values, order.periods.size)
        with suppress(PanelError):
            if first is not None:
                return read(first, name)
    everywhere = read(joined(values), name)
    _refuse_moved(order, everywhere, name, is_start=read is _as_is)
    return order.firsts(everywhere)


def _refuse_moved(order: _Order, values: Column, name: str, *, is_start: bool = False) -> None:
    """Refuse values (n,) that change within a unit; starts that mean the same do not differ."""
    values = order.sorted(values)
    has_bits = is_start and values.dtype.kind in "fmM" and values.dtype.itemsize == 8  # so that null equals null
    changed = _changed(order, values.view(np.int64) if has_bits else values)
    if is_start and changed.any():
        changed = _changed(order, starts(values, order.periods))
    units = np.searchsorted(order.first, np.flatnonzero(changed) + 1, side="right")
    refuse(np.unique(units).size, order.shape[0], f"units change {name} over time", f"one {name} per unit")


def _changed(order: _Order, values: Column) -> Bools:
    """Return where a sorted row (1 to n - 1) differs from the one before of the same unit."""
    changed = np.asarray(values[1:] != values[:-1], dtype=np.bool_)
    changed[order.first[1:-1] - 1] = False
    return changed


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
    stamps = column(frame, period)
    refuse(int(missing(stamps).sum()), stamps.size, f"rows have no {period}", "a period in every row")
    labels = coded(stamps)[0] if periods is None else np.unique(np.asarray(list(periods), dtype=stamps.dtype))
    names, group = codes(frame, cluster)
    start = starts(column(frame, cohort), labels)
    reference = np.zeros(len(names), dtype=np.int64)
    reference[group] = start
    moved = np.unique(group[start != reference[group]]).size
    refuse(moved, len(names), f"clusters change {cohort} over time", f"one {cohort} per cluster")
    mass = np.ones(stamps.size) if weight is None else weighed(column(frame, weight), weight)
    keep = np.isin(stamps, labels) & (mass > 0) & (start > 0)
    values = floats(frame, outcome)
    refuse(int(np.isnan(values[keep]).sum()), int(keep.sum()), f"rows have no {outcome}", "a number in every row")
    kept, dense = coded(group[keep])
    return Sections(
        periods=tuple(labels.tolist()),
        outcome=values[keep],
        period=np.searchsorted(labels, stamps[keep]).astype(np.int64),
        cohort=start[keep],
        covariates=matrix([floats(frame, name)[keep] for name in covariates], int(keep.sum())),
        cluster=dense,
        weight=mass[keep],
        unit=outcome,
        clusters=tuple(names[kept].tolist()),
    )


def without_clusters(data: Panel | Sections, clusters: Sequence[int] | Ints) -> Panel | Sections:
    """Return the data without the given clusters (indices); the remaining ones keep their order, renumbered."""
    return select(data, ~np.isin(data.cluster, np.asarray(clusters, dtype=np.int64)))


def select(data: Panel | Sections, rows: Bools) -> Panel | Sections:
    """Return the data of the rows where `rows` (N or R,) is true, clusters renumbered from 0."""
    kept, dense = coded(data.cluster[rows])
    parts: dict[str, Any] = {
        "cluster": dense,
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


def cohort_codes(cohort: Ints, periods: int) -> tuple[Ints, Ints]:
    """Return the cohorts (E,) in order, NEVER last if present, and each row's index into them."""
    slot = np.where(cohort == NEVER, periods, cohort)
    found = np.bincount(slot, minlength=periods + 1) > 0
    labels = np.append(np.arange(periods), NEVER)[found]
    return labels, (np.cumsum(found) - 1)[slot]
