"""The campaign on a few draws, and what its committed tables and the benchmark's say; `main` makes them."""

import csv
import sys
from pathlib import Path

import polars as pl
import pytest

from evaluator.estimators.mixed_hazards.mass_points import Search
from tests.simulation import coverage, durdata_path
from tests.simulation import timing_of_events as world

SPEED = Path(__file__).parents[2] / "benchmarks" / "timing_of_events.csv"


def rows(table):
    with table.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_an_interrupted_campaign_goes_on_and_replaces_its_own_rows(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(coverage, "ROOT", tmp_path)
    monkeypatch.setattr(coverage, "fingerprint", lambda code: "code")
    monkeypatch.setattr(world, "TABLE", tmp_path / "table.csv")
    monkeypatch.setattr(world, "SEARCH", Search(points=1))
    monkeypatch.setattr(world, "CHUNK", 1)
    command = ["timing_of_events", "--persons", "800", "--workers", "1", "--world", "plain", "--draws"]
    for draws, made in (("2", 2), ("3", 1), ("3", 0)):
        monkeypatch.setattr(sys, "argv", [*command, draws])
        world.main()
        assert capsys.readouterr().out.count(": seeds to") == made
    found = rows(tmp_path / "table.csv")
    assert [row["effect"] for row in found] == [f"{e}.{p}" for e in world.EXITS for p in world.PIECES]
    assert {row["draws"] for row in found} == {"3"}


@pytest.mark.parametrize("name", world.WORLDS)
def test_rows_of_a_person_are_one_spell(name):
    draw = world.draw(name, 500, 1)
    assert draw["duration"].min() > 0
    assert draw.group_by("person_id").agg(total=pl.col("duration").sum())["total"].max() <= world.FOLLOWED + 1e-9
    ended = draw.filter(draw["transition"].is_in(world.EXITS))
    assert ended["person_id"].is_unique().all()
    sanctioned = draw.filter(draw["transition"] == world.TREATMENT)["person_id"]
    assert set(draw.filter(draw["state"] == "treated")["person_id"]) == set(sanctioned)


def test_the_table_says_that_the_model_without_heterogeneity_is_wrong():
    plain = {row["effect"]: row for row in rows(world.TABLE) if row["world"] == "plain"}
    later = plain["job.after_5_on"]
    assert float(later["bias_without_heterogeneity"]) < -0.5
    assert float(later["coverage_without_heterogeneity_percent"]) < 5
    assert abs(float(later["bias"])) < 0.1


def test_the_table_says_that_planted_anticipation_is_flagged():
    flagged = {(row["world"], row["effect"]): float(row["flagged_percent"]) for row in rows(world.TABLE)}
    assert flagged["anticipated", "job.after_0_4"] >= 80


def test_no_fit_to_durmod_s_data_is_under_durmod_s():
    path = rows(durdata_path.TABLE)
    assert len(path) >= 11
    for row in path[:11]:
        assert float(row["log_likelihood"]) >= float(row["peer"]) - durdata_path.TOLERANCE
    assert float(path[-1]["left_to_gain"]) < 0.01


def test_the_benchmark_s_table_keeps_what_was_asked():
    first, small, large = rows(SPEED)
    assert float(first["times_as_fast"]) >= 4
    assert int(large["megabytes"]) < 3000
    growth = float(large["processor_seconds"]) / float(small["processor_seconds"])
    assert growth <= 1.25 * int(large["persons"]) / int(small["persons"])
