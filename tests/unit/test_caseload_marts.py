"""Caseload and continuity counted from who had whom: by tables, and against a slow reading day by day."""

import datetime as dt
from collections import Counter
from itertools import pairwise

import pytest
from history_reference import HISTORIES
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_register import fill, open_store, person

from evaluator.design.frozen import Design
from evaluator.evaluation import delivery
from evaluator.models import build_models, order, read_models
from evaluator.spec import Start

D, DAY = dt.date, dt.timedelta(days=1)
MARTS = (
    "caseworker_month",
    "caseworker_assignments",
    "caseload_day",
    "caseload_month",
    "team_moves",
    "caseworker_continuity",
)
STAGED = ("stg_caseworkers", "stg_caseload", "stg_persons", "stg_interventions", "stg_meetings")
CARRYING = ("primaer", "koordinerende")
FOUR_WEEKS = 28 * DAY


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with open_store(tmp_path_factory.mktemp("caseload")) as connection:
        yield connection


def write(store, spells=(), *, hours=(), meetings=(), projects=(), full_time=None, places=None):
    """Build the marts of spells (person, from, to, caseworker, team, role), hours, meetings and projects."""
    people = {row[0]: "615" for row in (*spells, *meetings)} | {"P0": "615"} | (places or {})
    fill(
        store,
        {
            "personer": [person(name, municipality=code) for name, code in people.items()],
            "sagsbehandler": [(p, str(a), str(b or ""), w, team, role) for p, a, b, w, team, role in spells],
            "sagstal": [(w, team, code, month, "40", fte) for w, team, code, month, fte in hours],
            "samtaler": [(p, str(day), kind, missed) for p, day, kind, missed, _ in meetings],
            "indsats": [(code, team, str(a), str(b or ""), "projekt", "70", "35") for code, team, a, b in projects],
        },
    )
    for p, day, kind, _, worker in meetings:
        store.execute(
            "update raw.samtaler set sagsbehandler_id = ? where pnr_pseudo = ? and dato = ? and samtaletype = ?",
            [worker, p, str(day), kind],
        )
    store.execute("delete from meta.builds")  # meetings were changed under a delivery that stays the same
    models = [m for m in order(read_models(("staging", "marts"))) if m.name in STAGED + MARTS]
    build_models(store, models, {"caseworkers_are_full_time": full_time})


def rows(store, query):
    return store.execute(query).fetchall()


JAN = [
    ("A", D(2017, 1, 1), D(2017, 1, 31), "S1", "Unge", "primaer"),
    ("A", D(2017, 1, 10), D(2017, 1, 20), "S2", "Unge", "koordinerende"),
    ("B", D(2017, 1, 11), None, "S1", "Unge", "primaer"),
    ("C", D(2017, 1, 1), D(2017, 2, 15), "S3", "Unge", "virksomhedskonsulent"),
]


def test_a_citizen_counts_once_a_day_and_a_consultant_carries_no_case(store):
    write(store, JAN, hours=[("S1", "Unge", "615", "2017-01", "0,5"), ("S2", "Unge", "615", "2017-01", "0,3")])
    days = dict(rows(store, "select day, citizens from marts.caseload_day"))
    assert [days[D(2017, 1, n)] for n in (1, 10, 11, 20, 21, 31)] == [1, 1, 2, 2, 2, 2]
    assert max(days) == D(2017, 2, 15)  # B's stretch runs to the last day that the extract speaks of
    months = rows(
        store, "select month, days, citizen_days, measured_days, caseload from marts.caseload_month order by 1"
    )
    assert months[0] == (D(2017, 1, 1), 31, 31 + 21, 31, pytest.approx((31 + 21) / 31 / 0.8, abs=1e-5))
    assert months[1] == (D(2017, 2, 1), 15, 15, 0, None)  # no hours delivered for February: unknown


# setting, then caseload on 10 and 11 January without the extract sagstal
FULL_TIME = {"not said": (None, [None, None]), "false": (False, [None, None]), "true": (True, [0.5, 1.0])}


@pytest.mark.parametrize("said", FULL_TIME)
def test_without_sagstal_a_caseworker_is_full_time_only_when_the_settings_say_so(store, said):
    setting, expected = FULL_TIME[said]
    write(store, JAN, full_time=setting)
    found = rows(
        store, "select caseload from marts.caseload_day where day between '2017-01-10' and '2017-01-11' order by day"
    )
    assert [caseload for (caseload,) in found] == expected


