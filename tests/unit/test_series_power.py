"""What the plan says of one municipality's series, on made series whose law is known."""

import datetime as dt
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from evaluator.design.frozen import Design
from evaluator.estimators.mean_log_change import MeanLogChange
from evaluator.evaluation import series_power
from evaluator.evaluation.placebo_windows import series_trials
from evaluator.spec import Start
from evaluator.spec_reading import read_spec
from evaluator.vocabulary import NEVER, Panel

METHOD = MeanLogChange(window=4)
HORSENS = read_spec(Path(__file__).parents[2] / "data" / "public" / "specs" / "horsens-2017.toml")


def made(periods=16, units=40, noise=0.02, seed=3):
    """Return a series whose periods are all before the start; the treated one is the first."""
    draw = np.random.default_rng(seed)
    level = np.geomspace(60, 3000, units)[draw.permutation(units), None]
    outcome = level * np.exp(noise * draw.normal(size=(units, periods)))
    cohort = np.full(units, NEVER)
    cohort[0] = periods - 4
    return Panel(
        tuple(range(periods)), outcome, np.ones(outcome.shape, dtype=np.bool_), cohort, None,
        np.empty((units, 0)), np.arange(units), np.ones(units), "n",
    )  # fmt: skip


def test_a_series_is_tried_wherever_it_has_its_base_and_its_periods():
    panel = made()
    for after, dates in ((1, 12), (4, 9), (8, 5), (12, 1)):
        found = series_trials(MeanLogChange(window=4, after=after), panel)
        assert len(found) == dates
        assert {(t.span.before, t.span.after, t.span.gap, t.effect.size) for t in found} == {(4, after, 0, 40)}
        spread = np.std(np.concatenate([t.effect for t in found]))
        assert spread == pytest.approx(0.02 * np.sqrt(1 / 4 + 1 / after), rel=0.25)
    assert series_trials(MeanLogChange(window=4, after=13), panel) == []
    assert [t.span.start for t in series_trials(MeanLogChange(window=4, after=8, anticipation=2), panel)] == [6, 7, 8]


def test_the_curve_falls_with_the_horizon_where_periods_are_independent():
    found = series_power.curve(METHOD, made())
    assert (found.donors, found.periods_before) == (39, 16)
    assert [(p.periods, p.false_starts) for p in found.points] == [(1, 12), (2, 11), (4, 9), (8, 5)]
    effects = [point.law.detectable() for point in found.points]
    assert effects == sorted(effects, reverse=True)
    for point, effect in zip(found.points, effects, strict=True):
        assert effect / (0.02 * np.sqrt(1 / 4 + 1 / point.periods)) == pytest.approx(3.0, abs=0.45)


def test_the_curve_is_of_the_municipalitys_own_size_and_of_donors_over_the_minimum():
    panel = made()
    last = panel.outcome[:, -4:].mean(axis=1)
    found = series_power.curve(MeanLogChange(window=4, minimum_level=100.0), panel)
    assert found.persons == pytest.approx(last[0])
    assert found.donors == int((last[1:] >= 100).sum())


def test_an_unknown_last_year_gives_no_curve_and_few_donors_no_points():
    panel = made()
    panel.observed[0, -2] = False
    assert series_power.curve(METHOD, panel) is None
    few = series_power.curve(METHOD, made(units=19))
    assert (few.donors, few.points) == (18, ())
    assert series_power.curve(METHOD, made(units=20)).points


def test_a_hole_far_back_costs_its_false_starts_only():
    panel = made()
    panel.observed[0, 2] = False
    found = series_power.curve(METHOD, panel)
    assert [(p.periods, p.false_starts) for p in found.points] == [(1, 9), (2, 8), (4, 6), (8, 2)]


def test_memory_is_read_from_those_known_throughout():
    panel, everybody = made(units=60, periods=40), np.arange(60)
    assert series_power._memory(panel, everybody) == pytest.approx(0.0, abs=0.06)
    panel.observed[5:, 7] = False
    assert series_power._memory(panel, everybody) == series_power.MOST_MEMORY


@pytest.mark.parametrize(
    ("published", "persons", "told"),
    [(True, 3.2, "4"), (True, 1234.0, "1.234"), (False, 3.2, "højst 5"), (False, 5.1, "10"), (False, 272.0, "275")],
)
def test_recipients_of_a_register_leave_as_multiples_of_five(published, persons, told):
    spec = replace(HORSENS, disclosure=replace(HORSENS.disclosure, published=published))
    assert series_power._count(persons, spec) == told


def test_the_table_is_in_danish_and_has_the_floor_and_the_length():
    lines = list(series_power._worded(series_power.curve(METHOD, made()), HORSENS, "kvartaler"))
    assert lines[0].startswith("recipients: den mindste ændring, som findes i 80 pct. af evalueringer")
    assert lines[1].split("|")[0].strip() == "kvartaler fra start" and "5,0 pct. findes i" in lines[1]
    assert len(lines) == 8
    assert "16 kvartaler" in lines[-2] and "1/40 = 0,025" in lines[-1] and "flere end 2 udfald (Holm)" in lines[-1]


def test_several_municipalities_are_told_to_have_a_spec_each():
    starts = tuple(Start(code, dt.date(2017, 1, 1)) for code in ("615", "740"))
    (line,) = series_power.sentences(None, HORSENS, Design(starts, (), (), (), 3))
    assert "her er 2. Skriv en specifikation for hver" in line
