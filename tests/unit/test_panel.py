"""Frames to panels and sections: what is refused, what is dropped and counted."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

from evaluator import frame_columns
from evaluator.errors import PanelError
from evaluator.panel import panel_from_frame, sections_from_frame, select, without_clusters
from evaluator.vocabulary import NEVER, Panel, Sections

NAMES = {"unit": "who", "period": "year", "outcome": "y", "cohort": "start"}


@pytest.fixture(autouse=True, params=[frame_columns.BLOCK, 4])
def rows_at_once(request, monkeypatch):
    """Run every test with columns read whole and in many blocks."""
    monkeypatch.setattr(frame_columns, "BLOCK", request.param)


def long(starts, years=(2001, 2002, 2003), **columns):
    rows = [(who, year, start, 10 * who + year - 2000.0) for who, start in enumerate(starts) for year in years]
    frame = pl.DataFrame(rows, schema=["who", "year", "start", "y"], orient="row", strict=False)
    return frame.with_columns(**columns)


@pytest.mark.parametrize(
    ("start", "expected"), [(0, NEVER), (None, NEVER), (2002, 1), (2003, 2), (2004, NEVER), (2999, NEVER)]
)
def test_a_start_is_the_index_of_its_period_and_zero_null_or_late_is_never(start, expected):
    assert panel_from_frame(long([start, 2002]), **NAMES).cohort.tolist() == [expected, 1]


def test_units_exposed_from_the_first_period_are_dropped_and_counted():
    panel = panel_from_frame(long([2001, 1990, 2002, 0]), **NAMES)
    assert (panel.dropped, panel.units, panel.cohort.tolist()) == (2, (2, 3), [1, NEVER])
    assert panel.cluster.tolist() == [0, 1]


def test_pandas_and_polars_give_the_same_panel():
    frame = long([2002, None, 2003])
    one, two = panel_from_frame(frame, **NAMES), panel_from_frame(frame.to_pandas(), **NAMES)
    for name in ("outcome", "cohort", "cluster", "weight", "observed"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
    assert one.periods == two.periods == (2001, 2002, 2003)


def test_dates_are_periods_and_a_start_between_two_of_them_counts_from_the_next():
    months = [dt.date(2017, m, 1) for m in (1, 2, 3)]
    frame = pl.DataFrame(
        {"who": [1] * 3 + [2] * 3, "year": months * 2, "start": [dt.date(2017, 1, 15)] * 3 + [None] * 3, "y": [1.0] * 6}
    )
    assert panel_from_frame(frame, **NAMES).cohort.tolist() == [1, NEVER]


def test_rows_in_any_order_give_the_same_panel():
    frame = long([2002, 0, 2003, 0])
    shuffled = frame.sample(fraction=1, shuffle=True, seed=3)
    np.testing.assert_array_equal(panel_from_frame(frame, **NAMES).outcome, panel_from_frame(shuffled, **NAMES).outcome)


def moving(column, values):
    return long([2002, 0]).with_columns(pl.Series(column, values))


@pytest.mark.parametrize(
    ("frame", "extra", "message"),
    [
        (pl.concat([long([2002, 0])] * 2), {}, "6 of 12 rows repeat"),
        (long([2002, 0]).slice(1), {}, r"1 of 6 \(who, year\) are absent"),
        (moving("y", [1.0, None, 1.0, 1.0, None, 1.0]), {}, "2 of 6 rows have no y"),
        (moving("start", [2002, 2003, 2002, 0, 0, 0]), {}, "1 of 2 units change start"),
        (moving("w", [1, 2, 1, 1, 1, 1]), {"weight": "w"}, "1 of 2 units change w"),
        (moving("c", [1, 1, 2, 1, 1, 1]), {"cluster": "c"}, "1 of 2 units change c"),
        (moving("w", [-1, -1, -1, 1, 1, 1]), {"weight": "w"}, "3 of 6 rows have no or a negative w"),
        (long([2002, 0]), {"outcome": "absent"}, "column 'absent' is absent"),
        (long([2002, 0]).clear(), {}, "no rows"),
    ],
)
def test_what_cannot_be_laid_out_is_refused_with_counts(frame, extra, message):
    with pytest.raises(PanelError, match=message):
        panel_from_frame(frame, **{**NAMES, **extra})


def test_a_refusal_shows_no_value():
    frame = long([2002, 0]).with_columns(y=pl.lit(987654.0), who=pl.lit("P0000123"))
    with pytest.raises(PanelError) as caught:
        panel_from_frame(frame, **NAMES)
    assert "987654" not in str(caught.value) and "P0000123" not in str(caught.value)


def test_with_gaps_an_absent_row_is_unobserved_and_not_zero():
    panel = panel_from_frame(long([2002, 0]).slice(1), **NAMES, gaps=True)
    assert panel.observed.tolist() == [[False, True, True], [True, True, True]]
    assert np.isnan(panel.outcome[0, 0])


def test_the_vocabulary_builds_panels_too():
    frame = long([2002, 0], size=pl.col("who") + 1.0)
    panel = Panel.from_frame(frame, **NAMES, weight="size", covariates=["who"])
    assert panel.weight.tolist() == [1.0, 2.0] and panel.covariates.tolist() == [[0.0], [1.0]]


def test_an_exposure_by_period_needs_no_cohort():
    frame = long([0, 0], dose=pl.col("y") / 2)
    panel = panel_from_frame(frame, unit="who", period="year", outcome="y", cohort=None, exposure="dose")
    assert panel.cohort.tolist() == [NEVER, NEVER]
    np.testing.assert_array_equal(panel.exposure, panel.outcome / 2)


def cells(starts=(2002, 0)):
    return long(starts, persons=pl.lit(4.0)).rename({"who": "municipality"})


def sections(frame, **extra):
    names = {"period": "year", "outcome": "y", "cohort": "start", "cluster": "municipality", "weight": "persons"}
    return sections_from_frame(frame, **{**names, **extra})


def test_sections_keep_an_absent_cell_absent_and_the_calendar_whole():
    frame = cells().filter(pl.col("year") != 2002)
    data = sections(frame, periods=(2001, 2002, 2003))
    assert data.periods == (2001, 2002, 2003) and sorted(set(data.period.tolist())) == [0, 2]
    assert data.cohort.tolist() == [1, 1, NEVER, NEVER]


def test_a_cell_without_persons_is_absent_even_without_an_outcome():
    frame = cells().with_columns(
        persons=pl.when(pl.col("year") == 2001).then(0.0).otherwise(4.0),
        y=pl.when(pl.col("year") == 2001).then(None).otherwise(pl.col("y")),
    )
    assert sections(frame).outcome.size == 4


def test_sections_leave_out_clusters_exposed_from_the_first_period():
    data = sections(cells((2001, 2002, 0)))
    assert data.clusters == (1, 2) and set(data.cluster.tolist()) == {0, 1}


def test_sections_refuse_a_cluster_whose_cohort_moves():
    with pytest.raises(PanelError, match="1 of 2 clusters change start"):
        sections(cells().with_columns(pl.Series("start", [2002, 2003, 2002, 0, 0, 0])))


def test_leaving_out_a_cluster_renumbers_the_rest():
    data = without_clusters(sections(cells((2002, 0, 2003))), [1])
    assert isinstance(data, Sections)
    assert (data.clusters, data.cluster.tolist()) == ((0, 2), [0, 0, 0, 1, 1, 1])
    panel = without_clusters(panel_from_frame(long([2002, 0, 2003]), **NAMES), [0])
    assert isinstance(panel, Panel)
    assert (panel.units, panel.cohort.tolist()) == ((1, 2), [NEVER, 2])
    assert select(panel, np.array([False, True])).outcome.shape == (1, 3)


def written(unit, period):
    """Return the frame of five units with ids and periods written in other ways, and traits."""
    frame = long([2002, 0, 2003, None, 2002])
    ids = {"small": pl.col("who"), "wide": (pl.col("who") - 2) * 10**15, "text": pl.format("P{}", 7 - pl.col("who"))}
    periods = {"number": pl.col("year"), "date": pl.date(pl.col("year"), 1, 1), "text": pl.format("aar {}", "year")}
    starts = {"number": pl.col("start"), "date": pl.date(pl.col("start"), 1, 1), "text": pl.format("aar {}", "start")}
    start = starts[period] if period == "number" else pl.when(pl.col("start") > 0).then(starts[period])
    return frame.select(
        ids[unit].alias("who"), periods[period].alias("year"), start.alias("start"), "y",
        size=pl.col("who") + 1.0, town=pl.format("by {}", pl.col("who") % 2), rate=pl.col("y") * 2, age=pl.col("y") + 1,
    )  # fmt: skip


@pytest.mark.parametrize("unit", ["small", "wide", "text"])
@pytest.mark.parametrize("period", ["number", "date", "text"])
@pytest.mark.parametrize("gaps", [False, True])
def test_sorted_shuffled_and_pandas_frames_give_the_same_panel(unit, period, gaps):
    frame = written(unit, period).sort("who", "year")
    if gaps:
        frame = frame.filter(pl.int_range(pl.len()) != 4)
    names = {**NAMES, "cluster": "town", "weight": "size", "exposure": "rate", "covariates": ["age"], "gaps": gaps}
    one = panel_from_frame(frame, **names)
    shuffled = frame.sample(fraction=1, shuffle=True, seed=3)
    for other in (shuffled, frame.to_pandas(), shuffled.to_pandas(), pl.concat([frame[:7], frame[7:]], rechunk=False)):
        two = panel_from_frame(other, **names)
        for name in ("outcome", "observed", "exposure", "cohort", "cluster", "weight", "covariates"):
            np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
        assert (one.units, len(one.periods)) == (two.units, 3)
    expected = {"small": [0, 1, 2, 3, 4], "wide": [-2, -1, 0, 1, 2], "text": ["P3", "P4", "P5", "P6", "P7"]}[unit]
    assert [u if unit != "wide" else u // 10**15 for u in one.units] == expected
    starts_ = [1, NEVER, 2, NEVER, 1]
    assert one.cohort.tolist() == (starts_[::-1] if unit == "text" else starts_)
    assert one.covariates[:, 0].tolist() == (one.outcome[:, 0] + 1).tolist()


def test_a_unit_without_a_name_is_refused_where_it_is_the_only_one():
    for nameless in (None, float("nan")):
        with pytest.raises(PanelError, match="3 of 3 rows have no who"):
            panel_from_frame(long([0]).with_columns(who=pl.lit(nameless, dtype=pl.Float64)), **NAMES)


@pytest.mark.parametrize("rechunk", [False, True])
def test_a_frame_in_chunks_of_any_length_is_the_frame(rechunk):
    frame = long([2002, 0, 2003, None, 2002], size=pl.col("who") + 1.0, age=pl.col("y") + 1)
    chunked = pl.concat([frame[:4], frame[4:5], frame[5:13], frame[13:]], rechunk=rechunk)
    one, two = (panel_from_frame(f, **NAMES, weight="size", covariates=["age"]) for f in (frame, chunked))
    for name in ("outcome", "cohort", "weight", "covariates"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
    assert two.cohort.tolist() == [1, NEVER, 2, NEVER, 1] and two.units == (0, 1, 2, 3, 4)


def test_a_complete_sorted_frame_is_read_without_a_copy():
    frame = long([2002, 0, 2003])
    panel = panel_from_frame(frame, **NAMES)
    assert np.shares_memory(panel.outcome, frame["y"].to_numpy())
    assert not np.shares_memory(panel_from_frame(frame[::-1], **NAMES).outcome, frame["y"].to_numpy())


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("same", [[0, None, 0], [2004, 2999, 2004], [2002, 2002, 2002]])
def test_starts_that_mean_the_same_do_not_move(same, order):
    frame = moving("start", [*same, 2003, 2003, 2003])[::order]
    assert panel_from_frame(frame, **NAMES).cohort.tolist() == [1 if same[0] == 2002 else NEVER, 2]


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize(
    ("frame", "extra", "message"),
    [
        (moving("start", [2002, None, 2002, 0, 0, 0]), {}, "1 of 2 units change start"),
        (moving("start", [2002, 2002, 2002, 0, 2003, 0]), {}, "1 of 2 units change start"),
        (moving("c", ["a", "b", "a", "a", "b", "b"]), {"cluster": "c"}, "2 of 2 units change c"),
        (moving("c", ["a", None, "a", "a", "b", "b"]), {"cluster": "c"}, "1 of 6 rows have no c"),
        (moving("c", [1.0, 1.0, 1.0, None, None, None]), {"cluster": "c"}, "3 of 6 rows have no c"),
        (moving("c", [1, 1, 1, 2, 2, None]), {"cluster": "c"}, "1 of 6 rows have no c"),
        (moving("w", [1.0, 1.0, 1.0, float("nan"), 1.0, 1.0]), {"weight": "w"}, "1 of 6 rows have no or a negative w"),
        (moving("w", [1.0, 1.0, 1.0, 1.0, 1.0, 2.0]), {"weight": "w"}, "1 of 2 units change w"),
        (moving("who", [1, 1, 1, 2, 2, None]), {}, "1 of 6 rows have no who"),
        (moving("who", [1, 1, 1, None, None, None]), {}, "3 of 6 rows have no who"),
        (moving("year", [2001, 2002, 2003, 2001, 2002, None]), {}, "1 of 6 rows have no year"),
        (moving("who", [1.0] * 6), {}, "3 of 6 rows repeat"),
        (moving("who", [1, 1, 1, 2, 1, 2]), {}, "1 of 6 rows repeat"),
        (moving("y", [1.0, float("inf"), 1.0, 1.0, 1.0, 1.0]), {}, "1 of 6 rows have an infinite y"),
        (moving("y", ["a", "b", "c", "d", "e", "f"]), {}, "column 'y' is not numeric"),
    ],
)
def test_what_is_wrong_is_found_in_any_order(frame, extra, message, order):
    with pytest.raises(PanelError, match=message):
        panel_from_frame(frame[::order], **{**NAMES, **extra})
