"""A simulated register in memory: people, their weeks in both worlds, and the end states by the engine's own rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evaluator.registers import rates
from evaluator.registers.calendar import MONTH_OF_WEEK, MONTHS, WEEKS, month_date
from evaluator.registers.claims import contents
from evaluator.registers.intake import Intake, draw_intake
from evaluator.registers.municipalities import STARTS, MonthTables, month_tables, municipalities
from evaluator.registers.people import People, draw_people
from evaluator.registers.process import Paths, run
from evaluator.vocabulary import Bools, Ints

if TYPE_CHECKING:
    import polars as pl

STATES = ("job", "education", "other_benefit", "supported_work", "entry_benefit", "self_support", "left_register")
HORIZONS = (26, 52)
_WEEKS_NEEDED = max(HORIZONS) + 6  # the wage month of the last horizon
OBSERVATION_LAG_WEEKS = 4
WAGE_FINAL_AFTER_MONTHS = 2
_STREAMS = 8

# End state by weekly state, for people whose benefit is the entry benefit; blank weeks are decided by the wage month.
_STATE_INDEX = np.full(16, STATES.index("other_benefit"), dtype=np.int8)
_STATE_INDEX[: rates.BENEFIT_LAST + 1] = STATES.index("entry_benefit")
_STATE_INDEX[[rates.SUBSIDY_PRIVATE, rates.SUBSIDY_PUBLIC, rates.FLEX_JOB]] = STATES.index("supported_work")
_STATE_INDEX[rates.JOB] = STATES.index("job")
_STATE_INDEX[rates.EDUCATION] = STATES.index("education")
_STATE_INDEX[rates.SELF_SUPPORT] = STATES.index("self_support")
_STATE_INDEX[rates.LEFT] = STATES.index("left_register")


@dataclass(frozen=True, slots=True)
class Population:
    """Which first entries count; the same filter as a spec's [population] and [panel]."""

    benefits: Sequence[str] = ("uddannelseshjaelp", "kontanthjaelp")
    target_groups: Sequence[str] = ("jobparat", "uddannelsesparat", "aabenlyst_uddannelsesparat", "aktivitetsparat")
    age: tuple[int, int] = (18, 66)


