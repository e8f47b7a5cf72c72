"""Exits after meetings in an evaluation: the spec, the rows by hand, what may leave, and what the report says."""

import math
import re
import shutil
from types import SimpleNamespace

import duckdb
import polars as pl
import pytest
from small_register import build_design, build_marts, fill, open_store
from test_sanction_models import SANCTIONS, register, rows

from evaluator.errors import SpecError
from evaluator.evaluation import meetings
from evaluator.evaluation.entry_cohorts import open_outcomes
from evaluator.evaluation.sanction_hazards import DESTINATIONS, Spells
from evaluator.inference import holm
from evaluator.project import Project
from evaluator.release_meetings import RULES
from evaluator.release_rules import Policy
from evaluator.results import Findings, columns
from evaluator.spec_reading import parse_spec, read_spec
from evaluator.store import connect
from reports import meeting_words
from reports.pages import meetings as page
from reports.released import TABLES, Released

TYPES = {"counselling_types": ["opfoelgning"], "control_types": ["jobsamtale", "cv"]}


@pytest.fixture(scope="module")
def found(tmp_path_factory, built_example):
    """The rows of the example register, in which a meeting's type is drawn at random and moves nothing."""
    project = Project.open(shutil.copytree(built_example, tmp_path_factory.mktemp("samtaler") / "eksempel"))
    spec, findings = read_spec(project.specs / "sanktioner.toml"), Findings()
    with connect(project) as connection:
        open_outcomes(connection, spec, {"wage_final_after_months": 2})
        meetings.estimate(connection, Spells.read(connection), spec, findings)
    return findings.rows["meeting_hazards"]


SPEC = """
[evaluation]
name = "s"
title = "s"
question = "s"
[intervention]
kind = "sanction"
name = "s"
[population]
benefits = ["uddannelseshjaelp", "kontanthjaelp"]
[panel]
from = 2014-01-01
to = 2019-12-31
[[outcome]]
name = "exit_job"
[sanctions]
persons = 1000
[meetings]
counselling = ["opfoelgning"]
control = ["jobsamtale"]
[estimation]
estimators = ["municipality_panel"]
"""


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("[sanctions]\npersons = 1000\n", "", "s.toml:16: nobody is followed from meeting to meeting"),
        ('["jobsamtale"]', '["opfoelgning"]', "s.toml:20: 'opfoelgning' is counselling too"),
        ('["jobsamtale"]', "[]", "a kind has no types of meeting"),
        ('control = ["jobsamtale"]\n', "", "lacks 'control'"),
    ],
)
def test_a_spec_says_of_both_kinds_which_types_they_are(old, new, told):
    with pytest.raises(SpecError, match=re.escape(told)):
        parse_spec(SPEC.replace(old, new), "s.toml")


def test_a_spec_keeps_its_hash_without_the_section():
    without = SPEC[: SPEC.index("[meetings]")] + SPEC[SPEC.index("[estimation]") :]
    assert parse_spec(SPEC, "s.toml").meetings.mass_points == 2
    assert parse_spec(SPEC, "s.toml").content_hash != parse_spec(without, "s.toml").content_hash


def episodes(folder, types, *held):
    with open_store(folder) as connection:
        fill(connection, register(samtaler=[("A", day, kind, "0") for day, kind in held], sanktioner=[]))
        build_marts(connection)
        build_design(connection, **SANCTIONS, **types)
        return rows(
            connection,
            "select start_weeks, stop_weeks, transition, since_counselling_weeks, since_control_weeks, state "
            "from design.meeting_episodes where person_id = 'A' order by 1",
        )


def test_a_spell_is_cut_at_the_first_meeting_of_each_kind_and_five_weeks_on(tmp_path):
    held = [("2015-12-30", "opfoelgning"), ("2016-02-02", "cv"), ("2016-02-16", "opfoelgning"), ("2016-03-01", "cv")]
    assert episodes(tmp_path, TYPES, *held) == [
        (0, 4, "control", None, None, "neither"),  # the meeting of December came before the spell
        (4, 6, "counselling", None, 0, "controlled"),
        (6, 9, None, 0, 2, "both"),
        (9, 11, None, 3, 5, "both"),
        (11, 13, None, 5, 7, "both"),
        (13, 25, "job", 7, 9, "both"),
    ]


