"""Which false starts a series allows, and which of them a reform could explain."""

from datetime import date
from itertools import pairwise

import pytest

from evaluator.diagnostics.placebo_starts import AT_MOST, FalseStart, Obstacle, Timeline, at_dates, chosen, yearly
from evaluator.diagnostics.reforms import REFORMS, Reform
from reports import words


def quarters(first=2007, last=2025):
    return tuple(date(year, month, 1) for year in range(first, last + 1) for month in (1, 4, 7, 10))


def january(*years):
    return [date(year, 1, 1) for year in years]


def timeline(on=date(2017, 1, 1), before=4, after=4, anticipation=0, periods=None):
    periods = periods or quarters()
    return Timeline(periods, periods.index(on), before, after, anticipation)


def names(found):
    return [reform.name.split(":")[0] for reform in found.reforms]


def test_the_dates_of_the_real_series_can_be_run_and_their_reforms_are_named():
    found = at_dates(timeline(), january(2014, 2015, 2016))
    assert all(one.obstacle is None and not one.is_clean for one in found)
    assert names(found[0]) == ["Reform af førtidspension og fleksjob", "Kontanthjælpsreform", "Sygedagpengereform"]
    assert names(found[1]) == ["Kontanthjælpsreform", "Sygedagpengereform", "Integrationsydelse"]
    assert names(found[2]) == ["Integrationsydelse", "Refusionsreform", "Jobreform", "Jobreform"]


def test_a_method_is_judged_by_the_latest_dates_without_a_reform():
    assert [one.on for one in chosen(timeline())] == january(2012, 2011, 2010)
    assert [one.on for one in chosen(timeline(), at_most=9)] == january(2012, 2011, 2010, 2009)
    assert AT_MOST == 3


def test_when_a_reform_is_everywhere_no_date_is_clean():
    """From 2013 on a reform falls in every two years."""
    assert chosen(timeline(periods=quarters(2013))) == ()
    assert len(yearly(timeline(periods=quarters(2013)))) == 3


def test_yearly_dates_keep_the_season_of_the_true_start():
    found = yearly(timeline(on=date(2015, 7, 1)))
    assert [one.on.year for one in found] == list(range(2014, 2007, -1)) and {one.on.month for one in found} == {7}


@pytest.mark.parametrize("anticipation", [0, 1, 3])
@pytest.mark.parametrize("after", [1, 4, 6])
@pytest.mark.parametrize("before", [1, 4, 8])
def test_no_window_reaches_the_true_start_or_its_anticipation(before, after, anticipation):
    line = timeline(on=date(2010, 4, 1), before=before, after=after, anticipation=anticipation)
    found = at_dates(line, line.periods, reforms=())
    can = {one.index for one in found if one.obstacle is None}
    assert can == {
        s
        for s in range(len(line.periods))
        if s - anticipation - before >= 0 and s + after - 1 < line.start - anticipation
    }


@pytest.mark.parametrize(
    ("on", "obstacle"),
    [
        (date(2016, 4, 1), Obstacle.TRUE_START),
        (date(2017, 1, 1), Obstacle.TRUE_START),
        (date(2019, 1, 1), Obstacle.TRUE_START),
        (date(2007, 10, 1), Obstacle.TOO_EARLY),
        (date(2008, 1, 1), None),
        (date(2014, 2, 1), Obstacle.OUTSIDE),
        (date(2003, 1, 1), Obstacle.OUTSIDE),
    ],
)
def test_a_date_that_cannot_be_run_says_why(on, obstacle):
    (found,) = at_dates(timeline(), [on])
    assert found.obstacle is obstacle and found.is_clean is False


@pytest.mark.parametrize(
    ("reform", "inside"),
    [
        (Reform(date(2010, 12, 31), "x"), False),
        (Reform(date(2011, 1, 1), "x"), True),
        (Reform(date(2012, 12, 31), "x"), True),
        (Reform(date(2013, 1, 1), "x"), False),
        (Reform(date(2010, 1, 1), "x", until=date(2010, 12, 31)), False),
        (Reform(date(2010, 1, 1), "x", until=date(2011, 1, 1)), True),
    ],
)
def test_the_windows_of_2012_are_2011_and_2012(reform, inside):
    (found,) = at_dates(timeline(), january(2012), [reform])
    assert (found.reforms == (reform,)) is inside and found.is_clean is not inside


def test_anticipation_widens_the_window_backwards():
    reform = [Reform(date(2010, 11, 1), "x")]
    assert at_dates(timeline(anticipation=1), january(2012), reform)[0].reforms == tuple(reform)


def test_a_date_outside_has_no_index():
    assert at_dates(timeline(), [date(1999, 1, 1)]) == (FalseStart(date(1999, 1, 1), None, Obstacle.OUTSIDE),)


@pytest.mark.parametrize("wrong", [{"start": 0}, {"start": 76}, {"before": 0}, {"after": 0}, {"anticipation": -1}])
def test_a_timeline_that_cannot_be_is_refused(wrong):
    with pytest.raises(ValueError, match="timeline: start"):
        Timeline(**{"periods": quarters(), "start": 40, "before": 4, "after": 4, **wrong})


def test_reforms_are_in_order_and_hold_every_line_that_the_charts_draw():
    assert all(one.on < other.on for one, other in pairwise(REFORMS))
    assert set(words.REFORMS) <= {(f"{reform.on:%Y-%m-%d}", reform.name) for reform in REFORMS}
