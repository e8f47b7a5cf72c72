"""The weekly multi-state process, vectorised over people by weeks since entry.

Actors are all people plus, for treated municipalities, their twins in the world without interventions. A person and
the twin read the same uniforms; every destination owns its slot of the unit interval.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluator.registers import rates
from evaluator.registers.calendar import MONTH_OF_WEEK, MONTHS, WEEKS, YEAR_OF_WEEK
from evaluator.registers.claims import Claims, claims
from evaluator.registers.municipalities import HORSENS, STEPPED, MonthTables, municipalities, starts
from evaluator.registers.people import QUALIFYING, People
from evaluator.vocabulary import Bools, Floats, Ints

PENSION_AGE = 66
LONG_SICK_SHARE = 0.15


@dataclass(frozen=True, slots=True)
class Events:
    """What happened in a week, to people of the factual world; arrays of equal length."""

    person: Ints
    week: Ints
    flag: Bools  # meetings: did not show up; sanctions: aktivitetsparat
    content: Ints  # meetings: what they are about, of `claims`; sanctions: nothing


@dataclass(frozen=True, slots=True)
class Paths:
    """Recorded weeks, (K, A) bytes by weeks since entry: state, IS_AKT and IS_KTH bits, or ABSENT."""

    weeks: np.ndarray
    factual: Ints  # (N,) column of each person
    twin: Ints  # (N,) column of the twin, or the person's own column
    meetings: Events
    sanctions: Events


@dataclass(slots=True)
class _Actors:
    """A actors sorted by entry week, with what changes from week to week."""

    person: Ints
    entry: Ints
    row: Ints  # municipality, + 98 for a twin
    is_factual: Bools
    kth_from: Ints  # weeks since entry when kontanthjaelp begins
    pension_at: Ints
    job_factor: Floats
    education_factor: Floats
    job_leaving: Floats
    effects: Floats  # (3, A): job, education, self-support
    akt: Bools
    state: np.ndarray
    left: np.ndarray  # weeks left of sickness, activity or subsidy
    pending: np.ndarray  # weeks until a job that is found begins
    noted: np.ndarray  # a no-show that will be sanctioned next week
    sanctioned: np.ndarray  # weeks left of the sanction's effect
    strictness: Floats  # of the caseworker at intake, a factor on the municipality's practice
    claims: Claims


def planted_effects(people: People, world: str) -> Floats:
    """Return each person's effect on the hazards to job, education and self-support, (3, N), at full strength."""
    codes = np.array([m.code for m in municipalities()])[people.municipality]
    group = 2 * people.kth.astype(np.int64) + people.akt
    age = people.age_group
    step = np.isin(codes, [start.code for start in starts(world) if start.intervention == STEPPED])
    by_age = rates.STEP_AGE_FACTOR[age]
    job = np.where(step, rates.STEP_JOB[group] * by_age, 0.0)
    education = np.where(step, rates.STEP_EDUCATION[group] * by_age, 0.0)
    self_support = np.where(step, rates.STEP_SELF_SUPPORT[group], 0.0)
    youth = (codes == HORSENS) & people.akt & ~people.kth & (age == 0)
    job = np.where(youth, rates.YOUTH_JOB, np.where(people.participant, rates.PROJECT_JOB, job))
    education = np.where(youth, rates.YOUTH_EDUCATION, education)
    self_support = np.where(youth, rates.YOUTH_SELF_SUPPORT, self_support)
    return np.stack([job, education, self_support])


