"""Extracts made of events: meetings, sanctions and paid hours."""

from __future__ import annotations

import numpy as np

from evaluator.registers import rates
from evaluator.registers.calendar import LAST_DAY, MONDAYS, MONTH_NAMES, MONTH_OF_WEEK, MONTHS, WEEKS, WEEKS_IN_MONTH
from evaluator.registers.caseloads import caseworker_names
from evaluator.registers.claims import CONTROL, COUNSELLING
from evaluator.registers.columns import Columns, Text
from evaluator.registers.register import Register
from evaluator.registers.runs import Runs, Weeks, blocks
from evaluator.registers.spells import pseudonyms
from evaluator.vocabulary import Floats, Ints

_TYPES = ("jobsamtale", "opfoelgning", "cv", "informationsmoede", "rehabiliteringsmoede")
_FORMS = ("personlig", "telefon", "digital", "brev")
_INDUSTRIES = ("471120", "561010", "812100", "494100", "881010", "412000", "782000", "873010")
_WEEKLY_HOURS = np.array([37.0, 37.0, 37.0, 37.0, 37.0, 30.5, 30.5, 24.25, 20.0, 12.5])
SMALL_JOB_PEOPLE, SMALL_JOB_MONTHS = 0.14, 0.5
CORRECTED, LATE_WAGES = 0.015, 0.3


def meetings(register: Register, cut: Runs, number: Ints, stream: np.random.Generator) -> Columns:
    """The extract samtaler: what is registered by the last day; one in twenty is registered weeks later."""
    found = register.paths.meetings
    u = stream.random((4, len(found.person)))
    held_on = MONDAYS[found.week] + np.floor(u[0] * 5).astype(np.int64)
    lag = np.where(u[1] < 0.8, u[1] * 4, np.where(u[1] < 0.95, 3 + (u[1] - 0.8) * 120, 21 + (u[1] - 0.95) * 1400))
    registered = held_on + np.floor(lag).astype(np.int64)
    keep = registered <= LAST_DAY
    person = found.person[keep]
    row = np.searchsorted(cut.person * 1000 + cut.start, person * 1000 + found.week[keep], side="right") - 1
    kind = _type_of(u[2][keep], found.content[keep])
    form = np.searchsorted(np.array([0.70, 0.92, 0.98]), u[3][keep], side="right")
    return {
        "pnr_pseudo": pseudonyms(register, person),
        "dato": held_on[keep],
        "samtaletype": Text(_TYPES, kind),
        "kontaktform": Text(_FORMS, form),
        "sagsbehandler_id": caseworker_names(register.people.municipality[person], number[row]),
        "udeblevet": found.flag[keep].astype(np.int8),
        "registreret": registered[keep],
    }


def _type_of(uniform: Floats, content: Ints) -> Ints:
    """Return the index into _TYPES; where the content is said, one of the two types that it goes by."""
    free = np.searchsorted(np.array([0.46, 0.86, 0.93, 0.98]), uniform, side="right")
    counselling = np.where(uniform < 0.8, _TYPES.index("opfoelgning"), _TYPES.index("rehabiliteringsmoede"))
    control = np.where(uniform < 0.8, _TYPES.index("jobsamtale"), _TYPES.index("cv"))
    return np.where(content == COUNSELLING, counselling, np.where(content == CONTROL, control, free))


