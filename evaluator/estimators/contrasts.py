"""Which group-time cells a calendar allows, what each is compared with, and the two-by-twos it averages."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluator.estimators.segments import runs
from evaluator.vocabulary import NEVER, Bools, Cell, Floats, Ints


@dataclass(frozen=True, slots=True)
class Choices:
    """What decides the cells: see the fields of `GroupTime`."""

    comparison: str
    base: str
    anticipation: int
    base_periods: int


@dataclass(frozen=True, slots=True)
class Contrasts:
    """C cells over E cohorts and T periods, and their Q two-by-twos: a cell is the mean of its own."""

    cohorts: Ints  # (E,) first exposed periods, NEVER last if present
    cohort: Ints  # (C,) index into `cohorts`
    period: Ints  # (C,)
    base: Ints  # (C,) the last base period
    free: Bools  # (C, E) the cohorts that a cell is compared with
    cell: Ints  # (Q,) the cell of a two-by-two
    plus: Ints  # (Q,) its period
    minus: Ints  # (Q,) its base period

    def cells(self, outcome: str) -> tuple[Cell, ...]:
        """Return the cells under the name of an outcome."""
        columns = (self.cohorts[self.cohort].tolist(), self.period.tolist(), self.base.tolist())
        return tuple(Cell(outcome, *row) for row in zip(*columns, strict=True))

    def keep(self, known: Bools) -> Contrasts:
        """Return the two-by-twos that are known and the cells that have any."""
        kept = np.zeros(self.cohort.size, dtype=np.bool_)
        kept[self.cell[known]] = True
        return self.only(kept, known)

    def only(self, cells: Bools, known: Bools | None = None) -> Contrasts:
        """Return the given cells (C,) with their (known) two-by-twos."""
        used = cells[self.cell] if known is None else cells[self.cell] & known
        number = np.cumsum(cells) - 1
        return Contrasts(
            cohorts=self.cohorts,
            cohort=self.cohort[cells],
            period=self.period[cells],
            base=self.base[cells],
            free=self.free[cells],
            cell=number[self.cell[used]],
            plus=self.plus[used],
            minus=self.minus[used],
        )


def contrasts(cohorts: Ints, periods: int, choices: Choices) -> Contrasts:
    """Return all cells that the calendar allows, cohort by cohort, whether or not there are rows for them.

    A cohort is compared with those exposed in neither period nor in their window of anticipation: a cohort that starts
    later than both periods. Plain `cohort > period` would be wrong before the start.
    """
    rows: list[tuple[int, int, int]] = []
    for code, start in enumerate(cohorts):
        last = int(start) - 1 - choices.anticipation
        if start == NEVER or last < 0:
            continue
        for period in range(periods):
            base = last if choices.base == "universal" or period > last else period - 1
            if base >= 0:
                rows.append((code, period, base))
    cohort, at, bases = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    free = cohorts[None, :] > (np.maximum(at, bases) + choices.anticipation)[:, None]
    if choices.comparison == "never":
        free = np.broadcast_to(cohorts == NEVER, free.shape)
    free = free & (np.arange(cohorts.size) != cohort[:, None])
    cell, back = (part.ravel() for part in np.divmod(np.arange(at.size * choices.base_periods), choices.base_periods))
    minus = bases[cell] - back
    inside = minus >= 0
    return Contrasts(cohorts, cohort, at, bases, free, cell[inside], at[cell[inside]], minus[inside])


def mean_by_cell(effect: Floats, cell: Ints, known: Bools) -> Floats:
    """Return the mean (..., C, O) of each cell's known two-by-twos (..., Q, O); NaN without any.

    Two-by-twos are sorted by `cell` (Q,), and every cell has some.
    """
    first = runs(cell)
    number = np.add.reduceat(known.astype(np.float64), first, axis=-1)[..., None]
    total = np.add.reduceat(np.where(known[..., None], effect, 0.0), first, axis=-2)
    return np.divide(total, number, out=np.full(total.shape, np.nan), where=number > 0)
