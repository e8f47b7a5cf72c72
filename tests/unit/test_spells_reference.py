"""The spells of questions of sanctions against a slow reading week by week, on histories drawn at random."""

import datetime as dt

import pytest
from history_reference import (
    BENEFITS,
    DAY,
    FIRST,
    HISTORIES,
    PEOPLE,
    SUPPORTED,
    WEEK,
    codes_in,
    destination,
    extracts,
    group_in,
    histories,
    is_exit_seen,
    monday,
    spells,
    weeks_between,
)
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from small_register import build_design, build_marts, fill, open_store

PANEL = {"panel_from": dt.date(2015, 6, 1), "panel_to": dt.date(2016, 6, 30)}
PANEL_FROM, PANEL_TO = (monday(day) for day in PANEL.values())
REVERSED = ("ophaevet", "hjemvist")
RECENT_WEEKS = 5
PIECES = (0, 5, 13, 27)
WEEKLY = """
    select
        person_id,
        spells.benefit,
        spells.from_week,
        unnest(range(start_weeks, stop_weeks)) as week,
        case when week + 1 = stop_weeks then transition end as transition,
        list_max(list_filter(sanction_pieces(), lambda piece: piece <= since_sanction_weeks)) as piece,
        list_max(list_filter(sanction_pieces(), lambda piece: piece <= since_notice_weeks)) as notice_piece,
        episodes.target_group,
        episodes.year,
        no_shows,
        is_no_show_recent,
        is_away,
        state
    from design.sanction_episodes as episodes
    inner join design.sanction_spells as spells using (person_id, spell_number)
"""
"""The rows of episodes, one for each of their weeks."""


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with open_store(tmp_path_factory.mktemp("spells")) as connection:
        yield connection


def weeks_missed(history, first, before):
    """Return the weeks from one to before another in which a meeting was missed."""
    return sorted({monday(day) for day, _, missed in history["meetings"] if missed and first <= monday(day) < before})


def weeks_since(found, week):
    return (week - found[-1]) // WEEK if found else None


def on_benefit(history, benefit, week):
    return bool(codes_in(history, week) & BENEFITS[benefit] - SUPPORTED)


def risk_weeks(history):
    """Return {(benefit, week): what is known of the week} of every spell begun in the panel."""
    return {
        (benefit, week): risk_week(history, benefit, first, last, week)
        for benefit, first, last in spells(history)
        if PANEL["panel_from"] <= first + 3 * DAY <= PANEL["panel_to"]
        for week in weeks_between(first, last)
        if codes_in(history, week) & BENEFITS[benefit]
    }


def risk_week(history, benefit, first, last, week):
    decisions = [(monday(day), kind, status in REVERSED) for day, kind, status, *_ in history["sanctions"]]
    within = sorted(decision for decision in decisions if first <= decision[0] <= last)
    of_first_week = [decision for decision in within if decision[0] == within[0][0]]
    missed = weeks_missed(history, first, week)
    met = sorted((day, kind) for day, kind, _ in history["meetings"] if first <= monday(day) <= week)
    year = [month_before(first, months) for months in range(1, 13)]
    worked = [sum(history["wages"].get(month, (0, 0))) > 0 for month in year]
    return (
        (week - first) // WEEK,
        on_benefit(history, benefit, week),
        within[0][0] if within else None,
        within[0][1] if within else None,
        all(is_reversed for *_, is_reversed in of_first_week) if within else None,
        destination(history, last) if week == last else None,
        is_exit_seen(week + WEEK),
        group_in(history, week),
        len(missed),
        weeks_since(missed, week),
        met[-1][1] if met else None,
        weeks_since([monday(day) for day, _ in met], week),
        sum(decided < first for decided, *_ in decisions),
        sum(worked) if year[-1] >= FIRST.replace(day=1) else None,
    )


