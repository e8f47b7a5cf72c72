"""Extracts by municipality: interventions, the monthly panel of recipients, and employees by quarter."""

from __future__ import annotations

import numpy as np

from evaluator.registers import rates
from evaluator.registers.calendar import (
    MONTH_NAMES,
    MONTH_OF_WEEK,
    MONTHS,
    WEEKS,
    WEEKS_IN_MONTH,
    month_index,
    week_of_day_15,
)
from evaluator.registers.columns import Columns, Text
from evaluator.registers.municipalities import municipalities, starts
from evaluator.registers.register import Register
from evaluator.registers.runs import Weeks, blocks
from evaluator.registers.spells import municipality_codes, target_group_keys
from evaluator.vocabulary import Ints

_CLASSES = (
    ("uddannelseshjaelp", "uddannelsesparat"),
    ("uddannelseshjaelp", "aabenlyst_uddannelsesparat"),
    ("kontanthjaelp", "jobparat"),
    ("kontanthjaelp", "aktivitetsparat"),
    ("uddannelseshjaelp", "aktivitetsparat"),
)
_UNEMPLOYED = (61, 58, 51, 46, 42, 43, 40, 37)  # per mille of the labour force, 2012-2019
_EMPLOYED = 37  # full-time employees per 100 inhabitants; like all of this, the size of LBESK69 in 2013-2019
_GROWTH, _SEASON = 0.004, (0.0, 0.015, 0.008, 0.015)  # of the first quarter's: each quarter; by quarter of the year
_PERSISTENCE, _DEVIATION = 0.8, 0.01  # of a municipality around the country: AR(1), its standard deviation
HIDDEN_BELOW = 5
HIDDEN = ".."


def interventions(people: Ints, world: str) -> Columns:
    """The extract indsats: the planted interventions of the municipalities that have `people` (98,).

    A caseload that is to stay as it is was not planned, and is left out.
    """
    names = [m.code for m in municipalities()]
    codes = {names[i] for i in np.flatnonzero(people)}
    rows = [start for start in starts(world) if start.code in codes]
    planned = [s.planned_before > s.planned_after for s in rows]
    return {
        "kommunekode": [s.code for s in rows],
        "team": [None for _ in rows],
        "fra": np.array([s.start for s in rows], dtype="datetime64[D]"),
        "til": np.full(len(rows), np.datetime64("NaT"), dtype="datetime64[D]"),
        "indsats_navn": [s.intervention for s in rows],
        "sagstal_foer": [s.planned_before if is_planned else None for s, is_planned in zip(rows, planned, strict=True)],
        "sagstal_efter": [s.planned_after if is_planned else None for s, is_planned in zip(rows, planned, strict=True)],
        "budget_kr": [s.budget_dkk for s in rows],
        "maalgruppe": [s.target_group for s in rows],
    }


def counts(register: Register) -> Ints:
    """Return weeks, persons in the week of the 15th, and sanctions: (3, 98, MONTHS, 5 classes)."""
    people = register.people
    shape = (98, MONTHS, len(_CLASSES))
    weeks, persons = np.zeros(shape, dtype=np.int64).ravel(), np.zeros(shape, dtype=np.int64).ravel()
    of_15 = np.zeros(WEEKS, dtype=np.bool_)
    of_15[week_of_day_15()] = True
    sanctioned = np.zeros(shape, dtype=np.int64).ravel()
    found = register.paths.sanctions
    for block in blocks(register):
        week = people.entry[block.people][:, None] + np.arange(block.state.shape[1])
        on = block.present & (block.state <= rates.SUBSIDY_PUBLIC)
        cell = _cells(register, block, np.minimum(week, WEEKS - 1))
        weeks += np.bincount(cell[on], minlength=weeks.size)
        there = on & of_15[np.minimum(week, WEEKS - 1)]
        persons += np.bincount(cell[there], minlength=weeks.size)
        mine = (found.person >= block.first) & (found.person < block.first + len(block.state))
        row = found.person[mine] - block.first
        decided = cell[row, found.week[mine] - people.entry[found.person[mine]]]
        sanctioned += np.bincount(decided, minlength=weeks.size)
    return np.stack([weeks, persons, sanctioned]).reshape(3, *shape)


def _cells(register: Register, block: Weeks, week: Ints) -> Ints:
    group = np.maximum(target_group_keys(register, block) - 1, 0)
    municipality = register.people.municipality[block.people][:, None]
    return (municipality * MONTHS + MONTH_OF_WEEK[week]) * len(_CLASSES) + group


def _with_tenths(tenths: Ints) -> np.ndarray:
    return np.char.add(np.char.add((tenths // 10).astype("U8"), ","), (tenths % 10).astype("U1"))


def panel(people: Ints, counted: Ints, stream: np.random.Generator) -> Columns:
    """The extract kommunepanel: recipients by month, benefit and target group from 2013; 1 to 4 are hidden."""
    weeks, persons, sanctioned = counted
    first = month_index(2013, 1)
    keep = np.flatnonzero(people)
    index = np.stack(np.meshgrid(keep, np.arange(first, MONTHS), np.arange(len(_CLASSES)), indexing="ij"), axis=-1)
    municipality, month, group = index.reshape(-1, 3).T
    count = persons[municipality, month, group]
    full_time = np.rint(weeks[municipality, month, group] * 10 / WEEKS_IN_MONTH[month]).astype(np.int64)
    hidden = (count > 0) & (count < HIDDEN_BELOW)
    rate = np.array(_UNEMPLOYED)[month // 12] * (8 + stream.integers(0, 6, 98)[municipality]) // 10
    population = np.array([m.population for m in municipalities()])
    periods = [name.replace("-", "M") for name in MONTH_NAMES]

    def shown(values: np.ndarray) -> np.ndarray:
        return np.where(hidden, HIDDEN, values.astype("U10"))

    return {
        "kommunekode": municipality_codes(municipality),
        "periode": Text(periods, month),
        "ydelse": Text([benefit for benefit, _ in _CLASSES], group),
        "visitation": Text([target for _, target in _CLASSES], group),
        "fuldtid": shown(_with_tenths(full_time)),
        "antal": shown(count),
        "sanktioner": shown(sanctioned[municipality, month, group]),
        "ledighed": _with_tenths(rate),
        "befolkning": population[municipality],
    }


def employees(people: Ints, stream: np.random.Generator) -> Columns:
    """The extract fuldtidsansatte: employees by residence and quarter from 2013, which no intervention here moves."""
    keep = np.flatnonzero(people)
    quarters = (MONTHS - month_index(2013, 1)) // 3
    shocks = _DEVIATION * np.sqrt(3) * (2 * stream.random((quarters, 98)) - 1)
    shocks[1:] *= np.sqrt(1 - _PERSISTENCE**2)
    for now in range(1, quarters):
        shocks[now] += _PERSISTENCE * shocks[now - 1]
    quarter = np.arange(quarters)
    path = 1 + _GROWTH * quarter + np.array(_SEASON)[quarter % 4]
    size = np.array([m.population for m in municipalities()]) * _EMPLOYED / 100
    number = np.rint(size[:, None] * path * (1 + shocks.T)).astype(np.int64)
    names = [f"{2013 + now // 4}K{now % 4 + 1}" for now in range(quarters)]
    return {
        "kommunekode": municipality_codes(np.repeat(keep, quarters)),
        "kvartal": Text(names, np.tile(quarter, keep.size)),
        "fuldtidsansatte": number[keep].ravel(),
    }
