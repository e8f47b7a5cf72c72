"""The municipalities behind a comparison, by weight."""

from __future__ import annotations

from reports import figure, numbers, theme
from reports.figure import Figure, Table
from reports.released import Row

SHOWN = 10


def donors(rows: list[Row], title: str, table: Table) -> Figure | None:
    """Return the heaviest municipalities as bars; None without weights."""
    import altair as alt

    top = sorted(rows, key=lambda row: row["place"])[:SHOWN]
    if not top:
        return None
    order = [row["municipality_name"] for row in top]
    bars = (
        alt.Chart(figure.data([{"name": row["municipality_name"], "share": 100 * row["weight"]} for row in top]))
        .mark_bar(color=theme.PALETTE["comparison"], height=14)
        .encode(
            x=alt.X("share:Q", title="Vægt i pct.", axis=alt.Axis(tickCount=6)),
            y=alt.Y("name:N", sort=order, title=None, axis=theme.names_axis(order)),
        )
        .properties(
            width=430,
            height=alt.Step(24),
            description="De tungeste kommuner i sammenligningen: "
            + "; ".join(f"{row['municipality_name']} {numbers.percent(row['weight'])}" for row in top),
        )
    )
    caption = "Kommunerne er valgt, så de sammen følger kommunen før starten; ikke fordi de ligner den i andet."
    return figure.figure(bars, "vaegte", title=title, table=table, caption=caption)
