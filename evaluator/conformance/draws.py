"""Monte Carlo: what an estimator says in a world, draw by draw."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import numpy as np

from evaluator.backends import backend
from evaluator.conformance.worlds import World, drawn_for
from evaluator.errors import EvaluatorError
from evaluator.inference import aggregate, estimates
from evaluator.vocabulary import Estimate, Floats

DRAWS = 300
SEED = 20_170_101
CHUNK = 25


def _silent(line: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is simulated, from which seed, in how many processes, and who is told of the progress."""

    draws: int = DRAWS
    seed: int = SEED
    workers: int = 1
    progress: Callable[[str], None] = _silent


@dataclass(frozen=True, slots=True)
class Draw:
    """One draw: errors are estimate less truth, both weighted as the estimator weights its cells."""

    error: float
    se: float  # uncorrected, from the influence
    by_event_time: dict[int, float]
    covers: bool | None  # the published interval holds the truth; None: not asked for, or refused
    rejects: bool | None  # the published interval leaves out 0
    published: str  # the method of the published interval, or the reason of its refusal


@dataclass(frozen=True, slots=True)
class Sample:
    """D draws of a world."""

    world: World
    draws: tuple[Draw, ...]
    refusals: tuple[str, ...]  # of draws in which the fit itself was refused
    failure: str = ""  # an exception that is no refusal; it ended the sample

    @property
    def errors(self) -> Floats:
        return np.array([draw.error for draw in self.draws])

    def by_event_time(self) -> Floats:
        """Return the errors (D, K) of the event times that every draw has."""
        times = set.intersection(*(set(draw.by_event_time) for draw in self.draws)) if self.draws else set()
        return np.array([[draw.by_event_time[time] for time in sorted(times)] for draw in self.draws])


def sample(estimator: Any, world: World, effort: Effort, intervals: int) -> Sample:
    """Return all draws of a world; the published interval is made in the first `intervals` of them."""
    seeds = np.random.SeedSequence([effort.seed, crc32(world.name.encode())]).spawn(effort.draws)
    tasks = [(estimator, world, one, number < intervals) for number, one in enumerate(seeds)]
    found: list[Draw | str] = []
    for first in range(0, effort.draws, CHUNK):
        try:
            found += backend(effort.workers).map(_drawn, tasks[first : first + CHUNK])
        except Exception as error:  # a stranger's code may raise anything; its kind is the finding
            return _sample(world, found, f"{type(error).__name__}: {error}")
    effort.progress(f"{world.name}: {effort.draws} draws")
    return _sample(world, found)


def _sample(world: World, found: list[Draw | str], failure: str = "") -> Sample:
    draws = tuple(item for item in found if isinstance(item, Draw))
    return Sample(world, draws, tuple(item for item in found if isinstance(item, str)), failure)


def _drawn(task: tuple[Any, World, np.random.SeedSequence, bool]) -> Draw | str:
    """Return one draw, or the reason why the estimator refuses it."""
    estimator, world, seed, is_published = task
    panel = drawn_for(estimator, world, seed)
    try:
        fit = estimator.fit(panel)
    except EvaluatorError as error:
        return str(error)
    truth = world.truth(fit.cells)
    simple, event = aggregate(fit, panel, "simple"), aggregate(fit, panel, "event")
    known = float(simple.weights[0] @ truth)
    parts = event.effect - event.weights[1:] @ truth
    by_time = {int(time): float(error) for time, error in zip(event.labels, parts, strict=True)}
    overall = estimates(estimator, panel, "simple").overall if is_published else None
    covers, rejects, published = None, None, ""
    if isinstance(overall, Estimate):
        covers, published = overall.low <= known <= overall.high, overall.method
        rejects = not overall.low <= 0.0 <= overall.high
    elif overall is not None:
        published = overall.reason
    return Draw(simple.value - known, simple.se, by_time, covers, rejects, published)
