"""The SQL against a slow reading of the rules, week by week and day by day, on histories drawn at random."""

import datetime as dt
import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_register import build_design, build_marts, fill, open_store, person

FIRST, LAST = dt.date(2015, 1, 5), dt.date(2017, 1, 1)
WEEK, DAY = dt.timedelta(weeks=1), dt.timedelta(days=1)
KTH, UH = {"130", "730", "735"}, {"143", "720"}
SUPPORTED = {"735", "771", "896"}
OTHER = {"890", "785", "783", "881"}
CODES = sorted(KTH | UH | SUPPORTED | OTHER | {"651", "121"})
HORIZONS = [1, 13, 26, 52]
EXIT_RULES = (2, 4, 8, 13)
WAGE_TO = dt.date(2016, 10, 31)  # December is the last month with wages; two months wait
PEOPLE = 12


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with open_store(tmp_path_factory.mktemp("reference")) as connection:
        yield connection


@st.composite
def histories(draw):
    """Draw spells that do not overlap, wages, studies, sanctions and a day of leaving."""
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
    decided = draw(st.lists(st.integers(0, 720), max_size=3, unique=True))
    return {
        "spells": spells,
        "wages": {dt.date(2015 + m // 12, m % 12 + 1, 1): wage for m, wage in months.items()},
        "studies": [(FIRST + start * DAY, FIRST + (start + days) * DAY) for start, days in studies],
        "sanctions": [FIRST + days * DAY for days in decided],
        "left_on": FIRST + draw(st.integers(0, 700)) * DAY if draw(st.integers(0, 6)) == 0 else None,
    }


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


def entry_of(history):
    """Return the Monday and benefit of the first day on one of the two benefits."""
    first = min((start, code) for start, _, code in history["spells"] if code in KTH | UH)
    return first[0] - first[0].weekday() * DAY, benefit(first[1])


def expected_outcomes(history):
    """Return the row of each horizon, or nothing where it is not observed."""
    if not any(code in KTH | UH for _, _, code in history["spells"]):
        return {}
    entry, entry_benefit = entry_of(history)
    rows = {}
    for horizon in HORIZONS:
        week = entry + horizon * WEEK
        if week > LAST - 4 * WEEK or week + 3 * DAY > WAGE_TO:
            continue
        way = [entry + n * WEEK for n in range(1, horizon + 1)]
        on_benefit = KTH | UH | OTHER | SUPPORTED
        hours, wage = history["wages"].get((week + 3 * DAY).replace(day=1), (0, 0))
        rows[horizon] = (
            state_in(history, week, entry_benefit),
            hours,
            int(hours > 0 or wage > 0),
            int(hours >= 20),
            int(hours >= 87),
            sum(bool(codes_in(history, w) & on_benefit) for w in way),
            sum("890" in codes_in(history, w) for w in way),
            sum(any(w <= day < w + WEEK for w in way) for day in history["sanctions"]),
        )
    return rows


def expected_exits(history, off):
    """Return (benefit, first week off, state of the last of them) of every exit of `off` weeks that is seen."""
    names = {"kontanthjaelp": KTH, "uddannelseshjaelp": UH}
    weeks = list(itertools.takewhile(lambda w: w <= LAST, (FIRST + n * WEEK for n in range(200))))
    found = []
    for name, codes in names.items():
        on = [bool(codes_in(history, week) & codes) for week in weeks]
        for n in range(1, len(weeks)):
            last = weeks[n] + (off - 1) * WEEK
            seen = weeks[n] <= LAST - max(off, 4) * WEEK and last + 3 * DAY <= WAGE_TO
            if on[n - 1] and not any(on[n : n + off]) and seen:
                state = state_in(history, last, None)
                if state != "left_register":
                    found.append((name, weeks[n], state))
    return sorted(found)


def write(store, people):
    rows = {"personer": [person("P0")], "ydelser": [("P0", str(FIRST), str(LAST), "111", "615")]}
    rows |= {"beskaeftigelse": [("P0", "2016-12", "1", "1")], "uddannelse": [], "sanktioner": []}
    for name, history in people.items():
        rows["personer"].append(person(name, left_on=str(history["left_on"] or "")))
        rows["ydelser"] += [(name, str(start), str(end or ""), code, "615") for start, end, code in history["spells"]]
        rows["beskaeftigelse"] += [(name, f"{m:%Y-%m}", str(h), str(w)) for m, (h, w) in history["wages"].items()]
        rows["uddannelse"] += [(name, str(start), str(end), "hf") for start, end in history["studies"]]
        rows["sanktioner"] += [(name, str(day), "37", "punktsanktion", "truffet") for day in history["sanctions"]]
    fill(store, rows)
    build_marts(store, wage_final_after_months=2)
    build_design(store, horizons=HORIZONS)


@settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(histories(), min_size=PEOPLE, max_size=PEOPLE))
def test_outcomes_and_exits_agree_with_a_slow_reading_of_the_rules(store, drawn):
    people = {f"P{n}": history for n, history in enumerate(drawn, 1)}
    write(store, people)
    columns = "state, paid_hours, paid_hours_any, paid_hours_20, paid_hours_87, benefit_weeks, sick_weeks, sanctions"
    outcomes: dict = {name: {} for name in people}
    for name, horizon, *row in store.execute(
        f"select person_id, horizon_weeks, {columns} from design.entrant_outcomes"
    ).fetchall():
        outcomes[name][horizon] = tuple(row)
    assistance = "not is_censored and benefit in ('kontanthjaelp', 'uddannelseshjaelp')"
    exits: dict = {name: {off: [] for off in EXIT_RULES} for name in people}
    for name, off, *row in store.execute(
        f"select person_id, exit_weeks, benefit, exit_week, destination from marts.exits_by_rule where {assistance} "
        "order by all"
    ).fetchall():
        exits[name][off].append(tuple(row))
    four: dict = {name: [] for name in people}
    for name, *row in store.execute(
        f"select person_id, benefit, exit_week, destination from marts.exits where {assistance} order by all"
    ).fetchall():
        four[name].append(tuple(row))
    for name, history in people.items():
        assert outcomes[name] == expected_outcomes(history), history
        assert exits[name] == {off: expected_exits(history, off) for off in EXIT_RULES}, history
        assert four[name] == exits[name][4]
