"""What the likelihood of a duration model needs of the rows, summed as far as it can be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evaluator.vocabulary import Bools, Floats, Ints

BLOCK = 50_000
"""Numbers of a design that are worked on at a time: 400 kB, so that they stay in the processor's cache."""


@dataclass(frozen=True, slots=True)
class Rows:
    """R rows of persons over intervals, sorted by person, for K transitions. Q designs are shared by transitions."""

    names: tuple[str, ...]  # (K,) transitions
    columns: tuple[tuple[str, ...], ...]  # per transition, (P_k,) names of the columns of its design
    designs: tuple[Floats, ...]  # (Q,) each (R, P_k)
    design_of: tuple[int, ...]  # (K,) index into `designs`
    person: Ints  # (R,) 0..N-1, sorted; every person has a row
    duration: Floats  # (R,) over 0
    at_risk: Bools  # (R, K)
    events: Floats  # (R, K) transitions in the row, more than one when rows were collapsed
    is_interval: bool = False  # a transition is known to lie within its row, else at the row's end


@dataclass(frozen=True, slots=True)
class Interval:
    """E rows in whose course a transition took place."""

    person: Ints  # (E,) within the block
    starts: Ints  # (distinct persons,) first row of each
    designs: tuple[Floats, ...]  # (Q,) each (E, P_k)
    duration: Floats  # (E,)
    at_risk: Floats  # (E, K) ones and zeros


@dataclass(frozen=True, slots=True)
class Block:
    """n persons. In rows that are survived, or left at a known time, the log-likelihood is linear in the exposure."""

    first: Ints  # (n,) first row of each person
    length: Ints  # (n,) number of rows
    designs: tuple[Floats, ...]  # (Q,) each (rows, P_k)
    exposure: Floats  # (rows, K) duration at risk; 0 in the rows of `interval`
    count: Floats  # (n, K) transitions
    total: tuple[Floats, ...]  # per transition (n, P_k): the design summed over transitions
    interval: Interval | None


@dataclass(frozen=True, slots=True)
class Spells:
    """N persons in blocks."""

    names: tuple[str, ...]
    columns: tuple[tuple[str, ...], ...]
    design_of: tuple[int, ...]
    persons: int
    blocks: tuple[Block, ...]

    @property
    def widths(self) -> tuple[int, ...]:
        """Return P_k of each transition."""
        return tuple(len(names) for names in self.columns)

    @property
    def labels(self) -> tuple[str, ...]:
        """Return `transition.column` for all coefficients in order."""
        return tuple(f"{k}.{c}" for k, names in zip(self.names, self.columns, strict=True) for c in names)


def spells_of(rows: Rows) -> Spells:
    """Return the sums that the likelihood needs, block by block of persons."""
    persons = int(rows.person[-1]) + 1
    first = np.searchsorted(rows.person, np.arange(persons + 1))
    width = max(1, *(design.shape[1] for design in rows.designs), len(rows.names))
    blocks, begin = [], 0
    while begin < persons:
        end = int(np.searchsorted(first, first[begin] + BLOCK // width, side="right")) - 1
        end = min(max(end, begin + 1), persons)
        blocks.append(_block(rows, first[begin : end + 1]))
        begin = end
    return Spells(rows.names, rows.columns, rows.design_of, persons, tuple(blocks))


def _block(rows: Rows, bounds: Ints) -> Block:
    """Return the block of the persons whose first rows are bounds[:-1]."""
    part = slice(int(bounds[0]), int(bounds[-1]))
    first = bounds[:-1] - bounds[0]
    designs = tuple(design[part] for design in rows.designs)
    events, at_risk, duration = rows.events[part], rows.at_risk[part], rows.duration[part]
    exposure = duration[:, None] * at_risk
    interval = None
    inside = (events.sum(axis=1) > 0) & rows.is_interval
    if inside.any():
        exposure[inside] = 0.0
        person = rows.person[part][inside] - rows.person[part][0]
        interval = Interval(
            person,
            np.flatnonzero(np.diff(person, prepend=-1)),
            tuple(design[inside] for design in designs),
            duration[inside],
            at_risk[inside].astype(np.float64),
        )
    total = tuple(
        np.add.reduceat(events[:, [k]] * designs[index], first, axis=0) for k, index in enumerate(rows.design_of)
    )
    length = np.diff(bounds)
    return Block(first, length, designs, exposure, np.add.reduceat(events, first, axis=0), total, interval)


def shared(designs: Sequence[tuple[str, ...]]) -> tuple[tuple[tuple[str, ...], ...], tuple[int, ...]]:
    """Return the distinct lists of columns and, for each transition, which of them it has."""
    distinct = tuple(dict.fromkeys(designs))
    return distinct, tuple(distinct.index(columns) for columns in designs)
