"""The same calculation for every municipality: is the treated one unusual?"""

from __future__ import annotations

from collections import Counter
from typing import Any

from reports import figure, numbers, theme
from reports.figure import Figure, Table
from reports.released import Row

BINS = 44


def placebo(rows: list[Row], unit: str, title: str, notes: tuple[str, ...] = ()) -> Figure | None:
    """Return a stack of dots, one per municipality, the treated one marked; None without a distribution."""
    import altair as alt

    known = sorted((r for r in rows if numbers.is_known(r["effect"])), key=lambda r: r["effect"])
    if len(known) < 5:
        return None
    points, columns = _stacked([numbers.scaled(r["effect"], unit) for r in known], [r["is_treated"] for r in known])
    tallest = max(columns.values())
    base = alt.Chart(figure.data(points)).encode(
        x=alt.X("x:Q", title=numbers.UNITS[unit].axis, axis=alt.Axis(grid=False, tickCount=8)),
        y=alt.Y("y:Q", axis=None, scale=alt.Scale(domain=[0, tallest + 2.5])),
    )
    others = base.transform_filter("!datum.treated").mark_point(
        filled=True, size=80, color=theme.PALETTE["neutral_soft"], opacity=1
    )
    own = base.transform_filter("datum.treated").mark_point(
        filled=True, size=190, shape="diamond", color=theme.PALETTE["treated"], opacity=1
    )
    tips = [{**p, "top": tallest + 1.4, "tip": tallest + 2} for p in points if p["treated"]]
    tip = alt.Chart(figure.data(tips)).encode(x="x:Q")
    stem = tip.mark_rule(color=theme.PALETTE["treated"], strokeDash=[2, 3]).encode(
        y=alt.Y("y:Q", axis=None), y2="top:Q"
    )
    label = tip.mark_text(fontWeight="bold", color=theme.PALETTE["treated"]).encode(
        y=alt.Y("tip:Q", axis=None), text=alt.value("indsatsen")
    )
    zero = alt.Chart(figure.data([{"x": 0}])).mark_rule(color=theme.PALETTE["neutral"]).encode(x="x:Q")
    place = next((i for i, r in enumerate(known, 1) if r["is_treated"]), None)
    said = f"Kommunen med indsatsen er nummer {place} af {len(known)} nedefra." if place and not notes else ""
    chart = alt.layer(zero, stem, others, own, label).properties(
        width=theme.WIDTH,
        height=max(120, 13 * (tallest + 3)),
        description=f"En prik for hver af {len(known)} kommuner, placeret efter deres beregnede forskel. {said}",
    )
    caption = f"Hver prik er en kommune, regnet som om den havde haft indsatsen. {said}"
    return figure.figure(chart, "placebo", title=title, table=_table(known, unit), caption=caption, notes=notes)


def _stacked(values: list[float], treated: list[bool]) -> tuple[list[dict[str, Any]], Counter[int]]:
    """Return dots stacked in bins of equal width."""
    low, high = min(values), max(values)
    width = (high - low) / BINS or 1.0
    columns: Counter[int] = Counter()
    points = []
    for value, own in sorted(zip(values, treated, strict=True), key=lambda pair: (pair[1], pair[0])):
        place = round((value - low) / width)
        columns[place] += 1
        points.append({"x": low + place * width, "y": columns[place], "treated": bool(own)})
    return points, columns


def _table(known: list[Row], unit: str) -> Table:
    is_scaled = any(numbers.is_known(row["scaled"]) for row in known)
    headers = ("Nummer nedefra", "Forskel", "Størrelse i forvejen", "", *(("Skaleret efter størrelse",) * is_scaled))
    body = tuple(
        (
            str(place),
            numbers.effect(row["effect"], unit),
            row["size_band"] or numbers.MISSING,
            "indsatsen" if row["is_treated"] else "",
            *((_scaled(row["scaled"]),) * is_scaled),
        )
        for place, row in enumerate(known, 1)
    )
    return Table(headers, body, words=frozenset({0, 2, 3}))


def _scaled(value: float | None) -> str:
    return numbers.MISSING if value is None or not numbers.is_known(value) else numbers.number(value, 2)
