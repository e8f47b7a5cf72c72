"""Extracts made of spells: persons, benefits, visitation, programmes and education."""

from __future__ import annotations

import numpy as np

from evaluator.registers import rates
from evaluator.registers.calendar import LAST_DAY, MONDAYS, WEEKS
from evaluator.registers.columns import Columns, Text
from evaluator.registers.municipalities import municipalities
from evaluator.registers.people import EDUCATIONS, ORIGINS
from evaluator.registers.register import Register
from evaluator.registers.runs import Weeks, runs
from evaluator.vocabulary import Ints

GROUPS = ("uddannelsesparat", "aabenlyst_uddannelsesparat", "jobparat", "aktivitetsparat")
LAW_CODES = ("2.12", "2.12", "2.2", "2.3", "2.13")  # the last: aktivitetsparat on uddannelseshjaelp
PROJECT_WEEKS, PROJECT_HOURS = 26, 15.0

_ACTIVITIES = {
    rates.GUIDANCE: ("vejledning_opkvalificering", 20.0),
    rates.PRIVATE_PLACEMENT: ("virksomhedspraktik_privat", 28.5),
    rates.PUBLIC_PLACEMENT: ("virksomhedspraktik_offentlig", 25.0),
    rates.UTILITY_WORK: ("nytteindsats", 22.5),
    rates.SUBSIDY_PRIVATE: ("loentilskud_privat", 37.0),
    rates.SUBSIDY_PUBLIC: ("loentilskud_offentlig", 32.0),
}


def pseudonyms(register: Register, person: Ints) -> Text:
    """Return the pseudonyms P0000001 and on."""
    numbers = range(register.first + 1, register.first + len(register.people.entry) + 1)
    return Text([f"P{number:07d}" for number in numbers], person)


def municipality_codes(municipality: Ints) -> Text:
    return Text([m.code for m in municipalities()], municipality)


def persons(register: Register, stream: np.random.Generator) -> Columns:
    """The extract personer: one row per person, with the day and code of leaving the register."""
    people = register.people
    n = len(people.entry)
    gone = runs(register, lambda block: np.where(block.state == rates.LEFT, 1, 0))
    left_on = np.full(n, np.datetime64("NaT"), dtype="datetime64[D]")
    left_on[gone.person] = MONDAYS[gone.start]
    u = stream.random(n)
    pension = np.zeros(n, dtype=np.bool_)
    pension[gone.person] = (MONDAYS[gone.start].astype("datetime64[Y]").astype(int) + 1970) - people.birth_year[
        gone.person
    ] >= 66
    code = np.where(np.isnat(left_on), 3, np.where(pension, 1, np.where(u < 0.6, 0, 2)))
    return {
        "pnr_pseudo": pseudonyms(register, np.arange(n)),
        "foedselsaar": people.birth_year,
        "koen": Text(("M", "K"), people.woman.astype(np.int64)),
        "oprindelse": Text(ORIGINS, people.origin),
        "udd_niveau": Text(EDUCATIONS, people.education),
        "boern": people.children.astype(np.int8),
        "enlig": people.single.astype(np.int8),
        "kommunekode": municipality_codes(people.municipality),
        "udgaaet_dato": left_on,
        "udgaaet_kode": Text(("997", "998", "999", None), code),
    }


def _dream_codes() -> Ints:
    """Return the DREAM code by recorded byte (state, IS_AKT, IS_KTH); 0 is a blank week."""
    digit = {rates.PASSIVE: 0, rates.GUIDANCE: 3, rates.PRIVATE_PLACEMENT: 7, rates.PUBLIC_PLACEMENT: 8,
             rates.UTILITY_WORK: 9, rates.SUBSIDY_PRIVATE: 5, rates.SUBSIDY_PUBLIC: 6}  # fmt: skip
    own = {rates.SICK: 890, rates.EDUCATION: 652, rates.RESOURCE_COURSE: 810, rates.FLEX_JOB: 771,
           rates.DISABILITY_PENSION: 783, rates.UNEMPLOYMENT_BENEFIT: 111}  # fmt: skip
    table = np.zeros(64, dtype=np.int64)
    for bits, family in ((0, 140), (rates.IS_AKT, 720), (rates.IS_KTH, 130), (rates.IS_AKT | rates.IS_KTH, 730)):
        for state, last in digit.items():
            table[state + bits] = family + last
        for state, code in own.items():
            table[state + bits] = code
    return table


