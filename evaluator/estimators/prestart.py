"""The level of an outcome before the start, by municipality and group, also where a cell holds few persons."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from evaluator.vocabulary import NEVER, Bools, Floats, Ints


@dataclass(frozen=True, slots=True)
class PreStart:
    """Persons and outcome sums before each of K starts in U municipalities and G groups.

    A treated municipality is counted at its own start only; donors at every start.
    """

    is_treated: Bools  # (U,)
    persons: Ints  # (K, U, G)
    total: Floats  # (K, U, G)

    @classmethod
    def counted(
        cls,
        outcome: Floats,
        period: Ints,
        unit: Ints,
        group: Ints,
        first: Ints,
        ends: Ints,
        shape: tuple[int, int, int],
    ) -> PreStart:
        """Return counts of persons (N,) who entered before `ends` (K,); `first` (U,) is the start or NEVER."""
        persons, total = np.zeros(shape, dtype=np.int64), np.zeros(shape)
        starts = np.unique(first[first != NEVER])
        for k, end in enumerate(ends.tolist()):
            of_start = (first == NEVER) | (first == starts[k])
            rows = (period < end) & of_start[unit]
            np.add.at(persons[k], (unit[rows], group[rows]), 1)
            np.add.at(total[k], (unit[rows], group[rows]), outcome[rows])
        return cls(first != NEVER, persons, total)


def prestart_levels(pre: PreStart, keep: Bools, shrinkage: float) -> Floats:
    """Return the level (K, U, G) of each municipality and group; NaN where nobody entered the municipality before.

    A cell of n persons counts n / (n + shrinkage); the rest is the municipality's own level plus the group's usual
    distance from it in the same arm (least squares with municipality effects on the arm's cells). Why not the plain
    cell mean: a cell of two persons would be subtracted from twenty, and its noise would rule the average. Why not the
    group's mean over all municipalities: part of every municipality's level would stay and come back as an effect.
    What is left is bias only if, within an arm, municipalities where the group stood unusually high before are those
    where the group has grown or shrunk; the arms never borrow from one another. `keep` (U,) marks municipalities in
    the sample: without one, its arm's distances are estimated anew.
    """
    levels = np.full(pre.total.shape, np.nan)
    for start in range(len(levels)):
        for arm in (True, False):
            units = np.flatnonzero(keep & (pre.is_treated == arm) & (pre.persons[start].sum(axis=1) > 0))
            if units.size:
                levels[start, units] = _levels(pre.persons[start, units], pre.total[start, units], shrinkage)
    return levels


def _levels(persons: Ints, total: Floats, shrinkage: float) -> Floats:
    everybody = persons.sum(axis=1)
    share = persons / everybody[:, None]
    within = np.diag(persons.sum(axis=0)) - share.T @ persons
    rest = total.sum(axis=0) - share.T @ total.sum(axis=1)
    distance = np.linalg.lstsq(within, rest, rcond=1e-9)[0]  # up to a constant that the municipality level absorbs
    additive = ((total.sum(axis=1) - persons @ distance) / everybody)[:, None] + distance
    trust = persons / (persons + shrinkage) if shrinkage > 0 else (persons > 0).astype(float)
    own = np.divide(total, persons, out=additive.copy(), where=persons > 0)
    return np.asarray(trust * own + (1 - trust) * additive)


def codes_of(column: Iterable[Any]) -> tuple[tuple[str, ...], Ints]:
    """Return the sorted labels of a column and each row's index among them, -1 where the label is missing."""
    values = np.array(["" if v is None or v != v else str(v) for v in column])
    labels, code = np.unique(values, return_inverse=True)
    code = code.ravel().astype(np.int64)
    if labels.size and labels[0] == "":
        return tuple(str(x) for x in labels[1:]), code - 1
    return tuple(str(x) for x in labels), code