@dataclass(frozen=True, slots=True)
class Register:
    """N people and their weeks; `paths` also holds the twins of treated municipalities in the world without."""

    people: People
    paths: Paths
    tables: MonthTables
    seed: int
    world: str
    intake: Intake | None = None  # caseworkers at intake, where they differ in strictness
    part: int = 0  # of a register that is made in parts
    first: int = 0  # persons in the parts before this one

    def target_groups(self) -> np.ndarray:
        """Return each person's target group at entry."""
        return target_group_names(self.people.kth, self.people.akt, self.people.obvious)

    def members(self, population: Population) -> Bools:
        """Return who belongs to the population at entry."""
        benefit = np.where(self.people.kth, "kontanthjaelp", "uddannelseshjaelp")
        age = self.people.age
        member = np.isin(benefit, list(population.benefits))
        member &= np.isin(self.target_groups(), list(population.target_groups))
        return member & (age >= population.age[0]) & (age <= population.age[1])

    def observed(self, horizon: int) -> Bools:
        """Return whose horizon week lies four weeks before the data end, in a month whose wages are final."""
        week = self.people.entry + horizon
        inside = np.minimum(week, WEEKS - 1)
        return (week < WEEKS - OBSERVATION_LAG_WEEKS) & (MONTH_OF_WEEK[inside] < MONTHS - WAGE_FINAL_AFTER_MONTHS)

    def end_states(self, horizon: int, *, without: bool = False) -> np.ndarray:
        """Return each person's end state `horizon` weeks after entry as an index into STATES; -1 when not observed.

        A blank week is job when any week of its month (the month holds the week's Thursday) is a job week.
        """
        column = self.paths.twin if without else self.paths.factual
        seen = self.observed(horizon)
        recorded = self.paths.weeks[horizon][column]
        code = recorded & 15
        state = _STATE_INDEX[code].copy()
        changed = (code <= rates.BENEFIT_LAST) & (((recorded & rates.IS_KTH) > 0) != self.people.kth)
        state[changed] = STATES.index("other_benefit")
        blank = seen & ((code == rates.JOB) | (code == rates.SELF_SUPPORT))
        state[blank & self._has_wage(horizon, column)] = STATES.index("job")
        state[~seen] = -1
        return state

    def sick_weeks(self, horizon: int, *, without: bool = False) -> Ints:
        """Return each person's weeks of sick pay from the week after entry to the one `horizon` weeks on."""
        column = self.paths.twin if without else self.paths.factual
        count = np.zeros(len(column), dtype=np.int64)
        for k in range(1, horizon + 1):
            count += (self.paths.weeks[k][column] & 15) == rates.SICK
        return count

    def _has_wage(self, horizon: int, column: Ints) -> Bools:
        month = MONTH_OF_WEEK[np.minimum(self.people.entry + horizon, WEEKS - 1)]
        wage = np.zeros(len(column), dtype=np.bool_)
        for k in range(max(horizon - 4, 0), min(horizon + 5, len(self.paths.weeks))):
            week = self.people.entry + k
            same = (week < WEEKS) & (MONTH_OF_WEEK[np.minimum(week, WEEKS - 1)] == month)
            wage |= same & ((self.paths.weeks[k][column] & 15) == rates.JOB)
        return wage

    def entry_cells(self, population: Population, horizon: int, period: str = "month") -> pl.DataFrame:
        """Return persons and end states by municipality and entry period, of those observed."""
        import polars as pl

        state = self.end_states(horizon)
        month = MONTH_OF_WEEK[self.people.entry]
        keep = self.members(population) & (state >= 0)
        step = {"month": 1, "quarter": 3, "year": 12}[period]
        first = month[keep] // step * step
        key = (self.people.municipality[keep] * 128 + first) * len(STATES) + state[keep]
        counts = np.bincount(key, minlength=98 * 128 * len(STATES)).reshape(-1, len(STATES))
        rows = np.flatnonzero(counts.sum(axis=1))
        codes = np.array([m.code for m in municipalities()])
        return pl.DataFrame(
            {
                "municipality_code": codes[rows // 128],
                "period_on": [month_date(int(m)) for m in rows % 128],
                "persons": counts[rows].sum(axis=1),
                **{name: counts[rows, i] for i, name in enumerate(STATES)},
            }
        )

    def fresh_streams(self) -> list[np.random.Generator]:
        """Return the streams of what is only drawn when extracts are written, at their beginning."""
        return _streams(self.seed, self.part)[5:]


def target_group_names(kth: Bools, akt: Bools, obvious: Bools) -> np.ndarray:
    """Return the Danish target group of each person."""
    ready = np.where(obvious, "aabenlyst_uddannelsesparat", "uddannelsesparat")
    return np.where(akt, "aktivitetsparat", np.where(kth, "jobparat", ready))


def _streams(seed: int, part: int = 0) -> list[np.random.Generator]:
    """Return one stream per concern, so that a change in one leaves the others' draws alone."""
    source = np.random.SeedSequence([seed, part] if part else seed)
    return [np.random.Generator(np.random.PCG64(s)) for s in source.spawn(_STREAMS)]


def simulate(
    persons: int,
    seed: int,
    world: str = "default",
    effects: bool = True,
    *,
    horizon_only: bool = False,
    codes: Sequence[str] | None = None,
    strictness_spread: float = 0.0,
    part: int = 0,
) -> Register:
    """Simulate a register of `persons` first entries; `horizon_only` stops when the horizons are reached.

    `codes` keeps only some municipalities. The same seed gives the same first year in both modes. Parts of one
    register differ in their people; what happens to municipalities is drawn from the seed alone. With a
    `strictness_spread` s (at most 1) caseworkers at intake, drawn by lot, sanction 1 - s to 1 + s times as large a
    share of no-shows as their municipality; every other draw stays as it is without.
    """
    streams = _streams(seed, part)
    people = draw_people(streams[:2], persons, world, tuple(codes) if codes is not None else None)
    tables = month_tables(_streams(seed)[2], world, effects=effects)
    treated = np.isin([m.code for m in municipalities()], [s.code for s in STARTS])
    twins = treated[people.municipality] & people.always & effects
    weeks = _WEEKS_NEEDED if horizon_only else WEEKS
    intake = draw_intake(people, seed, strictness_spread, world) if strictness_spread else None
    strictness = np.ones(len(people.entry)) if intake is None else intake.strictness
    paths = run(
        people,
        tables,
        streams[3:5],
        weeks,
        events=not horizon_only,
        twins=twins,
        strictness=strictness,
        world=world,
        contents=contents(seed, part),
    )
    return Register(people, paths, tables, seed, world, intake, part)
