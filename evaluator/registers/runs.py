"""Runs of equal weekly keys: how recorded weeks become spells with a start and an end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from evaluator.registers import rates
from evaluator.registers.calendar import MONDAYS, WEEKS
from evaluator.registers.register import Register
from evaluator.vocabulary import Ints

BLOCK = 10_000  # people at a time, so that memory stays flat


@dataclass(frozen=True, slots=True)
class Weeks:
    """The weeks of a block of B people, (B, K): state, and whether aktivitetsparat and on kontanthjaelp."""

    first: int  # index of the first person
    state: np.ndarray
    akt: np.ndarray
    kth: np.ndarray
    present: np.ndarray

    @property
    def people(self) -> slice:
        return slice(self.first, self.first + len(self.state))


@dataclass(frozen=True, slots=True)
class Runs:
    """R runs: person, first and last calendar week, and the key they share."""

    person: Ints
    start: Ints
    end: Ints
    key: Ints

    def from_on(self) -> np.ndarray:
        return MONDAYS[self.start]

    def to_on(self) -> np.ndarray:
        """Return the last day; a run that reaches the end of the data is open (NaT)."""
        last = MONDAYS[self.end] + 6
        last[self.end == WEEKS - 1] = np.datetime64("NaT")
        return last


def blocks(register: Register) -> Iterator[Weeks]:
    """Yield the factual weeks of all people, block by block."""
    for first in range(0, len(register.people.entry), BLOCK):
        columns = register.paths.factual[first : first + BLOCK]
        recorded = np.ascontiguousarray(register.paths.weeks[:, columns].T)
        yield Weeks(
            first, recorded & 15, (recorded & rates.IS_AKT) > 0, (recorded & rates.IS_KTH) > 0,
            recorded != rates.ABSENT,
        )  # fmt: skip


def runs(register: Register, key_of: Callable[[Weeks], np.ndarray]) -> Runs:
    """Return the runs of `key_of(block)` (B, K); weeks with key 0 belong to no run."""
    parts: list[tuple[Ints, ...]] = []
    for block in blocks(register):
        key = np.where(block.present, key_of(block), 0)
        width = key.shape[1] + 1
        padded = np.zeros((len(key), width), dtype=np.int32)
        padded[:, :-1] = key
        flat = padded.ravel()
        edge = np.flatnonzero(np.diff(flat, prepend=0))
        value = flat[edge]
        stop = np.append(edge[1:], len(flat)) - 1
        keep = value != 0
        person = edge[keep] // width
        entry = register.people.entry[block.people][person]
        start, end = edge[keep] % width + entry, stop[keep] % width + entry
        parts.append((person + block.first, start, end, value[keep].astype(np.int64)))
    return Runs(*(np.concatenate(column) for column in zip(*parts, strict=True)))
