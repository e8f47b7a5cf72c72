"""The duration model: derivatives, rows, refusals, and a truth that is recovered and one that is seen to be missed."""

import numpy as np
import polars as pl
import pytest

from evaluator.backends import Joblib, Serial
from evaluator.errors import PanelError
from evaluator.estimators.mixed_hazards import spells as spells_module
from evaluator.estimators.mixed_hazards.frame import Columns, Model, rows_of, with_time_since
from evaluator.estimators.mixed_hazards.likelihood import Point, slopes
from evaluator.estimators.mixed_hazards.mass_points import Search, path
from evaluator.estimators.mixed_hazards.scaling import scaled
from evaluator.estimators.mixed_hazards.spells import spells_of
from evaluator.estimators.timing_of_events import Setting, TimingOfEvents, anticipation, stays_away, timing_of_events
from evaluator.vocabulary import Light, NotEstimable
from tests.simulation import timing_of_events_worlds as world

MODEL = {"job": ("x1", "x2", *world.PIECES), "self_support": ("x1", *world.PIECES), "sanction": ("x1", "x2")}
RISK_SETS = {"free": (*world.EXITS, world.TREATMENT), "treated": world.EXITS}
RARE = pl.when(pl.col("person_id") < 20).then("after_0_4").otherwise(0.0)
STAYS = ((pl.col("person_id") % 9 == 0) & (pl.col("transition").fill_null("none") != "job")).cast(pl.Float64)
POINT = Point(np.linspace(-0.5, 0.5, 9), np.array([[-3.0, -4.0, -3.5], [-2.0, -5.0, -4.0]]), np.array([0.7, 0.3]))


def frame(persons=300, seed=3):
    return world.draw("plain", persons, seed)


def weekly(draw):
    """Return the draw in rows of at most four weeks, the transition in the last of a spell's piece."""
    pieces = []
    for number in range(27):
        inside = draw.filter(pl.col("duration") > 4 * number)
        last = pl.col("duration") <= 4 * (number + 1)
        pieces.append(
            inside.with_columns(
                transition=pl.when(last).then("transition").otherwise(pl.lit("none")),
                duration=pl.lit(4.0),
                start=pl.lit(4.0 * number),
            )
        )
    return pl.concat(pieces)


def spells(draw, is_interval=False, **choices):
    return spells_of(rows_of(draw, Model(MODEL, (), RISK_SETS, is_interval), Columns(state="state", **choices)))


@pytest.mark.parametrize("is_interval", [False, True])
def test_gradient_and_hessian_are_those_of_the_log_likelihood(is_interval):
    made = spells(weekly(frame()) if is_interval else frame(), is_interval)
    found, size, step = slopes(made, POINT), len(POINT.vector), 1e-5
    gradient, hessian = np.zeros(size), np.zeros((size, size))
    for place, move in enumerate(step * np.eye(size)):
        up, down = slopes(made, POINT.moved(move)), slopes(made, POINT.moved(-move))
        gradient[place] = (up.value - down.value) / (2 * step)
        hessian[place] = (up.gradient - down.gradient) / (2 * step)
    np.testing.assert_allclose(found.gradient, gradient, atol=1e-6 * abs(gradient).max())
    np.testing.assert_allclose(found.hessian, hessian, atol=1e-6 * abs(hessian).max())


@pytest.mark.parametrize("is_interval", [False, True])
def test_blocks_of_persons_change_nothing(monkeypatch, is_interval):
    draw = weekly(frame()) if is_interval else frame()
    whole = slopes(spells(draw, is_interval), POINT)
    monkeypatch.setattr(spells_module, "BLOCK", 500)
    parts = spells(draw, is_interval)
    assert len(parts.blocks) > 3
    found = slopes(parts, POINT)
    assert found.value == pytest.approx(whole.value, abs=1e-8)
    np.testing.assert_allclose(found.hessian, whole.hessian, atol=1e-7)


def test_order_and_cutting_of_rows_change_nothing():
    draw = frame().with_columns(start=pl.lit(0.0))
    halves = pl.concat(
        [
            draw.with_columns(duration=pl.col("duration") / 2, transition=pl.lit("none")),
            draw.with_columns(duration=pl.col("duration") / 2),
        ]
    ).sample(fraction=1.0, shuffle=True, seed=1)
    assert slopes(spells(halves), POINT).value == pytest.approx(slopes(spells(draw), POINT).value, abs=1e-8)
    assert len(rows_of(halves, Model(MODEL, (), RISK_SETS), Columns(state="state")).person) == len(draw)