def test_a_municipality_that_delivers_hours_never_gets_them_guessed(store):
    write(store, JAN, hours=[("S9", "Andre", "615", "2017-01", "1")], full_time=True)
    assert rows(store, "select distinct caseload from marts.caseload_day") == [(None,)]


FIRST = ("A", D(2017, 1, 1), D(2017, 3, 31), "S1", "Unge", "primaer")
# name: the second spell, then whether it is a change
SECOND = {
    "another the next day": (("A", D(2017, 4, 1), None, "S2", "Unge", "primaer"), True),
    "the same again": (("A", D(2017, 4, 1), None, "S1", "Unge", "primaer"), False),
    "another after four weeks": (("A", D(2017, 4, 28), None, "S2", "Unge", "primaer"), True),
    "another in a new course": (("A", D(2017, 4, 29), None, "S2", "Unge", "primaer"), False),
    "another role beside": (("A", D(2017, 2, 1), None, "S2", "Unge", "koordinerende"), False),
}


@pytest.mark.parametrize("name", SECOND)
def test_a_change_is_another_caseworker_in_the_role_within_four_weeks(store, name):
    spell, is_change = SECOND[name]
    write(store, [FIRST, spell])
    assert rows(store, "select is_change from marts.caseworker_assignments order by from_on") == [
        (False,),
        (is_change,),
    ]


def test_moves_count_while_the_intervention_of_the_team_runs(store):
    def move(name, day, old, new):
        return [
            (name, D(2017, 1, 1), day - DAY, "S1", old, "primaer"),
            (name, day, D(2017, 12, 31), "S2", new, "primaer"),
        ]

    spells = [
        *move("in time", D(2017, 5, 1), "Normal", "Lille"),
        *move("first day", D(2017, 3, 1), "Normal", "Lille"),
        *move("too early", D(2017, 2, 28), "Normal", "Lille"),
        *move("too late", D(2017, 10, 1), "Normal", "Lille"),
        *move("back", D(2017, 5, 3), "Lille", "Normal"),
        *move("between normal", D(2017, 5, 4), "Normal", "Tredje"),
    ]
    write(store, spells, projects=[("615", "Lille", D(2017, 3, 1), D(2017, 9, 30))])
    found = dict(rows(store, "select person_id, move from marts.caseworker_assignments where move is not null"))
    assert found == {"in time": "to_intensive", "first day": "to_intensive", "back": "to_normal"}
    flows = rows(
        store, "select month, to_intensive, to_normal from marts.team_moves where to_intensive + to_normal > 0"
    )
    assert sorted(flows) == [(D(2017, 3, 1), 1, 0), (D(2017, 5, 1), 1, 1)]


# caseworkers of meetings in order, then upc, coc, secon
CONTACT = {
    "one": ("a", (1.0, None, None)),
    "the same twice": ("aa", (1.0, 1.0, 1.0)),
    "two": ("ab", (0.5, 0.0, 0.0)),
    "in turn": ("abab", (0.5, 1 / 3, 0.0)),
    "one after the other": ("aabb", (0.5, 1 / 3, 2 / 3)),
    "three": ("aaabc", (0.6, 0.3, 0.5)),
}


@pytest.mark.parametrize("name", CONTACT)
def test_continuity_of_contact_by_the_definitions(store, name):
    held, expected = CONTACT[name]
    meetings = [("A", D(2017, 1, 2) + n * 7 * DAY, "jobsamtale", "0", who) for n, who in enumerate(held)]
    meetings += [("A", D(2017, 9, 1), "jobsamtale", "1", "z"), ("A", D(2017, 9, 2), "jobsamtale", "0", None)]
    write(store, meetings=meetings)
    assert rows(store, "select meetings, upc, coc, secon from marts.caseworker_continuity") == [
        (len(held), *(None if value is None else pytest.approx(value) for value in expected))
    ]


def test_changes_per_citizen_year_count_the_days_that_somebody_had_the_case(store):
    spells = [
        ("A", D(2016, 7, 1), D(2016, 12, 31), "S1", "Unge", "primaer"),
        ("A", D(2017, 1, 1), D(2017, 3, 31), "S2", "Unge", "primaer"),
        ("A", D(2017, 3, 1), D(2017, 4, 10), "S3", "Unge", "koordinerende"),
    ]
    write(store, spells)
    found = rows(
        store, "select year, citizen_years, changes, changes_per_year from marts.caseworker_continuity order by year"
    )
    assert found == [
        (2016, pytest.approx(184 / 366), 0, 0.0),
        (2017, pytest.approx(100 / 365), 1, pytest.approx(365 / 100)),
    ]


