"""Who enters, where and when: attributes of every person at the first entry into a benefit."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from evaluator.registers import rates
from evaluator.registers.calendar import WEEKS, YEAR_OF_WEEK
from evaluator.registers.municipalities import HORSENS, SILKEBORG, STARTS, WORLDS, municipalities, sizes
from evaluator.vocabulary import Bools, Floats, Ints

EDUCATIONS = ("grundskole", "gymnasial", "erhvervsfaglig", "videregaaende", "uoplyst")
ORIGINS = ("dansk", "indvandrer", "efterkommer")
QUALIFYING = 2  # from erhvervsfaglig: kontanthjaelp also below 30

# Entries per week relative to 2016, by year 2012-2019; the first year also builds the stock.
INFLOW = (3.30, 1.02, 1.02, 1.02, 1.00, 0.92, 0.86, 0.82)
INFLOW_YOUNG_AKT = (2.40, 1.30, 1.33, 1.33, 1.08, 0.82, 0.74, 0.68)
YOUNG_AKT_IN_HORSENS = 0.54
SILKEBORG_HARDER = 0.04  # smaller share of ready entrants
EXTRA_ENTRANTS, KEPT_AWAY = 0.30, 0.25  # of those who enter a treated municipality in the world of responding inflow


@dataclass(frozen=True, slots=True)
class People:
    """N people sorted by entry week; arrays of length N."""

    municipality: Ints  # index into municipalities()
    entry: Ints  # week
    birth_year: Ints
    woman: Bools
    origin: Ints  # index into ORIGINS
    education: Ints  # index into EDUCATIONS
    children: Bools
    single: Bools
    akt: Bools  # aktivitetsparat at entry
    obvious: Bools  # aabenlyst uddannelsesparat
    strong: Bools  # latent: most of those who find work
    job_factor: Floats
    education_factor: Floats
    participant: Bools  # of the municipal project in Silkeborg
    always: Bools  # enters with and without the intervention

    @property
    def age(self) -> Ints:
        return YEAR_OF_WEEK[self.entry] - self.birth_year

    @property
    def kth(self) -> Bools:
        """On kontanthjaelp at entry; otherwise uddannelseshjaelp."""
        return is_kth(self.education, self.age)

    @property
    def age_group(self) -> Ints:
        return rates.age_group(self.age)

    def take(self, rows: np.ndarray) -> People:
        return People(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})


def is_kth(education: Ints, age: Ints) -> Bools:
    """Return who draws kontanthjaelp: from 30 years, or with a qualifying education."""
    return (age >= 30) | ((education >= QUALIFYING) & (education < 4))


def _pick(uniform: Floats, *shares: float) -> Ints:
    """Return the index of the interval that holds each uniform; the last one takes the rest."""
    ends = [sum(shares[: i + 1]) for i in range(len(shares))]
    return np.searchsorted(np.array(ends), uniform, side="right")


def _entry_table(yearly: tuple[float, ...]) -> Floats:
    weight = np.array([yearly[min(year, 2019) - 2012] for year in YEAR_OF_WEEK])
    return np.cumsum(weight) / np.sum(np.array(weight, dtype=np.longdouble)).astype(float)


def _weeks_from(uniform: Floats, yearly: tuple[float, ...]) -> Ints:
    return np.minimum(np.searchsorted(_entry_table(yearly), uniform, side="right"), WEEKS - 1)


def _draw(stream: np.random.Generator, municipality: Ints, *, easier: bool) -> People:
    """Draw the people of the given municipalities; `easier` ones are ready, educated and of middle age."""
    n = len(municipality)
    u = stream.random((16, n))
    horsens = _index(HORSENS)
    forced = (municipality == horsens) & (u[0] < YOUNG_AKT_IN_HORSENS)
    spread = np.flatnonzero(forced)  # their entries are spread evenly, so that the guaranteed stock comes about
    u[6, spread] = (np.arange(len(spread)) + u[6, spread]) / max(len(spread), 1)
    band = _pick(u[1], 0.05, 0.45) if easier else _pick(u[1], 0.30, 0.18, 0.34)
    band = np.where(forced, 0, band + (1 if easier else 0))
    floor, width = rates.AGE_FLOORS[band], np.array([7, 5, 20, 15])[band]
    age = floor + np.floor(u[2] * width).astype(np.int64)
    young = age < 25
    unqualified = np.where(u[3] < 0.82, 0, 1)
    schooling = _pick(u[3], 0.42, 0.12, 0.30, 0.10)
    education = np.where(young & (u[4] < 0.94), unqualified, schooling)
    if easier:
        education = np.where(u[4] < 0.75, 2 + (u[3] < 0.4), education)
    education = np.where(forced, unqualified, education)
    kth = is_kth(education, age)
    ready_share = 0.9 if easier else np.where(kth, 0.42, 0.58)
    ready_share = np.where(municipality == _index(SILKEBORG), ready_share - SILKEBORG_HARDER, ready_share)
    akt = forced | (u[5] >= ready_share)
    young_akt = young & akt & ~kth
    entry = np.where(young_akt, _weeks_from(u[6], INFLOW_YOUNG_AKT), _weeks_from(u[6], INFLOW))
    strong = u[7] < np.where(akt, rates.STRONG_SHARE[1], rates.STRONG_SHARE[0]) * (1.5 if easier else 1.0)
    origin = _pick(u[8], 0.74, 0.20)
    children = u[9] < np.array([0.08, 0.28, 0.45, 0.18])[band]
    woman = u[10] < 0.48
    obvious = ~kth & ~akt & (u[11] < 0.22)
    job_factor = rates.JOB_FACTOR[akt.astype(np.int64), strong.astype(np.int64)]
    job_factor = job_factor * np.array([0.92, 1.0, 1.1, 1.15, 0.9])[education] * np.array([1.05, 0.85, 0.95])[origin]
    job_factor = job_factor * np.array([1.05, 1.05, 1.0, 0.8])[band] * np.where(woman & children, 0.9, 1.0)
    education_factor = (0.6 + 0.8 * u[12]) * np.where(obvious, 1.5, 1.0) * np.array([1.05, 0.8, 1.0, 0.5])[band]
    participant = (municipality == _index(SILKEBORG)) & (u[13] < np.where(strong, 0.88, 0.02))
    return People(
        municipality, entry, YEAR_OF_WEEK[entry] - age, woman, origin, education, children, u[14] < 0.68, akt, obvious,
        strong, job_factor, education_factor, participant, np.ones(n, dtype=np.bool_),
    )  # fmt: skip


def _index(code: str) -> int:
    return next(i for i, row in enumerate(municipalities()) if row.code == code)


def start_weeks() -> Ints:
    """Return each municipality's first treated week, or WEEKS."""
    first = np.full(len(municipalities()), WEEKS, dtype=np.int64)
    for start in STARTS:
        days = (np.datetime64(start.start, "D") - np.datetime64("2012-01-02", "D")).astype(int)
        first[_index(start.code)] = -(-int(days) // 7)
    return first


def draw_people(streams: list[np.random.Generator], persons: int, world: str, codes: tuple[str, ...] | None) -> People:
    """Draw everybody who enters, sorted by entry week.

    In the world `inflow_responds` treated municipalities draw in extra, easier people after the start and keep some of
    the aktivitetsparate away; `always` marks those who enter in both worlds.
    """
    counts = sizes(persons, codes)
    people = _draw(streams[0], np.repeat(np.arange(len(counts)), counts), easier=False)
    treated = people.entry >= start_weeks()[people.municipality]
    people = people.take(np.arange(persons))
    project = people.participant & treated
    if world == "inflow_responds":
        people, project = _respond(streams[1], people, treated, project)
    elif world not in WORLDS:
        raise ValueError(f"world: unknown name {world!r}; expected one of {', '.join(WORLDS)}.")
    order = np.argsort(people.entry, kind="stable")
    columns = {f.name: getattr(people, f.name)[order] for f in fields(people)}
    columns["participant"] = project[order]
    return People(**columns)


def _respond(stream: np.random.Generator, people: People, treated: Bools, project: Bools) -> tuple[People, Bools]:
    away = treated & people.akt & (stream.random(len(treated)) < KEPT_AWAY)
    model = np.flatnonzero(treated & (stream.random(len(treated)) < EXTRA_ENTRANTS))
    extra = _draw(stream, people.municipality[model], easier=True)
    age = extra.age
    columns = {f.name: np.concatenate([getattr(people, f.name)[~away], getattr(extra, f.name)]) for f in fields(people)}
    columns["entry"] = np.concatenate([people.entry[~away], people.entry[model]])
    columns["birth_year"] = np.concatenate([people.birth_year[~away], YEAR_OF_WEEK[people.entry[model]] - age])
    columns["always"] = np.concatenate([people.always[~away], np.zeros(len(model), dtype=np.bool_)])
    return People(**columns), np.concatenate([project[~away], np.zeros(len(model), dtype=np.bool_)])
