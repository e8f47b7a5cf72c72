"""The register's weeks and months as lookup tables: week 0 is Monday 2 January 2012, month 0 is January 2012."""

from __future__ import annotations

from datetime import date

import numpy as np

from evaluator.vocabulary import Ints

FIRST_MONDAY = np.datetime64("2012-01-02", "D")
LAST_DAY = np.datetime64("2019-12-31", "D")
WEEKS = 417  # the last one begins on 23 December 2019
MONTHS = 96

MONDAYS = FIRST_MONDAY + 7 * np.arange(WEEKS)
_THURSDAYS = MONDAYS + 3


def _year(days: np.ndarray) -> Ints:
    return days.astype("datetime64[Y]").astype(np.int64) + 1970


MONTH_OF_WEEK: Ints = _THURSDAYS.astype("datetime64[M]").astype(np.int64) - 42 * 12  # the month holds the Thursday
YEAR_OF_WEEK: Ints = _year(_THURSDAYS)
MONTH_STARTS = np.datetime64("2012-01", "M") + np.arange(MONTHS)
MONTH_NAMES = [str(month) for month in MONTH_STARTS]  # 2012-01
WEEKS_IN_MONTH: Ints = np.bincount(MONTH_OF_WEEK, minlength=MONTHS)


def month_index(year: int, month: int) -> int:
    """Return the index of a month; January 2012 is 0."""
    return (year - 2012) * 12 + month - 1


def month_date(index: int) -> date:
    """Return the first day of month `index`."""
    return date(2012 + index // 12, index % 12 + 1, 1)


def week_of_day_15() -> Ints:
    """Return for each month the index of the week that holds the 15th."""
    days = MONTH_STARTS.astype("datetime64[D]") + 14
    return np.minimum((days - FIRST_MONDAY).astype(np.int64) // 7, WEEKS - 1)
