"""What the committed table of strictness says, and how a row of it is made."""

import csv

import polars as pl
import pytest

from tests.simulation.strictness import CHECKS, TABLE, WORLDS, summary


@pytest.fixture(scope="module")
def table():
    rows = csv.DictReader(TABLE.read_text(encoding="utf-8").splitlines())
    return {(row["world"], row["state"]): row for row in rows}


def number(row, name):
    return float(row[name])


def test_every_world_is_in_the_table(table):
    assert {world for world, _ in table} == set(WORLDS)


def test_caseworkers_dealt_by_lot_are_seldom_stopped_and_the_intervals_hold_the_truth(table):
    for world in ("by lot", "by lot, few", "by lot, half exempt"):
        for state in ("job", "self_support", "entry_benefit"):
            row = table[world, state]
            error = 100 * (0.05 * 0.95 / float(row["draws"])) ** 0.5
            weak = number(row, "red_first_stage_percent")  # where half cannot be sanctioned
            assert number(row, "answered_percent") >= 93 - weak - 2 * error
            assert number(row, "coverage_percent") >= 95 - 2 * error


def test_what_breaks_the_design_is_seldom_answered(table):
    for world, most in (
        ("depends on the person", 1),
        ("weak first stage", 10),
        ("quality beside strictness", 10),
        ("quality goes with strictness", 10),
        ("quality nearly in step", 10),
        ("quality in step", 10),
        ("quality in step, half exempt", 10),
    ):
        assert number(table[world, "job"], "answered_percent") <= most, world


def test_what_few_persons_cannot_show_is_in_the_table_and_never_green(table):
    for world in ("quality goes with strictness, few", "quality in step, few", "little quality in step"):
        row = table[world, "job"]
        assert number(row, "wrong_percent") > 10
        assert number(row, "green_percent") == 0


def test_a_row_counts_the_answered_the_wrong_and_the_red():
    draws = {"state": ["job"] * 4, "light": ["green", "amber", "red", "red"], "is_answered": [1, 1, 0, 0],
             "truth": [0.0] * 4, "value": [0.1, 0.3, None, None], "low": [-0.1, 0.2, None, None],
             "high": [0.3, 0.4, None, None]} | {name: [0, 0, 1, 0] for name in CHECKS}  # fmt: skip
    others = [pl.DataFrame(draws).with_columns(state=pl.lit(state)) for state in ("self_support", "entry_benefit")]
    row = summary("w", pl.concat([pl.DataFrame(draws), *others]))[0]
    assert (row["draws"], row["answered_percent"], row["wrong_percent"], row["coverage_percent"]) == (
        4, "50.0", "25.0", "50.0")  # fmt: skip
    assert (row["green_percent"], row["bias"], row["half_width"]) == ("25.0", "0.2000", "0.1500")
    assert row["red_assignment_percent"] == "25.0"
