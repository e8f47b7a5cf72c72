"""DREAM read slowly: week by week and month by month, in plain Python, by the rules of DOMAIN 2.1 and 2.2."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from evaluator.extracts.dream import dream_codes

EXIT_RULES = (2, 4, 8, 13)
DAY, WEEK = dt.timedelta(days=1), dt.timedelta(weeks=1)
BENEFITS = {code.code: code for code in dream_codes()}
SUBSIDISED = ("13", "14", "21", "70", "71", "72", "73", "74", "75", "76", "81", "89")
WAGE_SUBSIDY = {first + last for first in SUBSIDISED for last in "56"}


@dataclass
class Person:
    """One row of the wide file: a code per Monday, a municipality per ISO year, the months with a branch."""

    codes: dict[dt.date, str] = field(default_factory=dict)
    homes: dict[int, str] = field(default_factory=dict)
    branches: set[dt.date] = field(default_factory=set)


def mondays(first: dt.date, weeks: int) -> list[dt.date]:
    return [first + n * WEEK for n in range(weeks)]


def home_in(person: Person, week: dt.date) -> str | None:
    """Return the municipality of the week's ISO year, else of the latest year before that has one."""
    told = [year for year in person.homes if year <= (week + 3 * DAY).year]
    return person.homes[max(told)].zfill(3)[-3:] if told else None


def spells(person: Person, weeks: Iterable[dt.date]) -> list[tuple]:
    """Return (from, to, code, municipality) of every stretch of weeks alike in both."""
    found: list[list] = []
    for week in weeks:
        code = person.codes.get(week)
        if code is None:
            continue
        home = home_in(person, week)
        if found and found[-1][1] == week - DAY and found[-1][2:] == [code, home]:
            found[-1][1] = week + 6 * DAY
        else:
            found.append([week, week + 6 * DAY, code, home])
    return [tuple(spell) for spell in found]


def benefit_of(code: str) -> str:
    if code[:2] in ("13", "71", "73") and len(code) == 3:
        return "kontanthjaelp"
    if code[:2] in ("14", "72") and len(code) == 3:
        return "uddannelseshjaelp"
    return BENEFITS[code].benefit if code in BENEFITS else "ukendt"


def status_of(code: str) -> str:
    kind = BENEFITS[code].outcome_class if code in BENEFITS else "ydelse"
    if kind == "stottet_job" or (code in WAGE_SUBSIDY and code in BENEFITS):
        return "supported_work"
    others = {
        "beskaeftigelse": "job",
        "uddannelse": "education",
        "censurering": "left_register",
        "selvforsorgelse": "blank",
    }
    return others.get(kind, "benefit")


def person_months(person: Person, months: Iterable[dt.date], wage_to: dt.date | None) -> list[tuple]:
    """Return (month, municipality, benefit, supported work, paid hours) of the months on a benefit on the 15th."""
    found = []
    for month in months:
        day = month.replace(day=15)
        code = person.codes.get(day - day.weekday() * DAY)
        if code is None or status_of(code) not in ("benefit", "supported_work"):
            continue
        final = wage_to is not None and month <= wage_to
        hours = 0 if final and month not in person.branches else None
        week = day - day.weekday() * DAY
        found.append((month, home_in(person, week), benefit_of(code), status_of(code) == "supported_work", hours))
    return found


def exits(person: Person, weeks: list[dt.date], outcome_to: dt.date, wage_to: dt.date | None) -> list[tuple]:
    """Return (weeks off, benefit, the first of them, state of the last) of every exit whose weeks are seen."""
    if wage_to is None:
        return []
    found = []
    status = {week: status_of(code) for week, code in person.codes.items()}
    paid = {w: benefit_of(c) for w, c in person.codes.items() if status[w] in ("benefit", "supported_work")}
    for off, n in itertools.product(EXIT_RULES, range(1, len(weeks))):
        benefit = paid.get(weeks[n - 1])
        last = weeks[n] + (off - 1) * WEEK
        if benefit is None or any(paid.get(week) == benefit for week in weeks[n : n + off]):
            continue
        if weeks[n] > outcome_to - max(off - 4, 0) * WEEK or (last + 3 * DAY).replace(day=1) > wage_to:
            continue
        state = state_in(person, status.get(last), last)
        if state != "left_register":
            found.append((off, benefit, weeks[n], state))
    return found


def state_in(person: Person, status: str | None, week: dt.date) -> str:
    if status in (None, "blank"):
        return "job" if (week + 3 * DAY).replace(day=1) in person.branches else "self_support"
    return {"benefit": "other_benefit"}.get(status, status)


def wide_file(people: Mapping[str, Person], weeks: list[dt.date], months: list[dt.date], years: Iterable[int]) -> str:
    """Return the people as a wide DREAM file."""
    years = list(years)
    names = [f"nykom{year}" for year in years] + [week_name(week) for week in weeks]
    lines = [",".join(["lobenr", "kon", *names, *(f"branche_{month:%Y_%m}" for month in months)])]
    for name, person in people.items():
        cells = [name, "1", *(person.homes.get(year, "") for year in years)]
        cells += [person.codes.get(week, "") for week in weeks]
        lines.append(",".join([*cells, *("561010" if month in person.branches else "" for month in months)]))
    return "\n".join(lines) + "\n"


def long_file(people: Mapping[str, Person]) -> str:
    """Return the people as a long DREAM file."""
    lines = ["pnr_pseudo;aar;uge;kode;kommunekode"]
    for name, person in people.items():
        for week, code in person.codes.items():
            year, number, _ = week.isocalendar()
            lines.append(f"{name};{year};{number};{code};{home_in(person, week) or ''}")
    return "\n".join(lines) + "\n"


def week_name(week: dt.date) -> str:
    year, number, _ = week.isocalendar()
    return f"y_{year % 100:02d}{number:02d}"
