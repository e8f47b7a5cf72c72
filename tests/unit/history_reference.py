"""Histories drawn at random, and the rules of spells and states read slowly from them: week by week, day by day."""

from __future__ import annotations

import datetime as dt
import itertools
import os
from collections.abc import Iterator, Mapping
from typing import Any

from hypothesis import strategies as st
from small_register import person

FIRST, LAST = dt.date(2015, 1, 5), dt.date(2017, 1, 1)
WEEK, DAY = dt.timedelta(weeks=1), dt.timedelta(days=1)
KTH, UH = {"130", "730", "735"}, {"143", "720"}
SUPPORTED = {"735", "771", "896"}
OTHER = {"890", "785", "783", "881"}
CODES = sorted(KTH | UH | SUPPORTED | OTHER | {"651", "121"})
WAGE_TO = dt.date(2016, 10, 31)  # December is the last month with wages; two months wait
PEOPLE = 12
HISTORIES = int(os.environ.get("EVALUATOR_HISTORIES", "240"))  # `make histories` draws 10,000
BENEFITS = {"kontanthjaelp": KTH, "uddannelseshjaelp": UH}
EXIT_WEEKS = 4
MEETINGS, GROUPS = ("cv", "jobsamtale", "opfoelgning"), ("jobparat", "aktivitetsparat")
SANCTIONS, STATUSES = ("periodesanktion", "punktsanktion"), ("truffet", "ophaevet", "hjemvist")
History = dict[str, Any]


