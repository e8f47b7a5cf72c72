"""Worlds with one to five treated municipalities of real sizes: AR(1) shocks of variance 1 + slope / persons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from evaluator.registers.municipalities import municipalities
from evaluator.vocabulary import NEVER, Floats, Ints, Panel, Placebos

MEMORY, BURN_IN = 0.8, 40
EFFECT = 1.0
"""Added to the treated from the start on, in standard deviations of an endlessly large municipality's shocks."""
REAL, STEEP = 35.0, 300.0
"""Slope of the variance: as in the quarterly series of 2017 and of 2014, relative to the variance of the largest."""
LONG, SHORT = (76, 60), (44, 40)
"""Periods, and the first after the start: nine in ten quarters before it, or ten years and one."""
WITHOUT = 3
"""Times as long as the period after the start that the base of a false start must be."""


@dataclass(frozen=True, slots=True)
class FewTreated:
    """A world: who is treated, how variance falls with size, and over which periods."""

    kind: Literal["smallest", "median", "largest"]
    count: int
    slope: float = REAL
    span: tuple[int, int] = LONG
    is_null: bool = False

    @property
    def name(self) -> str:
        extras = [word for word, is_so in (("steep", self.slope == STEEP), ("short", self.span == SHORT)) if is_so]
        return "_".join([self.kind, str(self.count), *extras])

    @property
    def truth(self) -> float:
        return 0.0 if self.is_null else EFFECT

    @property
    def treated(self) -> Ints:
        """Return the rows of the treated municipalities, in order of persons from the smallest of the kind."""
        order = np.argsort(persons(), kind="stable")
        first = {"smallest": 0, "median": (order.size - self.count) // 2, "largest": order.size - self.count}[self.kind]
        return order[first : first + self.count]

    def draw(self, seed: int) -> Panel:
        """Return 98 municipalities over the world's periods: levels, common shocks, own shocks and the effect."""
        rng, (periods, start), size = np.random.default_rng(seed), self.span, persons()
        shocks = rng.normal(size=(size.size, periods + BURN_IN))
        shocks[:, 1:] *= np.sqrt(1 - MEMORY**2)
        for period in range(1, shocks.shape[1]):
            shocks[:, period] += MEMORY * shocks[:, period - 1]
        own = shocks[:, BURN_IN:] * np.sqrt(1 + self.slope / size)[:, None]
        outcome = own + rng.normal(size=(size.size, 1)) + rng.normal(size=periods)
        cohort = np.full(size.size, NEVER)
        cohort[self.treated] = start
        outcome[self.treated, start:] += self.truth
        return Panel(
            tuple(range(periods)), outcome, np.ones(outcome.shape, dtype=np.bool_), cohort, None,
            np.empty((size.size, 0)), np.arange(size.size), size, "index",
        )  # fmt: skip


CELLS = (
    *(FewTreated(kind, count) for count in (1, 2, 3, 5) for kind in ("smallest", "median", "largest")),
    *(FewTreated(kind, 1, slope=STEEP) for kind in ("smallest", "median", "largest")),
    FewTreated("median", 1, span=SHORT),
)  # fmt: skip
WEIGHTED_CELLS = tuple(FewTreated(kind, count) for count in (1, 2) for kind in ("smallest", "median", "largest"))


def persons() -> Floats:
    """Return the recipients of the 98 municipalities, the persons behind each outcome."""
    return np.array([municipality.recipients for municipality in municipalities()])


def differences(panel: Panel, start: int, stop: int | None = None) -> list[Placebos]:
    """Return the placebos of each treated unit for its mean in `start` to `stop` less its mean before `start`.

    The closed form of `DonorPool(weigh="equal")` with one treated unit at a time, without gaps.
    """
    treated, donors = panel.cohort != NEVER, np.flatnonzero(panel.cohort == NEVER)
    change = panel.outcome[:, start:stop].mean(axis=1) - panel.outcome[:, :start].mean(axis=1)
    centre = change[donors].mean()
    theirs = (change[donors] - centre)[:, None] * donors.size / (donors.size - 1)
    size = panel.weight[donors]
    return [Placebos(change[[row]] - centre, theirs, size, float(panel.weight[row])) for row in np.flatnonzero(treated)]


def false_starts(panel: Panel, start: int) -> list[int]:
    """Return starts before the true one, as far apart as the period after it is long, with enough of a base."""
    after = len(panel.periods) - start
    return list(range(start - after, WITHOUT * after - 1, -after)) or [start - after]


def gaps(panel: Panel) -> Floats:
    """Return every unit's outcome less the donors' mean (N, T)."""
    return np.asarray(panel.outcome - panel.outcome[panel.cohort == NEVER].mean(axis=0))
