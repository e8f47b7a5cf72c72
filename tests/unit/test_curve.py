"""The joint test of the specification curve, and the fewest persons that its rows can be told apart by."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from evaluator.design.frozen import Design
from evaluator.evaluation import curve
from evaluator.evaluation.curve import LARGEST, NOBODY, JointTest, choices_of, joint_test, specification_curve
from evaluator.evaluation.entry_cohorts import EntryCohorts
from evaluator.evaluation.placebo_dates import placebo_dates
from evaluator.evaluation.sensitivity import Question
from evaluator.results import Findings
from evaluator.spec import Curve
from evaluator.spec_reading import read_spec
from evaluator.vocabulary import NotEstimable

TRAPPE = read_spec(Path(__file__).resolve().parents[2] / "data/synthetic/specs/trappe.toml")
HORIZON = 4
SPEC = replace(
    TRAPPE,
    outcomes=(TRAPPE.primary,),
    comparison=replace(TRAPPE.comparison, pool="never", base_periods=4),
    estimation=replace(TRAPPE.estimation, estimators=("group_time",), who_gains=()),
    curve=Curve(comparison=("never",), base_periods=(4,), leave_out=(NOBODY, LARGEST), draws=19),
)
GAP = SPEC.exposure_periods(HORIZON)
FIRST, START = 24_200, 24_200 + 4 + GAP
PERIODS = tuple(range(FIRST, START + 4))


def world(persons: list[int], treated: int, seed: int = 1) -> Question:
    """Municipalities 100, 101, ... of so many entrants a month, the first `treated` of them; jobs by chance alone."""
    rng = np.random.default_rng(seed)
    place, entrants = np.arange(len(persons)).repeat(len(PERIODS)), np.repeat(persons, len(PERIODS))
    cells = pl.DataFrame(
        {
            "municipality_code": [str(100 + at) for at in place],
            "period": PERIODS * len(persons),
            "cohort": np.where(place < treated, START, 0),
            "persons": entrants,
            "job": rng.binomial(entrants, 0.4),
        }
    )
    return Question(SPEC, Design((), (), (), (), 1), EntryCohorts(cells, PERIODS, HORIZON))


def test_the_joint_test_keeps_its_size_when_the_largest_is_treated() -> None:
    choices, rng = choices_of(SPEC), np.random.default_rng(3)
    found = []
    for seed in range(40):
        question = world([400, *rng.integers(8, 40, 41).tolist()], treated=2, seed=seed)
        found.append(joint_test(question, choices, "100").p_value)
    assert np.mean(np.array(found) <= 0.05) < 0.15  # with the choice without the largest: a third


def test_a_choice_without_a_treated_largest_leaves_the_joint_test() -> None:
    question, choices = world([90, *[20] * 30], treated=3), choices_of(SPEC)
    found = joint_test(question, choices, "100")
    assert (len(choices), found.choices) == (2, 1)
    assert found == joint_test(question, choices[:1], "100")
    assert joint_test(question, choices[1:], "100").choices == 0
    assert "intet valg" in joint_test(question, choices[1:], "100").reason


def test_a_largest_that_is_left_out_stands_in_for_nobody() -> None:
    question, choices = world([*[20] * 30, 90], treated=1), choices_of(SPEC)
    many = replace(question, spec=replace(SPEC, curve=replace(SPEC.curve, draws=499)))
    found = joint_test(many, choices, "130")
    assert (found.choices, found.assignments) == (2, 29)
    assert joint_test(many, choices[:1], "130").assignments == 30


def test_a_choice_unknown_at_one_assignment_leaves_the_median_at_all() -> None:
    rng = np.random.default_rng(1)
    actual, effects, sizes = np.array([2.0, 9.0]), rng.normal(size=(50, 2)), rng.uniform(50, 90, 50)
    effects[7, 1] = np.nan
    found = curve._ranked(actual, effects, sizes, 70)
    assert found == curve._ranked(actual[:1], effects[:, :1], sizes, 70)
    assert (found.choices, found.assignments) == (1, 50)


def test_only_assignments_with_a_median_count() -> None:
    effects, sizes = np.random.default_rng(1).normal(size=(199, 1)), np.full(199, 60.0)
    effects[49:] = np.nan
    found = curve._ranked(np.array([9.0]), effects, sizes, 60)
    assert found == JointTest(1, 49, 1 / 50)
    effects[18:] = np.nan
    few = curve._ranked(np.array([9.0]), effects, sizes, 60)
    assert (few.assignments, few.p_value) == (18, None)
    assert "kun 18 forskellige fordelinger" in few.reason
    effects[:] = np.nan
    assert curve._ranked(np.array([9.0]), effects, sizes, 60).assignments == 0
    crossed = np.where(np.arange(40)[:, None] % 2 == [0, 1], 1.0, np.nan)
    assert curve._ranked(np.array([1.0, 1.0]), crossed, np.ones(40), 1.0).p_value is None


def test_the_joint_test_is_of_the_choices_that_are_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    both = replace(SPEC, curve=replace(SPEC.curve, base_periods=(2, 4), leave_out=(NOBODY,)))
    question, answer = replace(world([20] * 30, treated=3), spec=both), curve.answer
    monkeypatch.setattr(curve, "answer", lambda m, d: NotEstimable("", "") if m.base_periods == 2 else answer(m, d))
    findings = Findings()
    specification_curve(question, findings)
    facts = {row["key"]: row["value"] for row in findings.rows["run"]}
    alone = joint_test(question, choices_of(both)[:1], "100")
    assert [row["is_estimable"] for row in findings.rows["curve"]] == [True, False]
    assert (facts["curve_choices"], facts["curve_joint_choices"]) == ("2", "1")
    assert float(facts["curve_p"]) == round(alone.p_value, 3)


def test_a_curve_without_a_joint_test_says_why() -> None:
    findings, question = Findings(), world([20] * 30, treated=3)
    specification_curve(replace(question, spec=replace(SPEC, curve=replace(SPEC.curve, draws=12))), findings)
    facts = {row["key"]: row["value"] for row in findings.rows["run"]}
    assert "curve_p" not in facts
    assert facts["curve_assignments"] == "12"
    assert facts["curve_refused"].startswith("kun 12 forskellige fordelinger")


def test_the_joint_test_counts_municipalities_and_not_sets_of_them() -> None:
    spec = replace(SPEC, curve=replace(SPEC.curve, draws=60))
    choices = choices_of(spec)[:1]
    few = joint_test(replace(world([20] * 20, treated=2), spec=spec), choices, "100")  # of 153 pairs of 18
    assert few.assignments > 40 and few.p_value is None
    assert few.reason.startswith("kun 18 kommuner uden indsats kan træde i stedet")
    assert joint_test(replace(world([20] * 21, treated=2), spec=spec), choices, "100").p_value is not None


def test_what_two_bases_differ_by_is_counted_without_the_largest() -> None:
    question = world([200, 200, *[40] * 20], treated=2)
    early = pl.col("period") < FIRST + 2  # in the spec's base of four months, not in one of two
    few = early & (pl.col("municipality_code") == "101")
    cells = question.cohorts.cells.with_columns(job=pl.when(few).then(1).otherwise(pl.col("job")))
    question = replace(question, cohorts=replace(question.cohorts, cells=cells))
    short = replace(choices_of(SPEC)[0], base_periods=2)
    assert curve._smallest(question, replace(short, leave_out=LARGEST), "100") == 2
    assert curve._smallest(question, short, "100") > 100


def test_the_short_base_of_the_largest_itself_is_counted() -> None:
    question = world([200, 200, *[40] * 20], treated=2)
    late = pl.col("period").is_between(FIRST + 2, FIRST + 3) & (pl.col("municipality_code") == "100")
    cells = question.cohorts.cells.with_columns(job=pl.when(late).then(1).otherwise(pl.col("job")))
    question = replace(question, cohorts=replace(question.cohorts, cells=cells))
    short = replace(choices_of(SPEC)[0], base_periods=2, leave_out=LARGEST)
    assert curve._smallest(question, short, "100") == 2


def test_false_starts_that_few_persons_tell_apart_count_them() -> None:
    question = world([60] * 30, treated=5)
    moved = pl.when(pl.col("cohort") > 0).then(START + 30).otherwise(0).alias("cohort")
    periods = tuple(range(FIRST, FIRST + len(PERIODS)))
    cells = question.cohorts.cells.with_columns(moved)
    findings = Findings()
    placebo_dates(replace(question, cohorts=replace(question.cohorts, cells=cells, periods=periods)), findings)
    dates = [row["at"] for row in findings.rows["estimates"]]
    assert len(dates) == 3
    between = pl.col("period").is_between(dates[0], dates[1], closed="left") & (pl.col("cohort") > 0)
    again, few = Findings(), cells.with_columns(job=pl.when(between).then(0).otherwise(pl.col("job")))
    placebo_dates(replace(question, cohorts=replace(question.cohorts, cells=few, periods=periods)), again)
    assert [row["smallest_count"] == 0 for row in again.rows["estimates"]] == [False, True, False]
    assert all(row["smallest_count"] > 0 for row in findings.rows["estimates"])