def test_an_interval_s_likelihood_is_what_the_formula_says():
    draw = pl.DataFrame({"person_id": [1], "duration": [3.0], "transition": ["a"], "x": [1.0]})
    made = spells_of(rows_of(draw, Model({"a": ("x",), "b": ()}, is_interval=True), Columns()))
    hazard = np.exp([-1.0 + 0.5, -2.0])
    expected = np.log(hazard[0] / hazard.sum() * (1 - np.exp(-3 * hazard.sum())))
    point = Point(np.array([0.5]), np.array([[-1.0, -2.0]]), np.ones(1))
    assert slopes(made, point).value == pytest.approx(expected, abs=1e-12)


def test_a_baseline_cuts_rows_where_it_jumps():
    draw = pl.DataFrame({"person_id": [1, 2], "duration": [10.0, 3.0], "transition": ["a", None], "start": [0.0, 2.0]})
    model = Model({"a": ()}, baseline=(4.0, 8.0))
    rows = rows_of(draw, model, Columns(start="start"))
    assert rows.columns == (("from_4", "from_8"),)
    held = sorted(zip(rows.person, rows.designs[0].tolist(), rows.duration, rows.events[:, 0], strict=True))
    assert held == [
        (0, [0.0, 0.0], 4.0, 0.0), (0, [0.0, 1.0], 2.0, 1.0), (0, [1.0, 0.0], 4.0, 0.0),
        (1, [0.0, 0.0], 2.0, 0.0), (1, [1.0, 0.0], 1.0, 0.0),
    ]  # fmt: skip
    with pytest.raises(PanelError, match="1 of 2 rows have a transition and a jump"):
        rows_of(
            draw.with_columns(start=pl.lit(-1.0)), Model({"a": ()}, (4.0,), is_interval=True), Columns(start="start")
        )


def test_a_known_baseline_and_effect_are_recovered_from_intervals():
    random = np.random.default_rng(5)
    persons = 4000
    treated = random.random(persons) < 0.5
    times = [random.exponential(1 / (0.05 * np.exp(0.7 * treated))), random.exponential(20.0, persons)]
    first = np.minimum(*times)
    late = first > 8  # from week 8 on the hazard to a job is doubled
    times[0] = np.where(late, 8 + (times[0] - 8) / 2, times[0])
    end = np.minimum(*times)
    rows = []
    for week in range(0, 40, 4):
        here = end > week
        inside = here & (end <= week + 4)
        why = np.where(inside, np.where(times[0] < times[1], "job", "other"), "none")
        columns = {"duration": 4.0, "start": float(week), "treated": treated[here].astype(float)}
        rows.append(pl.DataFrame({"person_id": np.flatnonzero(here), "transition": why[here], **columns}))
    found = timing_of_events(
        pl.concat(rows),
        exits=("job", "other"),
        treatments={},
        covariates=("treated",),
        columns=Columns(start="start"),
        setting=Setting(timing="interval", baseline=(8.0,), search=Search(points=1)),
    ).path[0]
    for label, truth in {
        "job.treated": 0.7,
        "job.from_8": np.log(2),
        "other.treated": 0.0,
        "other.from_8": 0.0,
    }.items():
        one = found.estimate(label)
        assert abs(one.value - truth) < 3 * one.se < 0.4


def test_a_known_effect_is_recovered_and_missed_without_heterogeneity():
    found = searched(frame(2500, 2), Search(points=3, starts=2))
    for leaving, truth in world.TRUTH.items():
        for piece in world.PIECES:
            one = found.path[2].estimate(f"{leaving}.{piece}")
            assert abs(one.value - truth) < 3 * one.se
    naive = found.path[0].estimate("job.after_5_on")
    assert naive.value + 5 * naive.se < world.TRUTH["job"]


def test_work_that_was_found_before_the_sanction_is_flagged():
    found = searched(world.draw("anticipated", 1500, 1), Search(points=2, starts=1))
    assert anticipation(found.chosen, "job", *world.PIECES).verdict is Light.AMBER


def searched(draw, search):
    return timing_of_events(
        draw,
        exits=world.EXITS,
        treatments={world.TREATMENT: world.PIECES},
        covariates=("x1", "x2"),
        columns=Columns(state="state"),
        setting=Setting(risk_sets=RISK_SETS, search=search),
    )


