"""The campaign's parts on a few draws; the full table is made by `make simulate`."""

import csv
from functools import partial

import polars as pl

from evaluator.cli import DEMO_SEED
from tests.simulation import coverage
from tests.simulation.worlds import OUTCOMES, null_draw, register_draw


def test_a_draw_depends_on_its_seed_alone():
    assert null_draw(3) == null_draw(3) and null_draw(3) != null_draw(4)


def test_the_band_over_the_end_states_contains_the_truth_at_the_demos_seed():
    drawn = register_draw(DEMO_SEED)
    assert {row.outcome: row.band_low <= row.truth <= row.band_high for row in drawn} == dict.fromkeys(OUTCOMES, True)


def test_an_interrupted_campaign_goes_on_where_it_stopped(tmp_path):
    draw = partial(coverage.register_rows, "null")
    first = coverage.draws("null", draw, 2, 1, tmp_path, chunk=2)
    kept = {file: file.stat().st_mtime_ns for file in tmp_path.iterdir()}
    both = coverage.draws("null", draw, 4, 1, tmp_path, chunk=2)
    assert both["seed"].to_list() == [1, 2, 3, 4] and both[:2].equals(first)
    assert all(file.stat().st_mtime_ns == stamp for file, stamp in kept.items())


def test_the_summary_counts_intervals_that_contain_the_truth():
    common = {"truth": 0.0, "se": 1.0, "uncorrected_se": 0.4, "band_low": -3.0, "band_high": 3.0}
    rows = [
        {**common, "seed": seed, "outcome": outcome, "value": value, "low": value - 2, "high": value + 2}
        for seed, outcome, value in [
            (1, "job", 0.5),
            (2, "job", 1.0),
            (3, "job", 2.5),
            (1, "benefit", 0.0),
            (2, "benefit", 0.1),
        ]
    ]
    found = {(r["outcome"], r["method"]): r["coverage_percent"] for r in coverage.summary("null", pl.DataFrame(rows))}
    assert found["job", "leave_one_cluster_out"] == "66.67" and found["job", "influence_normal"] == "33.33"
    assert found["all end states", "simultaneous_band"] == "100.00"


def test_the_committed_table_holds_what_is_promised():
    with coverage.TABLE.open(encoding="utf-8") as file:
        rows = {(r["world"], r["outcome"], r["method"]): r for r in csv.DictReader(file)}
    primary = rows["register", "job", "leave_one_cluster_out"]
    assert int(primary["draws"]) >= 400
    assert 92.5 <= float(primary["coverage_percent"]) <= 98.0
    assert ("register", "job", "influence_normal") in rows
