"""Matching, strictness and bounds beside the hazards: how their rows leave, and what page one and its table say."""

import pytest

from evaluator.estimators.strictness import Effect, Strictness
from evaluator.evaluation.sanction_designs import _by_strictness
from evaluator.release_rules import Policy
from evaluator.release_sanctions import RULES
from evaluator.vocabulary import Diagnostic, Estimate, Light, NotEstimable
from reports import sanction_words
from reports.pages import sanction_designs
from reports.released import TABLES, Released

GIVEN = {"unit": "share", "n": 400, "smallest_count": 400, "p_value": 0.0123, "is_estimable": True,
         "reason": None, "what_would_help": None}  # fmt: skip


def row(design, destination, value, low, high, weeks=52, **more):
    return {"design": design, "destination": destination, "weeks": weeks, "value": value, "low": low, "high": high,
            **GIVEN, **more}  # fmt: skip


def released(*rows):
    tables = {key: [] for key in TABLES}
    return Released("r", {"landmark_history": "short"}, tables | {"sanction_designs": list(rows)})


def leave(*rows):
    return RULES["sanction_designs"](list(rows), Policy(5))


def test_differences_leave_in_steps_of_five_sanctioned():
    shown, few, bounds, refused = leave(
        row("landmark", "job", 0.02345, -0.011, 0.049),
        row("landmark", "education", 0.1, 0.0, 0.2, smallest_count=4, n=4),
        row("weaker", "job", None, -0.1013, 0.431),
        row("strictness", "job", None, None, None, is_estimable=False, p_value=None, reason="F er 0,3."),
    )
    assert shown["value"] / (5 / 400) == pytest.approx(round(shown["value"] / (5 / 400)))
    assert (shown["n"], shown["p_value"], shown["status"]) == (400, 0.012, "estimated")
    assert (few["value"], few["low"], few["n"], few["status"]) == (None, None, None, "suppressed")
    assert bounds["value"] is None and bounds["low"] == pytest.approx(-0.1) and bounds["status"] == "estimated"
    assert (refused["status"], refused["reason"]) == ("not_estimable", "F er 0,3.")


def strict(*checks):
    estimate = Estimate(0.1, 0.05, 0.0, 0.2, 0.95, 400, 30, 30, "anderson_rubin")
    refused = NotEstimable("F er 0,3.", "Mere.")
    effects = {"job": Effect(estimate), "education": Effect(refused)}
    return Strictness(
        effects, None, tuple(Diagnostic(n, None, "", light, why) for n, light, why in checks), 400, 30, {}
    )


def test_an_answer_by_strictness_carries_what_could_not_be_tested():
    checks = ("dispersion", Light.GREEN, "God."), ("exempt", Light.NOT_RUN, "Kan ikke prøves.")
    job, education = _by_strictness(strict(*checks), 120)
    assert job["is_estimable"] and job["reason"].startswith("Læses med forbehold: Kan ikke prøves. Får strenge")
    assert (education["is_estimable"], education["reason"]) == (False, "F er 0,3.")
    job, _ = _by_strictness(strict(checks[0]), 120)
    assert job["reason"] is None


def test_page_one_says_what_happened_beside_people_of_the_same_history():
    told = sanction_designs.in_short(
        released(
            row("landmark", "job", -0.012, -0.03, 0.006, status="estimated"),
            row("landmark", "self_support", 0.02, 0.01, 0.03, status="estimated"),
            row("landmark", "job", 0.3, 0.2, 0.4, weeks=26, status="estimated"),
        )
    )
    assert told == (
        "Et år efter er der −1,2 pct.point i job (fra −3,0 til 0,6 pct.point) og +2,0 pct.point i selvforsørgelse "
        "uden job (fra 1,0 til 3,0 pct.point) i forhold til borgere med samme historie, der ikke blev sanktioneret i "
        "den uge."
    )
    assert sanction_designs.in_short(released()) == ""


def test_an_answer_with_a_caution_shows_both_and_the_caution_once():
    told = "Læses med forbehold: Kan ikke prøves."
    rows = [row("strictness", state, 0.1, 0.0, 0.2, reason=told) for state in ("job", "education")]
    ((_, table),) = sanction_designs.tables(released(*leave(*rows, row("worst_case", "job", None, -0.4, 0.6))))
    assert [line[3] for line in table.rows] == ["+10,0 pct.point", "+10,0 pct.point", "-"]
    assert [line[-1] for line in table.rows] == ["1", "1", ""]
    assert table.headers[-1] == "Note" and table.caption.count(told) == 1
    assert table.caption.endswith(f" Note 1: {told}")


def test_the_table_lists_every_design_also_the_refused_with_the_reason():
    rows = leave(
        row("strictness", "job", None, None, None, is_estimable=False, p_value=None, reason="F er 0,3."),
        row("landmark", "entry_benefit", 0.05, 0.0, 0.1),
        row("worst_case", "job", None, -0.4, 0.6),
    )
    ((_, table),) = sanction_designs.tables(released(*rows))
    order = [sanction_words.DESIGNS[name] for name in ("landmark", "strictness", "worst_case")]
    assert [line[0] for line in table.rows] == order
    by_design = {line[0]: line for line in table.rows}
    assert by_design[sanction_words.DESIGNS["strictness"]][-1] == "1"
    assert table.caption.endswith(" Note 1: F er 0,3.")
    assert by_design[sanction_words.DESIGNS["landmark"]][1] == "Stadig på ydelsen"
    assert by_design[sanction_words.DESIGNS["worst_case"]][3] == "-"
    assert "kommune, målgruppe og udeblivelser" in table.caption
    assert sanction_designs.tables(released()) == []
