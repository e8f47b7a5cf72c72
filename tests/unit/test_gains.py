"""Who gains, from the design tables to rows of results."""

from __future__ import annotations

import datetime as dt

import duckdb
import polars as pl
import pytest

from evaluator.design.frozen import Design
from evaluator.evaluation import gains
from evaluator.evaluation.entry_cohorts import month_of_index
from evaluator.results import Findings
from evaluator.spec import EvaluationSpec, Start
from evaluator.spec_reading import parse_spec
from tests.simulation.who_gains_world import World

FIRST = 2013 * 12
SPEC = """
[evaluation]
name = "t"
title = "t"
question = "t"
[intervention]
kind = "caseload"
name = "x"
[population]
benefits = ["kontanthjaelp"]
[panel]
from = 2013-01-01
to = 2018-12-31
[[outcome]]
name = "job"
horizon_weeks = 26
[estimation]
estimators = ["group_time"]
who_gains = ["age_group", "sex"]
"""
WORLD = World(persons=2_500, municipalities=20, treated=8)


@pytest.fixture(scope="module")
def spec() -> EvaluationSpec:
    return parse_spec(SPEC, "t.toml")


@pytest.fixture(scope="module")
def people() -> pl.DataFrame:
    drawn = WORLD.draw(seed=5).with_row_index("number")
    return drawn.select(
        pl.format("P{}", "number").alias("person_id"),
        "municipality_code",
        pl.date(2013 + (pl.col("period") - 1) // 12, (pl.col("period") - 1) % 12 + 1, 2).alias("entry_week"),
        pl.date(2013 + (pl.col("period") - 1) // 12, (pl.col("period") - 1) % 12 + 1, 1).alias("period_on"),
        "age_group",
        "sex",
        "education_level",
        pl.lit("jobparat").alias("target_group"),
        pl.lit("kontanthjaelp").alias("benefit"),
        pl.when(pl.col("outcome") > 0).then(pl.lit("job")).otherwise(pl.lit("entry_benefit")).alias("state"),
        "cohort",
    )


@pytest.fixture
def connection(people: pl.DataFrame):
    with duckdb.connect() as connection:
        connection.execute("create schema design")
        connection.register("people", people)
        connection.execute("create table design.entrants as select * exclude (state, cohort) from people")
        connection.execute(
            "create table design.entrant_outcomes as select person_id, entry_week, 26 as horizon_weeks, state, "
            "20 as benefit_weeks from people"
        )
        yield connection


def design(people: pl.DataFrame, treated: int | None = None) -> Design:
    starts = (
        people.filter(pl.col("cohort") > 0).select("municipality_code", "cohort").unique().sort("municipality_code")
    )
    chosen = [Start(code, month_of_index(FIRST + cohort - 1)) for code, cohort in starts.rows()][:treated]
    donors = people.filter(pl.col("cohort") == 0)["municipality_code"].unique().sort().to_list()
    return Design(tuple(chosen), tuple(donors), (), (), 1)


def test_each_group_of_each_grouping_gets_a_row_with_an_interval(connection, people, spec) -> None:
    findings = Findings()
    gains.estimate(connection, spec, design(people), findings)
    rows = findings.rows["groups"]
    names = [(row["grouping"], row["group_name"]) for row in rows]
    assert names == [("age_group", g) for g in ("18-24", "25-29", "30-66")] + [("sex", "K"), ("sex", "M")]
    assert all(row["is_estimable"] and row["low"] < row["value"] < row["high"] for row in rows)
    exposed = people.filter(pl.col("cohort") > 0, pl.col("period_on") >= pl.date(2015, 6, 1)).height
    assert 0 < sum(row["persons"] for row in rows if row["grouping"] == "sex") <= exposed


@pytest.mark.parametrize(("treated", "begins"), [(1, "Med én kommune"), (4, "Med færre end 5 kommuner")])
def test_few_municipalities_give_one_refusal_per_grouping(connection, people, spec, treated, begins) -> None:
    findings = Findings()
    gains.estimate(connection, spec, design(people, treated), findings)
    rows = findings.rows["groups"]
    assert [row["grouping"] for row in rows] == ["age_group", "sex"]
    assert all(not row["is_estimable"] and row["reason"].startswith(begins) for row in rows)


def test_a_period_that_is_observed_in_part_is_left_out(connection, people, spec) -> None:
    last = people["period_on"].max()
    someone = people.filter(pl.col("period_on") == last)["person_id"][0]
    connection.execute("delete from design.entrant_outcomes where person_id = ?", [someone])
    found = gains.people(connection, spec, design(people))
    assert found["period_on"].max() < last
    assert found.height == people.filter(pl.col("period_on") < last).height


def test_only_treated_and_donors_are_read(connection, people, spec) -> None:
    found = gains.people(connection, spec, design(people, 6))
    assert found.filter(pl.col("cohort") > 0)["municipality_code"].n_unique() == 6
    assert found["municipality_code"].n_unique() == 18
    assert found["cohort"].filter(found["cohort"] > 0).min() == dt.date(2015, 6, 1).year * 12 + 5


def test_the_learner_leaves_out_the_horizon_and_the_declared_months(spec) -> None:
    learner = gains.learner(spec, "age_group")
    assert learner.anticipation == 6
    assert "age_group" not in learner.traits
    assert learner.seed == spec.estimation.seed