@st.composite
def histories(draw):
    """Draw spells that do not overlap, wages, studies, sanctions, meetings, target groups and a day of leaving."""
    day, spells = FIRST + draw(st.integers(0, 120)) * DAY, []
    for _ in range(draw(st.integers(1, 7))):
        end = day + draw(st.integers(0, 150)) * DAY
        is_open = draw(st.integers(0, 5)) == 0
        spells.append((day, None if is_open or end > LAST else end, draw(st.sampled_from(CODES))))
        day = end + draw(st.sampled_from([1, 1, 1, 5, 13, 20, 27, 30, 60])) * DAY
        if spells[-1][1] is None or day > LAST:
            break
    months = draw(
        st.dictionaries(st.integers(0, 23), st.sampled_from([(0, 0), (19, 900), (20, 0), (90, 9000)]), max_size=12)
    )
    studies = draw(st.lists(st.tuples(st.integers(0, 700), st.integers(0, 200)), max_size=1))
    days = st.integers(0, 720).map(lambda number: FIRST + number * DAY)
    notice = st.none() | st.integers(0, 40)  # days before the decision
    decided = st.tuples(days, st.sampled_from(SANCTIONS), st.sampled_from(STATUSES), notice, notice)
    met = st.tuples(days, st.sampled_from(MEETINGS), st.booleans())
    return {
        "spells": spells,
        "wages": {dt.date(2015 + m // 12, m % 12 + 1, 1): wage for m, wage in months.items()},
        "studies": [(FIRST + start * DAY, FIRST + (start + days) * DAY) for start, days in studies],
        "sanctions": draw(st.lists(decided, max_size=4, unique_by=lambda row: row[:2])),
        "meetings": draw(st.lists(met, max_size=6, unique_by=lambda row: row[:2])),
        "groups": draw(groups()),
        "left_on": FIRST + draw(st.integers(0, 700)) * DAY if draw(st.integers(0, 6)) == 0 else None,
    }


@st.composite
def groups(draw):
    """Draw target groups one after another, with or without days between, the last one perhaps still in force."""
    day, found = FIRST + draw(st.integers(0, 200)) * DAY, []
    for _ in range(draw(st.integers(0, 3))):
        end = day + draw(st.integers(0, 200)) * DAY
        is_open = draw(st.integers(0, 3)) == 0
        found.append((day, None if is_open else end, draw(st.sampled_from(GROUPS))))
        if is_open:
            break
        day = end + draw(st.sampled_from([1, 1, 3, 20])) * DAY
    return found


def extracts(people: Mapping[str, History]) -> dict[str, list[tuple[str, ...]]]:
    """Return the rows of every extract; P0 is there so that data and wages reach from end to end."""
    rows: dict[str, list[tuple[str, ...]]] = {
        "personer": [person("P0")],
        "ydelser": [("P0", str(FIRST), str(LAST), "111", "615")],
        "beskaeftigelse": [("P0", "2015-01", "1", "1"), ("P0", "2016-12", "1", "1")],
        **{name: [] for name in ("uddannelse", "sanktioner", "samtaler", "visitation")},
    }
    for name, history in people.items():
        rows["personer"].append(person(name, left_on=str(history["left_on"] or "")))
        rows["ydelser"] += [(name, str(start), str(end or ""), code, "615") for start, end, code in history["spells"]]
        rows["beskaeftigelse"] += [(name, f"{m:%Y-%m}", str(h), str(w)) for m, (h, w) in history["wages"].items()]
        rows["uddannelse"] += [(name, str(start), str(end), "hf") for start, end in history["studies"]]
        rows["sanktioner"] += [
            (name, str(day), "37", kind, status, *("" if days is None else str(day - days * DAY) for days in notices))
            for day, kind, status, *notices in history["sanctions"]
        ]
        rows["samtaler"] += [(name, str(day), kind, str(int(missed))) for day, kind, missed in history["meetings"]]
        rows["visitation"] += [(name, str(start), str(end or ""), group) for start, end, group in history["groups"]]
    return rows


def monday(day: dt.date) -> dt.date:
    return day - day.weekday() * DAY


def days_of(week):
    return [week + n * DAY for n in range(7)]


def codes_in(history, week):
    """Return every code paid on some day of the week."""
    days = [day for day in days_of(week) if day <= LAST]
    return {code for start, end, code in history["spells"] for day in days if start <= day <= (end or LAST)}


def benefit(code):
    return "kth" if code in KTH else "uh" if code in UH else code


def state_in(history, week, entry_benefit):
    codes = codes_in(history, week)
    paid = codes & (KTH | UH | OTHER)
    month = (week + 3 * DAY).replace(day=1)
    hours, wage = history["wages"].get(month, (0, 0))
    if history["left_on"] and history["left_on"] <= week + 6 * DAY:
        return "left_register"
    if codes & SUPPORTED:
        return "supported_work"
    if any(benefit(code) == entry_benefit for code in paid):
        return "entry_benefit"
    if paid:
        return "other_benefit"
    if "651" in codes or any(start <= day <= end for start, end in history["studies"] for day in days_of(week)):
        return "education"
    return "job" if "121" in codes or hours > 0 or wage > 0 else "self_support"


def is_exit_seen(week: dt.date, off: int = EXIT_WEEKS) -> bool:
    """Return whether an exit of `off` weeks that is dated in the week would be observed, final wages too."""
    return week <= LAST - max(off, EXIT_WEEKS) * WEEK and week + (off - 1) * WEEK + 3 * DAY <= WAGE_TO


def weeks_between(first: dt.date, last: dt.date) -> Iterator[dt.date]:
    """Yield every Monday from one to another, both included."""
    return itertools.takewhile(lambda week: week <= last, (first + n * WEEK for n in itertools.count()))


def spells(history: History) -> Iterator[tuple[str, dt.date, dt.date]]:
    """Yield each spell on the two benefits: its name, first and last week. Four weeks off it end one."""
    for name, codes in BENEFITS.items():
        on = [week for week in weeks_between(FIRST, LAST) if codes_in(history, week) & codes]
        first = on[0] if on else None
        for week, following in itertools.zip_longest(on, on[1:]):
            if following is None or following > week + EXIT_WEEKS * WEEK:
                yield name, first, week
                first = following


def destination(history: History, last: dt.date) -> str | None:
    """Return where a spell that ended with the week went, None where that is not seen or the person left."""
    state = state_in(history, last + EXIT_WEEKS * WEEK, None) if is_exit_seen(last + WEEK) else "left_register"
    return None if state == "left_register" else state


def group_in(history: History, week: dt.date) -> str | None:
    """Return the target group of a week: the latest begun by its Sunday, while it stands on its Monday or later."""
    begun = [group for group in history["groups"] if group[0] <= week + 6 * DAY]
    start_end_group = max(begun, default=None, key=lambda group: group[0])
    return start_end_group[2] if start_end_group and (start_end_group[1] or LAST) >= week else None
