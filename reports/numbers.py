"""Danish formats: 1.234,5 · 12,3 pct. · 3,1 pct.point · 21. november 2026 · 1. kvt. 2017."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

SUPPRESSED = ".."
MISSING = "mangler"
NOT_ESTIMABLE = "kan ikke beregnes"

MINUS = "\N{MINUS SIGN}"
MONTHS = ("januar", "februar", "marts", "april", "maj", "juni", "juli", "august", "september", "oktober")
MONTHS += ("november", "december")


@dataclass(frozen=True, slots=True)
class Unit:
    """How a released unit is shown: the number is scaled, then followed by words."""

    level: str  # words behind a level
    effect: str  # words behind a difference
    axis: str  # title of an axis of differences
    decimals: int
    factor: float = 1.0


UNITS = {
    "share": Unit("pct.", "pct.point", "Forskel i pct.point", 1, 100.0),
    "log": Unit("personer", "pct.", "Forskel i pct.", 1),
    "count": Unit("", "", "Forskel", 2),
    "weeks": Unit("uger", "uger", "Forskel i uger", 2),
    "rate": Unit("pr. 100 personer", "pr. 100 personer", "Forskel pr. 100 personer om måneden", 4, 100.0),
}
"""Of log points the effect is read as a change in per cent, the level as persons. A rate is per person a month."""


def is_known(value: Any) -> bool:
    """Return whether a released value is a number (null and NaN are not)."""
    return value is not None and not (isinstance(value, float) and not math.isfinite(value))


def absent(status: str | None) -> str:
    """Return the text of a null: suppressed, not estimable and missing are three different things."""
    return {"suppressed": SUPPRESSED, "not_estimable": NOT_ESTIMABLE}.get(status or "", MISSING)


def _rounded(value: float | int, decimals: int) -> Decimal:
    """Return `value` rounded half up."""
    return Decimal(repr(float(value))).quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)


def number(value: float | int, decimals: int = 1, *, sign: bool = False) -> str:
    """Return `value` rounded half up with Danish separators; `sign` puts a plus before what is above zero."""
    rounded = _rounded(value, decimals)
    text = f"{abs(rounded):,.{decimals}f}".translate(str.maketrans(",.", ".,"))
    if rounded < 0:
        return MINUS + text
    return f"+{text}" if sign and rounded > 0 else text


def count(value: float | int | None, status: str | None = None) -> str:
    """Return a whole number, or why there is none."""
    return number(value, 0) if is_known(value) else absent(status)


def percent(share: float | None, status: str | None = None) -> str:
    """Return a share as `12,3 pct.`, or why there is none."""
    return f"{number(100 * share)} pct." if share is not None and is_known(share) else absent(status)


def scaled(value: float, unit: str) -> float:
    """Return a difference on the scale it is read on: percentage points, per cent (from log points) or as it is."""
    return 100 * math.expm1(value) if unit == "log" else value * UNITS[unit].factor


def as_printed(value: float, unit: str) -> Decimal:
    """Return a difference as a reader sees it: on its scale, with its decimals."""
    return _rounded(scaled(value, unit), UNITS[unit].decimals)


def bare(value: float | None, unit: str, status: str | None = None, *, sign: bool = True) -> str:
    """Return a difference without its unit, or why there is none."""
    if value is None or not is_known(value):
        return absent(status)
    return number(scaled(value, unit), UNITS[unit].decimals, sign=sign)


def effect(value: float | None, unit: str, status: str | None = None, *, sign: bool = True) -> str:
    """Return a difference with its unit, or why there is none."""
    text = bare(value, unit, status, sign=sign)
    return f"{text} {UNITS[unit].effect}".strip() if is_known(value) else text


def interval(low: float | None, high: float | None, unit: str, status: str | None = None) -> str:
    """Return `fra 1,2 til 5,0 pct.point`, or why there is no interval; an open end is said to be open."""
    if low is None or high is None:
        return absent(status)
    if not (is_known(low) and is_known(high)):
        ends = (
            f"fra {effect(low, unit, sign=False)}" if is_known(low) else "",
            f"op til {effect(high, unit, sign=False)}" if is_known(high) else "",
        )
        return next((f"{end} (uden grænse til den anden side)" for end in ends if end), "uden grænser")
    return f"fra {bare(low, unit, sign=False)} til {effect(high, unit, sign=False)}"


def level(value: float | None, unit: str, status: str | None = None) -> str:
    """Return a level: a share in per cent, a count as it is; levels of log outcomes are persons."""
    if value is None or not is_known(value):
        return absent(status)
    shown = UNITS[unit]
    decimals = 0 if unit == "log" else shown.decimals
    return f"{number(value * shown.factor, decimals)} {shown.level}".strip()


def cases(value: float | None, status: str | None = None) -> str:
    """Return a caseload: whole as it is released, with a decimal where there is one."""
    if value is None or not is_known(value):
        return absent(status)
    return number(value, 0 if value == round(value) else 1)


def p_value(value: float | None) -> str:
    """Return a p-value with three decimals, `-` where none was made."""
    if value is None or not is_known(value):
        return "-"
    return "under 0,001" if value < 0.001 else number(value, 3)


def as_date(value: Any) -> date | None:
    """Return a date from a date, a timestamp or an ISO text; None when there is none."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        return None


def day(value: Any) -> str:
    """Return `21. november 2026`."""
    found = as_date(value)
    return f"{found.day}. {MONTHS[found.month - 1]} {found.year}" if found else MISSING


def period(value: Any, kind: str = "month") -> str:
    """Return `januar 2017`, `1. kvt. 2017` or `2017` for the period that begins on a date."""
    found = as_date(value)
    if found is None:
        return MISSING
    if kind == "quarter":
        return f"{(found.month + 2) // 3}. kvt. {found.year}"
    return str(found.year) if kind == "year" else f"{MONTHS[found.month - 1]} {found.year}"


def decimal_year(value: Any) -> float | None:
    """Return a date as a number of years, so that a time axis depends on no time zone."""
    found = as_date(value)
    if found is None:
        return None
    return round(found.year + (found.timetuple().tm_yday - 1) / 365.25, 4)