def _actors(
    people: People, has_twin: Bools, strictness: Floats, world: str, contents: np.random.Generator
) -> tuple[_Actors, Ints, Ints]:
    n = len(people.entry)
    person = np.concatenate([np.arange(n), np.flatnonzero(has_twin)])
    order = np.argsort(people.entry[person], kind="stable")
    is_factual = (np.arange(len(person)) < n)[order]
    person = person[order]
    factual, twin = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64)
    factual[person[is_factual]] = np.flatnonzero(is_factual)
    twin[:] = factual
    twin[person[~is_factual]] = np.flatnonzero(~is_factual)
    entry = people.entry[person]
    qualified = (people.education >= QUALIFYING) & (people.education < 4)
    kth_week = np.searchsorted(YEAR_OF_WEEK, people.birth_year + 30)
    kth_from = np.where(qualified[person], 0, np.maximum(kth_week[person] - entry, 0))
    pension_at = np.searchsorted(YEAR_OF_WEEK, people.birth_year + PENSION_AGE)[person] - entry
    size = len(person)

    def empty() -> np.ndarray:
        return np.zeros(size, dtype=np.int8)

    actors = _Actors(
        person, entry, people.municipality[person] + len(municipalities()) * ~is_factual, is_factual, kth_from,
        pension_at, people.job_factor[person], people.education_factor[person],
        rates.JOB_LEAVING[people.strong.astype(np.int64)][person], planted_effects(people, world)[:, person],
        people.akt[person].copy(), np.zeros(size, dtype=np.uint8), empty(), empty(), empty(), empty(),
        strictness[person], claims(people, person, world, contents),
    )  # fmt: skip
    return actors, factual, twin


def run(
    people: People,
    tables: MonthTables,
    streams: list[np.random.Generator],
    weeks: int,
    *,
    events: bool,
    twins: Bools,
    strictness: Floats,
    world: str,
    contents: np.random.Generator,
) -> Paths:
    """Run the process for `weeks` weeks since entry and record every actor's state.

    `strictness` (N,) multiplies the share of each person's no-shows that are sanctioned; `contents` is the stream of
    what meetings are about, where the world says it.
    """
    actors, factual, twin = _actors(people, twins, strictness, world, contents)
    path = np.full((weeks, len(actors.person)), rates.ABSENT, dtype=np.uint8)
    meetings: list[tuple[np.ndarray, ...]] = []
    sanctions: list[tuple[np.ndarray, ...]] = []
    for k in range(weeks):
        n = int(np.searchsorted(actors.entry, WEEKS - k, side="left"))
        if n == 0:
            break
        people_left = int(np.searchsorted(people.entry, WEEKS - k, side="left"))
        uniform = streams[0].random(people_left)[actors.person[:n]]
        meeting = streams[1].random(people_left)[actors.person[:n]]
        kth = actors.kth_from[:n] <= k
        group = 2 * kth + actors.akt[:n]
        week = actors.entry[:n] + k
        cell = actors.row[:n] * MONTHS + MONTH_OF_WEEK[week]
        path[k, :n] = actors.state[:n] + rates.IS_AKT * actors.akt[:n].astype(np.uint8) + rates.IS_KTH * kth
        benefit = np.flatnonzero(actors.state[:n] <= rates.BENEFIT_LAST)
        decided = _sanction(actors, n)
        about = actors.claims.begin_week(actors.person[:n])
        met, missed = _meet(actors, tables, benefit, meeting, group, cell)
        actors.claims.meet(met, about)
        if events:
            _note(meetings, actors, met, week, missed, about[met])
            _note(sanctions, actors, decided, week, actors.akt[decided], about[decided])
        _leave_other_states(actors, uniform, n)
        _leave_benefit(actors, tables, benefit, uniform, group, cell, k)
        retired = np.flatnonzero(actors.pension_at[:n] == k)
        actors.state[retired], actors.left[retired], actors.pending[retired] = rates.LEFT, 0, 0
    return Paths(path, factual, twin, _events(meetings), _events(sanctions))


def _note(into: list, actors: _Actors, who: Ints, week: Ints, flag: Bools, content: np.ndarray) -> None:
    keep = actors.is_factual[who]
    into.append((actors.person[who][keep], week[who][keep], flag[keep], content[keep]))


def _events(parts: list[tuple[np.ndarray, ...]]) -> Events:
    if not parts:
        nothing = np.zeros(0, dtype=np.int64)
        return Events(nothing, nothing, nothing.astype(np.bool_), nothing)
    person, week, flag, content = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.lexsort((week, person))
    return Events(person[order], week[order], flag[order], content[order])


def _sanction(actors: _Actors, n: int) -> Ints:
    """Let last week's noted no-shows become decisions for those still on benefit; return them."""
    running = np.flatnonzero(actors.sanctioned[:n])
    actors.sanctioned[running] -= 1
    noted = np.flatnonzero(actors.noted[:n])
    actors.noted[noted] = 0
    decided = noted[actors.state[noted] <= rates.BENEFIT_LAST]
    actors.sanctioned[decided] = rates.SANCTION_WEEKS
    return decided


