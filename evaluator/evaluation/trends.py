"""How unequal the trends may have been, and what the test before the start could have seen."""

from __future__ import annotations

from evaluator.diagnostics import credibility
from evaluator.diagnostics.bounded_trends import bounded_trends
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


def _behind(question: Question) -> dict[str, object]:
    persons = int(question.cohorts.exposed()["persons"].sum())
    return {
        "outcome": question.outcome,
        "horizon_weeks": question.cohorts.horizon_weeks,
        "unit": unit_of(question.outcome),
        "n": persons,
        "smallest_count": question.smallest(),
    }
