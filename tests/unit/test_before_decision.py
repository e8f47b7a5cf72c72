"""Decision and hearing side by side: where weeks are counted from, what is the headline, and what is flagged."""

import pytest

from evaluator.estimators.before_decision import headlines
from evaluator.estimators.mixed_hazards.frame import Columns
from evaluator.estimators.mixed_hazards.mass_points import Search
from evaluator.estimators.timing_of_events import Setting, timing_of_events
from evaluator.vocabulary import NotEstimable
from tests.simulation import timing_of_events_worlds as world


def fitted(model, draw, search):
    rows, question = world.asked(model, draw)
    setting = Setting(risk_sets=question.pop("risk_sets"), search=search)
    return timing_of_events(
        rows, exits=world.EXITS, covariates=("x1", "x2"), columns=Columns(state="state"), setting=setting, **question
    )


@pytest.fixture(scope="module")
def runs():
    draw = world.draw_no_shows("no_shows_anticipated", 3000, 2)
    search = Search(points=2, starts=1)
    return {model: fitted(model, draw, search) for model in ("decision", "hearing")}


def test_the_headline_is_from_week_five_for_each_start_and_exit(runs):
    found = headlines(runs, absences=("no_show",))
    assert list(found) == ["decision", "hearing"]
    for start, rows in found.items():
        assert [row.exit for row in rows] == list(world.EXITS)
        for row in rows:
            assert row.later == runs[start].chosen.estimate(f"{row.exit}.{start}_5_on")
            assert row.first == runs[start].chosen.estimate(f"{row.exit}.{start}_0_4")
            assert [check.name for check in row.checks] == [f"anticipation_{row.exit}", f"no_show_before_{row.exit}"]


def test_people_who_stay_away_since_they_have_found_work_are_flagged_at_the_job_alone(runs):
    flagged = {row.exit: row.is_flagged for row in headlines(runs, ("no_show",))["decision"]}
    assert flagged["job"]
    away = {row.exit: row.checks[1].verdict for row in headlines(runs, ("no_show",))["decision"]}
    assert (away["job"], away["self_support"]) == ("amber", "green")


def test_a_run_that_was_refused_or_has_other_pieces_has_no_headline(runs):
    refused = NotEstimable("few", "more")
    found = headlines({"hearing": refused, "decision": runs["hearing"]})
    assert found["hearing"] is refused
    assert "0 pieces of time" in found["decision"].reason
