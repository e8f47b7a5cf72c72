"""Shares as bars: columns that are unknown, and meetings by the time until they were registered."""

from __future__ import annotations

from dataclasses import dataclass

from reports import figure, numbers, theme
from reports.figure import Figure, Table


@dataclass(frozen=True, slots=True)
class Told:
    """What is said about a chart: the finding, a caption and the table behind it."""

    title: str
    caption: str
    table: Table


Bar = tuple[str, float, bool]
"""A label, a share, and whether it is to be noticed."""


def shares(bars: list[Bar], key: str, unit: str, told: Told) -> Figure:
    """Return horizontal bars in the order given, each with its number; those to be noticed are dark."""
    import altair as alt

    names = [name for name, _, _ in bars]
    points = [
        {"name": name, "value": 100 * share, "label": f"{numbers.number(100 * share)} pct.", "is_marked": is_marked}
        for name, share, is_marked in bars
    ]
    top = max([p["value"] for p in points], default=0.0)
    base = alt.Chart(figure.data(points)).encode(
        y=alt.Y("name:N", sort=names, title=None, axis=theme.names_axis(names)),
        x=alt.X(
            "value:Q",
            title=unit,
            axis=alt.Axis(tickCount=5, grid=True),
            scale=alt.Scale(domain=[0, min(100.0, max(top * 1.2, 5.0))], nice=False),
        ),
    )
    hues = alt.condition(
        "datum.is_marked", alt.value(theme.PALETTE["treated"]), alt.value(theme.PALETTE["treated_soft"])
    )
    drawn = base.mark_bar(height=14).encode(color=hues) + base.mark_text(align="left", dx=6).encode(text="label:N")
    said = f"{unit}: " + ", ".join(f"{p['name']} {p['label']}" for p in points) + "."
    chart = drawn.properties(width=400, height=alt.Step(26), description=said)
    return figure.figure(chart, key, title=told.title, table=told.table, caption=told.caption)