def test_the_count_stands_in_for_sagstal_and_beside_it(store):
    before = [(f"P{n}", D(2016, 1, 1), D(2016, 12, 31), "S1", "Unge", "primaer") for n in range(12)]
    after = [(f"P{n}", D(2017, 1, 1), D(2018, 12, 31), f"S{1 + n % 2}", "Unge", "primaer") for n in range(12)]
    months = [f"{year}-{month:02d}" for year in (2016, 2017, 2018) for month in range(1, 13)]
    hours = [(worker, "Unge", "615", month, "1") for month in months for worker in ("S1", "S2")]
    design = Design((Start("615", D(2017, 1, 1)),), (), (), (), 1)
    found = {}
    for name, given_hours, full_time in (("guessed", (), True), ("unknown", (), False), ("both", hours, False)):
        write(
            store, before + after, hours=given_hours, projects=[("615", "", D(2017, 1, 1), None)], full_time=full_time
        )
        (row,) = delivery.measure(store, design, "projekt").rows["delivery"]
        columns = ("measured_before", "measured_after", "counted_before", "counted_after", "verdict", "counted_verdict")
        found[name] = tuple(row[column] for column in columns)
    assert found == {
        "guessed": (12, 6, 12, 6, "not_delivered", "not_delivered"),
        "unknown": (None, None, None, None, "not_measured", "not_measured"),
        "both": (40, 40, 6, 6, "not_delivered", "not_delivered"),  # sagstal says 40 cases each; the spells say six
    }


START = D(2016, 11, 1)
CODES = ("615", "740", "151", "101", "461", "851")


@st.composite
def histories(draw):
    """Draw spells, hours, meetings and a team's project over a turn of the year, of one municipality."""
    names, workers, teams = ("A", "B", "C"), ("S1", "S2", "S3"), ("Unge", "Lille")
    day = st.integers(0, 120).map(lambda n: START + n * DAY)
    length = st.one_of(st.none(), st.integers(0, 50))
    role = st.sampled_from((*CARRYING, "virksomhedskonsulent"))
    spell = st.tuples(st.sampled_from(names), day, length, st.sampled_from(workers), st.sampled_from(teams), role)
    months = st.sampled_from(("2016-11", "2016-12", "2017-01", "2017-02"))
    hour = st.tuples(st.sampled_from(workers), st.sampled_from(teams), months, st.sampled_from(("0", "0,5", "1")))
    meeting = st.tuples(
        st.sampled_from(names), day, st.sampled_from(("0", "0", "1")), st.sampled_from((*workers, None))
    )
    return (
        draw(st.lists(spell, min_size=1, max_size=9)),
        draw(st.lists(hour, max_size=5, unique=True)),
        list({row[:2]: row for row in draw(st.lists(meeting, max_size=8))}.values()),
        draw(st.one_of(st.none(), day)),
    )


def placed(code, history):
    """Return a history as rows of its municipality, with names that no other has."""
    spells, hours, meetings, begun = history
    return (
        [(p + code, a, None if n is None else a + n * DAY, w + code, t, role) for p, a, n, w, t, role in spells],
        [(w + code, team, code, month, fte) for w, team, month, fte in hours],
        [(p + code, day, "jobsamtale", missed, w and w + code) for p, day, missed, w in meetings],
        [(code, "Lille", begun, None)] if begun else [],
    )


def last_day(spells):
    return max(day for _, start, end, *_ in spells for day in (start, end) if day)


def carried(spells, reach):
    """Return stretches that carry a case, closed at `reach`, equal ones put together."""
    found = {}
    for p, start, end, worker, team, role in spells:
        if role in CARRYING:
            key = (p, role, start, worker)
            stop, before = end or reach, found.get(key, (D.min, team))
            found[key] = (max(stop, before[0]), min(team, before[1]))
    return [(p, role, start, stop, worker, team) for (p, role, start, worker), (stop, team) in found.items()]


def expected_assignments(stretches, projects):
    def is_intensive(team, day):
        return any(team == named and start <= day <= (end or D.max) for _, named, start, end in projects)

    told = {}
    groups = {(p, role) for p, role, *_ in stretches}
    for group in groups:
        own = sorted((row for row in stretches if row[:2] == group), key=lambda r: (r[2], r[3], r[4]))
        for before, row in pairwise([None, *own]):
            _, _, start, _, worker, team = row
            near = before is not None and start - before[3] <= FOUR_WEEKS
            was, now = near and is_intensive(before[5], start), is_intensive(team, start)
            move = ("to_intensive" if now else "to_normal") if near and was != now else None
            told[(*group, start, worker)] = (near and before[4] != worker, move)
    return told


