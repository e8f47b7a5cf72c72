"""Persons of a staggered start as cells of equal traits, with their outcome less the level before the start.

The nuisance models of who gains are linear and logistic in indicators, so a cell with its persons as weight teaches
them what its persons would.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from evaluator.errors import PanelError
from evaluator.estimators.prestart import PreStart, codes_of, prestart_levels
from evaluator.vocabulary import NEVER, Bools, Floats, Ints

CALENDAR_BINS = 12  # steps of entry time among the controls


@dataclass(frozen=True, slots=True)
class Columns:
    """Names of the columns that say what, where, when, and since when exposed."""

    outcome: str = "outcome"
    unit: str = "municipality_code"
    period: str = "period"
    cohort: str = "cohort"


@dataclass(frozen=True, slots=True)
class Gains:
    """R cells: what a learner takes."""

    outcome: Floats  # (R,) mean outcome less the level before the start
    weight: Floats  # (R,) persons; donors scaled to the treated of the group and start; 0 where not comparable


@dataclass(frozen=True, slots=True)
class PersonCells:
    """R cells of persons from the start on with equal municipality, start, group, entry time and traits."""

    group_names: tuple[str, ...]
    supported: Bools  # (G,) groups that are compared
    before: PreStart  # K starts, U municipalities, G groups
    keys: Ints  # (R, 4 + traits): unit, start (treated: own; donors: how many have passed), group, calendar, traits
    mean: Floats  # (R,)
    persons: Ints  # (R,)

    @property
    def units(self) -> int:
        return self.before.is_treated.size

    @property
    def unit(self) -> Ints:
        return self.keys[:, 0]

    @property
    def group(self) -> Ints:
        return self.keys[:, 2]

    @property
    def is_treated(self) -> Bools:
        return np.asarray(self.before.is_treated[self.unit])

    def modifiers(self) -> Floats:
        """Return indicators of the compared groups (all) and of the traits (less the first of each), (R, X)."""
        traits = [_indicators(column, np.unique(column)[1:]) for column in self.keys[:, 4:].T]
        return np.column_stack([_indicators(self.group, np.flatnonzero(self.supported)), *traits])

    def controls(self) -> Floats:
        """Return indicators of entry time, (R, W)."""
        calendar = self.keys[:, 3]
        return _indicators(calendar, np.unique(calendar)[1:]) if np.ptp(calendar) else np.zeros((len(calendar), 1))

    def gains(self, keep: Bools, shrinkage: float) -> Gains:
        """Return gains since before the start with the municipalities in `keep` (U,).

        A donor serves every start that has passed, each with the level before that start and with as many persons as
        the treated of that start and group are per donor person; its cell is the weighted sum over starts.
        """
        levels = prestart_levels(self.before, keep, shrinkage)  # (K, U, G)
        unit, start, group, treated = self.unit, self.keys[:, 1], self.group, self.is_treated
        own = np.where(treated, start, 0)
        inside = keep[unit] & self.supported[group]
        own_level = levels[own, unit, group]
        exposed = treated & inside & np.isfinite(own_level)
        demand = np.zeros((levels.shape[0], levels.shape[2]))
        supply = np.zeros_like(demand)
        np.add.at(demand, (own[exposed], group[exposed]), self.persons[exposed])
        for k in range(len(supply)):
            serves = ~treated & inside & (start > k) & np.isfinite(levels[k, unit, group])
            np.add.at(supply[k], group[serves], self.persons[serves])
        ratio = np.divide(demand, supply, out=np.zeros_like(demand), where=supply > 0)
        share = np.where(np.isfinite(levels), ratio[:, None, :], 0.0)
        passed = (np.where(treated, 0, start), unit, group)
        donor_weight = np.where(~treated & inside, _summed(share)[passed], 0.0)
        donor_level = _summed(share * np.nan_to_num(levels))[passed]
        donor_level = np.divide(donor_level, donor_weight, out=np.zeros_like(donor_level), where=donor_weight > 0)
        weight = np.where(treated, exposed & (supply > 0)[own, group], donor_weight) * self.persons
        return Gains(self.mean - np.where(treated, np.nan_to_num(own_level), donor_level), np.asarray(weight))


def person_cells(frame: Any, groups: str, traits: tuple[str, ...], anticipation: int, columns: Columns) -> PersonCells:
    """Return the cells of a polars or pandas frame with a row per person.

    Rows without a group are left out. Raises PanelError without a municipality that has a start, or one that has not.
    """
    group_names, group = codes_of(frame[groups])
    known = group >= 0
    unit_names, unit = codes_of(frame[columns.unit])
    cohort = np.array([NEVER if not c or c != c else int(c) for c in frame[columns.cohort].to_list()], dtype=np.int64)
    period = np.asarray(frame[columns.period].to_numpy(), dtype=np.int64)
    outcome = np.asarray(frame[columns.outcome].to_numpy(), dtype=np.float64)
    first = np.full(len(unit_names), NEVER)
    first[unit] = cohort
    starts = np.unique(first[first != NEVER])
    if not starts.size or (first != NEVER).all():
        raise PanelError(
            "who_gains: no municipality with a start, or none without; expected both. Check the starts of the spec."
        )
    shape = (starts.size, len(unit_names), len(group_names))
    people = outcome[known], period[known], unit[known], group[known]
    before = PreStart.counted(*people, first, starts - anticipation, shape)
    passed = np.searchsorted(starts, period, side="right")
    start = np.where(cohort == NEVER, passed, np.searchsorted(starts, cohort))
    after = known & np.where(cohort == NEVER, passed > 0, start < passed)
    others = [codes_of(frame[name])[1] for name in traits if name != groups]
    keys = np.column_stack([unit, start, group, period, *others])[after]
    keys[:, 3] = _calendar(keys[:, 3])
    cells, where, persons = np.unique(keys, axis=0, return_inverse=True, return_counts=True)
    mean = np.bincount(where.ravel(), weights=outcome[after], minlength=len(cells)) / persons
    everything = np.ones(len(group_names), dtype=np.bool_)
    return PersonCells(group_names, everything, before, cells, mean, persons.astype(np.int64))


def _calendar(period: Ints) -> Ints:
    """Return entry time in at most twelve steps of equal length."""
    if not period.size:
        return period
    span = int(np.ptp(period)) + 1
    return (period - period.min()) * min(span, CALENDAR_BINS) // span


def _summed(share: Floats) -> Floats:
    """Return sums over the starts that have passed, (K + 1, U, G); none at 0."""
    return np.concatenate([np.zeros_like(share[:1]), np.cumsum(share, axis=0)])


def _indicators(column: Ints, levels: Ints) -> Floats:
    return (column[:, None] == levels[None, :]).astype(np.float64)