def _meet(
    actors: _Actors, tables: MonthTables, benefit: Ints, uniform: Floats, group: Ints, cell: Ints
) -> tuple[Ints, Bools]:
    """Return who was called to a meeting and who stayed away; one uniform decides meeting, no-show and sanction."""
    who = benefit[uniform[benefit] < rates.MEETING_MAX]
    rate = rates.MEETING[group[who]] * (1.0 + actors.claims.meetings_more * tables.ramp[cell[who]])
    called = uniform[who] < rate
    who, rate = who[called], rate[called]
    missing = rate * np.where(actors.pending[who] > 0, rates.NO_SHOW_JOB_FOUND, rates.NO_SHOW)
    missed = uniform[who] < missing
    practice = tables.strictness[cell[who]] * np.where(actors.akt[who], rates.STRICTNESS_AKT, 1.0)
    practice = np.minimum(practice * actors.strictness[who], 1.0)
    actors.noted[who[uniform[who] < missing * practice]] = 1
    return who, missed


def _leave_other_states(actors: _Actors, uniform: Floats, n: int) -> None:
    """Move people who are not on plain benefit; ended sickness, activity and subsidies go back to benefit."""
    state = actors.state[:n]
    away = np.flatnonzero(state > rates.BENEFIT_LAST)
    where, u = state[away], uniform[away]
    for origin, ways in (
        (rates.EDUCATION, rates.LEAVING_EDUCATION),
        (rates.SELF_SUPPORT, rates.LEAVING_SELF_SUPPORT),
        (rates.UNEMPLOYMENT_BENEFIT, rates.LEAVING_UNEMPLOYMENT),
        (rates.RESOURCE_COURSE, rates.LEAVING_RESOURCE),
    ):
        here = where == origin
        _move(state, away[here], u[here], ways)
    here = where == rates.JOB
    _move(state, away[here], u[here] / actors.job_leaving[away[here]], rates.LEAVING_JOB)
    counting = np.flatnonzero(actors.left[:n])
    actors.left[counting] -= 1
    ended = counting[actors.left[counting] == 0]
    subsidy = (state[ended] == rates.SUBSIDY_PRIVATE) | (state[ended] == rates.SUBSIDY_PUBLIC)
    hired = subsidy & (uniform[ended] < rates.JOB_AFTER_SUBSIDY)
    state[ended] = np.where(hired, rates.JOB, rates.PASSIVE)


def _move(state: np.ndarray, who: Ints, uniform: Floats, ways: tuple[tuple[float, int], ...]) -> None:
    ends = np.array([end for end, _ in ways])
    leaving = np.flatnonzero(uniform < ends[-1])
    to = np.array([destination for _, destination in ways], dtype=np.uint8)
    state[who[leaving]] = to[np.searchsorted(ends, uniform[leaving], side="right")]


