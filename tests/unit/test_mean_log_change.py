"""The real series: changes, ranks and intervals of four municipalities among the others (Statistics Denmark AUK01)."""

import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from evaluator.errors import PanelError
from evaluator.estimators import MeanLogChange
from evaluator.inference import randomisation
from evaluator.panel import panel_from_frame

SHARED = Path(os.environ.get("EVALUATOR_SHARED", Path(__file__).parents[3] / "shared"))
FILE = SHARED / "domain" / "data" / "auk01_nettoledige_kontanthjaelp_kommune_kvartal.csv"
CODES = {"Horsens": "615", "Silkeborg": "740", "Ballerup": "151", "Hjørring": "860"}
needs_series = pytest.mark.skipif(not FILE.exists(), reason="reference data not found: the public series")


def series(code, start="2017K1", change=None):
    frame = pl.read_csv(FILE, separator=";", schema_overrides={"kommunekode": pl.String})
    frame = frame.filter(pl.col("kommunekode") != "0").with_columns(
        start=pl.when(pl.col("kommunekode") == code).then(pl.lit(start)), y=pl.col("fuldtidsmodtagere").cast(pl.Float64)
    )
    frame = frame if change is None else frame.with_columns(y=change)
    return panel_from_frame(frame, unit="kommunekode", period="kvartal", outcome="y", cohort="start", gaps=True)


@needs_series
@pytest.mark.parametrize(
    ("name", "change", "rank", "below", "two_sided", "low", "high"),
    [
        ("Horsens", -16.64, 19, 0.218, 0.414, -0.559, 0.229),
        ("Silkeborg", -2.15, 46, 0.529, 0.943, -0.398, 0.393),
        ("Ballerup", -24.25, 6, 0.069, 0.161, -0.654, 0.131),
        ("Hjørring", 60.86, 86, 0.989, 0.023, 0.119, 0.881),
    ],
)
def test_changes_ranks_and_intervals_of_2017(name, change, rank, below, two_sided, low, high):
    estimator, panel = MeanLogChange(), series(CODES[name])
    pool, placebos = estimator.pool(panel), estimator.fit(panel)
    assert (len(pool.units), pool.below_minimum, pool.unknown) == (87, 11, 0)
    assert round(100 * np.expm1(estimator.changes(panel)[pool.treated]), 2) == change
    found = randomisation(placebos, donors_see_treated=estimator.donors_see_treated)
    assert (found.rank, found.of) == (rank, 87)
    assert (round(found.p_below, 3), round(found.p_two_sided, 3)) == (below, two_sided)
    np.testing.assert_allclose([found.low, found.high], [low, high], atol=1e-3)


@needs_series
@pytest.mark.parametrize(("name", "rank"), [("Horsens", 18), ("Silkeborg", 44), ("Ballerup", 6), ("Hjørring", 83)])
def test_ranks_without_the_three_other_projects(name, rank):
    others = tuple(code for other, code in CODES.items() if other != name)
    estimator, panel = MeanLogChange(exclude=others), series(CODES[name])
    assert estimator.pool(panel).excluded == 3
    found = randomisation(estimator.fit(panel), donors_see_treated=True)
    assert (found.rank, found.of) == (rank, 84)


@needs_series
def test_silkeborg_on_its_own_date():
    estimator, panel = MeanLogChange(), series(CODES["Silkeborg"], "2015K1")
    placebos = estimator.fit(panel)
    found = randomisation(placebos, donors_see_treated=True)
    change = 100 * np.expm1(estimator.changes(panel)[estimator.pool(panel).treated])
    # -2.449 per cent, given as -2.4
    np.testing.assert_allclose(change, -2.4, atol=0.051)
    assert (found.rank, found.of) == (50, 91)


@needs_series
def test_the_interval_is_the_test_inverted_with_every_change_recomputed():
    estimator, panel = MeanLogChange(), series(CODES["Horsens"])
    found = randomisation(estimator.fit(panel), donors_see_treated=True)
    for end, inward in ((found.low, 1), (found.high, -1)):
        for step, kept in ((1e-6 * inward, True), (-1e-6 * inward, False)):
            after = (pl.col("kommunekode") == "615") & pl.col("kvartal").str.starts_with("2017")
            taken = pl.col("y") * pl.when(after).then(np.exp(-(end + step))).otherwise(1.0)
            again = randomisation(estimator.fit(series("615", change=taken)))
            assert (again.p_two_sided > 0.05) is kept