def test_of_two_meetings_in_a_week_the_last_counts_and_other_types_are_none(tmp_path):
    held = [("2016-02-02", "cv"), ("2016-02-03", "opfoelgning"), ("2016-02-20", "informationsmoede")]
    assert episodes(tmp_path, TYPES, *held) == [
        (0, 4, "counselling", None, None, "neither"),
        (4, 9, None, 0, None, "counselled"),
        (9, 13, None, 5, None, "counselled"),
        (13, 25, "job", 9, None, "counselled"),
    ]


def test_a_first_meeting_in_the_first_week_leaves_out_the_spell_and_weeks_away_are_bridged():
    columns = ["person_id", "start_weeks", "stop_weeks", "transition", "state", "is_away"]
    told = [
        ("A", 0, 5, None, "counselled", False),  # met before anybody was at risk of it
        ("B", 0, 3, None, "neither", True),
        ("B", 3, 5, "counselling", "neither", False),
        ("B", 5, 9, None, "counselled", True),
        ("B", 9, 20, "job", "counselled", False),
        ("C", 0, 4, "counselling", "neither", True),  # called in while in supported work
        ("C", 4, 9, "job", "counselled", True),  # and gone from there: not an exit from the plain benefit
    ]
    none = pl.lit(None, pl.Int32)
    rows = pl.DataFrame(told, schema=columns, orient="row", infer_schema_length=None).with_columns(
        spell_number=pl.lit(1), since_counselling_weeks=none, since_control_weeks=none
    )
    seen = {"spell_number": 1, "entry_weeks": 0, "municipality_code": "615"}
    spells = pl.DataFrame({"person_id": ["A", "B", "C"], **seen})
    with duckdb.connect() as connection:
        connection.execute("create schema design")
        connection.register("given", rows)
        connection.execute("create table design.meeting_episodes as select * from given")
        found = meetings._episodes(connection, SimpleNamespace(spells=spells)).sort("person_id", "start")
    assert found.select("person_id", "start", "transition", "state").rows() == [
        ("B", 0.0, None, "away"),
        ("B", 3.0, "counselling", "neither"),
        ("B", 5.0, None, "away"),
        ("B", 9.0, "job", "counselled"),
        ("C", 0.0, "counselling", "neither"),
        ("C", 4.0, None, "away"),
    ]


def test_without_types_there_are_no_rows(tmp_path):
    assert episodes(tmp_path, {}, ("2016-02-02", "cv")) == []


def test_every_exit_has_its_hazard_by_kind_and_weeks_and_the_first_meeting_beside_it(found):
    frame = pl.DataFrame(found, infer_schema_length=None)
    assert set(frame.columns) <= set(columns("meeting_hazards"))
    counted = frame.filter(pl.col("method") == "hazard", pl.col("than") != "control")
    for name in DESTINATIONS:
        own = counted.filter(pl.col("destination") == name)
        places = {*((kind, since) for kind in ("counselling", "control", "other") for since in (0, 5)), ("none", None)}
        assert {(row["kind"], row["from_weeks"]) for row in own.iter_rows(named=True)} == places
        exits = own["rate"] * own["weeks"]  # some persons left more than once
        assert (own["events"] <= exits + 1e-6).all() and (own["events"] > 0.9 * exits).all()
        assert (own["rate_low"] < own["rate"]).all() and (own["rate"] < own["rate_high"]).all()
    timed = frame.filter(pl.col("method") == "timing_of_events")
    assert {(row["destination"], row["kind"]) for row in timed.iter_rows(named=True)} == {
        (name, kind) for name in DESTINATIONS for kind in ("counselling", "control")
    }


def test_kinds_are_compared_in_each_piece_and_adjusted_for_all_comparisons(found):
    contrasts = [row for row in found if row["than"] == "control"]
    assert len(contrasts) == 8 and all(row["is_estimable"] for row in contrasts)
    adjusted = holm([row["p_value"] for row in contrasts])
    assert [row["p_family"] for row in contrasts] == pytest.approx(adjusted.tolist())
    assert all(row["p_family"] > 0.05 for row in contrasts)  # nothing is planted
    assert all("p_family" not in row for row in found if row["than"] != "control")


def one(destination="job", than="none", since=0, **more):
    row = dict.fromkeys(columns("meeting_hazards")) | {
        "destination": destination, "method": "hazard", "kind": "counselling", "than": than, "from_weeks": since,
        "to_weeks": 4 if since == 0 else None, "value": 0.40641, "low": 0.2947, "high": 0.5182, "se": 0.057,
        "p_value": 0.00001, "p_family": 0.00008, "unit": "log_hazard", "events": 522, "weeks": 132_282,
        "rate": 522 / 132_282, "rate_low": 0.0036, "rate_high": 0.0043, "is_estimable": True,
    }  # fmt: skip
    return row | more


