"""Hazards in the weeks after meetings: recovery of planted ones, and where they must be seen to fail."""

import duckdb
import numpy as np
import polars as pl
import pytest

from evaluator.design.meeting_weeks import meeting_weeks
from evaluator.design.risk_cells import Band
from evaluator.errors import PanelError
from evaluator.estimators.exits.meeting_hazards import MeetingHazards, meeting_hazards
from evaluator.vocabulary import NotEstimable

KINDS = {"jobsamtale": "counselling", "opfoelgning": "counselling", "cv": "control"}
HISTORY = ("target_group", Band("spell_week", (0, 13)))
JOB, AWAY = 1.6, 1.5  # factors: counselling on the hazard to job, control on that to self-support


def world(seed, persons=5000, weeks=40, unseen=False):
    """Return weeks at risk: the ready are called more often, and when `unseen` the strong to counselling."""
    rng = np.random.default_rng(seed)
    ready, strong = rng.random(persons) < 0.5, rng.random(persons) < 0.5
    latest, kind = np.full(persons, -99), np.zeros(persons, dtype=int)
    on, rows = np.ones(persons, dtype=bool), []
    types = np.array(["jobsamtale", "cv"])
    for week in range(weeks):
        recent = (week - latest >= 1) & (week - latest <= 4)
        job = 0.008 * np.where(ready, 2.0, 1.0) * np.where(strong, 1.6, 0.4)
        job = job * np.where(recent & (kind == 0), JOB, 1.0)
        away = 0.008 * np.where(recent & (kind == 1), AWAY, 1.0)
        u = rng.random(persons)
        exit_to = np.where(u < job, "job", np.where(u < job + away, "self_support", ""))
        who = np.flatnonzero(on)
        since = week - latest[who]
        rows.append(
            pl.DataFrame(
                {
                    "spell_week": np.full(who.size, week),
                    "target_group": np.where(ready[who], "jobparat", "aktivitetsparat"),
                    "meeting_type": pl.Series(types[kind[who]]).set(pl.Series(since > 90), None),
                    "weeks_since_meeting": pl.Series(since).set(pl.Series(since > 90), None),
                    "exit_to": pl.Series(exit_to[who]).set(pl.Series(exit_to[who] == ""), None),
                    "is_exit_seen": True,
                    "is_on_benefit": True,
                }
            )
        )
        on &= exit_to == ""
        called = rng.random(persons) < np.where(ready, 0.16, 0.06)
        counselling = rng.random(persons) < (np.where(strong, 0.9, 0.1) if unseen else 0.5)
        kind = np.where(called, np.where(counselling, 0, 1), kind)
        latest = np.where(called, week, latest)
    return pl.concat(rows)


def given(*rows):
    return pl.DataFrame(list(rows), schema=["kind", "from_weeks", "exit", "weeks"], orient="row")


def counted(risk, **choices):
    with duckdb.connect() as connection:
        connection.register("risk", risk)
        return meeting_weeks(connection, **({"kinds": KINDS, "history": HISTORY, "risk": "risk"} | choices))


@pytest.fixture(scope="module")
def found():
    return meeting_hazards(counted(world(1)))


@pytest.mark.parametrize(
    ("leaving", "kind", "than", "truth"),
    [
        ("job", "counselling", None, np.log(JOB)),
        ("job", "control", None, 0.0),
        ("self_support", "counselling", None, 0.0),
        ("self_support", "control", None, np.log(AWAY)),
        ("job", "counselling", "control", np.log(JOB)),
        ("self_support", "counselling", "control", -np.log(AWAY)),
    ],
)
def test_planted_effects_are_recovered_in_the_right_exit(found, leaving, kind, than, truth):
    ratio = found.ratio(leaving, kind, than)
    assert abs(ratio.value - truth) < 3 * ratio.se
    assert ratio.se < 0.15


def test_without_the_history_the_groups_that_are_called_more_pass_for_an_effect():
    naive = meeting_hazards(counted(world(2), history=())).ratio("job", "control")
    assert naive.low > 0.05


def test_unseen_selection_into_a_kind_passes_for_an_effect():
    ratio = meeting_hazards(counted(world(1, unseen=True))).ratio("job", "counselling", "control")
    assert ratio.low > np.log(JOB) + 0.2


def test_one_exit_and_two_kinds_are_the_ratio_of_odds():
    weeks = given(
        ("none", None, "stays", 900), ("none", None, "job", 30), ("cv", 0, "stays", 400), ("cv", 0, "job", 40)
    )
    ratio = meeting_hazards(weeks).ratio("job", "cv")
    assert ratio.value == pytest.approx(np.log(40 / 400 / (30 / 900)), abs=1e-8)
    assert ratio.se == pytest.approx(np.sqrt(1 / 40 + 1 / 400 + 1 / 30 + 1 / 900), rel=1e-6)


def test_types_are_their_own_kinds_unless_said_otherwise():
    risk = world(2, persons=300)
    assert set(counted(risk, kinds=None)["kind"]) == {"none", "jobsamtale", "cv"}
    assert set(counted(risk, kinds={"cv": "control"})["kind"]) == {"none", "control", "other"}
    assert counted(risk, kinds=None)["weeks"].sum() == len(risk)


def test_what_cannot_be_estimated_is_refused():
    weeks = given(("none", None, "stays", 900), ("none", None, "job", 30), ("cv", 0, "stays", 400), ("cv", 0, "job", 9))
    few = meeting_hazards(weeks)
    assert isinstance(few, MeetingHazards)
    assert isinstance(few.ratio("job", "cv"), NotEstimable)
    assert isinstance(meeting_hazards(weeks.filter(pl.col("kind") == "none")), NotEstimable)
    with pytest.raises(PanelError, match="column 'kind' is absent"):
        meeting_hazards(weeks.drop("kind"))
    with pytest.raises(PanelError, match="a kind is named 'none'"):
        counted(world(2, persons=50), kinds={"cv": "none"})
    with pytest.raises(PanelError, match="column 'meeting_type' is absent"):
        counted(world(2, persons=50).drop("meeting_type"))
