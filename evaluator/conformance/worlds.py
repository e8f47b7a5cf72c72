"""Worlds whose effects are known by construction: 98 municipalities of unequal size over 24 periods, AR(1) shocks.

Everything is in standard deviations of a municipality's shock: 1 for a continuous outcome, 2 percentage points for a
share of persons. Treated municipalities stand higher before and after unless assignment is random, and a common path
rises, so neither a comparison of levels nor one of before and after is right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np

from evaluator.errors import SpecError
from evaluator.registers.municipalities import municipalities
from evaluator.vocabulary import NEVER, Assumption, Cell, Floats, Ints, Panel

PERIODS = 24
ONE_START = (12,)
STEPS = (10, 14, 18)
MEMORY = 0.8
LEVEL_GAP = 1.0
COMMON_TREND = 0.15  # per period, everybody
EFFECT = 2.0
GROWTH = 0.4  # per period of exposure
DRIFT = 0.1  # per period, in treated municipalities, where people who cannot be affected live there too
REACTION = 2  # periods before the start, where people react early
SHARE, SHARE_SHOCK = 0.4, 0.02
TREATED = (5, 15, 40)
_SELECTED = frozenset({Assumption.UNCONFOUNDEDNESS, Assumption.RANDOMISATION})

Traits = Callable[[np.random.Generator, Ints], tuple[Ints, Floats]]
Drift = Callable[[Ints, Floats], Floats]


@dataclass(frozen=True, slots=True)
class World:
    """One way the world may be. `breaks` are the assumptions that do not hold in it."""

    name: str
    treated: int
    is_binary: bool = False  # shares of binomial counts of persons
    is_growing: bool = False  # staggered starts and effects that grow with exposure; else one start, constant effect
    by_person: bool = True  # rows weigh as many as their persons; else all alike
    is_null: bool = False
    is_equal: bool = False  # municipalities of one size
    breaks: frozenset[Assumption] = _SELECTED
    early: int = 0  # periods before the start with half the effect
    traits: Traits | None = None  # who is treated and a covariate, from the order of a random draw
    drift: Drift | None = None  # what is added to the outcome, (N, T), from cohort (N,) and covariate (N,)

    @property
    def needs_adjustment(self) -> bool:
        """Say whether trends are parallel only among municipalities with the same covariate."""
        return self.drift is confounded_trend

    def draw(self, seed: int | np.random.SeedSequence) -> Panel:
        """Return one panel (98, 24) of municipalities; the same seed gives the same panel."""
        rng = np.random.default_rng(seed)
        persons = np.array([m.recipients for m in municipalities()])
        if self.is_equal:
            persons = np.full(persons.size, np.round(persons.mean()))
        cohort, covariate = self._assigned(rng, persons.size)
        outcome = _shocks(rng, persons.size) + rng.normal(size=(persons.size, 1))
        outcome += COMMON_TREND * np.arange(PERIODS) + rng.normal(size=PERIODS) + self.effects(cohort)
        if Assumption.UNCONFOUNDEDNESS in self.breaks:
            outcome += LEVEL_GAP * (cohort != NEVER)[:, None]
        if self.drift is not None:
            outcome += self.drift(cohort, covariate)
        if self.is_binary:
            outcome = _shares(rng, outcome, persons)
        return Panel(
            periods=tuple(range(PERIODS)),
            outcome=outcome,
            observed=np.ones(outcome.shape, dtype=np.bool_),
            cohort=cohort,
            exposure=None,
            covariates=np.empty((persons.size, 0)) if self.traits is None else covariate[:, None],
            cluster=np.arange(persons.size),
            weight=persons if self.by_person else np.ones(persons.size),
            unit="share" if self.is_binary else "index",
            units=tuple(m.code for m in municipalities()),
        )

    def truth(self, cells: tuple[Cell, ...]) -> Floats:
        """Return the known effect of each cell's cohort in its period (C,), in the outcome's unit."""
        table = self.effects(np.array([cell.cohort for cell in cells]))
        effect = table[np.arange(len(cells)), [cell.period for cell in cells]]
        return effect * (SHARE_SHOCK if self.is_binary else 1.0)

    def _assigned(self, rng: np.random.Generator, n: int) -> tuple[Ints, Floats]:
        """Return cohort and covariate (N,)."""
        order, covariate = rng.permutation(n), rng.normal(size=n)
        if self.traits is not None:
            order, covariate = self.traits(rng, order)
        cohort = np.full(n, NEVER, dtype=np.int64)
        cohort[order[: self.treated]] = np.resize(STEPS if self.is_growing else ONE_START, self.treated)
        return cohort, covariate

    def effects(self, cohort: Ints) -> Floats:
        """Return the effects (N, T) of being exposed since `cohort`."""
        since = np.where(cohort == NEVER, -PERIODS, np.arange(PERIODS)[:, None] - cohort).T
        after = GROWTH * (since + 1.0) if self.is_growing else np.full(since.shape, EFFECT)
        effect = np.where(since >= 0, after, 0.0) + np.where((since < 0) & (since >= -self.early), EFFECT / 2, 0.0)
        return np.zeros(since.shape) if self.is_null else effect


def _shocks(rng: np.random.Generator, n: int) -> Floats:
    """Return stationary AR(1) shocks (n, T) of standard deviation 1."""
    out = rng.normal(size=(n, PERIODS))
    for period in range(1, PERIODS):
        out[:, period] = MEMORY * out[:, period - 1] + np.sqrt(1 - MEMORY**2) * out[:, period]
    return out


def _shares(rng: np.random.Generator, index: Floats, persons: Floats) -> Floats:
    """Return the share of `persons` (N,) in a state whose chance moves with `index` (N, T)."""
    count = np.maximum(np.round(persons), 1).astype(np.int64)[:, None]
    chance = np.clip(SHARE + SHARE_SHOCK * (index - COMMON_TREND * PERIODS / 2), 0.0, 1.0)
    return rng.binomial(count, chance) / count


def prone(rng: np.random.Generator, order: Ints) -> tuple[Ints, Floats]:
    """Return an order in which municipalities with a high covariate come early, with good overlap."""
    covariate = rng.normal(size=order.size)
    return np.argsort(-(0.8 * covariate + rng.logistic(size=order.size))), covariate


def apart(rng: np.random.Generator, order: Ints) -> tuple[Ints, Floats]:
    """Return an order by the covariate, with a gap wherever it is cut: treated and others share no values."""
    covariate = np.empty(order.size)
    covariate[order] = np.where(np.arange(order.size) < 40, 4.0, -4.0) + rng.uniform(-1, 1, order.size)
    return order, covariate


def confounded_trend(cohort: Ints, covariate: Floats) -> Floats:
    """Return trends that are steeper where the covariate is high."""
    return 0.2 * covariate[:, None] * np.arange(PERIODS)


def new_composition(cohort: Ints, covariate: Floats) -> Floats:
    """Return the fall that comes with weaker entrants in treated municipalities from the start on."""
    return np.where(np.arange(PERIODS) >= cohort[:, None], -EFFECT, 0.0)


def _main(treated: int, is_binary: bool, is_growing: bool, by_person: bool) -> World:
    parts = ("binary" if is_binary else "continuous", str(treated), "growing" if is_growing else "constant")
    name = "_".join((*parts, "person" if by_person else "equal"))
    broken = _SELECTED | {Assumption.CONSTANT_EFFECT} if is_growing else _SELECTED
    return World(name, treated, is_binary, is_growing, by_person, breaks=broken)


MAIN: tuple[World, ...] = tuple(
    _main(treated, *choices) for treated in TREATED for choices in product((False, True), repeat=3)
)
"""The 24 main cells: outcome x treated municipalities x effect x weights."""

_HALF = tuple(w for w in MAIN if (w.is_binary + w.is_growing + w.by_person) % 2)
_NOT_PARALLEL = _SELECTED | {Assumption.PARALLEL_TRENDS}

WORLDS: tuple[World, ...] = (
    World("random_equal_sizes", 40, by_person=False, is_equal=True, breaks=frozenset()),
    *_HALF,
    *(replace(w, name=f"null_{w.name}", is_null=True) for w in _HALF if w.treated != 15 and not w.is_growing),
    World(
        "early_reaction",
        15,
        early=REACTION,
        breaks=frozenset({Assumption.NO_ANTICIPATION}) | {Assumption.UNCONFOUNDEDNESS},
    ),
    World("new_composition", 15, breaks=_NOT_PARALLEL | {Assumption.STABLE_COMPOSITION}, drift=new_composition),
    World("confounded_trends", 40, by_person=False, breaks=_NOT_PARALLEL, traits=prone, drift=confounded_trend),
)
"""What the suite draws: the first holds for every method; each pair of choices of the main cells meets."""

NO_OVERLAP = World("no_overlap", 40, by_person=False, breaks=_NOT_PARALLEL, traits=apart, drift=confounded_trend)
ONE_TREATED = World("one_treated", 1)


def drawn_for(estimator: Any, world: World, seed: int | np.random.SeedSequence) -> Panel:
    """Return a panel that an estimator takes: with people who cannot be affected where it marks the `eligible`."""
    panel = world.draw(seed)
    if not hasattr(estimator, "eligible"):
        return panel
    own = seed if isinstance(seed, np.random.SeedSequence) else np.random.SeedSequence(seed)
    beside = np.random.SeedSequence(own.entropy, spawn_key=(*own.spawn_key, 1))
    return _with_ineligible(world, panel, np.random.default_rng(beside))


def _with_ineligible(world: World, panel: Panel, rng: np.random.Generator) -> Panel:
    """Return the panel with a second row per municipality: people whom the intervention cannot affect.

    The covariate marks the eligible with 1. What both share drifts in treated municipalities, so only the difference
    between the two has parallel trends.
    """
    unit = SHARE_SHOCK if world.is_binary else 1.0
    drift = DRIFT * unit * np.arange(PERIODS) * (panel.cohort != NEVER)[:, None]
    others = panel.outcome - unit * world.effects(panel.cohort) + 0.5 * unit * rng.normal(size=panel.outcome.shape)
    twice = np.concatenate([np.arange(panel.cohort.size)] * 2)
    return replace(
        panel,
        outcome=np.concatenate([panel.outcome + drift, others + drift]),
        observed=panel.observed[twice],
        cohort=panel.cohort[twice],
        covariates=np.repeat([1.0, 0.0], panel.cohort.size)[:, None],
        cluster=panel.cluster[twice],
        weight=panel.weight[twice],
        units=tuple(f"{panel.units[row]}-{part}" for part, row in enumerate(twice)),
    )


def named(names: Iterable[str] | None) -> tuple[World, ...]:
    """Return the worlds of these names, all of them without names.

    Raises SpecError for a name that no world has.
    """
    known = {world.name: world for world in WORLDS}
    wanted = tuple(known if names is None else names)
    if unknown := [name for name in wanted if name not in known]:
        raise SpecError(f"conformance: no world '{unknown[0]}'; expected one of {', '.join(known)}. Correct the name.")
    return tuple(known[name] for name in wanted)