def test_the_world_has_the_effects_it_says_once_the_kinds_of_person_are_seen():
    persons, seed = 15_000, 7
    random = np.random.default_rng([seed, 0])
    random.standard_normal((persons, 2))
    kind = random.choice(3, persons, p=world.SHARES)
    draw = world.draw("plain", persons, seed)
    seen = {f"kind_{k}": pl.Series((kind == k)[draw["person_id"].to_numpy()]).cast(pl.Float64) for k in (1, 2)}
    found = timing_of_events(
        draw.with_columns(**seen),
        exits=world.EXITS,
        treatments={world.TREATMENT: world.PIECES},
        covariates=("x1", "x2", *seen),
        columns=Columns(state="state"),
        setting=Setting(risk_sets=RISK_SETS, search=Search(points=1)),
    ).path[0]
    for leaving, truth in world.TRUTH.items():
        for piece in world.PIECES:
            one = found.estimate(f"{leaving}.{piece}")
            assert abs(one.value - truth) < 3 * one.se < 0.2


def test_a_search_with_a_least_gain_ends_where_the_criterion_would():
    whole = searched(frame(1500), Search(points=4, starts=2))
    short = searched(frame(1500), Search(points=4, starts=2, least_gain=4.0))
    assert len(short.path) < len(whole.path)
    assert short.chosen.log_likelihood == pytest.approx(whole.chosen.log_likelihood, abs=1e-6)


def test_the_same_seed_gives_the_same_digits_in_any_backend():
    made = spells(frame(600))
    one, two = (path(made, Search(points=2, starts=2, seed=9), each) for each in (Serial(), Joblib(2)))
    assert [fit.value for fit in one] == [fit.value for fit in two]
    assert len(one) == 2


def test_the_optimum_has_no_direction_left_to_gain():
    rows = frame(300).filter(pl.col("state") == "free")
    rows = rows.with_columns(transition=pl.when(pl.col("transition") != "none").then(pl.lit("off")))
    made = spells_of(rows_of(rows, Model({"off": ("x1",)}), Columns()))
    fits = path(made, Search(points=9, starts=2), Serial())
    assert [fit.value for fit in fits] == sorted(fit.value for fit in fits)
    assert fits[-1].left < 1e-2 < fits[0].left


def fitted(draw, **choices):
    asked = {"treatments": {world.TREATMENT: world.PIECES}, "covariates": ("x1",)} | choices
    setting = Setting(risk_sets=RISK_SETS, search=Search(points=1))
    return timing_of_events(draw, exits=world.EXITS, columns=Columns(state="state"), setting=setting, **asked)


def test_effects_by_number_of_points_and_criteria_are_told():
    found = fitted(frame(2000))
    assert isinstance(found, TimingOfEvents)
    rows = found.effects()
    assert [(row["exit"], row["effect"]) for row in rows] == [(e, p) for e in world.EXITS for p in world.PIECES]
    one = found.path[0]
    assert one.criterion("aic") == pytest.approx(2 * 10 - 2 * one.log_likelihood)
    assert one.criterion("bic") > one.criterion("hannan_quinn") > one.criterion("aic")
    robust, hessian = (np.sqrt(np.diag(one.covariance(kind))) for kind in ("robust", "hessian"))
    assert np.isfinite(robust).all() and (robust != hessian).all()
    assert anticipation(one, "job", *world.PIECES).verdict in (Light.GREEN, Light.AMBER)


@pytest.mark.parametrize(
    ("change", "choices", "reason"),
    [
        ({}, {"covariates": ("x1", "one")}, "do not vary"),
        ({}, {"covariates": ("x1", "twice")}, "repeat one another"),
        ({"after_0_4": RARE}, {}, "under 10 transitions to 'job' where"),
        ({"transition": pl.lit("none")}, {}, "under 10 transitions"),
        ({"one": STAYS}, {"covariates": ("x1", "one")}, "all transitions to 'job' are at one end of 'one'"),
        ({"one": pl.col("x1") > 9, "x1": STAYS}, {"covariates": ("x1",)}, "at one end of 'x1'"),
    ],
)
def test_what_cannot_be_told_is_refused_with_a_reason(change, choices, reason):
    draw = frame(500).with_columns(one=pl.lit(1.0), twice=2 * pl.col("x1"))
    draw = draw.with_columns(**{name: pl.lit(v) if isinstance(v, float) else v for name, v in change.items()})
    found = fitted(draw, **choices)
    assert isinstance(found, NotEstimable)
    assert reason in found.reason


def test_persons_who_enter_late_are_refused_with_more_than_one_mass_point():
    late = frame(500).with_columns(start=pl.lit(0.0) + (pl.col("person_id") == 3))
    asked = {"exits": world.EXITS, "treatments": {world.TREATMENT: world.PIECES}, "covariates": ("x1", "x2")}
    columns = Columns(start="start", state="state")
    found, plain = (
        timing_of_events(
            late, columns=columns, setting=Setting(risk_sets=RISK_SETS, search=Search(points=points)), **asked
        )
        for points in (2, 1)
    )
    assert isinstance(found, NotEstimable) and found.reason.startswith("1 spells are first seen after")
    assert isinstance(plain, TimingOfEvents)