def benefits(register: Register) -> Columns:
    """The extract ydelser: one row per run of weeks with the same code."""
    table = _dream_codes()
    found = runs(register, lambda b: table[b.state + rates.IS_AKT * b.akt + rates.IS_KTH * b.kth])
    return {
        "pnr_pseudo": pseudonyms(register, found.person),
        "fra": found.from_on(),
        "til": found.to_on(),
        "ydelseskode": found.key,
        "myndighedskode": municipality_codes(register.people.municipality[found.person]),
    }


def in_contact(block: Weeks) -> np.ndarray:
    """Return the weeks in which the jobcentre has the case."""
    return block.present & ((block.state <= rates.SICK) | (block.state == rates.RESOURCE_COURSE))


def target_group_keys(register: Register, block: Weeks) -> np.ndarray:
    """Return 1 + index into LAW_CODES of the current target group; 0 without contact."""
    obvious = register.people.obvious[block.people][:, None]
    ready = np.where(block.kth, 2, np.where(obvious, 1, 0))
    return np.where(in_contact(block), 1 + np.where(block.akt, np.where(block.kth, 3, 4), ready), 0)


def visitation(register: Register) -> Columns:
    """The extract visitation: the target group, with re-visitations, while the jobcentre has the case."""
    found = runs(register, lambda block: target_group_keys(register, block))
    index = found.key - 1
    return {
        "pnr_pseudo": pseudonyms(register, found.person),
        "fra": found.from_on(),
        "til": found.to_on(),
        "maalgruppe": Text(LAW_CODES, index),
        "visitation": Text((*GROUPS, GROUPS[-1]), index),
    }


def programmes(register: Register) -> Columns:
    """The extract tilbud: activities, wage subsidies, and participation in the municipal project."""
    busy = np.zeros(16, dtype=np.int64)
    busy[list(_ACTIVITIES)] = list(_ACTIVITIES)
    found = runs(register, lambda block: busy[block.state])
    people = register.people
    taking_part = np.flatnonzero(people.participant & (people.entry + 2 < WEEKS))
    start = people.entry[taking_part] + 2
    project_end = MONDAYS[start] + 7 * PROJECT_WEEKS - 1
    project_end[project_end > LAST_DAY] = np.datetime64("NaT")
    person = np.concatenate([found.person, taking_part])
    order = np.lexsort((np.concatenate([found.start, start]), person))
    names, hours = zip(*(_ACTIVITIES.get(state, ("projekt", PROJECT_HOURS)) for state in range(16)), strict=True)
    kind = np.concatenate([found.key, np.zeros(len(start), dtype=np.int64)])[order]
    return {
        "pnr_pseudo": pseudonyms(register, person[order]),
        "fra": np.concatenate([found.from_on(), MONDAYS[start]])[order],
        "til": np.concatenate([found.to_on(), project_end])[order],
        "type": Text(names, kind),
        "timer_pr_uge": np.array(hours)[kind],
    }


def education(register: Register, stream: np.random.Generator) -> Columns:
    """The extract uddannelse: one row per run of weeks in education."""
    found = runs(register, lambda block: np.where(block.state == rates.EDUCATION, 1, 0))
    u = stream.random(len(found.person))
    adult = register.people.education[found.person] >= 1
    kind = np.where(adult, np.where(u < 0.5, 2, 1), np.where(u < 0.2, 3, np.where(u < 0.45, 0, 1)))
    return {
        "pnr_pseudo": pseudonyms(register, found.person),
        "fra": found.from_on(),
        "til": found.to_on(),
        "uddannelsesart": Text(("gymnasial", "erhvervsuddannelse", "videregaaende", "forberedende"), kind),
        "niveau": Text(("gymnasial", "erhvervsfaglig", "videregaaende", "grundskole"), kind),
    }
