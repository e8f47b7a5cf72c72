"""Caseworkers at intake: how many there are, who got whom, and how strict each is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluator.registers.calendar import MONTH_OF_WEEK, MONTHS
from evaluator.registers.municipalities import municipalities, starts
from evaluator.registers.people import People
from evaluator.vocabulary import Floats, Ints

PEOPLE_PER_CASEWORKER = 220  # first entries over the whole data period
_STREAM = 4_711
"""Second word of the seed: a stream of its own, so that every other draw is the same with and without strictness."""


@dataclass(frozen=True, slots=True)
class Intake:
    """Each person's caseworker at intake: arrays (N,)."""

    number: Ints  # within the municipality, from 0
    strictness: Floats  # the caseworker's factor on the municipality's share of no-shows that are sanctioned
    spread: float  # strictness is 1 +- this


def caseworker_counts(people: Ints, world: str) -> Ints:
    """Return the caseworkers (98, MONTHS) of municipalities with so many first entries (98,)."""
    codes = [m.code for m in municipalities()]
    base = np.maximum(2, people // PEOPLE_PER_CASEWORKER)
    counts = np.broadcast_to(base[:, None], (len(codes), MONTHS)).copy()
    for start in starts(world):
        row = codes.index(start.code)
        reached = start.planned_before - start.delivered * (start.planned_before - start.planned_after)
        counts[row, start.month :] = int(base[row] * start.planned_before // reached)
    return counts


def draw_intake(people: People, seed: int, spread: float, world: str) -> Intake:
    """Deal the entrants of each municipality and month to its caseworkers by lot; strictness is 1 +- `spread`.

    Evenly spread, and the same for all who ever enter with the caseworker. Raises ValueError for a spread outside
    (0, 1].
    """
    if not 0 < spread <= 1:
        raise ValueError(f"strictness_spread: {spread} is no spread; expected more than 0 and at most 1.")
    stream = np.random.default_rng([seed, _STREAM])
    counts = caseworker_counts(np.bincount(people.municipality, minlength=len(municipalities())), world)
    own = 1.0 + spread * (2.0 * stream.random((len(counts), int(counts.max()))) - 1.0)
    size = counts[people.municipality, MONTH_OF_WEEK[people.entry]]
    number = np.floor(stream.random(len(people.entry)) * size).astype(np.int64)
    return Intake(number, own[people.municipality, number], spread)
