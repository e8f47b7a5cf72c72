"""Caseworkers: how many each municipality has, their measured caseload by month, and who has which case."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from evaluator.registers import rates
from evaluator.registers.calendar import MONTH_OF_WEEK, MONTH_STARTS, MONTHS, WEEKS, month_index
from evaluator.registers.municipalities import STARTS, municipalities
from evaluator.registers.register import Register
from evaluator.registers.runs import Runs, Weeks, runs
from evaluator.registers.spells import in_contact, municipality_codes, person_ids
from evaluator.vocabulary import Floats, Ints

Columns = dict[str, Any]
PEOPLE_PER_CASEWORKER = 220  # first entries over the whole data period
RAMP_MONTHS = 6
_FTE = np.array([1.0, 1.0, 0.8, 1.0, 0.6])


@dataclass(frozen=True, slots=True)
class Staff:
    """Caseload (98, MONTHS) and number of caseworkers (98, MONTHS)."""

    caseload: Floats
    caseworkers: Ints


def staff(register: Register, stream: np.random.Generator) -> Staff:
    """Draw caseloads: stable with small swings, and ramped down where an intervention starts."""
    rows = municipalities()
    codes = [m.code for m in rows]
    level = 64.0 + 26.0 * stream.random((len(rows), 1))
    swing = 1.0 + 0.06 * (stream.random((len(rows), MONTHS)) - 0.5)
    caseload = np.broadcast_to(level, (len(rows), MONTHS)).copy()
    people = np.bincount(register.people.municipality, minlength=len(rows))
    base = np.maximum(2, people // PEOPLE_PER_CASEWORKER)
    caseworkers = np.broadcast_to(base[:, None], (len(rows), MONTHS)).copy()
    for start in STARTS:
        row = codes.index(start.code)
        months = np.arange(MONTHS) - start.month
        fall = start.delivered * (start.planned_before - start.planned_after)
        caseload[row] = start.planned_before - fall * np.clip((months + 1) / RAMP_MONTHS, 0.0, 1.0)
        reached = start.planned_before - fall
        caseworkers[row, start.month :] = int(base[row] * start.planned_before // reached)
    return Staff(caseload * swing, caseworkers)


def caseworker_names(municipality: Ints, number: Ints) -> np.ndarray:
    """Return ids such as S615-03."""
    codes = municipality_codes()[municipality].astype("U3")
    numbers = np.char.zfill((number + 1).astype("U4"), 2)
    return np.char.add(np.char.add(np.char.add("S", codes), "-"), numbers).astype(object)


def team_names(municipality: Ints, number: Ints) -> np.ndarray:
    """Return teams of about eight caseworkers, such as 615-1."""
    codes = municipality_codes()[municipality].astype("U3")
    return np.char.add(np.char.add(codes, "-"), (number // 8 + 1).astype("U3")).astype(object)


def caseload(register: Register, found: Staff, stream: np.random.Generator) -> Columns:
    """The extract sagstal: open cases and full-time equivalents by caseworker and month, from 2013."""
    people = np.bincount(register.people.municipality, minlength=98)
    parts = [
        (municipality, month, number)
        for municipality in np.flatnonzero(people)
        for month in range(month_index(2013, 1), MONTHS)
        for number in range(found.caseworkers[municipality, month])
    ]
    municipality, month, number = np.array(parts, dtype=np.int64).T
    fte = _FTE[(number + municipality) % len(_FTE)]
    noise = 1.0 + 0.10 * (stream.random(len(number)) - 0.5)
    order = np.lexsort((month, number, municipality))
    cases = np.rint(found.caseload[municipality, month] * fte * noise).astype(np.int64)
    return {
        "sagsbehandler_id": caseworker_names(municipality, number)[order],
        "team": team_names(municipality, number)[order],
        "kommunekode": municipality_codes()[municipality][order],
        "maaned": MONTH_STARTS[month][order].astype("U7").astype(object),
        "antal_sager": cases[order],
        "aarsvaerk": fte[order],
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
    first = stream.integers(0, 1 << 20, len(people.entry))[cut.person]
    number = (first + turn) % size
    return cut, number


def assignment_columns(register: Register, cut: Runs, number: Ints) -> Columns:
    """The extract sagsbehandler."""
    municipality = register.people.municipality[cut.person]
    return {
        "pnr_pseudo": person_ids(len(register.people.entry))[cut.person],
        "fra": cut.from_on(),
        "til": cut.to_on(),
        "sagsbehandler_id": caseworker_names(municipality, number),
        "team": team_names(municipality, number),
        "rolle": np.where(cut.key % 2 == 1, "koordinerende", "primaer").astype(object),
    }
