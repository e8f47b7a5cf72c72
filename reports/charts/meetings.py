"""Ratios of exit hazards after a meeting, by exit, weeks since and what the meeting is about, with intervals."""

from __future__ import annotations

import math
from typing import Any

from reports import figure, meeting_words, numbers, sanction_words, theme
from reports.figure import Figure, Table
from reports.released import Row

WIDEST = 6.0
"""Ratio at which the axis ends, and one over it; longer intervals are cut there."""


def meetings(rows: list[Row], title: str, table: Table, notes: tuple[str, ...] = ()) -> Figure | None:
    """Return the ratios to weeks without a meeting so far; None when none is known."""
    import altair as alt

    points = [_point(row) for row in rows if all(numbers.is_known(row[key]) for key in ("value", "low", "high"))]
    if not points:
        return None
    pieces = list(dict.fromkeys(point["piece"] for point in sorted(points, key=lambda point: point["from"])))
    exits = [label for label in sanction_words.LABELS.values() if any(p["exit"] == label for p in points)]
    names = [label for label in meeting_words.KINDS.values() if any(p["kind"] == label for p in points)]
    low, high = min(p["low"] for p in points), max(p["high"] for p in points)
    scale = alt.Scale(type="log", domain=[min(low, 0.5) / 1.05, max(high, 2.0) * 1.05], nice=False)
    colours = [theme.PALETTE[name] for name in ("treated", "counterfactual", "neutral")][: len(names)]
    axes = {
        "y": alt.Y("piece:N", sort=pieces, title=None, axis=theme.names_axis(pieces)),
        "yOffset": alt.YOffset("kind:N", sort=names),
        "color": alt.Color(
            "kind:N", scale=alt.Scale(domain=names, range=colours), legend=alt.Legend(orient="top", title=None)
        ),
    }
    base = alt.Chart(figure.data(points))
    one = base.mark_rule(color=theme.PALETTE["muted"]).encode(x=alt.datum(1.0))
    bars = base.mark_rule(strokeWidth=2.5).encode(
        x=alt.X(
            "low:Q",
            scale=scale,
            title="Afgang pr. uge i forhold til uden samtale endnu (gange)",
            axis=alt.Axis(grid=False, values=[0.25, 0.5, 0.7, 1, 1.4, 2, 3, 5], format=".2~f"),
        ),
        x2="high:Q",
        **axes,
    )
    shapes = alt.Scale(domain=names, range=["diamond", "circle", "square"][: len(names)])
    dots = base.mark_point(filled=True, opacity=1, size=80).encode(
        x=alt.X("value:Q", scale=scale), shape=alt.Shape("kind:N", legend=None, scale=shapes), **axes
    )
    said = "; ".join(f"{p['exit']} {p['piece']}, {p['kind']} {sanction_words.ratio(p['exact'])}" for p in points)
    header = alt.Header(labelAngle=0, labelAlign="left", orient="top")
    chart = (
        alt.layer(one, bars, dots)
        .properties(width=430, height=alt.Step(14))
        .facet(row=alt.Row("exit:N", sort=exits, title=None, header=header))
        .properties(description=f"Forhold mellem afgang efter og uden en samtale, med 95 pct. interval: {said}.")
    )
    return figure.figure(chart, "samtaler", title=title, table=table, caption=meeting_words.CAPTION, notes=notes)


def _point(row: Row) -> dict[str, Any]:
    ends = {key: min(max(math.exp(row[key]), 1 / WIDEST), WIDEST) for key in ("value", "low", "high")}
    return {
        **ends,
        "exact": math.exp(row["value"]),
        "exit": sanction_words.LABELS[row["destination"]],
        "piece": sanction_words.weeks(row),
        "from": row["from_weeks"],
        "kind": meeting_words.KINDS[row["kind"]],
    }
