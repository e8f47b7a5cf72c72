"""How unequal the trends may have been, and what the test before the start could have seen."""

from __future__ import annotations

from evaluator.diagnostics import credibility
from evaluator.diagnostics.bounded_trends import bounded_trends
from evaluator.diagnostics.pre_test_power import pre_test_power
from evaluator.evaluation.entry_cohorts import unit_of
from evaluator.evaluation.sensitivity import Question
from evaluator.results import Findings
from evaluator.spec import MONTHS_PER_YEAR
from evaluator.vocabulary import Diagnostic, NotEstimable


def breakdown(question: Question, findings: Findings) -> Diagnostic:
    """Add the interval at each bound; return the check of the breakdown value.

    Trends are compared from one year to the next.
    """
    method = question.method
    block = MONTHS_PER_YEAR // question.spec.panel.period_months
    found = bounded_trends(method, question.data(method), block)
    if isinstance(found, NotEstimable):
        return credibility.breakdown(None, found.reason)
    behind = _behind(question)
    for bound, low, high in zip(found.bounds, found.low, found.high, strict=True):
        findings.add("bounds", {**behind, "bound": bound, "low": low, "high": high})
    findings.facts(bounds_pre=found.pre, bounds_post=found.post, bounds_searched=found.largest_searched)
    return credibility.breakdown(found.breakdown)


def power(question: Question, findings: Findings) -> None:
    """Add the drifts that the run's own pre-test would have found, and what they would do to the answer."""
    method = question.method
    found = pre_test_power(method, question.data(method))
    if isinstance(found, NotEstimable):
        findings.facts(drift_refused=found.reason)
        return
    columns = (found.power, found.drift, found.bias, found.bias_if_passed)
    for chance, slope, bias, passed in zip(*columns, strict=True):
        numbers = {"power": chance, "slope": slope, "bias": bias, "bias_if_passed": passed}
        findings.add("drift", {**_behind(question), **numbers})


def _behind(question: Question) -> dict[str, object]:
    return {
        "outcome": question.outcome,
        "horizon_weeks": question.cohorts.horizon_weeks,
        "unit": unit_of(question.outcome),
        "n": question.exposed_persons(),
        "smallest_count": question.smallest(),
    }
