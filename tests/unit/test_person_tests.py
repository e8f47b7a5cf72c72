"""The tests of few treated in a run by persons: rows beside the estimate, and how they leave."""

from dataclasses import replace

import pytest
from test_curve import SPEC, world

from evaluator.evaluation import person_outcomes
from evaluator.evaluation.methods import answer
from evaluator.release_one_treated import RULES
from evaluator.release_rules import Policy
from evaluator.results import Findings
from evaluator.vocabulary import Estimate, NotEstimable


def listed(question):
    findings, found = Findings(), answer(question.method, question.data(question.method))
    person_outcomes.tests(question.spec, question.cohorts, question.outcome, found, findings)
    return found, findings.rows.get("tests", [])


@pytest.mark.parametrize("treated", [1, 2])
def test_few_treated_list_every_test_and_the_headline_is_the_estimate(treated):
    question = world([60] * 45, treated=treated)
    question = replace(question, spec=replace(SPEC, estimation=replace(SPEC.estimation, estimators=("group_time",))))
    found, rows = listed(question)
    assert isinstance(found, Estimate) and found.treated_clusters == treated
    (headline,) = [row for row in rows if row["is_headline"]]
    assert (headline["test"], headline["estimator"]) == (found.method, "group_time")
    assert (headline["p_value"], headline["low"], headline["high"]) == (found.p_value, found.low, found.high)
    assert len(rows) == 8 and all(row["is_offered"] or row["reason"] for row in rows)
    smallest = question.cohorts.smallest(question.outcome, question.spec)
    assert {(row["n"], row["smallest_count"]) for row in rows} == {(found.n, smallest)}
    stored = [{"p_value": None, "low": None, "high": None, **row} for row in rows]
    released = RULES["tests"](stored, Policy(5))
    assert all(row["low"] is None for row in released if not row["is_offered"])


def test_five_treated_have_an_error_and_a_refusal_has_no_tests():
    assert listed(world([60] * 45, treated=5))[1] == []
    found, rows = listed(world([60] * 10, treated=1))
    assert isinstance(found, NotEstimable) and rows == []
