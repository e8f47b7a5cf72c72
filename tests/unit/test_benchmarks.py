"""The floor computes what the engine computes, and the table tells when a program does not."""

import numpy as np
import pytest

from benchmarks import dream, large_input, panels
from benchmarks.floor import floor
from benchmarks.table import written
from evaluator import Panel
from evaluator.estimators.group_time import GroupTime
from evaluator.inference import aggregate


@pytest.mark.parametrize("covariates", [(), panels.NAMES])
def test_the_floor_equals_the_engine(covariates):
    frame = panels.frame(3000)
    kept = frame["cluster"].unique().sort()
    frame = frame.with_columns(cluster=kept.search_sorted(frame["cluster"]))  # a small panel misses some places
    found = floor(frame, covariates, draws=99 if covariates else 0)
    names = {name: name for name in ("unit", "period", "outcome", "cohort", "cluster")}
    panel = Panel.from_frame(frame, **names, covariates=covariates)
    fit = GroupTime(adjustment="doubly_robust" if covariates else "none").fit(panel)
    overall, events = aggregate(fit, panel, "simple"), aggregate(fit, panel, "event")
    np.testing.assert_allclose([found.simple, found.simple_se], [overall.value, overall.se], atol=1e-9)
    np.testing.assert_array_equal(found.event_times, events.labels)
    np.testing.assert_allclose(found.event, events.effect, atol=1e-9)
    np.testing.assert_allclose(found.event_se, events.error, atol=1e-9)
    assert np.isfinite(found.critical) == bool(covariates)


def run(program, effect, error, note="", **choices):
    asked = {"method": "group_time", "persons": 10, "covariates": 0, "draws": 0, "program": program} | choices
    times = {"cold": 2.0, "warm": 1.0, "megabytes": 3, "version": "1"}
    return asked | times | {"key": program, "repeat": 0, "effect": effect, "error": error, "note": note}


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (run("csdid", 1.0, 0.1), "agrees"),
        (run("csdid", 1.001, 0.1), "differs: effect"),
        (run("csdid", 1.0, 0.12), "differs: error"),
        (run("diff-diff", 1.0, 0.1 * np.sqrt(98 / 97)), "error 1.0051 times ours: error x sqrt"),
        (run("diff-diff", 1.0, 0.11), "differs: error"),
        (run("csdid", None, None, note="ended after 1 s"), "no answer to compare"),
    ],
)
def test_a_row_says_whether_its_program_answers_as_ours(other, said, tmp_path):
    rows = written([run("ours", 1.0, 0.1), other], tmp_path / "table.csv")
    assert rows[0]["agreement"] == "agrees"
    assert rows[1]["agreement"].startswith(said)


def test_a_row_holds_the_median_of_its_runs_and_the_ratio_to_ours(tmp_path):
    slower = [run("csdid", 1.0, 0.1) | {"warm": seconds} for seconds in (9.0, 4.0, 5.0)]
    rows = written([run("ours", 1.0, 0.1), *slower], tmp_path / "table.csv")
    assert (rows[1]["runs"], rows[1]["warm_seconds"], rows[1]["warm_to_ours"]) == (3, 5.0, 5.0)


def dream_run(program, seconds, persons=dream.COMPARED, **changes):
    found = {"spells": 9, "seconds": seconds, "cpu_seconds": seconds * persons / dream.COMPARED, "megabytes": 400}
    return {"program": program, "version": "1", "persons": persons, "weeks": dream.WEEKS} | found | changes


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([dream_run("polars", 5.0), dream_run("pandas", 8.0), dream_run("ours", 1.0, dream.LARGE)], []),
        ([dream_run("polars", 2.4)], ["ours, file to spells is only 4.8 times as fast as polars"]),
        ([dream_run("pandas", 7.9)], ["ours is only 7.9 times as fast as pandas"]),
        ([dream_run("pandas", 9.0, spells=8)], ["pandas finds 8 spells, ours 9"]),
        ([dream_run("ours", 1.6, dream.LARGE)], ["a person takes 16.0 microseconds of processor among 1000000"]),
        ([dream_run("ours", 1.0, dream.LARGE, megabytes=1001)], ["ours takes 1001 MB for 1000000 persons"]),
    ],
)
def test_the_table_of_dream_says_what_is_not_as_asked(rows, said, tmp_path):
    ours = [dream_run("ours", 1.0), dream_run(dream.LIKE_FOR_LIKE, 0.5)]
    assert dream.written([*ours, *rows], tmp_path / "table.csv") == said


def test_the_best_of_the_turns_counts_with_the_most_memory():
    runs = [{"spells": 9, "seconds": s, "cpu_seconds": 3 - s, "megabytes": 100 * s} for s in (1, 2)]
    found = dream.row(dream.LIKE_FOR_LIKE, 10, runs)
    assert (found["turns"], found["seconds"], found["cpu_seconds"], found["megabytes"]) == (2, 1, 1, 200)


def test_every_program_finds_the_same_spells(tmp_path, monkeypatch):
    monkeypatch.setattr(dream, "FOLDER", tmp_path)
    path = dream.write_file(200)
    assert len({program(path) for program in dream.PROGRAMS.values()}) == 1


def test_a_large_input_is_judged_by_its_rows_and_its_peak(tmp_path, monkeypatch):
    monkeypatch.setattr(large_input, "PERSONS", 5)
    size = 20_000
    rows = large_input.write_file(tmp_path / "a.csv", size)
    lines = (tmp_path / "a.csv").read_bytes().splitlines()
    assert (tmp_path / "a.csv").stat().st_size >= size
    assert len(set(lines)) == len(lines) == rows + 1
    row = {"limit_megabytes": 300, "written_rows": 5, "rows": 5, "peak_megabytes": 600, "peak_to_limit": 2.0}
    assert large_input.faults(row) == []
    assert len(large_input.faults(row | {"rows": 4, "peak_to_limit": 2.01})) == 2
    for limit in (300, 100, 300):
        large_input.write_table(row | {"limit_megabytes": limit}, tmp_path / "table.csv")
    assert (tmp_path / "table.csv").read_text().splitlines()[1:] == ["100,5,5,600,2.0", "300,5,5,600,2.0"]
