"""Outcomes of entrants and exits against a slow reading of the rules, on histories drawn at random."""

import pytest
from history_reference import (
    BENEFITS,
    DAY,
    FIRST,
    HISTORIES,
    KTH,
    LAST,
    OTHER,
    PEOPLE,
    SUPPORTED,
    UH,
    WAGE_TO,
    WEEK,
    benefit,
    codes_in,
    extracts,
    histories,
    is_exit_seen,
    monday,
    state_in,
    weeks_between,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_register import build_design, build_marts, fill, open_store

HORIZONS = [1, 13, 26, 52]
EXIT_RULES = (2, 4, 8, 13)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with open_store(tmp_path_factory.mktemp("reference")) as connection:
        yield connection


def entry_of(history):
    """Return the Monday and benefit of the first day on one of the two benefits."""
    first = min((start, code) for start, _, code in history["spells"] if code in KTH | UH)
    return monday(first[0]), benefit(first[1])


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
            sum(any(w <= day < w + WEEK for w in way) for day, *_ in history["sanctions"]),
        )
    return rows


def expected_exits(history, off):
    """Return (benefit, first week off, state of the last of them) of every exit of `off` weeks that is seen."""
    weeks = list(weeks_between(FIRST, LAST))
    found = []
    for name, codes in BENEFITS.items():
        on = [bool(codes_in(history, week) & codes) for week in weeks]
        for n in range(1, len(weeks)):
            if on[n - 1] and not any(on[n : n + off]) and is_exit_seen(weeks[n], off):
                state = state_in(history, weeks[n] + (off - 1) * WEEK, None)
                if state != "left_register":
                    found.append((name, weeks[n], state))
    return sorted(found)


def write(store, people):
    fill(store, extracts(people))
    build_marts(store, wage_final_after_months=2)
    build_design(store, horizons=HORIZONS)


@settings(
    max_examples=HISTORIES // PEOPLE,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
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
