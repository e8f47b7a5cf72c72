"""A planted sanction effect is found again in the right exit, from extracts to the report's sentence."""

import csv
import math
import re

import pytest

from evaluator.project import Project
from evaluator.registers import rates
from tests.simulation import sanction_report as world

PERSONS, SEED = 2000, 20170101
STRONG = 3.0
"""Factor on the hazard to self-support, so that a small register can show it."""


@pytest.fixture(scope="module")
def register(tmp_path_factory):
    """The example spec answered on a small register with a strong effect: the project, and the report's text."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rates, "SANCTION_ON_SELF_SUPPORT", STRONG)
        project = Project.create(tmp_path_factory.mktemp("plantet") / "projekt", example=True)
        for path in project.extracts.glob("*.csv"):
            path.unlink()
        report = world.answered(project, persons=PERSONS, seed=SEED, sample=PERSONS, mass_points=2)
    body = re.sub(r"<(style|svg).*?</\1>", " ", report.read_text(encoding="utf-8"), flags=re.DOTALL)
    return project, re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


def test_each_planted_effect_is_inside_its_interval_in_the_right_exit(register):
    project, _ = register
    assert world.planted(project, "self_support") == pytest.approx(math.log(STRONG), abs=1e-6)
    found = world.effects(project)
    for destination in world.DESTINATIONS:
        row = found[("timing_of_events", destination, 5)]
        true = world.planted(project, destination)
        assert row["low"] <= true <= row["high"], (destination, row["value"], row["se"])
    assert found[("timing_of_events", "self_support", 5)]["low"] > 0


def test_the_sentence_names_the_exit_that_moved_and_those_that_did_not(register):
    project, told = register
    ratio = math.exp(round(world.effects(project)[("timing_of_events", "self_support", 5)]["value"], 2))
    shown = f"{ratio:.2f}".replace(".", ",")
    assert f"er afgangen til selvforsørgelse uden job {shown} gange så høj som uden" in told
    unmoved = told[told.index("gange så høj som uden") : told.index("kan ikke skelnes fra uændret")]
    assert "afgangen til job" in unmoved


def test_the_naive_comparison_is_far_from_the_truth_and_the_report_says_why(register):
    project, told = register
    found = world.effects(project)
    for destination in ("job", "self_support"):
        naive, true = found[("naive", destination, 0)], world.planted(project, destination)
        assert naive["high"] < true  # who stays long has time to be sanctioned
        answer = found[("timing_of_events", destination, 5)]
        assert abs(naive["value"] - true) > 2 * abs(answer["value"] - true)
    assert "En naiv sammenligning ville have sagt" in told
    assert "Den, der bliver længe, når at få en" in told


def test_the_committed_table_holds_the_truth_in_its_intervals():
    rows = list(csv.DictReader(world.TABLE.read_text(encoding="utf-8").splitlines()))
    assert {row["destination"] for row in rows} == set(world.DESTINATIONS)
    inside = [row["is_inside"] == "true" for row in rows]
    assert sum(inside) >= 0.8 * len(inside)
    (own,) = [r for r in rows if (r["seed"], r["destination"], r["weeks"]) == (str(SEED), "self_support", "5-12")]
    assert float(own["low"]) > 0 and own["is_inside"] == "true"
    assert all(abs(float(row["naive_error"])) > 0.2 for row in rows)
