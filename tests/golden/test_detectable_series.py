"""On the real series: what a municipality could show, told from four years before a date, is found four times in five.

No year is as restless as those before it, so single years are far off (46 to 98 per cent with 24 to 29 municipalities
each, 2011 to 2024); what is promised is an average over years.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from evaluator.estimators.mean_log_change import MeanLogChange
from evaluator.evaluation.series_power import curve
from evaluator.inference.ferman_pinto import p_value
from evaluator.panel import panel_from_frame
from evaluator.vocabulary import NEVER, Panel

METHOD, YEAR, HISTORY, PER_YEAR = MeanLogChange(), 4, 16, 6


def everybody(file: Path) -> Panel:
    """Return all municipalities' net unemployed recipients by quarter, nobody treated."""
    frame = pl.read_csv(file, separator=";", schema_overrides={"kommunekode": pl.String})
    frame = frame.filter(pl.col("kommunekode") != "0").with_columns(
        y=pl.col("fuldtidsmodtagere").cast(pl.Float64), start=pl.lit(None, dtype=pl.String)
    )
    return panel_from_frame(frame, unit="kommunekode", period="kvartal", outcome="y", cohort="start", gaps=True)


def cut(panel: Panel, first: int, last: int, row: int, start: int) -> Panel:
    """Return the periods from `first` to before `last` with one treated from `start` on."""
    cohort = np.full(panel.cohort.size, NEVER)
    cohort[row] = start - first
    kept = slice(first, last)
    outcome, observed = panel.outcome[:, kept], panel.observed[:, kept]
    return replace(panel, periods=panel.periods[kept], outcome=outcome, observed=observed, cohort=cohort)


def test_on_the_real_series_it_is_found_about_four_times_in_five(shared: Path) -> None:
    panel = everybody(next((shared / "domain/data").glob("auk01_*.csv")))
    periods, draw, found = len(panel.periods), np.random.default_rng(1), dict[int, list[float]]()
    whole = (np.where(panel.observed, panel.outcome, 0.0) >= METHOD.minimum_level).all(axis=1)
    for start in range(HISTORY, periods - 2 * YEAR + 1, YEAR):
        for row in draw.choice(np.flatnonzero(whole), PER_YEAR, replace=False):
            told = curve(METHOD, cut(panel, start - HISTORY, start, row, start - YEAR))
            assert told is not None
            for point in told.points:
                effect = point.law.detectable()
                after = replace(METHOD, after=point.periods).fit(cut(panel, 0, periods, row, start))
                moved = [replace(after, effect=after.effect + each) for each in (effect, -effect)]
                found.setdefault(point.periods, []).append(np.mean([p_value([m], 0.0) <= 0.05 for m in moved]))
    assert sorted(found) == [1, 2, 4, 8]
    for horizon, rejected in found.items():
        assert 0.70 <= np.mean(rejected) <= 0.92, horizon
    assert 0.75 <= np.mean([np.mean(each) for each in found.values()]) <= 0.88
