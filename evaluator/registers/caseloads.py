"""Caseworkers: how many each municipality has, their measured caseload by month, and who has which case."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluator.registers import rates
from evaluator.registers.calendar import MONTH_NAMES, MONTH_OF_WEEK, MONTHS, WEEKS, month_index
from evaluator.registers.columns import Columns, Text
from evaluator.registers.intake import caseworker_counts
from evaluator.registers.municipalities import municipalities, starts
from evaluator.registers.register import Register
from evaluator.registers.runs import Runs, Weeks, runs
from evaluator.registers.spells import in_contact, municipality_codes, pseudonyms
from evaluator.vocabulary import Floats, Ints

RAMP_MONTHS = 6
TEAM_SIZE = 8
_FTE = np.array([1.0, 1.0, 0.8, 1.0, 0.6])


@dataclass(frozen=True, slots=True)
class Staff:
    """Caseload (98, MONTHS) and number of caseworkers (98, MONTHS)."""

    caseload: Floats
    caseworkers: Ints


def staff(people: Ints, world: str, stream: np.random.Generator) -> Staff:
    """Draw caseloads: stable with small swings, and ramped down where an intervention starts.

    `people` are the first entries of each municipality (98,).
    """
    rows = municipalities()
    codes = [m.code for m in rows]
    level = 64.0 + 26.0 * stream.random((len(rows), 1))
    swing = 1.0 + 0.06 * (stream.random((len(rows), MONTHS)) - 0.5)
    caseload = np.broadcast_to(level, (len(rows), MONTHS)).copy()
    for start in starts(world):
        row = codes.index(start.code)
        months = np.arange(MONTHS) - start.month
        fall = start.delivered * (start.planned_before - start.planned_after)
        caseload[row] = start.planned_before - fall * np.clip((months + 1) / RAMP_MONTHS, 0.0, 1.0)
    return Staff(caseload * swing, caseworker_counts(people, world))


def caseworker_names(municipality: Ints, number: Ints) -> Text:
    """Return ids such as S615-03."""
    most = int(number.max(initial=0)) + 1
    names = [f"S{m.code}-{n + 1:02d}" for m in municipalities() for n in range(most)]
    return Text(names, municipality * most + number)


def team_names(municipality: Ints, number: Ints) -> Text:
    """Return teams of eight caseworkers, such as 615-1."""
    most = int(number.max(initial=0)) // TEAM_SIZE + 1
    names = [f"{m.code}-{n + 1}" for m in municipalities() for n in range(most)]
    return Text(names, municipality * most + number // TEAM_SIZE)


def caseload(people: Ints, found: Staff, stream: np.random.Generator) -> Columns:
    """The extract sagstal: open cases and full-time equivalents by caseworker and month, from 2013."""
    parts = [
        (municipality, month, number)
        for municipality in np.flatnonzero(people)
        for month in range(month_index(2013, 1), MONTHS)
        for number in range(found.caseworkers[municipality, month])
    ]
    parts.sort(key=lambda part: (part[0], part[2], part[1]))
    municipality, month, number = np.array(parts, dtype=np.int64).T
    fte = _FTE[(number + municipality) % len(_FTE)]
    noise = 1.0 + 0.10 * (stream.random(len(number)) - 0.5)
    cases = np.rint(found.caseload[municipality, month] * fte * noise).astype(np.int64)
    return {
        "sagsbehandler_id": caseworker_names(municipality, number),
        "team": team_names(municipality, number),
        "kommunekode": municipality_codes(municipality),
        "maaned": Text(MONTH_NAMES, month),
        "antal_sager": cases,
        "aarsvaerk": fte,
    }


def assignments(register: Register, found: Staff, stream: np.random.Generator) -> tuple[Runs, Ints]:
    """Return who had whose case when: runs while in contact, cut by changes, and the caseworker's number.

    Changes are about 1.25 a year at 70 cases and 0.65 at 35.
    """
    people = register.people
    yearly = 0.65 + 0.60 * (found.caseload - 35.0) / 35.0

    def key(block: Weeks) -> np.ndarray:
        entry = people.entry[block.people][:, None]
        month = MONTH_OF_WEEK[np.minimum(entry + np.arange(block.state.shape[1]), WEEKS - 1)]
        hazard = (yearly / 52.0)[people.municipality[block.people][:, None], month]
        changes = np.cumsum(stream.random(block.state.shape) < hazard, axis=1)
        role = np.where(block.state == rates.RESOURCE_COURSE, 1, 0)
        return np.where(in_contact(block), 2 + 2 * changes + role, 0)

    cut = runs(register, key)
    municipality = people.municipality[cut.person]
    first_row = np.searchsorted(cut.person, np.arange(len(people.entry)))
    turn = np.arange(len(cut.person)) - first_row[cut.person]
    size = found.caseworkers[municipality, MONTH_OF_WEEK[cut.start]]
    first = stream.integers(0, 1 << 20, len(people.entry))
    if register.intake is not None:
        first = register.intake.number
    number = (first[cut.person] + turn) % size
    return cut, number


def assignment_columns(register: Register, cut: Runs, number: Ints) -> Columns:
    """The extract sagsbehandler."""
    municipality = register.people.municipality[cut.person]
    return {
        "pnr_pseudo": pseudonyms(register, cut.person),
        "fra": cut.from_on(),
        "til": cut.to_on(),
        "sagsbehandler_id": caseworker_names(municipality, number),
        "team": team_names(municipality, number),
        "rolle": Text(("primaer", "koordinerende"), cut.key % 2),
    }
