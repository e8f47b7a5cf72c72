"""The random assignments' parts on one draw, and what the committed table promises."""

import csv

import numpy as np
import polars as pl

from evaluator.registers.municipalities import STEPS
from tests.simulation import assignments
from tests.simulation.worlds import SPEC


def test_a_design_keeps_the_starts_of_the_spec_and_draws_who_has_them():
    one, two = (assignments.random_design(np.random.default_rng(seed)) for seed in (1, 2))
    for design in (one, two):
        assert sorted(start.on for start in design.treated) == sorted(day for day in STEPS for _ in range(5))
        assert not set(design.treated_codes) & {*design.donors, *SPEC.comparison.exclude_donors}
        assert len(design.treated) + len(design.donors) + len(SPEC.comparison.exclude_donors) == 98
    assert one.treated_codes != two.treated_codes and one.content_hash != two.content_hash


def test_a_headline_is_what_the_spec_declares(monkeypatch):
    monkeypatch.setattr(assignments, "PERSONS", 20_000)
    (row,) = assignments.register_rows(1, assignments=1)
    assert row["estimator"] == SPEC.primary_estimator and row["method"] == "leave_one_cluster_out"
    assert row["low"] < row["value"] < row["high"] and abs(row["value"]) < 4 * row["se"]
    assert (row["answer"] == "effect") == (row["low"] > 0 or row["high"] < 0)


def test_the_error_of_the_rate_is_clustered_by_register():
    answers = [["effect"] * 4, ["undecided"] * 4, ["undecided"] * 3 + ["refused"]]
    rows = [
        {"seed": seed, "assignment": i, "answer": answer, "value": 0.1 * i, "se": 0.1}
        for seed, given in enumerate(answers)
        for i, answer in enumerate(given)
    ]
    *each, overall = assignments.summary(pl.DataFrame(rows))
    assert [row["percent"] for row in each] == [100, 0, 0] and each[2]["refused"] == 1
    assert overall["percent"] == 33.33
    assert overall["clustered_error"] == round(np.std([100, 0, 0], ddof=1) / np.sqrt(3), 2)


def test_the_committed_table_shows_few_effects_of_nothing():
    with assignments.TABLE.open(encoding="utf-8") as file:
        *each, overall = csv.DictReader(file)
    assert len(each) == 20 and {row["assignments"] for row in each} == {"25"}
    assert float(overall["percent"]) <= 100 * assignments.NOMINAL + assignments.NORMAL * float(
        overall["clustered_error"]
    )
