"""The campaign on a few draws, and what its committed tables and the benchmark's say; `main` makes them."""

import csv
import sys
from pathlib import Path

import polars as pl
import pytest

from evaluator.estimators.mixed_hazards.mass_points import Search
from tests.simulation import durdata_path
from tests.simulation import timing_of_events as world
from tests.simulation import timing_of_events_worlds as truths

SPEED = Path(__file__).parents[2] / "benchmarks" / "timing_of_events.csv"


def rows(table):
    with table.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture()
def campaign(tmp_path, monkeypatch):
    """A campaign of its own that adds draws of 800 persons up to a seed and says how many it made."""
    monkeypatch.setattr(world, "DRAWS", tmp_path / "draws.csv")
    monkeypatch.setattr(world, "TABLE", tmp_path / "table.csv")
    monkeypatch.setattr(world, "SEARCH", Search(points=1))

    def run(capsys, draws):
        asked = ["timing_of_events", "--persons", "800", "--workers", "1", "--world", "plain", "--draws", str(draws)]
        monkeypatch.setattr(sys, "argv", asked)
        world.main()
        return capsys.readouterr().out.count("plain, 800 persons: ")

    return run


def test_an_interrupted_campaign_adds_and_never_repeats(campaign, capsys):
    assert [campaign(capsys, draws) for draws in (2, 3, 3)] == [2, 1, 0]
    whole = world.DRAWS.read_bytes()
    world.DRAWS.write_bytes(whole[:-40])  # killed while it wrote
    assert campaign(capsys, 3) == 1
    assert world.DRAWS.read_bytes() == whole
    found = rows(world.TABLE)
    assert [row["effect"] for row in found] == list(world.EFFECTS)
    assert {row["draws"] for row in found} == {"3"}


def test_draws_of_other_code_are_not_added_to(campaign, capsys, monkeypatch):
    campaign(capsys, 1)
    monkeypatch.setitem(truths.TRUTH, "job", 3.0)
    with pytest.raises(SystemExit, match="made by other code"):
        campaign(capsys, 2)


def test_the_summary_is_that_of_the_draws_kept(tmp_path, monkeypatch):
    committed = rows(world.TABLE)
    monkeypatch.setattr(world, "TABLE", tmp_path / "table.csv")
    world.write_summary()
    assert rows(world.TABLE) == committed


@pytest.mark.parametrize("name", truths.WORLDS)
def test_rows_of_a_person_are_one_spell(name):
    draw = truths.draw(name, 500, 1)
    assert draw["duration"].min() > 0
    assert draw.group_by("person_id").agg(total=pl.col("duration").sum())["total"].max() <= truths.FOLLOWED + 1e-9
    ended = draw.filter(draw["transition"].is_in(truths.EXITS))
    assert ended["person_id"].is_unique().all()
    sanctioned = draw.filter(draw["transition"] == truths.TREATMENT)["person_id"]
    assert set(draw.filter(draw["state"] == "treated")["person_id"]) == set(sanctioned)


def told(effect):
    """Return the row of an effect by world, model and persons."""
    found = (row for row in rows(world.TABLE) if row["effect"] == effect)
    return {(row["world"], row["model"], int(row["persons"])): row for row in found}


@pytest.mark.parametrize("effect", world.EFFECTS)
def test_the_table_says_that_effects_are_recovered_by_300_draws(effect):
    plain = told(effect)["plain", "sanction", 5000]
    assert int(plain["draws"]) >= 300
    assert plain["verdict"] == "holds"
    assert float(plain["flagged_percent"]) <= 7


def test_the_table_says_that_the_model_without_heterogeneity_is_wrong():
    later = told("job.after_5_on")["plain", "sanction", 5000]
    assert float(later["bias_without_heterogeneity"]) < -0.5
    assert float(later["coverage_without_heterogeneity_percent"]) < 5


def test_the_table_says_that_planted_anticipation_is_flagged_and_needs_the_no_shows():
    first, later = told("job.after_0_4"), told("job.after_5_on")
    assert float(first["anticipated", "sanction", 5000]["flagged_percent"]) >= 80
    planted = {model: later["no_shows_anticipated", model, 5000] for model in truths.MODELS["no_shows_anticipated"]}
    assert float(planted["decision"]["state_flagged_percent"]) >= 80
    assert abs(float(planted["decision"]["bias"])) < 0.1 < float(planted["decision_alone"]["bias"])


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


@pytest.mark.parametrize("name", ("no_shows", "no_shows_anticipated"))
def test_a_no_show_is_heard_and_decided_within_one_spell(name):
    draw = truths.draw_no_shows(name, 500, 1)
    assert draw["duration"].min() > 0
    assert draw.group_by("person_id").agg(total=pl.col("duration").sum())["total"].max() <= truths.FOLLOWED + 1e-9
    assert draw.filter(pl.col("transition").is_in(truths.EXITS))["person_id"].is_unique().all()
    for stage, only in (("hearing", "free"), ("decision", "heard")):
        once = draw.filter(transition=stage)
        assert once["person_id"].is_unique().all()
        assert set(once["stage"]) == {only}
    decided = draw.filter(stage="decided").select("decision_0_4", "decision_5_on").to_numpy()
    assert (decided.sum(axis=1) == 1).all()
    for model in truths.MODELS[name]:
        seen, question = truths.asked(model, draw)
        assert set(seen["state"]) <= set(question["risk_sets"])
