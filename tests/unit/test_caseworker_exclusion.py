"""What persons who cannot be sanctioned, and the first weeks, say of caseworkers who are strict and better besides."""

from __future__ import annotations

from dataclasses import replace

from scipy.stats import t

from evaluator.diagnostics import caseworker_exclusion
from evaluator.estimators.caseworkers.intakes import Setting, read_intakes
from evaluator.estimators.caseworkers.projection import Projection
from evaluator.estimators.strictness import strictness
from evaluator.inference.instruments import ClusteredInstrument
from evaluator.vocabulary import Light
from tests.simulation.strictness_world import COLUMNS, World

SETTING = Setting(**COLUMNS)
OUTCOMES = ("job", "self_support")


def answer(world, seed=4, setting=SETTING):
    return strictness(world.draw(seed), OUTCOMES, setting)


def lights(found):
    return {check.name for check in found.diagnostics if check.verdict is Light.RED}


def test_quality_that_strictness_explains_whole_shows_among_those_who_cannot_be_sanctioned():
    broken = answer(World(quality=0.09, alike=1.0, exempt=0.4), setting=replace(SETTING, exempt="is_exempt"))
    assert "exempt" in lights(broken)


def test_green_needs_enough_persons_who_cannot_be_sanctioned(monkeypatch):
    flagged, world = replace(SETTING, exempt="is_exempt"), World(exempt=0.4)
    few = answer(world, seed=5, setting=flagged)
    assert (lights(few), few.light) == (set(), Light.AMBER)
    intakes = read_intakes(world.draw(5), OUTCOMES, flagged)
    projection = Projection(intakes.cell, intakes.caseworker)
    strict = ClusteredInstrument(
        projection.left_out(projection.within(intakes.sanctioned)), intakes.cell, intakes.caseworker
    )
    among = caseworker_exclusion.Among(strict, intakes, intakes.exempt)
    error = max(among.slope(values).se for values in intakes.outcomes.values()) / few.first_stage.slope
    found = (t.ppf(0.975, among.instrument.freedom) + t.ppf(0.8, among.instrument.freedom)) * error
    said = f"En fejl i svaret på {100 * found:.0f} pct.point ville vise sig her i 80 pct. af tilfældene."
    assert {check.name: check.why for check in few.diagnostics}["exempt"].endswith(said)
    assert 0.1 < found < 0.6
    monkeypatch.setattr(caseworker_exclusion, "HIDDEN", 0.6)
    assert answer(world, seed=5, setting=flagged).light is Light.GREEN


def test_without_an_earlier_horizon_that_check_is_not_run():
    found = answer(World(), setting=replace(SETTING, early=None))
    assert {c.name for c in found.diagnostics if c.verdict is Light.NOT_RUN} == {"early_complier_shares", "exempt"}