def leave(*given):
    return RULES["meeting_hazards"](list(given), Policy(5))


def test_hazards_leave_rounded_and_those_of_few_exits_not_at_all():
    shown, few, hidden, refused = leave(
        one(),
        one(events=8, weeks=900, rate=8 / 900),
        one(events=3, weeks=900, rate=3 / 900),
        one(is_estimable=False, value=None, low=None, high=None, p_value=None, events=7, reason="Færre end 10."),
    )
    assert (shown["value"], shown["events"], shown["p_family"], shown["status"]) == (0.41, 520, 0.0, "estimated")
    assert shown["rate"] * 132_282 / 5 == pytest.approx(round(shown["rate"] * 132_282 / 5), abs=0.01)
    assert (few["value"], few["rate"], few["status"]) == (None, None, "suppressed")
    assert (hidden["value"], hidden["rate"], hidden["events"], hidden["p_value"]) == (None, None, None, None)
    assert (refused["status"], refused["reason"]) == ("not_estimable", "Færre end 10.")


@pytest.mark.parametrize("exits", range(10, 18))
def test_no_error_tells_how_many_left(exits):
    se = exits**-0.5  # with many without a meeting, the error is that of the few after one
    [row] = leave(one(events=exits, weeks=900, rate=exits / 900, value=0.4, low=0.4 - 1.96 * se, high=0.4 + 1.96 * se,
                      se=se, p_value=math.erfc(0.4 / se / math.sqrt(2))))  # fmt: skip
    told = {round(1 / row["se"] ** 2, 1), round((3.92 / (row["high"] - row["low"])) ** 2, 1)}
    assert all(abs(each - row["events"]) < 1.1 for each in told), told


def released(*given):
    return Released("r", {}, {key: [] for key in TABLES} | {"meeting_hazards": leave(*given)})


def test_page_one_names_the_exits_that_differ_after_adjustment_and_that_it_is_no_effect():
    told = page.in_short(
        released(
            one(than="control"),
            one("self_support", "control", value=math.log(1.2), low=0.01, high=0.35, p_value=0.04, p_family=0.3),
            one("education", "control", since=5),
        )
    )
    assert told == (
        "I uge 0–4 efter en vejledende samtale er afgangen til job 1,51 gange (1,34 til 1,68) så høj som efter en "
        "kontrolsamtale. Det er en sammenhæng: samtaler er ikke fordelt tilfældigt."
    )
    none = page.in_short(released(one(than="control", p_family=0.2)))
    assert none.startswith("Ingen afgang i uge 0–4 kan skelnes mellem vejledning og kontrol.")
    assert page.in_short(released()) == ""


def test_the_section_shows_hazards_contrasts_and_the_timed_beside_with_the_selection():
    (section,) = page.sections(
        released(
            one(),
            one(kind="none", than="", since=None, value=None, low=None, high=None, p_value=None, p_family=None),
            one(than="control"),
            one(method="timing_of_events"),
        )
    )
    (figure,) = section["figures"]
    assert meeting_words.SELECTION in figure.notes
    first = dict(zip(figure.table.headers, figure.table.rows[0], strict=True))
    assert first == {
        "Afgang til": "Job", "Seneste samtale": "Vejledning", "Uger siden": "uge 0–4", "Afgange pr. 1.000 uger": "3,9",
        "95 pct. interval": "3,6 til 4,3", "Forhold": "1,51", "95 pct. interval, forhold": "1,34 til 1,68",
        "Afgange": "520",
    }  # fmt: skip
    assert figure.table.rows[1][5] == "1 (grundlag)"
    tables = dict(section["tables"])
    assert tables["Vejledning mod kontrol"].rows[0][4:6] == ("under 0,001", "under 0,001")
    assert "p er korrigeret for, at 1 forhold er undersøgt" in tables["Vejledning mod kontrol"].caption
    assert tables["Første samtale, med uobserverede forskelle"].rows[0][3] == "1,51"
    assert page.sections(released()) == []


def test_a_section_in_which_nothing_may_be_shown_says_so_in_its_tables():
    (section,) = page.sections(
        released(one(is_estimable=False, value=None, low=None, high=None, reason="Færre end 10."))
    )
    assert section["figures"] == [] and section["why"] == meeting_words.SELECTION
    assert dict(section["tables"])["Afgang efter samtaler"].rows[0][-1] == "Færre end 10."
