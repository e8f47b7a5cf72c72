"""The rules that turn numbers into an answer: what is decided, how credible, how plausible, whether delivered."""

import datetime as dt

import pytest

from evaluator.design.frozen import later, period_of, periods_between
from evaluator.diagnostics import credibility
from evaluator.evaluation.delivery import verdict
from evaluator.evaluation.estimate_rows import answer_kind
from evaluator.vocabulary import Diagnostic, Estimate, Light, NotEstimable

GREEN, AMBER, RED, NOT_RUN = Light.GREEN, Light.AMBER, Light.RED, Light.NOT_RUN


def _estimate(low: float, high: float, se: float | None = 0.01) -> Estimate:
    return Estimate((low + high) / 2, se, low, high, 0.95, 100, 98, 15, "leave_one_cluster_out")


@pytest.mark.parametrize(
    ("low", "high", "relevant", "kind"),
    [
        (0.01, 0.05, 0.02, "effect"),
        (-0.05, -0.01, 0.02, "effect"),
        (-0.01, 0.05, 0.02, "undecided"),  # holds both no effect and one that matters
        (-0.03, 0.01, 0.02, "undecided"),
        (-0.01, 0.01, 0.02, "no_relevant_effect"),
        (-0.01, 0.01, None, "undecided"),
    ],
)
def test_an_answer_is_decided_by_what_its_interval_holds(
    low: float, high: float, relevant: float | None, kind: str
) -> None:
    assert answer_kind(_estimate(low, high), relevant) == kind


def test_a_refusal_is_an_answer() -> None:
    assert answer_kind(NotEstimable("for få", "flere"), 0.02) == "refused"


@pytest.mark.parametrize(
    ("lights", "worst"),
    [
        ([GREEN, GREEN], GREEN),
        ([GREEN, AMBER], AMBER),
        ([GREEN, NOT_RUN], AMBER),  # a check that was not run
        ([AMBER, RED], RED),
        ([], AMBER),
    ],
)
def test_credibility_is_the_worst_of_its_checks(lights: list[Light], worst: Light) -> None:
    assert credibility.verdict([Diagnostic("check", None, "", light, "") for light in lights]) is worst


@pytest.mark.parametrize(("number", "light"), [(14, AMBER), (15, GREEN)])
def test_under_fifteen_treated_is_amber(number: int, light: Light) -> None:
    assert credibility.treated_clusters(number).verdict is light


@pytest.mark.parametrize(
    ("p_value", "light"), [(0.009, RED), (0.01, AMBER), (0.099, AMBER), (0.10, GREEN), (None, NOT_RUN)]
)
def test_the_pre_trend_has_two_thresholds(p_value: float | None, light: Light) -> None:
    assert credibility.pre_trend(p_value).verdict is light


@pytest.mark.parametrize(
    ("outcome", "value", "light"),
    [
        ("job", 0.02, GREEN),
        ("job", -0.01, AMBER),
        ("job", 0.39, RED),  # thirteen to fifty-two per cent
        ("recipients", -0.17, AMBER),
        ("recipients", -0.05, GREEN),
        ("sick_weeks", 1.0, None),
    ],
)
def test_plausibility_follows_the_bands(outcome: str, value: float, light: Light | None) -> None:
    assert credibility.plausibility("caseload", outcome, value) is light


@pytest.mark.parametrize(
    ("share", "word"),
    [(0.24, "not_delivered"), (0.25, "partly"), (0.74, "partly"), (0.75, "delivered"), (None, "not_measured")],
)
def test_delivery_is_judged_by_the_share_of_the_planned_fall(share: float | None, word: str) -> None:
    assert verdict(share) == word


@pytest.mark.parametrize(
    ("day", "months", "period"),
    [
        (dt.date(2017, 2, 14), 1, dt.date(2017, 2, 1)),
        (dt.date(2017, 2, 14), 3, dt.date(2017, 1, 1)),
        (dt.date(2017, 12, 31), 3, dt.date(2017, 10, 1)),
    ],
)
def test_a_day_lies_in_a_period(day: dt.date, months: int, period: dt.date) -> None:
    assert period_of(day, months) == period


def test_periods_run_over_the_turn_of_the_year() -> None:
    assert later(dt.date(2016, 11, 1), 3) == dt.date(2017, 2, 1)
    assert later(dt.date(2017, 1, 1), -1) == dt.date(2016, 12, 1)
    assert len(periods_between(dt.date(2014, 1, 1), dt.date(2019, 12, 31), 1)) == 72
    assert len(periods_between(dt.date(2013, 1, 1), dt.date(2019, 12, 31), 3)) == 28
