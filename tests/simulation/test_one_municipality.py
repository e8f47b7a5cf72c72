"""The worlds of one municipality's entry cohorts, and the campaign on a few draws; its table is made by `main`."""

import argparse
import csv

import numpy as np
import polars as pl
import pytest

from tests.simulation import coverage, one_municipality
from tests.simulation.one_municipality_world import EFFECT, RETURN, START, STRATA, WORLDS, OneTreated, entrants

QUICK = argparse.Namespace(draws=2, workers=1)


def means(data, cluster):
    """Return the share in a job of a municipality's entrants before the start and from it on."""
    own = data.cluster == cluster
    parts = (own & (data.period < START), own & (data.period >= START))
    return [float(np.average(data.outcome[part], weights=data.weight[part])) for part in parts]


def test_only_the_treated_ones_outcomes_differ_with_an_effect():
    world = OneTreated("largest", "none")
    with_effect, without = world.draw(1)
    moved = with_effect.outcome != without.outcome
    assert set(with_effect.cluster[moved]) == {world.treated}
    gains = [means(data, world.treated)[1] - means(data, world.treated)[0] for data in (with_effect, without)]
    assert gains[0] - gains[1] == pytest.approx(EFFECT, abs=0.012)
    np.testing.assert_array_equal(np.sort(entrants())[[0, -1]], [12, 6241])


def test_drift_is_in_the_treated_one_and_in_what_the_world_says():
    for drift, seen in (("known", True), ("unknown", False)):
        data = OneTreated("largest", drift).draw(3)[1]
        own = data.cluster == OneTreated("largest").treated
        before, after = (
            np.average(data.covariates[own & part], axis=0, weights=data.weight[own & part])
            for part in (data.period < START, data.period >= START)
        )
        assert bool(abs(after - before)[2] > 0.1) is seen
        assert data.covariates.shape[1] == STRATA.shape[1] - 1
    assert np.ptp(RETURN) > 0.3


def test_every_design_has_its_row_and_a_run_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(coverage, "ROOT", tmp_path)
    monkeypatch.setattr(coverage, "SPEC_FILE", coverage.TABLE)
    table = one_municipality.drawn(WORLDS[1], QUICK)
    made = {row["design"]: row for row in one_municipality.summary(WORLDS[1].name, table)}
    assert set(made) == {"weighted", "unweighted"} and {row["draws"] for row in made.values()} == {2}
    assert float(made["unweighted"]["effective_percent"]) == 100 > float(made["weighted"]["effective_percent"])
    assert one_municipality.drawn(WORLDS[1], QUICK).equals(table)
    one_municipality.store(made.values(), tmp_path / "table.csv")
    with (tmp_path / "table.csv").open(encoding="utf-8") as file:
        assert [row["design"] for row in csv.DictReader(file)] == ["unweighted", "weighted"]


def test_refused_draws_are_counted_and_in_no_other_number():
    nothing = dict.fromkeys(one_municipality.NUMBERS, float("nan"))
    known = {**dict.fromkeys(one_municipality.NUMBERS, 0.5), "p_of_null": 0.04, "p_of_zero": 0.01, "error": 0.02}
    rows = [
        {"seed": seed, "design": design, "refused": refused, **(nothing if refused else known)}
        for design, refusals in (("weighted", (True, False)), ("unweighted", (True, True)))
        for seed, refused in enumerate(refusals)
    ]
    weighted, unweighted = one_municipality.summary("w", pl.DataFrame(rows))
    assert (weighted["refused_percent"], weighted["size_percent"], weighted["bias_points"]) == (
        "50.0",
        "100.00",
        "2.000",
    )
    assert (weighted["coverage_percent"], weighted["verdict"]) == ("100.00", "fails")
    assert (unweighted["refused_percent"], unweighted["verdict"]) == ("100.0", "refused")
