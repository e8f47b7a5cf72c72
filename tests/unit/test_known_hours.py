"""Paid hours are known of some of the persons only: levels, steps and small counts are of those, never of all."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from trappe_world import TRAPPE

from evaluator.design.frozen import Design, periods_between
from evaluator.disclosure import MINIMUM_COUNT
from evaluator.evaluation import sensitivity, trends
from evaluator.evaluation.curve import specification_curve
from evaluator.evaluation.entry_cohorts import EntryCohorts, month_index
from evaluator.evaluation.exhibit import decompose
from evaluator.evaluation.person_outcomes import before_after, describe, end_states, estimate, event_study
from evaluator.evaluation.placebo_dates import placebo_dates
from evaluator.evaluation.sensitivity import Question
from evaluator.release_rules import RULES, Policy
from evaluator.results import Findings, columns
from evaluator.spec import END_STATES, Curve, Outcome, Start
from evaluator.vocabulary import NotEstimable

HORIZON, PERSONS, KNOWN, TREATED, MUNICIPALITIES = 4, 60, 20, 12, 36
HOURS = "paid_hours_20"
STARTS = (dt.date(2017, 1, 1), dt.date(2017, 7, 1))
SPEC = replace(
    TRAPPE,
    outcomes=(Outcome(HOURS, HORIZON, primary=True),),
    panel=replace(TRAPPE.panel, from_=dt.date(2014, 1, 1), to=dt.date(2018, 1, 1)),
    estimation=replace(TRAPPE.estimation, estimators=("group_time", "two_way"), who_gains=()),
    curve=Curve(comparison=("never",), base_periods=(6, 12), leave_out=("nobody", "largest"), draws=9),
)
CODES = tuple(str(100 + at) for at in range(MUNICIPALITIES))
DESIGN = Design(
    treated=tuple(Start(code, STARTS[at % 2]) for at, code in enumerate(CODES[:TREATED])),
    donors=CODES[TREATED:],
    excluded=(),
    periods=periods_between(SPEC.panel.from_, SPEC.panel.to, 1),
    period_months=1,
)


def world(early: int) -> Question:
    """Return cells of 60 entrants, 20 with known hours; before the first start `early` of each treated 20 worked 20.

    In one cell of the treated base a single person more did not.
    """
    rng = np.random.default_rng(5)
    rows = []
    for at, code in enumerate(CODES):
        cohort = month_index(STARTS[at % 2]) if at < TREATED else 0
        for day in DESIGN.periods:
            period = month_index(day)
            is_unexposed = at < TREATED and period < cohort
            worked = early if is_unexposed else int(rng.binomial(KNOWN, 0.5))
            worked -= at == 0 and period == cohort - 4
            states = dict(zip(END_STATES, rng.multinomial(PERSONS, np.ones(7) / 7).tolist(), strict=True))
            hours = {"persons": PERSONS, "persons_with_hours": KNOWN, HOURS: worked}
            place = {"municipality_code": code, "period_on": day, "period": period, "cohort": cohort}
            rows.append({**place, **hours, **states})
    return Question(SPEC, DESIGN, EntryCohorts(pl.DataFrame(rows), tuple(map(month_index, DESIGN.periods)), HORIZON))


def everything(question: Question) -> Findings:
    """Return all that a run stores of the primary outcome and its cells."""
    findings, cohorts = Findings(), question.cohorts
    overall = estimate(SPEC, cohorts, {}, findings)
    event_study(SPEC, cohorts, HOURS, findings)
    describe(SPEC, DESIGN, cohorts, findings)
    before_after(SPEC, cohorts, overall, findings)
    end_states(SPEC, DESIGN, cohorts, overall, findings)
    sensitivity.estimate(question, {}, findings)
    trends.power(question, findings)
    trends.breakdown(question, findings)
    decompose(question, findings)
    specification_curve(question, findings)
    placebo_dates(question, findings)
    return findings


@pytest.fixture(scope="module")
def lopsided() -> Findings:
    """All treated of known hours worked before the start but one person: 40 of each 60 are unknown, none is out."""
    return everything(world(early=KNOWN))


@pytest.fixture(scope="module")
def even() -> Findings:
    return everything(world(early=KNOWN // 2))


def _own(findings: Findings, table: str) -> list[dict[str, object]]:
    rows = [{name: row.get(name) for name in columns(table)} for row in findings.rows.get(table, [])]
    return [row for row in rows if row["outcome"] == HOURS and row.get("is_estimable") is not False]


TABLES = ("estimates", "curve", "bounds", "drift", "decomposition")


@pytest.mark.parametrize("outcome", ["paid_hours_20", "paid_hours_87"])
def test_persons_of_unknown_hours_are_not_counted_outside_the_outcome(outcome: str) -> None:
    cells = pl.DataFrame({"persons": [1000], "persons_with_hours": [101], outcome: [100], "paid_hours_any": [100]})
    cohorts = EntryCohorts(cells, (10,), HORIZON)
    assert cohorts.smallest_of(outcome, cells) == 1
    assert cohorts.smallest_of("paid_hours_any", cells) == 100
    assert cohorts.smallest_of("sanctions", cells) == 1000


@pytest.mark.parametrize("table", TABLES)
def test_no_number_leaves_that_one_known_person_stands_apart_in(lopsided: Findings, table: str) -> None:
    rows = _own(lopsided, table)
    assert rows
    assert {row["smallest_count"] for row in rows} <= {0, 1}
    released = RULES[table](rows, Policy(MINIMUM_COUNT))
    assert {row["status"] for row in released} == {"suppressed"}


def test_every_kind_of_row_was_looked_at(lopsided: Findings) -> None:
    kinds = {row["aggregate"] for row in _own(lopsided, "estimates")}
    expected = {"overall", "event", "cohort", "exhibit", "without_start", "without_municipality", "placebo_date"}
    assert kinds == expected


@pytest.mark.parametrize("table", TABLES)
def test_numbers_on_enough_known_persons_leave(even: Findings, table: str) -> None:
    assert any(row["status"] == "estimated" for row in RULES[table](_own(even, table), Policy(MINIMUM_COUNT)))


@pytest.mark.parametrize("table", ["bounds", "drift", "decomposition"])
def test_steps_are_of_the_known_persons(even: Findings, table: str) -> None:
    answer = next(row for row in _own(even, "estimates") if row["aggregate"] == "overall")
    assert {row["n"] for row in _own(even, table)} == {answer["n"]}


def test_a_month_in_which_no_hours_are_known_is_no_zero_in_the_decomposition() -> None:
    question = world(early=KNOWN // 2)
    is_unknown = (pl.col("municipality_code") == CODES[-1]) & (pl.col("period") == question.cohorts.periods[0])
    unknown = [
        pl.when(is_unknown).then(0).otherwise(pl.col(name)).alias(name) for name in (HOURS, "persons_with_hours")
    ]
    cells, findings, left = question.cohorts.cells.with_columns(unknown), Findings(), Findings()
    decompose(replace(question, cohorts=replace(question.cohorts, cells=cells)), findings)
    decompose(replace(question, cohorts=question.cohorts.without(CODES[-1])), left)
    assert findings.rows == left.rows


def test_the_level_before_and_after_is_that_which_the_effect_is_of() -> None:
    question = world(early=KNOWN // 2)
    cohorts, findings = question.cohorts, Findings()
    before_after(SPEC, cohorts, {HOURS: NotEstimable("", ""), "job": NotEstimable("", "")}, findings)
    hours, job = findings.rows["before_after"]
    base, after = cohorts.base(SPEC), cohorts.exposed()
    for name, cells in (("before", base), ("after", after)):
        mean = cells.select((pl.col(HOURS) / pl.col("persons_with_hours")).mean()).item()  # cells of equal size
        assert hours[f"{name}_count"] / hours[f"{name}_persons"] == pytest.approx(mean, abs=1e-12)
        assert hours[f"{name}_persons"] == KNOWN * cells.height
        assert job[f"{name}_persons"] == PERSONS * cells.height
    assert hours["before_count"] / hours["before_persons"] == pytest.approx(0.5, abs=0.001)


def test_means_over_time_are_of_the_known_persons(even: Findings) -> None:
    rows = {(row["arm"], row["period_on"]): row for row in _own(even, "means")}
    cells = world(early=KNOWN // 2).cohorts.cells
    assert len(rows) == 2 * cells["period_on"].n_unique()
    for (arm, day), row in rows.items():
        here = cells.filter(pl.col("period_on") == day, (pl.col("cohort") > 0) == (arm == "treated"))
        assert (row["count"], row["persons"]) == (here[HOURS].sum(), here["persons_with_hours"].sum())
    (released,) = RULES["means"]([rows["treated", DESIGN.periods[0]]], Policy(MINIMUM_COUNT))
    assert (released["share"], released["persons"]) == (0.5, KNOWN * TREATED)


def test_a_mean_that_one_known_person_stands_apart_in_is_hidden(lopsided: Findings) -> None:
    early = [row for row in _own(lopsided, "means") if row["arm"] == "treated" and row["period_on"] < STARTS[0]]
    assert early
    assert {row["status"] for row in RULES["means"](early, Policy(MINIMUM_COUNT))} == {"suppressed"}
