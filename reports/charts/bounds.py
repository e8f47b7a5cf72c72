"""How unequal the trends must have been before the answer is no longer there."""

from __future__ import annotations

from typing import Any

from reports import figure, numbers, theme
from reports.figure import Figure, Table
from reports.released import Row

KEPT, LOST = "intervallet rummer ikke nul", "intervallet rummer nul"

CAPTION = (
    "Vandret: hvor skæv udviklingen må have været efter start, målt i gange den største ændring fra et år til det "
    "næste før start. 0 er svaret, hvis udviklingen var helt parallel. Streg: 95 pct. interval for svaret."
)


def bounds(rows: list[Row], title: str, notes: tuple[str, ...] = ()) -> Figure | None:
    """Return the interval of the answer at each bound on unequal trends; None when none is known."""
    import altair as alt

    known = [r for r in rows if numbers.is_known(r["low"]) and numbers.is_known(r["high"])]
    if not known:
        return None
    unit = known[0]["unit"]
    points: list[dict[str, Any]] = [
        {
            "bound": row["bound"],
            "low": numbers.scaled(row["low"], unit),
            "high": numbers.scaled(row["high"], unit),
            "kind": LOST if row["low"] <= 0 <= row["high"] else KEPT,
        }
        for row in known
    ]
    kinds = [kind for kind in (KEPT, LOST) if any(p["kind"] == kind for p in points)]
    hues = {KEPT: theme.PALETTE["treated"], LOST: theme.PALETTE["neutral"]}
    ticks = [row["bound"] for row in known]
    color = alt.Color("kind:N", scale=alt.Scale(domain=kinds, range=[hues[kind] for kind in kinds]))
    base = alt.Chart(figure.data(points)).encode(
        x=alt.X(
            "bound:Q",
            title="Skævhed efter start, i gange den største før start",
            axis=alt.Axis(values=ticks, grid=False, format=".1~f"),
            scale=alt.Scale(domain=[min(ticks) - 0.25, max(ticks) + 0.25], nice=False),
        ),
        color=color,
    )
    spans = base.mark_rule(strokeWidth=4).encode(
        y=alt.Y("low:Q", title=numbers.UNITS[unit].axis, axis=alt.Axis(tickCount=6, labelExpr=theme.SIGNED)),
        y2="high:Q",
    )
    ends = [base.mark_tick(thickness=3, size=16, orient="horizontal").encode(y=f"{end}:Q") for end in ("low", "high")]
    zero = alt.Chart(figure.data([{"y": 0}])).mark_rule(color=theme.PALETTE["muted"]).encode(y="y:Q")
    first, last = known[0], known[-1]
    chart = alt.layer(zero, spans, *ends).properties(
        width=theme.WIDTH,
        height=240,
        description=f"Intervaller for svaret ved stigende skævhed. Uden skævhed: "
        f"{numbers.interval(first['low'], first['high'], unit)}. Ved {numbers.number(last['bound'])} gange: "
        f"{numbers.interval(last['low'], last['high'], unit)}.",
    )
    return figure.figure(chart, "skaevhed", title=title, table=_table(rows), caption=CAPTION, notes=notes)


def _table(rows: list[Row]) -> Table:
    body = tuple(
        (
            f"{numbers.number(row['bound'])} gange" if row["bound"] else "ingen",
            numbers.interval(row["low"], row["high"], row["unit"], row["status"]),
        )
        for row in rows
    )
    return Table(("Skævhed efter start", "95 pct. interval"), body)