def month_before(day, months):
    number = day.year * 12 + day.month - 1 - months
    return dt.date(number // 12, number % 12 + 1, 1)


def sanction_spells(history):
    """Return {(benefit, first week): (weeks before the panel, weeks, destination, first sanction, return)}."""
    found = {}
    for benefit, first, last in spells(history):
        before = len([week for week in weeks_between(first, last) if week < PANEL_FROM])
        weeks = [week for week in weeks_between(first, last) if week <= PANEL_TO and is_exit_seen(week + WEEK)]
        if first == FIRST or len(weeks) <= before:
            continue
        where = destination(history, last) if last <= PANEL_TO else None
        decided = sorted(row for row in history["sanctions"] if first <= row[0] < weeks[-1] + WEEK)
        later = [start for _, start, _ in spells(history) if start > last]
        found[benefit, first] = (
            before,
            len(weeks),
            "other_benefit" if where == "supported_work" else where,
            (monday(decided[0][0]) - first) // WEEK if decided else None,
            notice_week(decided[0], first) if decided else None,
            decided[0][1] if decided else None,
            decided[0][2] in REVERSED if decided else None,
            min(later, default=None) if where else None,
        )
    return found


def piece_of(since):
    return None if since is None else max(piece for piece in PIECES if piece <= since)


def notice_week(decision, first):
    """Return the week of the spell in which the first notice of a decision fell, at the earliest its first."""
    day, _, _, *notices = decision
    noticed = day - max((days for days in notices if days is not None), default=0) * DAY
    return max((monday(noticed) - first) // WEEK, 0)


def sanction_weeks(history):
    """Return {(benefit, first week, week of the spell): what its row of episodes must say}."""
    found = {}
    for (benefit, first), (before, count, where, sanctioned, noticed, *_) in sanction_spells(history).items():
        for number in range(before, count):
            week = first + number * WEEK
            since = number - sanctioned if sanctioned is not None and number >= sanctioned else None
            missed = weeks_missed(history, first, week + WEEK)
            is_away = not on_benefit(history, benefit, week)
            is_last, is_next = number == count - 1, number + 1 == sanctioned
            found[benefit, first, number] = (
                where if is_last and where else "sanction" if is_next else None,
                piece_of(since),
                piece_of(number - noticed if noticed is not None and number >= noticed else None),
                group_in(history, week),
                (week + 3 * DAY).year,
                len(missed),
                bool(missed) and week - missed[-1] < RECENT_WEEKS * WEEK,
                is_away,
                "sanctioned" if since is not None else "away" if is_away and not is_next else "free",
            )
    return found


def drawn_people(drawn):
    return {f"P{number}": history for number, history in enumerate(drawn, 1)}


def write(store, people, **questions):
    fill(store, extracts(people))
    build_marts(store, wage_final_after_months=2)
    build_design(store, **PANEL, **questions)


def by_person(store, people, query, keys):
    found: dict = {name: {} for name in people}
    for name, *row in store.execute(query).fetchall():
        if name in found:
            found[name][tuple(row[:keys])] = tuple(row[keys:])
    return found


once = settings(
    max_examples=HISTORIES // PEOPLE,
    deadline=None,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),  # making twelve histories smaller takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@once
@given(st.lists(histories(), min_size=PEOPLE, max_size=PEOPLE))
def test_weeks_at_risk_agree_with_a_slow_reading(store, drawn):
    people = drawn_people(drawn)
    write(store, people, risk_horizons=[4])
    found = by_person(
        store,
        people,
        "select person_id, benefit, week, spell_week, is_on_benefit, sanction_week, sanction_type, is_reversed, "
        "exit_to, is_exit_seen, target_group, no_shows, weeks_since_no_show, meeting_type, weeks_since_meeting, "
        "earlier_sanctions, work_months from design.risk_weeks",
        2,
    )
    for name, history in people.items():
        assert found[name] == risk_weeks(history), history


@once
@given(st.lists(histories(), min_size=PEOPLE, max_size=PEOPLE))
def test_spells_and_episodes_of_sanctions_agree_with_a_slow_reading(store, drawn):
    people = drawn_people(drawn)
    write(store, people, sanction_persons=2 * PEOPLE, sanction_seed=1)
    found = by_person(
        store,
        people,
        "select person_id, benefit, from_week, entry_weeks, weeks, destination, sanction_weeks, notice_weeks, "
        "sanction_type, is_reversed, back_week from design.sanction_spells",
        2,
    )
    weekly = by_person(store, people, WEEKLY, 3)
    for name, history in people.items():
        assert found[name] == sanction_spells(history), history
        assert weekly[name] == sanction_weeks(history), history
