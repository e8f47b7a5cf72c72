"""Group averages: what they recover, what they ignore, what they refuse."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from evaluator.errors import PanelError
from evaluator.estimators.person_cells import Columns
from evaluator.estimators.prestart import PreStart, prestart_levels
from evaluator.estimators.who_gains import GroupAverages, WhoGains
from evaluator.inference.group_averages import group_estimates
from evaluator.vocabulary import Estimate, NotEstimable
from tests.simulation.who_gains_world import ANTICIPATION, EFFECTS, GROUPS, World, naive

LEARNER = WhoGains(groups="age_group", anticipation=ANTICIPATION)
SMALL = World(persons=3_000, municipalities=24, treated=9)


@pytest.fixture(scope="module")
def people() -> pl.DataFrame:
    return SMALL.draw(seed=1)


def value(people: pl.DataFrame, learner: WhoGains = LEARNER) -> np.ndarray:
    return learner.fit(people, refit=False).value


def test_effects_are_recovered_where_the_naive_comparison_measures_the_municipalities_level() -> None:
    truth = np.array([EFFECTS[name] for name in GROUPS])
    draws = [World(persons=60_000).draw(seed) for seed in range(3)]
    ours = np.mean([value(draw) for draw in draws], axis=0)
    theirs = np.mean([naive(draw) for draw in draws], axis=0)
    assert np.abs(ours - truth).max() < 0.04
    assert np.abs(theirs - truth).min() > 0.05


def test_without_an_effect_the_intervals_hold_zero() -> None:
    found = LEARNER.fit(World(persons=4_000, municipalities=24, treated=9, effects=False).draw(seed=3))
    for number in group_estimates(found):
        assert isinstance(number, Estimate)
        assert number.low < 0 < number.high
        assert (number.clusters, number.treated_clusters) == (24, 9)


def test_a_constant_added_to_a_municipality_changes_nothing(people: pl.DataFrame) -> None:
    moved = people.with_columns(outcome=pl.col("outcome") + pl.col("municipality_code").cast(pl.Int64) / 100)
    assert value(moved) == pytest.approx(value(people), abs=1e-9)


def test_scaling_the_outcome_scales_the_effect(people: pl.DataFrame) -> None:
    assert value(people.with_columns(pl.col("outcome") * 100)) == pytest.approx(value(people) * 100, abs=1e-8)


def test_the_order_of_rows_is_irrelevant(people: pl.DataFrame) -> None:
    assert value(people.sample(fraction=1.0, shuffle=True, seed=1)) == pytest.approx(value(people), abs=1e-12)


def test_pandas_and_other_column_names_are_taken(people: pl.DataFrame) -> None:
    renamed = people.rename({"outcome": "job", "municipality_code": "kommune"}).to_pandas()
    found = LEARNER.fit(renamed, Columns(outcome="job", unit="kommune"), refit=False)
    assert found.value == pytest.approx(value(people), abs=1e-12)


def test_entrants_in_the_window_of_anticipation_are_not_read(people: pl.DataFrame) -> None:
    partly = pl.col("period").is_between(pl.col("cohort") - ANTICIPATION, pl.col("cohort") - 1) & (pl.col("cohort") > 0)
    spoiled = people.with_columns(outcome=pl.when(partly).then(9.0).otherwise("outcome"))
    assert spoiled["outcome"].max() == 9.0
    assert value(spoiled) == pytest.approx(value(people), abs=1e-12)


def test_people_without_a_group_are_left_out(people: pl.DataFrame) -> None:
    strangers = people.head(50).with_columns(age_group=pl.lit(None, dtype=pl.String), outcome=pl.lit(9.0))
    assert value(pl.concat([people, strangers])) == pytest.approx(value(people), abs=1e-9)


@pytest.mark.parametrize(
    ("persons", "municipalities"), [(19, 5), (200, 4)], ids=["under 20 persons", "under 5 municipalities"]
)
def test_a_small_group_is_refused_and_the_others_are_not(
    people: pl.DataFrame, persons: int, municipalities: int
) -> None:
    exposed = people.filter(pl.col("cohort") > 0, pl.col("period") >= pl.col("cohort"))
    chosen = exposed["municipality_code"].unique().sort()[:municipalities]
    of_chosen = exposed.filter(pl.col("municipality_code").is_in(chosen.implode())).head(persons)
    donors = people.filter(pl.col("cohort") == 0)
    before = people.filter(pl.col("cohort") > 0, pl.col("period") < pl.col("cohort"))
    rare = pl.concat([of_chosen, donors, before]).with_columns(age_group=pl.lit("rare"))
    found = LEARNER.fit(pl.concat([people, rare]), refit=False)
    estimable = dict(zip(found.groups, np.isfinite(found.value), strict=True))
    assert not estimable.pop("rare")
    assert all(estimable.values())


def test_a_group_without_support_is_refused_in_danish() -> None:
    refits = np.array([[0.1, np.nan], [0.2, np.nan], [0.0, np.nan]])
    counts = (np.array([90, 19]), np.array([9, 2]), np.array([6.5, 2.0]))
    found = GroupAverages(("a", "b"), np.array([0.1, np.nan]), refits, *counts, 9, 3)
    first, second = group_estimates(found)
    assert isinstance(first, Estimate)
    assert first.se == pytest.approx(np.sqrt(2 / 3 * 0.02)) and first.freedom == 6.5
    assert isinstance(second, NotEstimable)
    assert second.reason == "Færre end 20 borgere eller 5 kommuner i gruppen."


@pytest.mark.parametrize(("treated", "begins"), [(1, "Med én kommune"), (4, "Med færre end 5 kommuner")])
def test_under_five_treated_municipalities_every_group_is_refused(treated: int, begins: str) -> None:
    empty = GroupAverages(("a", "b"), np.zeros(2), np.zeros((0, 2)), np.zeros(2), np.zeros(2), np.zeros(2), treated, 90)
    for number in group_estimates(empty):
        assert isinstance(number, NotEstimable)
        assert number.reason.startswith(begins)


@pytest.mark.parametrize("kept", [pl.col("cohort") > 0, pl.col("cohort") == 0], ids=["no donors", "none treated"])
def test_one_arm_alone_is_refused(people: pl.DataFrame, kept: pl.Expr) -> None:
    with pytest.raises(PanelError, match="expected both"):
        LEARNER.fit(people.filter(kept))


def levels(persons: list[list[int]], means: list[list[float]], shrinkage: float = 20.0) -> np.ndarray:
    counts = np.array([persons])
    before = PreStart(np.zeros(len(persons), dtype=np.bool_), counts, counts * np.array([means]))
    return prestart_levels(before, np.ones(len(persons), dtype=np.bool_), shrinkage)[0]


def test_a_level_before_the_start_is_the_municipalitys_own_and_its_groups() -> None:
    persons, means = [[30, 10], [40, 60], [20, 0]], [[0.2, 0.3], [0.5, 0.6], [0.1, 0.0]]
    found = levels(persons, means)
    assert found[:2] == pytest.approx(np.array(means[:2]))  # additive: shrinking moves nothing
    assert found[2] == pytest.approx([0.1, 0.2])  # nobody there: own level plus the group's usual distance


def test_a_small_cell_is_shrunk_and_a_large_one_is_not() -> None:
    persons, means = [[1000, 2], [1000, 1000]], [[0.2, 1.0], [0.2, 0.3]]
    found = levels(persons, means)
    assert found[0, 1] == pytest.approx(0.36, abs=0.01)
    assert found[1] == pytest.approx([0.2, 0.3], abs=0.01)
    assert levels(persons, means, shrinkage=0.0) == pytest.approx(np.array(means))


def test_levels_keep_what_each_municipality_holds_in_all_when_cells_are_equal() -> None:
    means = [[0.1, 0.5], [0.4, 0.2], [0.3, 0.3]]
    found = levels([[10, 10]] * 3, means)
    assert found.sum(axis=1) == pytest.approx(np.sum(means, axis=1))
    assert found.sum(axis=0) == pytest.approx(np.sum(means, axis=0))


def test_a_municipality_without_entrants_before_the_start_has_no_level() -> None:
    assert np.isnan(levels([[30, 10], [0, 0]], [[0.2, 0.3], [0.0, 0.0]])[1]).all()