def sanctions(register: Register, stream: np.random.Generator) -> Columns:
    """The extract sanktioner: each follows a no-show of the week before; some lack a step of the procedure."""
    found = register.paths.sanctions
    n = len(found.person)
    u = stream.random((7, n))
    monday = MONDAYS[found.week]
    repeated = np.zeros(n, dtype=np.bool_)
    repeated[1:] = (found.person[1:] == found.person[:-1]) & (found.week[1:] - found.week[:-1] < 13)
    kind = np.searchsorted(np.array([0.62, 0.86, 0.94, 0.97]), u[0], side="right")
    kind = np.where(repeated & (u[1] < 0.15), 5, kind)
    kind = np.where((kind == 3) & found.flag, 2, kind)  # section 40 does not reach the aktivitetsparate
    table = (
        ("37", "punktsanktion", "udeblivelse_samtale"),
        ("36", "punktsanktion", "udeblivelse_tilbud"),
        ("39", "periodesanktion", "afslag_tilbud"),
        ("40", "ophoer", "afslag_tilbud"),
        ("42", "andre", "urigtige_oplysninger"),
        ("40a", "skaerpet_raadighed", "gentagen_udeblivelse"),
    )
    paragraph, name, reason = (Text(column, kind) for column in zip(*table, strict=True))
    days = np.where(kind <= 1, 1 + np.floor(u[2] * 7), 14 + np.floor(u[2] * 14)).astype(np.int64)
    daily = np.where(register.people.kth[found.person], 460, 250)
    status = Text(("truffet", "ophaevet", "hjemvist"), (u[3] >= 0.92).astype(np.int64) + (u[3] >= 0.98))
    guided = MONDAYS[register.people.entry[found.person]] + np.floor(u[4] * 5).astype(np.int64)
    return {
        "pnr_pseudo": pseudonyms(register, found.person),
        "dato": monday + 2 + np.floor(u[5] * 3).astype(np.int64),
        "paragraf": paragraph,
        "type": name,
        "aarsag": reason,
        "antal_dage": days,
        "beloeb": days * daily,
        "status": status,
        "vejledt_dato": _sometimes_missing(guided, u[6] < 0.04),
        "varsel_dato": _sometimes_missing(monday - 3, (u[6] >= 0.04) & (u[6] < 0.08)),
        "partshoert_dato": _sometimes_missing(monday, (u[6] >= 0.08) & (u[6] < 0.18)),
    }


def _sometimes_missing(days: np.ndarray, missing: np.ndarray) -> np.ndarray:
    days = days.copy()
    days[missing] = np.datetime64("NaT")
    return days


def paid_hours(register: Register, stream: np.random.Generator) -> Columns:
    """The extract beskaeftigelse: every month with a job week has hours; small jobs lie in months fully on benefit.

    Some rows are delivered too high and put right by a negative row; of the last two months some are not yet in.
    """
    n = len(register.people.entry)
    weekly = _WEEKLY_HOURS[stream.integers(0, len(_WEEKLY_HOURS), n)]
    hourly = 128 + stream.integers(0, 90, n)
    small = stream.random(n) < SMALL_JOB_PEOPLE
    industry = stream.integers(0, len(_INDUSTRIES), n)
    parts = [_block_hours(register, block, weekly, small, stream) for block in blocks(register)]
    person, month, hours = (np.concatenate(column) for column in zip(*parts, strict=True))
    in_time = (month < MONTHS - 2) | (stream.random(len(month)) >= LATE_WAGES)
    person, month, hours = person[in_time], month[in_time], hours[in_time]
    wrong = np.flatnonzero(stream.random(len(month)) < CORRECTED)
    excess = np.floor(hours[wrong] / 2) + 1
    hours[wrong] += excess
    order = np.argsort(np.concatenate([np.arange(len(month)) * 2, wrong * 2 + 1]), kind="stable")
    person = np.concatenate([person, person[wrong]])[order]
    month = np.concatenate([month, month[wrong]])[order]
    hours = np.concatenate([hours, -excess])[order]
    return {
        "pnr_pseudo": pseudonyms(register, person),
        "maaned": Text(MONTH_NAMES, month),
        "timer": hours,
        "loen": np.rint(hours * hourly[person]).astype(np.int64),
        "branche": Text(_INDUSTRIES, industry[person]),
    }


def _block_hours(
    register: Register, block: Weeks, weekly: Floats, small: np.ndarray, stream: np.random.Generator
) -> tuple[Ints, Ints, Floats]:
    entry = register.people.entry[block.people][:, None]
    month = MONTH_OF_WEEK[np.minimum(entry + np.arange(block.state.shape[1]), WEEKS - 1)]
    cell = np.arange(len(entry))[:, None] * MONTHS + month
    size = len(entry) * MONTHS

    def weeks_in(state: np.ndarray) -> Ints:
        return np.bincount(cell[state & block.present], minlength=size).reshape(-1, MONTHS)

    job = weeks_in(block.state == rates.JOB)
    whole = weeks_in(block.state <= rates.BENEFIT_LAST) == WEEKS_IN_MONTH
    u = stream.random(whole.shape)
    small_hours = np.where(whole & small[block.people][:, None] & (u < SMALL_JOB_MONTHS), 4 + np.floor(u * 80), 0.0)
    hours = job * weekly[block.people][:, None] + small_hours
    row, month_index = np.nonzero(hours)
    return row + block.first, month_index, hours[row, month_index]
