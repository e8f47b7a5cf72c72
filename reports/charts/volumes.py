"""Rows by month of every extract, with gaps, changes of level and the reforms of the period."""

from __future__ import annotations

from typing import Any

from reports import figure, numbers, quality_words, theme
from reports.charts.over_time import reforms_between
from reports.figure import Figure, Table
from reports.released import Row

COLUMNS = 2
WIDE, TALL = 330, 96


def volumes(series: list[Row], breaks: list[Row]) -> Figure | None:
    """Return one small chart per extract; a suppressed month is a gap in its line. None when nothing is known."""
    import altair as alt

    points = [
        {"series": r["series"], "on": numbers.decimal_year(r["month"]), "value": r["rows"]}
        for r in series
        if numbers.decimal_year(r["month"]) is not None
    ]
    names = [n for n in dict.fromkeys(p["series"] for p in points) if _is_seen(points, n)]
    if not names:
        return None
    low, high = min(p["on"] for p in points), max(p["on"] for p in points)
    reforms = reforms_between(low, high)
    charts = [_one(name, [p for p in points if p["series"] == name], breaks, reforms, (low, high)) for name in names]
    said = f"Antal rækker pr. måned som linjer, ét lille diagram for hvert af {len(names)} udtræk."
    chart = alt.concat(*charts, columns=COLUMNS, spacing=26).properties(description=said)
    caption = "Antal rækker pr. måned. Linjen er brudt, hvor antallet er 5 eller derunder eller ville røbe et andet."
    if breaks:
        caption += " Trekanter: huller og niveauskift."
    if reforms:
        caption += " Lodrette linjer med numre er reformer og chok, som kan flytte kurverne:"
    notes = tuple(f"{r['number']}. {r['name']} ({numbers.day(r['date'])})" for r in reforms)
    found = sum(not r["reform"] for r in breaks)
    number = {0: "Ingen huller", 1: "Ét hul"}.get(found, f"{found} huller")
    title = f"{number} eller niveauskift uden en kendt reform ved siden af"
    return figure.figure(chart, "maaneder", title=title, table=_table(series), caption=caption, notes=notes)


def _is_seen(points: list[dict[str, Any]], name: str) -> bool:
    return sum(p["series"] == name and numbers.is_known(p["value"]) for p in points) > 1


def _one(
    name: str,
    points: list[dict[str, Any]],
    breaks: list[Row],
    reforms: list[dict[str, Any]],
    reach: tuple[float, float],
) -> Any:
    import altair as alt

    low, high = reach
    every = 2 if high - low > 5 else 1
    axis = alt.Axis(format="d", grid=False, values=list(range(int(low) + 1, int(high) + 1, every)))
    x = alt.X("on:Q", title=None, axis=axis, scale=alt.Scale(domain=[low, high], nice=False, zero=False))
    lines = (
        alt.Chart(figure.data(points))
        .mark_line(strokeWidth=1.8, color=theme.PALETTE["treated"])
        .encode(
            x=x, y=alt.Y("value:Q", title=None, axis=alt.Axis(tickCount=3, format=",d"), scale=alt.Scale(zero=True))
        )
    )
    layers = [*_reform_lines(reforms), lines]
    marks = [{"on": numbers.decimal_year(b["month"])} for b in breaks if b["series"] == name]
    if marks:
        layers.append(
            alt.Chart(figure.data(marks))
            .mark_point(shape="triangle-down", size=90, filled=True, opacity=1, color=theme.PALETTE["counterfactual"])
            .encode(x=x, y=alt.value(6))
        )
    title = alt.TitleParams(
        quality_words.extract(name), anchor="start", fontSize=13, fontWeight=600, color=theme.PALETTE["ink"], dy=-14
    )
    return alt.layer(*layers).properties(width=WIDE, height=TALL, title=title)


def _reform_lines(reforms: list[dict[str, Any]]) -> list[Any]:
    import altair as alt

    if not reforms:
        return []
    seen = alt.Chart(figure.data([{"x": r["x"], "number": r["number"]} for r in reforms]))
    return [
        seen.mark_rule(color=theme.PALETTE["neutral_soft"]).encode(x="x:Q"),
        seen.mark_text(baseline="bottom", dy=-3, fontSize=10, color=theme.PALETTE["muted"]).encode(
            x="x:Q", y=alt.value(0), text="number:N"
        ),
    ]


def _table(series: list[Row]) -> Table:
    names = list(dict.fromkeys(row["series"] for row in series))
    by_month: dict[str, dict[str, Row]] = {}
    for row in series:
        by_month.setdefault(row["month"], {})[row["series"]] = row
    body = tuple(
        (
            numbers.period(month),
            *(
                numbers.count(by_month[month][n]["rows"], by_month[month][n]["status"]) if n in by_month[month] else "–"
                for n in names
            ),
        )
        for month in sorted(by_month)
    )
    return Table(("Måned", *(quality_words.extract(name) for name in names)), body)