def expected_days(stretches, hours, full_time):
    """Return citizens and caseload by team and day."""
    told = {}
    for team in {row[5] for row in stretches}:
        own = [row for row in stretches if row[5] == team]
        day = min(row[2] for row in own)
        while day <= max(row[3] for row in own):
            there = [row for row in own if row[2] <= day <= row[3]]
            citizens, workers = len({row[0] for row in there}), len({row[4] for row in there})
            counted = [float(fte.replace(",", ".")) for _, t, _, m, fte in hours if (t, m) == (team, f"{day:%Y-%m}")]
            fte = (sum(counted) if counted else None) if hours else workers if full_time else None
            told[team, day] = (citizens, citizens / fte if fte else None)
            day += DAY
    return told


def expected_continuity(stretches, meetings, assigned):
    days = {(row[0], row[2] + n * DAY) for row in stretches for n in range((row[3] - row[2]).days + 1)}
    told = {}
    for p, year in {(p, d.year) for p, d in days} | {
        (p, d.year) for p, d, _, missed, w in meetings if w and missed == "0"
    }:
        length = (D(year + 1, 1, 1) - D(year, 1, 1)).days
        share = sum(name == p and day.year == year for name, day in days) / length
        changes = sum(key[0] == p and key[2].year == year and change for key, (change, _) in assigned.items())
        met = [
            w
            for name, d, _, missed, w in sorted(meetings, key=lambda m: m[1])
            if (name, d.year) == (p, year)
            if w and missed == "0"
        ]
        n, uses = len(met), Counter(met)
        pairs = list(pairwise(met))
        told[p, year] = (
            share,
            changes,
            n,
            max(uses.values()) / n if n else None,
            (sum(u * u for u in uses.values()) - n) / (n * (n - 1)) if n > 1 else None,
            sum(a == b for a, b in pairs) / (n - 1) if n > 1 else None,
        )
    return told


def close(row):
    return tuple(pytest.approx(value, abs=1e-6) if isinstance(value, float) else value for value in row)


@settings(
    max_examples=HISTORIES // 30,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(histories(), min_size=len(CODES), max_size=len(CODES)), st.booleans())
def test_the_marts_agree_with_a_slow_reading_day_by_day(store, drawn, full_time):
    worlds = {code: placed(code, history) for code, history in zip(CODES, drawn, strict=True)}
    spells, hours, meetings, projects = ([row for world in worlds.values() for row in world[n]] for n in range(4))
    places = {row[0]: code for code, world in worlds.items() for row in (*world[0], *world[2])}
    write(store, spells, hours=hours, meetings=meetings, projects=projects, full_time=full_time, places=places)
    assigned, days, continuity = {}, {}, {}
    for code, (own, own_hours, own_meetings, own_projects) in worlds.items():
        stretches = carried(own, last_day(spells))
        told = expected_assignments(stretches, own_projects)
        assigned |= told
        days |= {(code, *key): row for key, row in expected_days(stretches, own_hours, full_time).items()}
        continuity |= expected_continuity(stretches, own_meetings, told)
    columns = "person_id, role, from_on, caseworker_id, is_change, move"
    assert {r[:4]: r[4:] for r in rows(store, f"select {columns} from marts.caseworker_assignments")} == assigned
    by_day = rows(store, "select municipality_code, team, day, citizens, caseload from marts.caseload_day")
    assert {r[:3]: r[3:] for r in by_day} == {key: close(row) for key, row in days.items()}
    columns = "municipality_code, team, month, days, caseload"
    for code, team, month, length, caseload in rows(store, f"select {columns} from marts.caseload_month"):
        own = [row for (c, t, day), row in days.items() if (c, t, day.replace(day=1)) == (code, team, month)]
        known = [row[1] for row in own if row[1] is not None]
        assert (length, caseload) == close((len(own), sum(known) / len(known) if known else None))
    columns = "person_id, year, citizen_years, changes, meetings, upc, coc, secon"
    years = rows(store, f"select {columns} from marts.caseworker_continuity")
    assert {r[:2]: r[2:] for r in years} == {key: close(row) for key, row in continuity.items()}
