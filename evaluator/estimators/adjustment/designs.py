"""Which rows share a propensity model, and their outcomes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluator.estimators.adjustment.group_sums import Slices, slices
from evaluator.estimators.adjustment.rows import Rows
from evaluator.estimators.contrasts import Contrasts
from evaluator.vocabulary import Bools, Floats, Ints, Panel, Sections

WHOLE = -1
"""The slice of a panel without gaps: all units, and all periods as columns of the outcome."""


@dataclass(frozen=True, slots=True)
class Arm:
    """The n rows of one side of a slice, by their place in the sorted rows."""

    at: Ints  # (n,)
    covariates: Floats  # (n, K)
    weight: Floats  # (n,)
    cluster: Ints  # (n,)


@dataclass(frozen=True, slots=True)
class Use:
    """A two-by-two: the columns of its outcomes in the slices of its design, and what is subtracted."""

    two_by_two: int
    plus: Ints  # (O,) columns in the first slice
    minus: Ints | None  # (O,) columns of the base, in the last slice; None where the outcome is a gain


@dataclass(frozen=True, slots=True)
class Design:
    """A cohort, those it is compared with, and the slices whose rows share a propensity model.

    One slice in a followed panel; a period and its base in sections.
    """

    cohort: int
    others: tuple[int, ...]
    slices: tuple[int, ...]
    uses: tuple[Use, ...]


@dataclass(frozen=True, slots=True)
class Reader:
    """Finds the rows and the outcomes of slices."""

    rows: Rows
    at: Slices
    start: Ints  # (E + 1,) where the rows of a cohort begin; in sections (E x T + 1,) of a cohort and period
    order: Ints | None  # (N,) sorted rows by cohort and period, of sections

    def arm(self, cohorts: tuple[int, ...], index: int) -> Arm:
        """Return the rows of cohorts in a slice, each cohort's sorted by cluster."""
        at = np.concatenate([self._places(code, index) for code in cohorts])
        return Arm(at, self.rows.covariates[at], self.rows.weight[at], self._cluster(at))

    def outcome(self, at: Ints, index: int) -> Floats:
        """Return the outcomes (n, J) of rows in a slice: J = O x T for all periods, else O (levels or gains)."""
        found = self.rows.outcome(at)
        if index == WHOLE or self.order is not None:
            return found
        found = found.reshape(at.size, -1, self.rows.periods)
        return found[:, :, self.at.plus[index]] - found[:, :, self.at.minus[index]]

    def columns(self, index: int) -> int:
        """Return how many columns the outcome of a slice has."""
        return len(self.rows.outcomes) * (self.rows.periods if index == WHOLE else 1)

    def known(self, contrasts: Contrasts) -> Bools:
        """Return which two-by-twos (Q,) have treated and comparison persons in their slices."""
        own, others = contrasts.cohort[contrasts.cell], contrasts.free[contrasts.cell]
        here, out = self._here(), np.ones(own.size, dtype=np.bool_)
        for at in (self.at.of_plus, self.at.of_minus):
            out &= (at < 0) | (here[own, at] & (others & here[:, at].T).any(axis=1))
        return out

    def _here(self) -> Bools:
        """Return where a cohort has persons (E, P)."""
        number = self.at.plus.size
        out = np.zeros((self.rows.cohorts.size, number), dtype=np.bool_)
        is_whole = self.order is None and not self.rows.has_gaps
        for code in range(len(out)):
            if is_whole:
                out[code] = self.rows.weight[self._places(code, WHOLE)].any()
            else:
                out[code] = [self.rows.weight[self._places(code, index)].any() for index in range(number)]
        return out

    def _places(self, cohort: int, index: int) -> Ints:
        if self.order is not None:
            block = cohort * self.rows.periods + index
            return self.order[self.start[block] : self.start[block + 1]]
        at = np.arange(self.start[cohort], self.start[cohort + 1])
        if index == WHOLE:
            return at
        data = self.rows.data
        assert isinstance(data, Panel)
        seen = data.observed[self.rows.order[at]]
        return at[seen[:, self.at.plus[index]] & seen[:, self.at.minus[index]]]

    def _cluster(self, at: Ints) -> Ints:
        return self.rows.data.cluster[self.rows.order[at]]


def reader(rows: Rows, contrasts: Contrasts) -> Reader:
    """Return how the two-by-twos read their rows."""
    at, cohorts = slices(rows, contrasts), rows.cohorts.size
    cohort = rows.of_rows(rows.cohort)
    if isinstance(rows.data, Panel):
        return Reader(rows, at, np.searchsorted(cohort, np.arange(cohorts + 1)), None)
    assert isinstance(rows.data, Sections)
    block = cohort * rows.periods + rows.data.period[rows.order]
    order = np.argsort(block, kind="stable")
    return Reader(rows, at, np.searchsorted(block[order], np.arange(cohorts * rows.periods + 1)), order)


def designs(reads: Reader, contrasts: Contrasts) -> list[Design]:
    """Return the designs of all two-by-twos; one of a period with itself is 0 and has none."""
    rows, at = reads.rows, reads.at
    each = np.arange(len(rows.outcomes))
    found: dict[tuple[int, tuple[int, ...], tuple[int, ...]], list[Use]] = {}
    for index in np.flatnonzero(contrasts.plus != contrasts.minus).tolist():
        cell, plus, minus = int(contrasts.cell[index]), int(at.of_plus[index]), int(at.of_minus[index])
        others = tuple(np.flatnonzero(contrasts.free[cell]).tolist())
        where: tuple[int, ...]
        if isinstance(rows.data, Sections):
            where, use = (plus, minus), Use(index, each, each)
        elif rows.has_gaps:
            where, use = (plus,), Use(index, each, None)
        else:
            where, use = (WHOLE,), Use(index, each * rows.periods + plus, each * rows.periods + minus)
        found.setdefault((int(contrasts.cohort[cell]), others, where), []).append(use)
    return [Design(*key, tuple(uses)) for key, uses in found.items()]
