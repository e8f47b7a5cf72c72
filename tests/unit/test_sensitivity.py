"""The answer tried in other ways: what is left out, moved or chosen otherwise, and what may leave of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from trappe_world import DESIGN, TRAPPE, entry_cohorts

from evaluator.disclosure import MINIMUM_COUNT
from evaluator.evaluation import sensitivity, trends
from evaluator.evaluation.curve import choices_of, joint_test, specification_curve
from evaluator.evaluation.entry_cohorts import EntryCohorts
from evaluator.evaluation.exhibit import decompose
from evaluator.evaluation.person_outcomes import estimate, family
from evaluator.evaluation.placebo_dates import placebo_dates
from evaluator.evaluation.sensitivity import Question
from evaluator.inference import offered
from evaluator.release_rules import RULES, Policy
from evaluator.results import Findings, columns
from evaluator.spec import Curve, Outcome
from evaluator.vocabulary import Light

POLICY = Policy(MINIMUM_COUNT)
SMALL = Curve(comparison=("never", "not_yet"), base_periods=(6, 12), leave_out=("nobody", "largest"), draws=99)
SPEC = replace(
    TRAPPE,
    outcomes=(TRAPPE.primary,),
    estimation=replace(TRAPPE.estimation, estimators=("group_time",), who_gains=()),
    curve=SMALL,
)


@pytest.fixture(scope="module")
def question() -> Question:
    return Question(SPEC, DESIGN, entry_cohorts(10_000, seed=7))


@pytest.fixture(scope="module")
def moved(question: Question) -> Question:
    """The same persons with half of the exposed entrants of every cell in job."""
    exposed = (pl.col("cohort") > 0) & (pl.col("period") >= pl.col("cohort"))
    lifted = pl.when(exposed).then((pl.col("persons") + 1) // 2).otherwise(pl.col("job")).alias("job")
    return replace(question, cohorts=replace(question.cohorts, cells=question.cohorts.cells.with_columns(lifted)))


def _answer(question: Question) -> offered.Offered:
    return offered.estimates(question.method, question.data(question.method), "simple")


def test_each_start_group_is_left_out_in_turn(question: Question) -> None:
    findings = Findings()
    sensitivity.estimate(question, {}, findings)
    rows = {row["at"]: row for row in findings.rows["estimates"] if row["aggregate"] == "without_start"}
    starts = question.cohorts.cells.filter(pl.col("cohort") > 0)["cohort"].unique().sort().to_list()
    assert sorted(rows) == starts
    for start, row in rows.items():
        rest = question.cohorts.cells.filter(pl.col("cohort") != start)
        again = _answer(replace(question, cohorts=replace(question.cohorts, cells=rest))).overall
        assert (row["value"], row["low"], row["treated_clusters"]) == (again.value, again.low, 10)


def test_the_municipality_left_out_is_the_one_that_moves_the_answer_most(question: Question) -> None:
    findings = Findings()
    sensitivity.estimate(question, {}, findings)
    (row,) = [row for row in findings.rows["estimates"] if row["aggregate"] == "without_municipality"]
    whole = _answer(question).overall.value
    some = question.cohorts.cells["municipality_code"].unique().sort().to_list()[::6]
    for code in [*some, *DESIGN.treated_codes]:
        data = question.cohorts.without(code).sections("job")
        change = abs(offered.estimates(question.method, data, "simple").overall.value - whole)
        assert change <= abs(row["value"] - whole) + 1e-12


def test_what_is_left_out_counts_for_what_may_leave(question: Question) -> None:
    code = DESIGN.treated_codes[0]
    own = question.cohorts.cells.filter(pl.col("municipality_code") == code)
    exposed = own.filter(pl.col("period") >= pl.col("cohort"))
    found = question.smallest_without(code)
    assert found <= min(int(exposed["job"].sum()), int(exposed["persons"].sum() - exposed["job"].sum()))
    row = dict.fromkeys(columns("estimates")) | {"is_estimable": True, "n": 500, "unit": "share"}
    (gone,) = RULES["estimates"]([row | {"value": 0.1, "smallest_count": MINIMUM_COUNT}], POLICY)
    assert (gone["value"], gone["status"]) == (None, "suppressed")


def test_declared_outcomes_are_adjusted_for_one_another(moved: Question) -> None:
    both = replace(SPEC, outcomes=tuple(o for o in TRAPPE.outcomes if o.name in ("job", "education", "recipients")))
    followed = {52: moved.cohorts}
    findings = Findings()
    adjusted = family(both, followed, findings)
    estimate(both, moved.cohorts, adjusted, findings)
    rows = {row["outcome"]: row for row in findings.rows["estimates"]}
    assert set(adjusted) == {("job", 52), ("education", 52)}  # job at 26 weeks has nobody followed
    assert rows["job"]["p_value"] < rows["job"]["p_family"] < 0.05 < rows["education"]["p_family"]
    assert rows["education"]["p_value"] <= rows["education"]["p_family"]
    assert rows["self_support"]["p_family"] is None  # not declared
    assert findings.rows["run"] == [{"key": "family_size", "value": "2"}]
    alone = Findings()
    assert family(SPEC, followed, alone) == {}  # one outcome is its own family
    assert alone.rows == {}


def test_adjusted_p_values_leave_as_p_values_do() -> None:
    row = dict.fromkeys(columns("estimates")) | {"is_estimable": True, "n": 500, "unit": "share", "p_family": 0.01234}
    hidden, shown = RULES["estimates"]([row | {"smallest_count": n} for n in (5, 6)], POLICY)
    assert (hidden["p_family"], shown["p_family"]) == (None, 0.012)


def test_a_hidden_member_still_counts_in_the_family(moved: Question) -> None:
    both = replace(SPEC, outcomes=tuple(o for o in TRAPPE.outcomes if o.name in ("job", "education")))
    nearly = pl.when(pl.col("cohort") > 0).then(0).otherwise(pl.col("education")).alias("education")
    cohorts, findings = replace(moved.cohorts, cells=moved.cohorts.cells.with_columns(nearly)), Findings()
    estimate(both, cohorts, family(both, {52: cohorts}, findings), findings)
    rows = [{name: row.get(name) for name in columns("estimates")} for row in findings.rows["estimates"]]
    before, after = ({r["outcome"]: r["p_family"] for r in table} for table in (rows, RULES["estimates"](rows, POLICY)))
    assert before["job"] is not None and before["education"] is not None
    assert after["job"] is not None and after["education"] is None
    assert findings.rows["run"] == [{"key": "family_size", "value": "2"}]


def test_an_outcome_beside_refused_ones_is_its_own_family(moved: Question) -> None:
    both = replace(SPEC, outcomes=(TRAPPE.primary, Outcome("paid_hours_20", 52)))
    is_known = pl.col("cohort") == 0  # no treated municipality states hours
    known = pl.when(is_known).then(pl.col("persons")).otherwise(0).alias("persons_with_hours")
    cells = moved.cohorts.cells.with_columns(known, pl.when(is_known).then(1).otherwise(0).alias("paid_hours_20"))
    findings = Findings()
    assert family(both, {52: replace(moved.cohorts, cells=cells)}, findings) == {}
    assert findings.rows == {}


def test_false_starts_read_nobody_who_could_be_exposed(question: Question) -> None:
    findings, again = Findings(), Findings()
    check = placebo_dates(question, findings)
    first = question.cohorts.cells.filter(pl.col("cohort") > 0)["cohort"].min()
    end = first - SPEC.exposure_periods(52)
    late = pl.when(pl.col("period") >= end).then(pl.col("persons")).otherwise(pl.col("job")).alias("job")
    changed = replace(question.cohorts, cells=question.cohorts.cells.with_columns(late))
    assert placebo_dates(replace(question, cohorts=changed), again) == check
    assert findings.rows["estimates"] == again.rows["estimates"]
    assert all(row["at"] < end for row in findings.rows["estimates"])
    assert len(findings.rows["estimates"]) == 3


def test_a_difference_at_a_false_start_is_seen(question: Question) -> None:
    first = question.cohorts.cells.filter(pl.col("cohort") > 0)["cohort"].min()
    date = first - SPEC.exposure_periods(52) - 7
    early = (pl.col("cohort") > 0) & (pl.col("period") >= date)
    lifted = pl.when(early).then(pl.col("persons")).otherwise(pl.col("job")).alias("job")
    changed = replace(question.cohorts, cells=question.cohorts.cells.with_columns(lifted))
    assert placebo_dates(replace(question, cohorts=changed), Findings()).verdict is Light.RED


def test_too_short_a_past_says_so(question: Question) -> None:
    first = question.cohorts.cells.filter(pl.col("cohort") > 0)["cohort"].min()
    start = first - SPEC.exposure_periods(52) - 3
    cut = replace(
        question.cohorts,
        cells=question.cohorts.cells.filter(pl.col("period") >= start),
        periods=tuple(p for p in question.cohorts.periods if p >= start),
    )
    check = placebo_dates(replace(question, cohorts=cut), Findings())
    assert (check.verdict, check.value) == (Light.NOT_RUN, None)
    assert "for få måneder" in check.why


def test_the_interval_at_parallel_trends_is_the_published_one(moved: Question) -> None:
    findings, published = Findings(), Findings()
    check = trends.breakdown(moved, findings)
    found = estimate(SPEC, moved.cohorts, {}, published)["job"]
    at_zero = findings.rows["bounds"][0]
    assert at_zero["bound"] == 0
    assert (at_zero["low"], at_zero["high"]) == pytest.approx((found.low, found.high), abs=1e-6)
    widths = [row["high"] - row["low"] for row in findings.rows["bounds"]]
    assert widths == sorted(widths)
    assert check.value > 0


def test_under_five_treated_the_breakdown_is_not_run_and_says_why(question: Question) -> None:
    few = question.cohorts.without(*DESIGN.treated_codes[4:])
    findings = Findings()
    check = trends.breakdown(replace(question, cohorts=few), findings)
    assert (check.verdict, check.value) == (Light.NOT_RUN, None)
    assert "mindst 5" in check.why
    assert findings.rows == {}
    sensitivity.estimate(replace(question, cohorts=few), {}, findings)
    assert "without_municipality" not in {row["aggregate"] for row in findings.rows["estimates"]}


def test_the_curve_holds_each_set_of_choices_once_and_the_own_first() -> None:
    choices = choices_of(SPEC)
    assert len(choices) == len(set(choices)) == 8
    first = choices[0]
    assert (first.estimator, first.comparison, first.base_periods, first.leave_out) == (
        "group_time",
        "not_yet",
        12,
        "nobody",
    )
    with_more = replace(SPEC, estimation=replace(SPEC.estimation, estimators=("group_time", "imputation", "two_way")))
    found = [c for c in choices_of(with_more) if c.estimator != "group_time"]
    assert {c.estimator for c in found} == {"imputation"}  # an exhibit is no choice
    assert [c.leave_out for c in found] == ["nobody", "largest"]  # imputation has no base and no pool


def test_a_curve_that_is_not_declared_varies_over_what_the_spec_chose_between() -> None:
    assert set(choices_of(replace(SPEC, curve=Curve()))) == set(choices_of(SPEC))
    quarterly = replace(SPEC, curve=Curve(), panel=replace(SPEC.panel, period="quarter"))
    assert {c.base_periods for c in choices_of(quarterly)} == {2, 4}


def test_the_own_row_of_the_curve_is_the_answer(question: Question) -> None:
    findings = Findings()
    one = replace(question, spec=replace(SPEC, curve=replace(SMALL, comparison=("not_yet",), base_periods=(12,))))
    specification_curve(one, findings)
    own = [row for row in findings.rows["curve"] if row["is_main"]]
    answer = _answer(question).overall
    assert [(row["value"], row["low"], row["high"]) for row in own] == [(answer.value, answer.low, answer.high)]
    assert len(findings.rows["curve"]) == 2


def test_the_joint_test_finds_an_effect_and_no_more(question: Question, moved: Question) -> None:
    largest = "101"
    choices = choices_of(replace(SPEC, curve=replace(SMALL, base_periods=(12,), leave_out=("nobody",))))
    found = joint_test(moved, choices, largest)
    assert (found.choices, found.assignments, found.p_value) == (2, 99, 1 / 100)
    assert joint_test(question, choices, largest).p_value > 0.05


def test_the_exhibit_is_told_apart_and_its_weights_sum_to_one(question: Question) -> None:
    findings = Findings()
    with_exhibit = replace(SPEC, estimation=replace(SPEC.estimation, estimators=("group_time", "two_way")))
    question = replace(question, spec=with_exhibit)
    sensitivity.estimate(question, {}, findings)
    decompose(question, findings)
    rows = [row for row in findings.rows["estimates"] if row["aggregate"] in ("estimator", "exhibit")]
    assert [(row["aggregate"], row["at_label"]) for row in rows] == [("exhibit", "two_way")]
    assert sum(row["weight"] for row in findings.rows["decomposition"]) == pytest.approx(1, abs=2e-3)


def test_an_adjustment_that_the_data_cannot_bear_is_refused_as_that(question: Question) -> None:
    adjusted = replace(SPEC, estimation=replace(SPEC.estimation, adjustment="doubly_robust", covariates=("sex",)))
    always = pl.when(pl.col("cohort") > 0).then(pl.lit("K")).otherwise(pl.lit("M")).alias("sex")
    cohorts = replace(question.cohorts, profiles=question.cohorts.cells.with_columns(always))
    findings = Findings()
    overall = estimate(adjusted, cohorts, {}, findings)
    assert "Der kan ikke justeres for de valgte træk" in overall["job"].reason
    assert {row["reason"] for row in findings.rows["refusals"]} == {overall["job"].reason}


def test_covariates_are_indicators_of_all_levels_but_the_most_frequent() -> None:
    keys = {"municipality_code": ["615", "615", "740", "740"], "period": [5, 5, 5, 5], "cohort": [0, 0, 7, 7]}
    profiles = pl.DataFrame({**keys, "sex": ["K", "M", "K", None], "persons": [6, 4, 5, 2], "job": [3, 1, 1, 1]})
    cells = profiles.group_by(*keys, maintain_order=True).agg(pl.col("persons", "job").sum())
    cohorts = EntryCohorts(cells, (5, 7), 52, profiles)
    data = cohorts.sections("job", ("sex",))
    assert data.covariates.tolist() == [[0, 0], [1, 0], [0, 0], [0, 1]]  # M, then unknown; K is the most frequent
    assert data.weight.tolist() == [6, 4, 5, 2]
    plain = cohorts.sections("job")
    mean = [np.average(data.outcome[data.cluster == g], weights=data.weight[data.cluster == g]) for g in (0, 1)]
    assert plain.outcome.tolist() == pytest.approx(mean)
    assert plain.covariates.shape == (2, 0)
