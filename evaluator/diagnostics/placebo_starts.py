"""Which false starts a series allows: clear of the true start, and told apart by the reforms inside their windows.

A reform hits all municipalities on one day, but not equally hard, so a gap at a false start with a reform inside its
windows may be the reform. One without is the cleaner test; both are worth showing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from evaluator.diagnostics.reforms import REFORMS, Reform

AT_MOST = 3
"""False starts that are judged together: with more, the smallest p-value times their number is never small."""


class Obstacle(StrEnum):
    """Why a false start cannot be run."""

    OUTSIDE = "serien begynder ikke en periode på den dato"
    TOO_EARLY = "serien rækker ikke langt nok tilbage"
    TRUE_START = "vinduet når ind i indsatsen eller dens varsel"


@dataclass(frozen=True, slots=True)
class Timeline:
    """A series, its true start, and the periods that an estimate needs on either side of a start."""

    periods: tuple[date, ...]  # (T,) first days, in order
    start: int  # index of the first exposed period
    before: int  # periods before the window of anticipation
    after: int  # periods from the start on
    anticipation: int = 0  # periods ahead of any start that are on neither side

    def __post_init__(self) -> None:
        if not 0 < self.start < len(self.periods) or min(self.before, self.after) < 1 or self.anticipation < 0:
            raise ValueError(
                f"timeline: start {self.start} of {len(self.periods)} periods, {self.before} before, {self.after} "
                f"after, {self.anticipation} of anticipation; expected a start inside and at least 1, 1 and 0"
            )


@dataclass(frozen=True, slots=True)
class FalseStart:
    """A date on which nothing happened, or why it cannot be tried."""

    on: date
    index: int | None  # of its period; None outside the series
    obstacle: Obstacle | None
    reforms: tuple[Reform, ...] = ()  # inside its windows

    @property
    def is_clean(self) -> bool:
        """Return whether it can be run and no reform falls inside its windows."""
        return self.obstacle is None and not self.reforms


def at_dates(timeline: Timeline, dates: Sequence[date], reforms: Sequence[Reform] = REFORMS) -> tuple[FalseStart, ...]:
    """Return a false start for each date asked for, those that cannot be run too, each with the reason."""
    return tuple(_judged(timeline, on, reforms) for on in dates)


def yearly(timeline: Timeline, reforms: Sequence[Reform] = REFORMS) -> tuple[FalseStart, ...]:
    """Return the false starts that can be run, whole years ahead of the true one (its season), the latest first."""
    true = timeline.periods[timeline.start]
    dates = [on for on in reversed(timeline.periods[: timeline.start]) if (on.month, on.day) == (true.month, true.day)]
    return tuple(found for found in at_dates(timeline, dates, reforms) if found.obstacle is None)


def chosen(timeline: Timeline, reforms: Sequence[Reform] = REFORMS, at_most: int = AT_MOST) -> tuple[FalseStart, ...]:
    """Return the false starts to judge a method by: the latest of `yearly` without a reform; none when all have one."""
    return tuple(found for found in yearly(timeline, reforms) if found.is_clean)[:at_most]


def _judged(timeline: Timeline, on: date, reforms: Sequence[Reform]) -> FalseStart:
    if on not in timeline.periods:
        return FalseStart(on, None, Obstacle.OUTSIDE)
    index = timeline.periods.index(on)
    first = index - timeline.anticipation - timeline.before
    end = index + timeline.after
    if end > timeline.start - timeline.anticipation:
        return FalseStart(on, index, Obstacle.TRUE_START)
    if first < 0:
        return FalseStart(on, index, Obstacle.TOO_EARLY)
    inside = (timeline.periods[first], timeline.periods[end])
    return FalseStart(on, index, None, tuple(r for r in reforms if r.on < inside[1] and (r.until or r.on) >= inside[0]))
