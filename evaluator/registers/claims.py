"""The world `trial_claims`: what a meeting is about moves the exits, and more activation makes people sick.

Two claims of earlier trials, planted so that an evaluation can be seen to find them: meetings help as counselling and
push out as control, and more intensive activation brings more weeks of sick pay and hardly any jobs. Elsewhere
everything here is idle and draws nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from evaluator.registers import rates
from evaluator.registers.municipalities import ACTIVATION, TRIAL_CLAIMS, municipalities, starts
from evaluator.registers.people import People
from evaluator.vocabulary import Bools, Floats, Ints

UNSAID, COUNSELLING, CONTROL = range(3)
_STREAM = 1_961
"""Second word of the seed: a stream of its own, so that every other draw is the same with and without the claims."""


def contents(seed: int, part: int) -> np.random.Generator:
    """Return the stream of what meetings are about."""
    return np.random.default_rng([seed, _STREAM, part])


@dataclass(slots=True)
class Claims:
    """What A actors carry with them in the world of the claims; arrays (A,)."""

    people: int
    stream: np.random.Generator | None = None  # None: another world
    activates: Bools = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))
    content: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int8))  # of the latest meeting
    left: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int8))  # weeks left of its effect

    @property
    def is_on(self) -> bool:
        return self.stream is not None

    @property
    def meetings_more(self) -> float:
        """Share by which interventions raise the number of meetings; none here, where meetings have effects."""
        return 0.0 if self.is_on else rates.MEETINGS_MORE

    def begin_week(self, person: Ints) -> np.ndarray:
        """Let a week pass and return what a meeting of this week would be about, for the first actors (n,)."""
        if self.stream is None:
            return np.zeros(len(person), dtype=np.int8)
        running = np.flatnonzero(self.left[: len(person)])
        self.left[running] -= 1
        is_counselling = self.stream.random(self.people)[person] < rates.COUNSELLING_SHARE
        return np.where(is_counselling, COUNSELLING, CONTROL).astype(np.int8)

    def meet(self, who: Ints, content: np.ndarray) -> None:
        """Begin the weeks of those who are called: the latest meeting counts, held or missed."""
        if self.is_on:
            self.content[who], self.left[who] = content[who], rates.MEETING_WEEKS

    def on_job(self, who: Ints) -> Floats | float:
        return self._after(COUNSELLING, who, rates.COUNSELLING_ON_JOB)

    def on_self_support(self, who: Ints) -> Floats | float:
        return self._after(CONTROL, who, rates.CONTROL_ON_SELF_SUPPORT)

    def _after(self, content: int, who: Ints, factor: float) -> Floats | float:
        if not self.is_on:
            return 1.0
        return np.where((self.content[who] == content) & (self.left[who] > 0), factor, 1.0)

    def more(self, who: Ints, ramp: Floats, effect: float) -> Floats | float:
        """Return the factor on a hazard that more activation raises by `effect` at full strength."""
        return 1.0 + effect * ramp * self.activates[who] if self.is_on else 1.0


def claims(people: People, person: Ints, world: str, stream: np.random.Generator) -> Claims:
    """Return the claims of actors who are these persons (A,)."""
    if world != TRIAL_CLAIMS:
        return Claims(len(people.entry))
    codes = np.array([m.code for m in municipalities()])
    activating = [start.code for start in starts(world) if start.intervention == ACTIVATION]
    size = len(person)
    return Claims(
        len(people.entry),
        stream,
        np.isin(codes, activating)[people.municipality[person]],
        np.zeros(size, dtype=np.int8),
        np.zeros(size, dtype=np.int8),
    )
