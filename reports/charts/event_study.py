"""The estimate by time since start, with pointwise intervals and a simultaneous band."""

from __future__ import annotations

from typing import Any

from reports import figure, numbers, theme, words
from reports.figure import Figure, Table
from reports.released import Row

BEFORE, PARTLY, AFTER = "før start", "delvist omfattet", "efter start"
AIR = 0.12
"""Room above and below the widest pointwise interval, as a share of the range."""


def event_study(rows: list[Row], period: str, title: str) -> Figure | None:
    """Return the event study of one outcome; None when no event time could be estimated."""
    import altair as alt

    known = [r for r in rows if numbers.is_known(r["value"])]
    if not known:
        return None
    unit = known[0]["unit"]
    points = [_point(row, unit) for row in known]
    plural, _ = words.PERIODS.get(period, words.PERIODS["month"])
    base = alt.Chart(figure.data(points)).encode(
        x=alt.X(
            "at:Q",
            title=f"{plural.capitalize()} fra indsatsens start",
            axis=alt.Axis(grid=False, format="d", tickCount=12, labelOverlap="greedy"),
        )
    )
    bottom, top = _domain(points)
    is_clipped = _clip(points, bottom, top)
    scale = alt.Scale(domain=[bottom, top], nice=False)
    y = alt.Y("value:Q", title=numbers.UNITS[unit].axis, axis=alt.Axis(tickCount=6), scale=scale)
    phases = [p for p in (BEFORE, PARTLY, AFTER) if any(point["phase"] == p for point in points)]
    hues = {
        BEFORE: theme.PALETTE["neutral"],
        PARTLY: theme.PALETTE["counterfactual"],
        AFTER: theme.PALETTE["treated"],
    }
    shapes = {BEFORE: "circle", PARTLY: "triangle-up", AFTER: "square"}
    color = alt.Color("phase:N", scale=alt.Scale(domain=phases, range=[hues[p] for p in phases]))
    shape = alt.Shape("phase:N", scale=alt.Scale(domain=phases, range=[shapes[p] for p in phases]))
    band = (
        base.transform_filter("isValid(datum.band_low)")
        .mark_rule(strokeWidth=1)
        .encode(y="band_low:Q", y2="band_high:Q", color=color)
    )
    lines = base.mark_rule(strokeWidth=3).encode(y="low:Q", y2="high:Q", color=color)
    dots = base.mark_point(filled=True, size=46, opacity=1).encode(y=y, color=color, shape=shape)
    zero = alt.Chart(figure.data([{"y": 0}])).mark_rule(color=theme.PALETTE["muted"]).encode(y="y:Q")
    start = (
        alt.Chart(figure.data([{"x": -0.5}])).mark_rule(strokeDash=[5, 4], color=theme.PALETTE["muted"]).encode(x="x:Q")
    )
    first, last = known[0], known[-1]
    chart = alt.layer(zero, start, band, lines, dots).properties(
        width=theme.WIDTH,
        height=280,
        description=f"Punkter med intervaller for hver af {len(known)} {plural} omkring indsatsens start. Den første "
        f"({words.when(first['at'], period)}) er {numbers.effect(first['value'], unit)}, den sidste "
        f"({words.when(last['at'], period)}) {numbers.effect(last['value'], unit)}.",
    )
    caption = (
        "Lodret stiplet linje: indsatsens start. Tyk streg: 95 pct. interval for hvert punkt. Tynd streg: samlet bånd, "
        "som gælder for alle punkter på én gang. Før start skal punkterne ligge omkring nul."
    )
    if PARTLY in phases:
        caption += " Trekanter er borgere, der begyndte før starten, men måles efter."
    if is_clipped:
        caption += " Det samlede bånd er skåret af, hvor det går ud over figuren; det står helt i tabellen."
    notes = words.hidden(sum(r["status"] == "suppressed" for r in rows), "punkt", "punkter")
    return figure.figure(chart, "forloeb", title=title, table=_table(rows, unit, period), caption=caption, notes=notes)


def _domain(points: list[dict[str, Any]]) -> tuple[float, float]:
    """Return the range of the axis: zero, the points and their own intervals, with some air around them."""
    ends = [0.0, *(point[f] for point in points for f in ("value", "low", "high") if f in point)]
    air = AIR * (max(ends) - min(ends)) or 1.0
    return min(ends) - air, max(ends) + air


def _clip(points: list[dict[str, Any]], bottom: float, top: float) -> bool:
    """Cut the simultaneous bands to the axis; return whether any was cut."""
    is_clipped = False
    for point in points:
        for field in ("band_low", "band_high"):
            if field in point and not bottom <= point[field] <= top:
                point[field] = min(max(point[field], bottom), top)
                is_clipped = True
    return is_clipped


def _point(row: Row, unit: str) -> dict[str, Any]:
    phase = PARTLY if row["is_partly_exposed"] else BEFORE if row["at"] < 0 else AFTER
    fields = ("value", "low", "high", "band_low", "band_high")
    shown = {f: numbers.scaled(row[f], unit) for f in fields if numbers.is_known(row[f])}
    return {"at": row["at"], "phase": phase, **shown}


def _table(rows: list[Row], unit: str, period: str) -> Table:
    headers = ("Tid", "Omfattet", "Forskel", "95 pct. interval", "Samlet bånd", "Personer")
    body = tuple(
        (
            words.when(row["at"], period),
            PARTLY if row["is_partly_exposed"] else BEFORE if row["at"] < 0 else AFTER,
            numbers.effect(row["value"], unit, row["status"]),
            numbers.interval(row["low"], row["high"], unit, row["status"]),
            numbers.interval(row["band_low"], row["band_high"], unit, row["status"]),
            numbers.count(row["n"], row["status"]),
        )
        for row in rows
    )
    return Table(headers, body, words=frozenset({0, 1}))
