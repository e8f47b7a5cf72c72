"""The worlds of few treated municipalities, and the campaign on a few draws; its table is made by `main`."""

import argparse
import csv
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from evaluator.estimators.donor_pool import DonorPool
from evaluator.inference.few_treated import autocorrelation, one_by_one
from tests.simulation import coverage, few_treated
from tests.simulation.few_treated_worlds import (
    CELLS,
    MEMORY,
    REAL,
    SHORT,
    FewTreated,
    differences,
    false_starts,
    persons,
)

QUICK = argparse.Namespace(draws=3, weighted=2, workers=1)


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.setattr(coverage, "ROOT", tmp_path)
    monkeypatch.setattr(coverage, "SPEC_FILE", coverage.TABLE)
    return tmp_path


def test_the_treated_are_of_the_size_that_the_world_says():
    order = np.sort(persons())
    for kind, expected in (("smallest", order[:3]), ("median", order[47:50]), ("largest", order[-3:])):
        panel = FewTreated(kind, 3).draw(1)
        np.testing.assert_array_equal(np.sort(panel.weight[panel.cohort == 60]), expected)


def test_shocks_have_their_variance_and_memory_and_the_effect_is_added():
    world = FewTreated("median", 2)
    nothing, panels = replace(world, is_null=True), []
    for seed in range(40):
        panel, without = world.draw(seed), nothing.draw(seed)
        added = panel.outcome - without.outcome
        np.testing.assert_allclose(added[world.treated, 60:], world.truth)
        assert np.count_nonzero(added) == 2 * 16
        panels.append(without.outcome - without.outcome.mean(axis=0))
    found = np.array(panels)
    assert autocorrelation(found.reshape(-1, found.shape[2])) == pytest.approx(MEMORY, abs=0.01)
    within = found.var(axis=2, ddof=1).mean(axis=0)  # of 76 periods: the shocks less their mean
    ratio = within / (1 + REAL / persons())
    np.testing.assert_allclose(ratio / ratio.mean(), 1, atol=0.35)


def test_the_closed_form_is_the_estimator_with_one_treated_at_a_time():
    panel = FewTreated("largest", 2).draw(5)
    for ours, theirs in zip(differences(panel, 60), one_by_one(DonorPool(weigh="equal"), panel)[0], strict=True):
        assert ours.effect[0] == pytest.approx(theirs.effect[0]) and ours.treated_size == theirs.treated_size
        np.testing.assert_allclose(ours.donors[:, 0], theirs.donors[:, 0])
        np.testing.assert_array_equal(ours.size, theirs.size)


@pytest.mark.parametrize("world", [FewTreated("median", 1), FewTreated("median", 1, span=SHORT)])
def test_nothing_from_the_start_on_decides_what_is_offered(world):
    panel, start = world.draw(1), world.span[1]
    later = replace(panel, outcome=panel.outcome + 100 * np.random.default_rng(0).normal(size=panel.outcome.shape) * (
        np.arange(panel.outcome.shape[1]) >= start
    ))  # fmt: skip
    known, again = (few_treated.known_before(each, start) for each in (panel, later))
    assert (known.a, known.b, known.autocorrelation) == (again.a, again.b, again.autocorrelation)
    assert all(0 < date < date + len(panel.periods) - start <= start for date in false_starts(panel, start))


def test_every_test_has_size_coverage_and_power_and_a_run_goes_on(here):
    world, asked = CELLS[0], few_treated.Asked()
    effect, null = (few_treated.drawn(w, asked, QUICK) for w in (world, replace(world, is_null=True)))
    made = {row["test"]: row for row in few_treated.summary(world.name, asked.name, effect, null)}
    assert set(made) == {
        "ferman_pinto", "conley_taber", "conformal", "single_cluster", "placebo_error", "randomisation",
    }  # fmt: skip
    assert {row["draws"] for row in made.values()} == {3} and made["randomisation"]["verdict"] == "not offered"
    assert len(list((here / "build").rglob("*.csv"))) == 2
    assert few_treated.drawn(world, asked, QUICK).equals(effect)


@pytest.mark.parametrize("estimator", few_treated.WEIGHTED, ids=lambda each: each.name)
def test_estimators_that_weigh_donors_are_asked_too(estimator):
    found = few_treated.rows(FewTreated("median", 2), few_treated.Asked(estimator), 1)
    told = {row["test"] for row in found}
    assert {"ferman_pinto", "randomisation_t"} <= told and ("conformal" in told) is (estimator.name != "synthetic_did")
    assert all(0 < row["p_of_truth"] <= 1 for row in found)


def test_size_and_coverage_count_rejections_in_all_draws_and_in_those_offered():
    null = pl.DataFrame(
        {
            "test": "x",
            "offered": [True] * 20 + [False] * 20,
            "p_of_truth": [0.04, *[0.5] * 29, *[0.01] * 10],
            "p_of_none": 1.0,
        }
    )
    effect = null.with_columns(p_of_truth=pl.lit(0.06), p_of_none=pl.Series([0.05] * 30 + [0.051] * 10))
    (row,) = few_treated.summary("w", "e", effect, null)
    told = {name: float(row[f"{name}_percent"]) for name in ("offered", "size", "size_offered", "coverage", "power")}
    assert told == {"offered": 50.0, "size": 27.5, "size_offered": 5.0, "coverage": 100.0, "power": 75.0}
    assert row["verdict"] == "holds"


@pytest.mark.parametrize(
    ("offered", "size", "covered", "word"),
    [(1.0, 5, 95, "holds"), (1.0, 1.9, 98, "conservative"), (1.0, 6.6, 95, "fails"), (1.0, 5, 93.4, "fails"),
     (1.0, 6.5, 93.5, "holds"), (0.04, 30, 50, "not offered"), (0.06, 30, 50, "fails")],
)  # fmt: skip
def test_the_limits_are_those_promised(offered, size, covered, word):
    assert few_treated.verdict(offered, size, covered) == word


def test_rows_of_a_world_and_estimator_are_replaced_and_others_stay(tmp_path):
    table = tmp_path / "few_treated.csv"
    row = {**dict.fromkeys(few_treated.COLUMNS, 1), "world": "a", "estimator": "difference", "test": "x"}
    few_treated.store([row, {**row, "estimator": "synthetic_did"}], table)
    few_treated.store([{**row, "test": "y"}], table)
    with table.open(encoding="utf-8") as file:
        assert [(r["estimator"], r["test"]) for r in csv.DictReader(file)] == [
            ("difference", "y"),
            ("synthetic_did", "x"),
        ]
