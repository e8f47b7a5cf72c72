"""The weeks at risk of a sanction and where people are after them, by hand and beside the entrants' models."""

import datetime as dt
import shutil
from dataclasses import replace

import pytest
from small_register import build_design, build_marts, fill, open_store, person

from evaluator.design.meeting_weeks import meeting_weeks
from evaluator.design.risk_cells import Band, Matching, cell_sums
from evaluator.estimators.exits.meeting_hazards import meeting_hazards
from evaluator.estimators.landmark import landmark
from evaluator.inference.landmark_estimates import landmark_estimates
from evaluator.models import build
from evaluator.project import Project
from evaluator.spec import END_STATES
from evaluator.store import connect
from evaluator.vocabulary import Estimate

D = dt.date
HORIZONS = [4, 26]
EXTRACTS = {
    "personer": [person("P0"), person("A", born="1990"), person("B", born="1990"), person("C", born="1949")],
    "ydelser": [
        ("P0", "2014-01-06", "2018-12-30", "111", "615"),
        ("A", "2016-01-04", "2016-01-31", "730", "615"),  # four weeks, a gap of two in another benefit, then four more
        ("A", "2016-02-01", "2016-02-14", "890", "615"),
        ("A", "2016-02-15", "2016-03-13", "730", "615"),
        ("A", "2017-01-02", "2017-01-29", "735", "615"),  # a wage subsidy alone, in a spell of its own
        ("B", "2016-01-04", "2016-03-06", "730", "615"),
        ("C", "2016-01-04", "2016-03-06", "730", "615"),
    ],
    "visitation": [("A", "2016-01-06", "2016-02-21", "jobparat"), ("A", "2016-02-22", "", "aktivitetsparat")],
    "samtaler": [
        ("A", "2015-12-30", "jobsamtale", "1"),
        ("A", "2016-01-12", "jobsamtale", "1"),
        ("A", "2016-01-13", "cv", "0"),
        ("A", "2016-02-17", "opfoelgning", "1"),
    ],
    "sanktioner": [
        ("A", "2015-06-01", "37", "punktsanktion", "truffet"),
        ("A", "2016-02-25", "37", "punktsanktion", "ophaevet"),
        ("A", "2016-02-26", "39", "periodesanktion", "hjemvist"),
        ("A", "2016-03-01", "37", "punktsanktion", "truffet"),
    ],
    "beskaeftigelse": [
        ("P0", "2015-01", "10", "1000"), ("P0", "2018-12", "1", "1"),
        ("A", "2015-02", "100", "9000"), ("A", "2015-03", "100", "9000"), ("A", "2016-03", "100", "9000"),
        ("B", "2016-03", "160", "20000"),
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with open_store(tmp_path_factory.mktemp("risk")) as connection:
        fill(connection, EXTRACTS)
        build_marts(connection)
        build_design(connection, risk_horizons=HORIZONS, horizons=HORIZONS)
        yield connection


def rows(store, columns, where):
    return store.execute(f"select {columns} from design.risk_weeks where {where} order by week").fetchall()


def test_weeks_of_a_gap_are_no_weeks_at_risk(store):
    weeks = [week for (week,) in rows(store, "spell_week", "person_id = 'A' and spell_number = 1")]
    assert weeks == [0, 1, 2, 3, 6, 7, 8, 9]
    assert rows(store, "spell_week", "person_id = 'C'") == []  # over the population's age


def test_supported_work_alone_is_not_on_the_benefit(store):
    assert set(rows(store, "is_on_benefit", "person_id = 'A' and week >= date '2017-01-01'")) == {(False,)}


def test_what_is_known_is_what_was_before_the_week(store):
    found = rows(
        store,
        "spell_week, no_shows, weeks_since_no_show, meeting_type, weeks_since_meeting, target_group",
        "person_id = 'A' and spell_number = 1",
    )
    assert found == [
        (0, 0, None, None, None, "jobparat"),  # the meeting of 30 December came before the spell
        (
            1,
            0,
            None,
            "cv",
            0,
            "jobparat",
        ),  # a meeting of the week comes before the exit that follows it; a no-show counts later
        (2, 1, 1, "cv", 1, "jobparat"),
        (3, 1, 2, "cv", 2, "jobparat"),
        (6, 1, 5, "opfoelgning", 0, "jobparat"),
        (7, 2, 1, "opfoelgning", 1, "aktivitetsparat"),
        (8, 2, 2, "opfoelgning", 2, "aktivitetsparat"),
        (9, 2, 3, "opfoelgning", 3, "aktivitetsparat"),
    ]


def test_the_first_decision_counts_and_is_reversed_when_none_of_its_week_stood(store):
    found = set(rows(store, "sanction_week, is_reversed, sanction_type, earlier_sanctions, work_months",
                     "person_id = 'A' and spell_number = 1"))  # fmt: skip
    assert found == {(D(2016, 2, 22), True, "periodesanktion", 1, 2)}  # February and March 2015; wages begin in January
    assert set(rows(store, "sanction_week, is_reversed", "person_id = 'B'")) == {(None, None)}


def test_the_exit_follows_the_last_week(store):
    assert rows(store, "exit_to", "person_id = 'B'")[-2:] == [(None,), ("job",)]
    assert set(rows(store, "is_exit_seen", "person_id = 'B'")) == {(True,)}


def test_the_states_are_those_of_the_entrants_models(store):
    compare(store)


def test_without_horizons_nothing_is_made(store):
    build_design(store, horizons=HORIZONS)
    assert store.execute("select count(*) from design.risk_weeks").fetchone() == (0,)
    assert store.execute("select count(*) from design.risk_states").fetchone() == (0,)
    build_design(store, risk_horizons=HORIZONS, horizons=HORIZONS)


def compare(connection):
    """Assert that both ways to a person's state so many weeks after entry agree, where both have one."""
    both, alike = connection.execute(
        """select count(*), count(*) filter (states.state = outcomes.state)
        from design.entrant_outcomes as outcomes
        inner join design.entrants as entrants using (person_id, entry_week)
        inner join design.risk_states as states
            on states.person_id = outcomes.person_id and states.benefit = entrants.benefit
            and states.week = (outcomes.entry_week + 7 * outcomes.horizon_weeks)::date"""
    ).fetchone()
    assert both == alike > 0


def test_the_synthetic_register_runs_through(tmp_path_factory, built_example):
    copy = shutil.copytree(built_example, tmp_path_factory.mktemp("risk") / "eksempel")
    settings = {"wage_final_after_months": 2, "benefits": ["kontanthjaelp", "uddannelseshjaelp"],
                "target_groups": [], "age_from": 18, "age_to": 66, "panel_from": D(2012, 1, 1),
                "panel_to": D(2019, 12, 31), "period_months": 1, "entry": "inflow", "horizons": HORIZONS,
                "outcomes_to": None, "risk_horizons": HORIZONS}  # fmt: skip
    with connect(Project.open(copy)) as connection:
        build(connection, ("design",), settings)
        compare(connection)
        cells = ("municipality_code", "target_group", Band("spell_week", (0, 13, 52)),
                 Band("weeks_since_no_show", (0, 2, 5)))  # fmt: skip
        every = Matching(cells=cells, horizons=(4, 26), cluster="person_id")
        sums = {each: cell_sums(connection, replace(every, decisions=each)) for each in ("all", "upheld")}
        weeks = meeting_weeks(connection, {"jobsamtale": "counselling", "cv": "control"}, ("target_group",))
    found = landmark(sums["all"])
    assert found.share_matched[0] > 0.95
    shares = found.treated_share.reshape(2, len(END_STATES)).sum(axis=1)
    assert shares == pytest.approx([1.0, 1.0])
    assert sums["upheld"].treated[""] < sums["all"].treated[""]
    estimates = landmark_estimates(found)
    for horizon in HORIZONS:  # a sanction is planted to raise self-support alone, by 1.3 for 13 weeks
        job = estimates["", horizon, "job"]
        assert isinstance(job, Estimate)
        assert job.low < 0.0 < job.high
    meetings = meeting_hazards(weeks)
    assert meetings.exits == ("education", "job", "other_benefit", "self_support")
    assert meetings.kinds == tuple((kind, since) for kind in ("control", "counselling", "other") for since in (0, 5))
    ratio = meetings.ratio("job", "counselling", "other")  # a meeting's type is drawn at random and moves nothing
    assert ratio.low < 0.0 < ratio.high
