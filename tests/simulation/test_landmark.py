"""What the committed table of the landmark design says, and how a row of it is made."""

import csv

import polars as pl
import pytest

from tests.simulation.landmark import TABLE, summary


@pytest.fixture(scope="module")
def table():
    rows = csv.DictReader(TABLE.read_text(encoding="utf-8").splitlines())
    return {(row["world"], row["method"], int(row["horizon_weeks"]), row["state"]): row for row in rows}


def test_matching_recovers_what_is_seen_and_the_naive_comparison_does_not(table):
    for horizon in (13, 52):
        for state in ("job", "self_support", "entry_benefit"):
            row = table["selection seen", "against waiting, municipalities", horizon, state]
            assert abs(float(row["bias"])) < 0.005
            assert float(row["coverage_percent"]) >= 85
        assert float(table["selection seen", "naive, municipalities", horizon, "job"]["coverage_percent"]) <= 10


def test_unseen_selection_defeats_matching_and_not_the_bounds(table):
    for horizon in (13, 52):
        row = table["selection unseen", "against waiting, municipalities", horizon, "job"]
        assert float(row["coverage_percent"]) == 0
        for bounds in ("bounds, worst case", "bounds, sanctioned weaker"):
            assert float(table["selection unseen", bounds, horizon, "job"]["coverage_percent"]) >= 95


def test_a_row_counts_the_intervals_that_hold_the_truth():
    draws = {"seed": [1, 2], "method": "m", "horizon": 13, "state": "job", "truth": [0.1, 0.2], "value": [0.1, 0.4],
             "se": [0.05, 0.05], "low": [0.0, 0.3], "high": [0.2, 0.5]}  # fmt: skip
    [row] = summary("w", pl.DataFrame(draws))
    assert (row["draws"], row["coverage_percent"], row["bias"]) == (2, "50.00", "0.100000")