def _leave_benefit(
    actors: _Actors, tables: MonthTables, benefit: Ints, uniform: Floats, group: Ints, cell: Ints, k: int
) -> None:
    """Move people on plain benefit by the slot that their uniform falls in."""
    waiting = benefit[actors.pending[benefit] > 0]
    actors.pending[waiting] -= 1
    started = waiting[actors.pending[waiting] == 0]
    actors.state[started], actors.left[started] = rates.JOB, 0
    who = benefit[(uniform[benefit] < rates.SLOTS_END)]
    who = who[(actors.pending[who] == 0) & (actors.state[who] <= rates.BENEFIT_LAST)]
    u = uniform[who]

    def chosen(slot: tuple[float, float]) -> tuple[Ints, Floats]:
        inside = np.flatnonzero((u >= slot[0]) & (u < slot[0] + slot[1]))
        return who[inside], u[inside] - slot[0]

    def moved(i: Ints, state: int) -> None:
        actors.state[i], actors.left[i] = state, 0

    i, v = chosen(rates.SLOT_JOB)
    hazard = rates.TO_JOB[group[i]] * actors.job_factor[i] * tables.job[cell[i]] * rates.DURATION_FACTOR[k]
    hazard = hazard * actors.claims.on_job(i)
    found = i[v < hazard * (1.0 + tables.ramp[cell[i]] * actors.effects[0, i])]
    if actors.claims.is_on:
        moved(found, rates.JOB)
    else:
        actors.pending[found] = rates.WEEKS_UNTIL_JOB
    i, v = chosen(rates.SLOT_EDUCATION)
    hazard = rates.TO_EDUCATION[group[i]] * actors.education_factor[i] * tables.education[cell[i]]
    moved(i[v < hazard * (1.0 + tables.ramp[cell[i]] * actors.effects[1, i])], rates.EDUCATION)
    i, v = chosen(rates.SLOT_SELF_SUPPORT)
    hazard = rates.TO_SELF_SUPPORT[group[i]] * tables.self_support[cell[i]]
    hazard = hazard * np.where(actors.sanctioned[i] > 0, rates.SANCTION_ON_SELF_SUPPORT, 1.0)
    hazard = hazard * actors.claims.on_self_support(i)
    moved(i[v < hazard * (1.0 + tables.ramp[cell[i]] * actors.effects[2, i])], rates.SELF_SUPPORT)
    i, v = chosen(rates.SLOT_LASTING)
    hit = v < rates.TO_LASTING[group[i]]
    share = v[hit] / rates.TO_LASTING[group[i[hit]]]
    moved(i[hit], rates.RESOURCE_COURSE)
    actors.state[i[hit]] += (share >= 0.55).astype(np.uint8) + (share >= 0.80).astype(np.uint8)
    i, v = chosen(rates.SLOT_UNEMPLOYMENT)
    moved(i[v < rates.TO_UNEMPLOYMENT[group[i]]], rates.UNEMPLOYMENT_BENEFIT)
    i, v = chosen(rates.SLOT_LEFT)
    moved(i[v < rates.TO_LEFT], rates.LEFT)
    i, v = chosen(rates.SLOT_SICK)
    hazard = rates.TO_SICK[group[i]] * actors.claims.more(i, tables.ramp[cell[i]], rates.ACTIVATION_ON_SICK)
    hit = v < hazard
    _fall_sick(actors, i[hit], v[hit] / hazard[hit])
    i, v = chosen(rates.SLOT_ACTIVITY)
    hazard = rates.TO_ACTIVITY[group[i]] * actors.claims.more(i, tables.ramp[cell[i]], rates.ACTIVATION_MORE)
    hit = (v < hazard) & (actors.state[i] == rates.PASSIVE)
    _activate(actors, i[hit], v[hit] / hazard[hit])
    i, v = chosen(rates.SLOT_VISITATION)
    again = i[v < rates.TO_OTHER_VISITATION[group[i]]]
    actors.akt[again] = ~actors.akt[again]


def _fall_sick(actors: _Actors, who: Ints, share: Floats) -> None:
    """Most are sick one to three weeks, some eight to twenty-six."""
    short = 1 + np.floor((share - LONG_SICK_SHARE) / (1 - LONG_SICK_SHARE) * 3)
    long = 8 + np.floor(share / LONG_SICK_SHARE * 19)
    actors.state[who] = rates.SICK
    actors.left[who] = np.where(share < LONG_SICK_SHARE, long, short).astype(np.int8)


def _activate(actors: _Actors, who: Ints, share: Floats) -> None:
    """Start an activity: guidance, placement, utility work (ready only) or a wage subsidy."""
    kinds = np.array([rates.GUIDANCE, rates.PRIVATE_PLACEMENT, rates.PUBLIC_PLACEMENT, rates.UTILITY_WORK,
                      rates.SUBSIDY_PRIVATE, rates.SUBSIDY_PUBLIC], dtype=np.uint8)  # fmt: skip
    kind = kinds[np.searchsorted(np.array([0.40, 0.66, 0.84, 0.94, 0.98]), share, side="right")]
    kind = np.where((kind == rates.UTILITY_WORK) & actors.akt[who], rates.GUIDANCE, kind)
    length = np.array([0, 8, 6, 8, 13, 26, 20], dtype=np.int8)
    actors.state[who] = kind
    actors.left[who] = length[kind]