def test_large_numbers_in_a_column_change_the_units_only():
    draw = frame(1500)
    large = draw.with_columns(x1=1e5 * pl.col("x1") + 3e6, x2=pl.col("x2") / 1e4 + 2017)
    search = Search(points=2, starts=2)
    own, far = (
        timing_of_events(
            one,
            exits=world.EXITS,
            treatments={world.TREATMENT: world.PIECES},
            covariates=("x1", "x2"),
            columns=Columns(state="state"),
            setting=Setting(risk_sets=RISK_SETS, search=search),
        )
        for one in (draw, large)
    )
    for before, after in zip(own.path, far.path, strict=True):
        unit = np.array([{"x1": 1e5, "x2": 1e-4}.get(label.split(".")[1], 1.0) for label in before.labels])
        assert after.log_likelihood == pytest.approx(before.log_likelihood, abs=1e-4)
        np.testing.assert_allclose(after.point.beta * unit, before.point.beta, atol=2e-3)
        errors = [np.sqrt(np.diag(fit.covariance())) for fit in (after, before)]
        np.testing.assert_allclose(errors[0] * unit, errors[1], rtol=5e-3)


def test_the_likelihood_of_scaled_columns_is_that_of_the_columns_as_they_came():
    draw = frame(400).with_columns(x1=1e3 * pl.col("x1") + 5e3)
    rows = rows_of(draw, Model(MODEL, (), RISK_SETS), Columns(state="state"))
    small, scale = scaled(rows)
    found = slopes(spells_of(small), POINT).value
    assert found == pytest.approx(slopes(spells_of(rows), scale.own(POINT)).value, rel=1e-12)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"duration": pl.lit(0.0)}, "duration at or under 0"),
        ({"x1": pl.lit(None, pl.Float64)}, "have no 'x1'"),
        ({"x1": pl.lit(float("inf"))}, "not finite"),
        ({"x1": pl.lit("tekst")}, "text in 'x1'"),
        ({"transition": pl.lit("lottery")}, "unknown transition"),
        ({"state": pl.lit("away")}, "state without a risk set"),
        ({"state": pl.lit("treated")}, "outside their risk set"),
    ],
)
def test_rows_that_cannot_be_meant_are_refused_with_counts(change, said):
    with pytest.raises(PanelError, match=said):
        fitted(frame(100).with_columns(**change))
    with pytest.raises(PanelError, match="'x3' is absent"):
        fitted(frame(100), covariates=("x3",))


def test_pandas_rows_give_the_same_as_polars_rows():
    draw = frame(400)
    assert fitted(draw.to_pandas()).path[0].log_likelihood == fitted(draw).path[0].log_likelihood


def test_time_since_a_treatment_becomes_an_indicator_for_each_piece_and_type():
    draw = pl.DataFrame({"since": [None, 0, 4, 5, 30], "kind": [None, "a", "b", "a", "b"]})
    plain = with_time_since(draw, "since", (0, 5, 27))
    assert plain.columns[2:] == ["since_0_4", "since_5_26", "since_27_on"]
    assert plain.select(plain.columns[2:]).to_numpy().tolist() == [
        [0, 0, 0],
        [1, 0, 0],
        [1, 0, 0],
        [0, 1, 0],
        [0, 0, 1],
    ]
    assert with_time_since(draw, "since", (0, 5), by="kind")["since_0_4_b"].to_list() == [0, 0, 1, 0, 0]


def test_a_no_show_as_a_state_of_its_own_moves_what_comes_after_it_where_it_varies():
    draw, question = world.asked("decision", world.draw_no_shows("no_shows_anticipated", 3000, 1))
    setting = Setting(risk_sets=question.pop("risk_sets"), search=Search(points=1))
    found = timing_of_events(
        draw, exits=world.EXITS, covariates=("x1",), columns=Columns(state="state"), setting=setting, **question
    )
    moves = {label for label in found.path[0].labels if label.endswith((".no_show", ".heard"))}
    always = {f"{leaving}.{state}" for leaving in world.EXITS for state in ("no_show", "heard")}
    assert moves == always | {"hearing.no_show", "decision.no_show", "no_show.heard"}
    assert found.path[0].estimate("hearing.no_show").value == pytest.approx(np.log(world.AFTER_NO_SHOW), abs=0.5)
    assert stays_away(found.path[0], "job", "no_show").verdict is Light.AMBER
    assert stays_away(found.path[0], "self_support", "no_show").verdict is Light.GREEN
