"""Where people went in the year after a sanction: cumulated shares, beside those of comparable people without one."""

from __future__ import annotations

from typing import Any

from reports import figure, numbers, sanction_words, theme
from reports.figure import Figure, Table
from reports.released import Row


def incidence(rows: list[Row], title: str) -> Figure | None:
    """Return one small chart for each end state; None when nothing may be shown."""
    import altair as alt

    known = [row for row in rows if numbers.is_known(row["share"])]
    if not known:
        return None
    points = [_point(row) for row in known]
    exits = [label for label in sanction_words.LABELS.values() if any(p["exit"] == label for p in points)]
    arms = list(sanction_words.ARMS.values())
    hue = alt.Color(
        "arm:N",
        scale=alt.Scale(domain=arms, range=[theme.PALETTE["treated"], theme.PALETTE["counterfactual"]]),
        legend=alt.Legend(orient="top", symbolOpacity=1),
    )
    base = alt.Chart(figure.data(points)).encode(
        x=alt.X("weeks:Q", title="Uger siden", axis=alt.Axis(grid=False, values=[0, 13, 26, 39, 52]))
    )
    bands = base.mark_area(opacity=0.22).encode(y="low:Q", y2="high:Q", color=hue)
    lines = base.mark_line(strokeWidth=2.2).encode(
        y=alt.Y("share:Q", title="Pct.", axis=alt.Axis(tickCount=4)),
        color=hue,
        strokeDash=alt.StrokeDash("arm:N", legend=None, scale=alt.Scale(domain=arms, range=[[1, 0], [6, 4]])),
    )
    last = max(p["weeks"] for p in points)
    said = "; ".join(
        f"{p['exit']}, {p['arm']}: {numbers.number(p['share'])} pct." for p in points if p["weeks"] == last
    )
    chart = (
        alt.layer(bands, lines)
        .properties(width=255, height=130)
        .facet(facet=alt.Facet("exit:N", sort=exits, title=None), columns=2)
        .properties(description=f"Andele efter {last} uger: {said}.")
    )
    return figure.figure(chart, "hvorhen", title=title, table=_table(rows), caption=sanction_words.INCIDENCE_CAPTION)


def _point(row: Row) -> dict[str, Any]:
    shares = {key: 100 * row[key] for key in ("share", "low", "high") if numbers.is_known(row[key])}
    exit_name, arm = sanction_words.LABELS[row["destination"]], sanction_words.ARMS[row["arm"]]
    return {**shares, "weeks": row["weeks"], "exit": exit_name, "arm": arm}


def _table(rows: list[Row]) -> Table:
    headers = ("Uger siden", "Hvor", "Hvem", "Andel", "95 pct. interval")
    order = list(sanction_words.LABELS)
    chosen = sorted(
        (row for row in rows if row["weeks"] % 12 == 4 or row["weeks"] in (24, 48)),
        key=lambda row: (row["weeks"], order.index(row["destination"]), row["arm"]),
    )
    body = tuple(
        (
            str(row["weeks"]),
            sanction_words.LABELS[row["destination"]],
            sanction_words.ARMS[row["arm"]],
            numbers.percent(row["share"], row["status"]),
            _interval(row),
        )
        for row in chosen
    )
    return Table(headers, body, words=frozenset({1, 2}))


def _interval(row: Row) -> str:
    if not (numbers.is_known(row["low"]) and numbers.is_known(row["high"])):
        return numbers.absent(row["status"])
    return f"fra {numbers.number(100 * row['low'])} til {numbers.number(100 * row['high'])} pct."
