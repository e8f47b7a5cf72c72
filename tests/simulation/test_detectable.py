"""The campaign on the smallest detectable effect: on few draws, and what its committed table says."""

import argparse
import csv
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from tests.simulation import coverage, detectable
from tests.simulation.few_treated_worlds import SHORT, FewTreated

QUICK = argparse.Namespace(draws=3, workers=1)


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.setattr(coverage, "ROOT", tmp_path)
    monkeypatch.setattr(coverage, "SPEC_FILE", coverage.TABLE)
    return tmp_path


def test_every_cell_of_the_committed_table_holds_but_the_one_that_cannot():
    with detectable.TABLE.open(encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    assert {(row["world"], row["base"]) for row in table} == {(cell.name, cell.base) for cell in detectable.CELLS}
    for row in table:
        assert int(row["draws"]) == detectable.DRAWS
        assert row["verdict"] == detectable.verdict(float(row["rejected_percent"]))
        assert (row["verdict"] == "holds") is not row["world"].endswith("unrest"), row


def test_the_plain_sum_of_quantiles_fails_for_the_smallest():
    with detectable.TABLE.open(encoding="utf-8") as file:
        plain = {row["world"]: float(row["plain_rejected_percent"]) for row in csv.DictReader(file)}
    assert detectable.verdict(plain["smallest_1"]) == "fails" and plain["smallest_1"] < 50


@pytest.mark.parametrize("base", ["year", "all"])
@pytest.mark.parametrize("cell", [detectable.Cell(FewTreated("smallest", 1, span=SHORT)), detectable.CELLS[1]])
def test_nothing_from_the_start_on_moves_the_detectable_effect(cell, base):
    panel, start = cell.draw(1), cell.world.span[1]
    later = panel.outcome.copy()
    later[:, start:] += 100 * np.random.default_rng(0).normal(size=later[:, start:].shape)
    first, again = (detectable.detectable(each, start, base, 4) for each in (panel, replace(panel, outcome=later)))
    assert first == again


def test_false_starts_end_before_the_true_one_and_have_their_base():
    for base, start, horizon in (("year", 60, 1), ("year", 40, 4), ("all", 60, 16), ("all", 40, 4)):
        dates = detectable.starts(base, start, horizon)
        assert dates[-1] + horizon == start
        assert dates[0] == (detectable.YEAR if base == "year" else start // 2)


def test_the_effect_is_found_in_about_four_of_five_of_a_few_draws():
    for cell in (detectable.CELLS[0], detectable.CELLS[5]):
        found = [row for seed in range(2001, 2031) for row in detectable.rows(cell, seed)]
        rejected = np.mean([[row["up"] <= 0.05, row["down"] <= 0.05] for row in found])
        assert rejected == pytest.approx(0.8, abs=0.1)


def test_worlds_that_are_not_normal_have_shocks_of_their_own():
    world = FewTreated("median", 1)
    plain, tails, noise, unrest = (
        detectable.Cell(world, "year", shocks).draw(1).outcome for shocks in ("normal", "tails", "noise", "unrest")
    )
    assert not np.allclose(plain, tails) and not np.allclose(plain, noise)
    start = world.span[1]
    np.testing.assert_allclose(unrest[:, :start], plain[:, :start])
    before = plain[:, :start].mean(axis=1, keepdims=True)
    np.testing.assert_allclose(unrest[:, start:] - before, 2 * (plain[:, start:] - before))


def test_a_run_goes_on_and_counts_both_signs(here):
    cell = replace(detectable.CELLS[0], world=FewTreated("median", 1, span=SHORT))
    first = detectable.drawn(cell, QUICK)
    assert len(list((here / "build").rglob("*.csv"))) == 1
    assert detectable.drawn(cell, QUICK).equals(first)
    assert set(first["horizon"]) == {1, 4}
    table = pl.DataFrame(
        {"horizon": 1, "detectable": [1.0, 3.0], "up": [0.05, 0.2], "down": [0.01, 0.04], "plain": 0.5}
    )
    (row,) = detectable.summary(cell, table)
    assert (row["rejected_percent"], row["mean_detectable"], row["verdict"]) == ("75.0", "2.000", "holds")


@pytest.mark.parametrize(("rejected", "word"), [(74.9, "fails"), (75.0, "holds"), (85.0, "holds"), (85.1, "fails")])
def test_the_limits_are_those_promised(rejected, word):
    assert detectable.verdict(rejected) == word


def test_rows_of_a_world_and_base_are_replaced_and_others_stay(tmp_path):
    table = tmp_path / "detectable.csv"
    row = {**dict.fromkeys(detectable.COLUMNS, 1), "world": "a", "base": "year"}
    detectable.store([row, {**row, "base": "all"}], table)
    detectable.store([{**row, "horizon": 4}], table)
    with table.open(encoding="utf-8") as file:
        assert [(r["base"], r["horizon"]) for r in csv.DictReader(file)] == [("all", "1"), ("year", "4")]
