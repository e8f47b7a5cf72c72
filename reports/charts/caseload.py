"""Caseload: planned and measured per municipality, and its path month by month."""

from __future__ import annotations

from typing import Any

from reports import figure, numbers, theme, words
from reports.figure import Figure, Table
from reports.released import Row

BEFORE, AFTER, PLANNED = "målt før", "målt efter", "planlagt efter"
PATHS = 20
"""Municipalities that fit into one figure of small charts."""


def delivered(rows: list[Row], title: str, table: Table) -> Figure | None:
    """Return where each municipality's caseload began and ended, and where it should have; None when unmeasured."""
    import altair as alt

    points: list[dict[str, Any]] = []
    for row in rows:
        values = {BEFORE: row["measured_before"], AFTER: row["measured_after"], PLANNED: row["planned_after"]}
        if not numbers.is_known(row["measured_after"]):
            continue
        points += [
            {"name": row["municipality_name"], "kind": kind, "value": value}
            for kind, value in values.items()
            if numbers.is_known(value)
        ]
    if not points:
        return None
    looks = {
        BEFORE: (theme.PALETTE["neutral"], "circle"),
        AFTER: (theme.PALETTE["treated"], "square"),
        PLANNED: (theme.PALETTE["counterfactual"], "diamond"),
    }
    kinds = [kind for kind in looks if any(p["kind"] == kind for p in points)]
    names = [row["municipality_name"] for row in rows]
    base = alt.Chart(figure.data(points)).encode(
        y=alt.Y("name:N", sort=names, title=None, axis=theme.names_axis(names, grid=True))
    )
    dots = base.mark_point(filled=True, size=100, opacity=1).encode(
        x=alt.X("value:Q", title="Sager pr. sagsbehandler", axis=alt.Axis(grid=False), scale=alt.Scale(zero=True)),
        color=alt.Color("kind:N", scale=alt.Scale(domain=kinds, range=[looks[kind][0] for kind in kinds])),
        shape=alt.Shape("kind:N", scale=alt.Scale(domain=kinds, range=[looks[kind][1] for kind in kinds])),
    )
    moves = [
        {"name": r["municipality_name"], "before": r["measured_before"], "after": r["measured_after"]}
        for r in rows
        if numbers.is_known(r["measured_before"]) and numbers.is_known(r["measured_after"])
    ]
    lines = (
        alt.Chart(figure.data(moves))
        .mark_rule(strokeWidth=2, color=theme.PALETTE["neutral_soft"])
        .encode(y=alt.Y("name:N", sort=names), x="before:Q", x2="after:Q")
    )
    unmeasured = [{"name": r["municipality_name"]} for r in rows if not numbers.is_known(r["measured_after"])]
    absent = (
        alt.Chart(figure.data(unmeasured))
        .mark_text(align="left", dx=6, fontStyle="italic", color=theme.PALETTE["muted"])
        .encode(y=alt.Y("name:N", sort=names), x=alt.value(0), text=alt.value("ikke målt"))
    )
    layers = [lines, dots, absent] if unmeasured else [lines, dots]
    chart = alt.layer(*layers).properties(
        width=440,
        height=alt.Step(28),
        description=f"Sager pr. sagsbehandler i {len(moves)} kommuner: {words.listed(kinds)}.",
    )
    return figure.figure(chart, "sagstal", title=title, table=table)


def path(rows: list[Row], title: str) -> Figure | None:
    """Return the measured caseload month by month, one small chart per municipality; None without measurements."""
    import altair as alt

    points = [
        {"name": r["municipality_name"], "on": numbers.decimal_year(r["month"]), "value": r["caseload"]}
        for r in rows
        if numbers.decimal_year(r["month"]) is not None
    ]
    names = list(dict.fromkeys(p["name"] for p in points))[:PATHS]
    points = [p for p in points if p["name"] in names]
    if not any(numbers.is_known(p["value"]) for p in points):
        return None
    one = len(names) == 1
    low, high = min(p["on"] for p in points), max(p["on"] for p in points)
    years = list(range(int(low), int(high) + 2)) if one else [int(low) + 1, int(high)]
    lines = (
        alt.Chart(figure.data(points))
        .mark_line(strokeWidth=2, color=theme.PALETTE["treated"])
        .encode(
            x=alt.X(
                "on:Q",
                title=None,
                axis=alt.Axis(format="d", grid=False, values=years),
                scale=alt.Scale(domain=[low, high], nice=False, zero=False),
            ),
            y=alt.Y("value:Q", title="Sager pr. sagsbehandler" if one else None, axis=alt.Axis(tickCount=3)),
        )
        .properties(width=theme.WIDTH if one else 108, height=200 if one else 74)
    )
    chart = lines if one else lines.facet(alt.Facet("name:N", sort=names), columns=5, spacing=18)
    said = f"Målt sagstal måned for måned i {len(names)} {'kommune' if one else 'kommuner'}."
    chart = chart.properties(description=said)
    body = tuple(
        (r["municipality_name"], numbers.period(r["month"]), numbers.cases(r["caseload"], r["status"])) for r in rows
    )
    table = Table(("Kommune", "Måned", "Sager pr. sagsbehandler"), body, words=frozenset({0, 1}))
    return figure.figure(chart, "sagstal-forloeb", title=title, table=table, caption=said)
