"""Whom a claim about a project counts: by hand through the model, the release and the sentence of page one."""

import datetime as dt

import polars as pl
import pytest
from small_register import build_design, build_marts, fill, open_store, person

from evaluator.evaluation.entry_cohorts import EntryCohorts, month_index
from evaluator.evaluation.participants import denominators
from evaluator.release_rules import RULES, Policy
from evaluator.results import Findings
from reports.pages.front import context
from reports.released import TABLES, Released

PROJECT = "projekt"


def offer(name, start, kind=PROJECT):
    return (name, start, "", kind, "20")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Return a store in which eight people enter in 2016; four have an offer, two of those are participants in time."""
    with open_store(tmp_path_factory.mktemp("participants")) as connection:
        names = ("stays", "works", "course", "late", "before", "elsewhere", "other_work", "alone")
        worked = {"works", "other_work"}
        spells = [(n, "2016-01-04", "2016-04-24" if n in worked else "2017-12-31", "730", "0615") for n in names]
        fill(
            connection,
            {
                "personer": [person(n, municipality="0740" if n == "elsewhere" else "0615") for n in names],
                "ydelser": [(*s[:4], "0740" if s[0] == "elsewhere" else s[4]) for s in spells],
                "beskaeftigelse": [(n, month, "160", "25000") for n in worked for month in ("2016-06", "2016-07")],
                "tilbud": [
                    offer("stays", "2016-03-01"), offer("stays", "2016-05-01"), offer("works", "2016-02-01"),
                    offer("course", "2016-02-01", "kursus"), offer("late", "2017-06-01"), offer("before", "2015-11-01"),
                ],
            },
        )  # fmt: skip
        build_marts(connection)
        build_design(connection)
        yield connection


def test_participants_have_an_offer_of_the_project_between_entry_and_horizon(store):
    found = store.execute(
        "select municipality_code, state, persons, participants from design.participants order by all"
    ).fetchall()
    assert found == [
        ("615", "entry_benefit", 5, 1), ("615", "job", 2, 1), ("740", "entry_benefit", 1, 0),
    ]  # fmt: skip


def cohorts(start):
    entered = month_index(dt.date(2016, 1, 1))
    cells = pl.DataFrame(
        {
            "municipality_code": ["615", "740"], "period_on": [dt.date(2016, 1, 1)] * 2, "period": [entered] * 2,
            "cohort": [month_index(start), 0], "persons": [7, 1],
        }
    )  # fmt: skip
    return EntryCohorts(cells, (entered,), 26)


def test_only_entrants_of_the_treated_since_their_start_are_counted(store):
    findings = Findings()
    denominators(store, cohorts(dt.date(2016, 1, 1)), "job", findings)
    counted = {row["who"]: (row["persons"], row["count"]) for row in findings.rows["participants"]}
    assert counted == {"participants": (2, 1), "others": (5, 1), "all": (7, 2)}
    later = Findings()
    denominators(store, cohorts(dt.date(2016, 6, 1)), "job", later)
    assert later.rows == {}


def rows(participants=(340, 177), others=(1140, 205)):
    both = tuple(sum(pair) for pair in zip(participants, others, strict=True))
    named = (("participants", participants), ("others", others), ("all", both))
    place = {"outcome": "job", "horizon_weeks": 52}
    return [{**place, "who": who, "persons": persons, "count": count} for who, (persons, count) in named]


def test_released_shares_are_of_counts_in_steps_of_five_that_add_up():
    released = {row["who"]: row for row in RULES["participants"](rows((341, 177), (1139, 204)), Policy(5))}
    assert all(row["persons"] % 5 == 0 and row["status"] == "shown" for row in released.values())
    assert released["participants"]["persons"] + released["others"]["persons"] == released["all"]["persons"]
    inside = [round(row["share"] * row["persons"]) for row in released.values()]
    assert inside[0] + inside[1] == inside[2] and all(count % 5 == 0 for count in inside)


@pytest.mark.parametrize("few", [((340, 4), (1140, 205)), ((340, 337), (1140, 205)), ((8, 3), (1140, 205))])
def test_one_small_cell_hides_the_split_but_not_what_is_of_all(few):
    released = {row["who"]: row for row in RULES["participants"](rows(*few), Policy(5))}
    for who in ("participants", "others"):
        assert (released[who]["persons"], released[who]["share"], released[who]["status"]) == (
            None, None, "suppressed",
        )  # fmt: skip
    assert released["all"]["status"] == "shown"


def told(released_rows, kind="programme", answer_kind="undecided"):
    facts = {"kind": kind, "answer_kind": answer_kind, "primary_outcome": "job", "horizon_weeks": "52"}
    tables = {**{table: [] for table in TABLES}, "participants": released_rows}
    return context(Released("run", facts, tables))["denominator"]


def test_page_one_says_of_whom_the_claim_is():
    sentence = told(RULES["participants"](rows(), Policy(5)))
    assert "af 1.480, der kom ind efter start, deltog 340" in sentence
    assert "52,9 pct. af deltagerne" in sentence or "51,5 pct. af deltagerne" in sentence
    assert "ikke en virkning" in sentence
    assert "for få" in told(RULES["participants"](rows((8, 3)), Policy(5)))
    assert "ikke opgjort" in told([])
    assert told([], kind="caseload") == "" and told(rows(), answer_kind="refused") == ""
