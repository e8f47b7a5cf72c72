"""Exits known to the week and sanctions to the day: which rows give back the effects, and which are seen not to."""

import numpy as np
import polars as pl
import pytest

from evaluator.estimators.mixed_hazards.frame import Columns, with_time_since
from evaluator.estimators.mixed_hazards.mass_points import Search
from evaluator.estimators.timing_of_events import Setting, timing_of_events
from tests.simulation import timing_of_events_worlds as world

PERSONS, SEED = 7_000, 11
RISK_SETS = {"free": (*world.EXITS, world.TREATMENT), "treated": world.EXITS}
EFFECTS = [f"{leaving}.{piece}" for leaving in world.EXITS for piece in ("since_0_4", "since_5_on")]


@pytest.fixture(scope="module")
def persons():
    """A row per person: when sanctioned, when gone and where to, and which kind of person it is."""
    random = np.random.default_rng([SEED, 0])
    random.standard_normal((PERSONS, 2))
    kind = random.choice(3, PERSONS, p=world.SHARES)
    exits = pl.col("transition").is_in(world.EXITS)
    spells = (
        world.draw("plain", PERSONS, SEED)
        .group_by("person_id", maintain_order=True)
        .agg(
            pl.col("x1", "x2").first(),
            sanction=pl.col("duration").filter(pl.col("state") == "free").sum(),
            end=pl.col("duration").sum(),
            why=pl.col("transition").filter(exits).first(),
            treated=(pl.col("transition") == world.TREATMENT).any(),
        )
        .sort("person_id")
    )
    spells = spells.with_columns(sanction=pl.when("treated").then("sanction")).drop("treated")
    return spells.with_columns(**{f"kind_{k}": pl.Series((kind == k).astype(float)) for k in (1, 2)})


def rows(persons, cuts):
    """Return a row per person between two of the `cuts`, a list for each person."""
    made = persons.with_columns(start=cuts).explode("start").unique(["person_id", "start"]).sort("person_id", "start")
    stop = pl.col("start").shift(-1).over("person_id")
    made = made.with_columns(duration=stop - pl.col("start"), last=stop).filter(pl.col("last").is_not_null())
    is_sanction = (pl.col("last") == pl.col("sanction")).fill_null(False)
    made = made.filter(pl.col("start") <= pl.col("end")).with_columns(
        transition=pl.when(is_sanction).then(pl.lit(world.TREATMENT)).when(pl.col("last") >= pl.col("end")).then("why"),
        state=pl.when(pl.col("start") >= pl.col("sanction")).then(pl.lit("treated")).otherwise(pl.lit("free")),
        since=pl.when(pl.col("start") >= pl.col("sanction")).then(pl.col("start") - pl.col("sanction")),
    )
    return with_time_since(made, "since", (0, 5))


def weeks(persons):
    """Return rows of calendar weeks, the week of the sanction cut in two at its day."""
    whole = pl.int_ranges(0, (pl.col("end").floor() + 2).cast(pl.Int64)).cast(pl.List(pl.Float64))
    return rows(persons, pl.concat_list(whole, pl.col("sanction").fill_null(0.0)))


def exact(persons):
    """Return rows cut at the sanction and five weeks after it."""
    later = pl.min_horizontal(pl.col("sanction").fill_null(0.0), pl.col("end"))
    fifth = pl.min_horizontal(pl.col("sanction").fill_null(0.0) + 5, pl.col("end"))
    fifth = pl.when(pl.col("sanction").is_null()).then(0.0).otherwise(fifth)
    return rows(persons, pl.concat_list(pl.lit(0.0), later, fifth, pl.col("end"))).filter(pl.col("duration") > 0)


def effects(frame, timing):
    fit = timing_of_events(
        frame,
        exits=world.EXITS,
        treatments={world.TREATMENT: ("since_0_4", "since_5_on")},
        covariates=("x1", "x2", "kind_1", "kind_2"),
        columns=Columns(state="state"),
        setting=Setting(timing, risk_sets=RISK_SETS, search=Search(points=1)),
    )
    return np.array([fit.path[0].estimate(effect).value for effect in EFFECTS])


@pytest.fixture(scope="module")
def from_weeks(persons):
    return effects(weeks(persons), "interval")


def test_a_week_cut_at_the_day_of_the_sanction_gives_the_effects_of_exact_times(persons, from_weeks):
    truth = np.repeat([world.TRUTH[leaving] for leaving in world.EXITS], 2)
    known = effects(exact(persons), "exact")
    assert np.abs(known - truth).max() < 0.25
    np.testing.assert_allclose(from_weeks, known, atol=0.06)


def test_an_exit_moved_to_the_week_after_the_sanction_is_seen_to_overstate_the_first_weeks(persons, from_weeks):
    week = pl.col("sanction").floor() + 1
    moved = persons.with_columns(sanction=week, end=pl.max_horizontal("end", week))
    first = [EFFECTS.index(f"{leaving}.since_0_4") for leaving in world.EXITS]
    gap = effects(weeks(moved), "interval")[first] - from_weeks[first]
    assert (gap > 0.06).all()