@needs_series
def test_an_unknown_cell_is_counted_and_its_unit_leaves_the_pool():
    broken = pl.col("kommunekode").is_in(["101", "147"]) & (pl.col("kvartal") == "2016K2")
    for nothing in (0.0, None):
        panel = series("615", change=pl.when(broken).then(nothing).otherwise(pl.col("y")))
        pool = MeanLogChange().pool(panel)
        assert (len(pool.units), pool.unknown) == (85, 2)


def grid(values, starts):
    rows = [(u, t, s, v) for u, (path, s) in enumerate(zip(values, starts, strict=True)) for t, v in enumerate(path, 1)]
    frame = pl.DataFrame(rows, schema=["u", "t", "s", "y"], orient="row")
    return panel_from_frame(frame, unit="u", period="t", outcome="y", cohort="s", gaps=True)


def test_a_change_by_hand():
    panel = grid([[100, 100, 50, 50], [100, 100, 100, 100], [10, 30, 40, 40]], [3, 0, 0])
    placebos = MeanLogChange(window=2, minimum_level=10).fit(panel)
    c = np.log([0.5, 1.0, 2.0])
    np.testing.assert_allclose(placebos.effect, c[0] - (c[1] + c[2]) / 2)
    np.testing.assert_allclose(placebos.donors[:, 0], [c[1] - (c[0] + c[2]) / 2, c[2] - (c[0] + c[1]) / 2])
    assert placebos.size.tolist() == [100, 20] and placebos.treated_size == 100


@pytest.mark.parametrize(
    ("starts", "message"),
    [([0, 0], "0 units have a start"), ([3, 3], "2 units have a start"), ([2, 0], "1 periods before")],
)
def test_a_design_without_one_start_and_two_windows_is_refused(starts, message):
    with pytest.raises(PanelError, match=message):
        MeanLogChange(window=2).fit(grid([[50.0] * 4] * 2, starts))


def test_a_treated_unit_with_a_zero_is_refused_in_words():
    with pytest.raises(PanelError, match="unknown cells"):
        MeanLogChange(window=2).fit(grid([[50, 50, 0, 50]] + [[50.0] * 4] * 2, [3, 0, 0]))


def test_periods_of_anticipation_are_in_neither_mean():
    values = [[100, 100, 7, 0, 50, 50, 9], [100, 100, 3, 5, 100, 100, 9], [10, 30, 900, None, 40, 40, 9]]
    method, panel = MeanLogChange(window=2, minimum_level=10, anticipation=2), grid(values, [5, 0, 0])
    placebos = method.fit(panel)
    c = np.log([0.5, 1.0, 2.0])
    np.testing.assert_allclose(method.changes(panel), c)
    np.testing.assert_allclose(placebos.effect, c[0] - (c[1] + c[2]) / 2)
    assert placebos.size.tolist() == [100, 20] and method.pool(panel).unknown == 0


@pytest.mark.parametrize(
    ("anticipation", "before", "after"), [(0, slice(4, 8), slice(8, 12)), (3, slice(1, 5), slice(8, 12))]
)
def test_the_windows_are_told(anticipation, before, after):
    assert MeanLogChange(anticipation=anticipation).windows(8) == (before, after)


def test_fewer_periods_after_than_before_can_be_compared():
    panel = grid([[100, 100, 50, 7], [100, 100, 100, 0], [10, 30, 40, None]], [3, 0, 0])
    method = MeanLogChange(window=2, minimum_level=10, after=1)
    assert (method.periods_after, method.windows(2)) == (1, (slice(0, 2), slice(2, 3)))
    np.testing.assert_allclose(method.changes(panel), np.log([0.5, 1.0, 2.0]))


@pytest.mark.parametrize(
    ("anticipation", "message"), [(1, "1 periods before the start and its 1 of anticipation"), (9, "has 0 periods")]
)
def test_a_panel_too_short_for_the_anticipation_is_refused(anticipation, message):
    with pytest.raises(PanelError, match=message):
        MeanLogChange(window=2, anticipation=anticipation).fit(grid([[50.0] * 4] * 2, [3, 0]))


@pytest.mark.parametrize("wrong", [{"anticipation": -1}, {"window": 0}, {"after": 0}])
def test_windows_that_cannot_be_are_refused(wrong):
    with pytest.raises(ValueError, match="expected at least 1 and 0"):
        MeanLogChange(**wrong)
