"""The main cells on a few draws, and what the committed table promises; it is made by `make simulate`."""

import argparse
import csv

import pytest

from evaluator.conformance import MAIN, World
from tests.simulation import coverage, main_cells

QUICK = argparse.Namespace(draws=3, workers=1)


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.setattr(coverage, "ROOT", tmp_path)
    monkeypatch.setattr(coverage, "SPEC_FILE", coverage.TABLE)
    return tmp_path


def test_every_method_has_size_and_coverage_in_a_cell(here):
    world = MAIN[0]
    tables = [main_cells.drawn(w, main_cells.bad, 5, QUICK) for w in (world, main_cells.null_of(world))]
    rows = list(main_cells.summary(world, *tables))
    assert [row["estimator"] for row in rows] == ["before_after", "static_two_way", "halved_errors"]
    assert {row["draws"] for row in rows} == {3}
    assert len(list((here / "build").rglob("*.csv"))) == 2


def test_size_and_coverage_come_from_draws_of_their_own():
    world = main_cells.null_of(MAIN[0])
    with_effect, without = (main_cells.rows(w, main_cells.bad, 1)[0] for w in (MAIN[0], world))
    assert with_effect["truth"] != 0 and without["truth"] == 0
    assert with_effect["value"] - with_effect["truth"] != pytest.approx(without["value"])


@pytest.mark.parametrize("treated", main_cells.UNSUPPORTED)
def test_too_few_treated_get_no_clustered_error_but_randomisation(here, treated):
    rows = list(main_cells.refused(World(f"few_{treated}", treated), argparse.Namespace(draws=2, workers=1)))
    assert rows[0]["verdict"].startswith(f"refused: Kun {treated} kommuner")
    assert {row["method"] for row in rows[1:]} == {"ferman_pinto", "influence_normal"}


@pytest.mark.parametrize(
    ("covered", "size", "word"),
    [(95, 5, "holds"), (98, 2, "conservative"), (93.4, 5, "fails"), (96, 6.6, "fails"), (93.5, 6.5, "holds")],
)
def test_the_limits_are_those_promised(covered, size, word):
    assert main_cells.verdict(covered, size) == word


def test_rows_of_a_world_are_replaced_and_others_stay(tmp_path):
    table = tmp_path / "coverage.csv"
    row = {"world": "a", "outcome": "share", "estimator": "group_time", "method": "bootstrap"}
    coverage.store([row, {**row, "world": "b"}], table)
    coverage.store([{**row, "method": "normal"}], table)
    with table.open(encoding="utf-8") as file:
        assert [(r["world"], r["method"]) for r in csv.DictReader(file)] == [("a", "normal"), ("b", "bootstrap")]
