"""One municipality as it went, as its comparison says it would have gone, and the gap between the two."""

from __future__ import annotations

from typing import Any

from reports import figure, numbers, theme
from reports.charts.over_time import marks, reforms_between
from reports.figure import Figure, Table
from reports.released import Row

ACTUAL, WITHOUT = "det, der skete", "uden indsatsen, efter beregningen"
START = "Lodret stiplet linje: indsatsens start."


def paths(rows: list[Row], start: str, period: str, title: str) -> Figure | None:
    """Return the level that was and the one without the intervention; None when neither is known."""
    import altair as alt

    known = [row for row in rows if numbers.is_known(row["actual"]) and numbers.is_known(row["counterfactual"])]
    if not known:
        return None
    ends = ((ACTUAL, "actual"), (WITHOUT, "counterfactual"))
    points = [
        {"on": numbers.decimal_year(row["period_on"]), "arm": arm, "value": row[key]}
        for row in known
        for arm, key in ends
    ]
    hues = {ACTUAL: theme.PALETTE["treated"], WITHOUT: theme.PALETTE["counterfactual"]}
    dashes = {ACTUAL: [1, 0], WITHOUT: [6, 4]}
    axis = alt.Y(
        "value:Q", title="Modtagere (fuldtidspersoner)", axis=alt.Axis(tickCount=5), scale=alt.Scale(zero=False)
    )
    lines = (
        alt.Chart(figure.data(points))
        .mark_line(strokeWidth=2.4)
        .encode(
            x=_x(points),
            y=axis,
            color=alt.Color(
                "arm:N",
                scale=alt.Scale(domain=list(hues), range=list(hues.values())),
                legend=alt.Legend(symbolSize=700, symbolStrokeWidth=2.2, offset=24),
            ),
            strokeDash=alt.StrokeDash("arm:N", scale=alt.Scale(domain=list(dashes), range=list(dashes.values()))),
        )
    )
    last = known[-1]
    said = f"Sidst {numbers.count(last['actual'])} mod {numbers.count(last['counterfactual'])} uden indsatsen."
    drawn, notes = _with_marks(lines, points, start)
    chart = drawn.properties(width=theme.WIDTH, height=280, description=f"To linjer over tid. {said}")
    caption = f"Stiplet kurve: det forløb, de vejede sammenligningskommuner giver. {START} Numrene er reformer:"
    return figure.figure(
        chart, "forloeb-niveau", title=title, table=_levels(known, period), caption=caption, notes=notes
    )


def gap(rows: list[Row], start: str, period: str, title: str) -> Figure | None:
    """Return the gap in per cent with its interval period by period; None when none is known."""
    import altair as alt

    known = [row for row in rows if numbers.is_known(row["gap"])]
    if not known:
        return None
    points = [
        {
            "on": numbers.decimal_year(row["period_on"]),
            **{key: numbers.scaled(row[key], "log") for key in ("gap", "low", "high") if numbers.is_known(row[key])},
        }
        for row in known
    ]
    base = alt.Chart(figure.data(points)).encode(x=_x(points))
    title_y = "Afvigelse fra sammenligningen i pct."
    band = base.mark_area(color=theme.PALETTE["treated_soft"], opacity=0.45).encode(
        y=alt.Y("low:Q", title=title_y), y2="high:Q"
    )
    line = base.mark_line(strokeWidth=2.4, color=theme.PALETTE["treated"]).encode(
        y=alt.Y("gap:Q", title=title_y, axis=alt.Axis(tickCount=6, labelExpr=theme.SIGNED))
    )
    zero = alt.Chart(figure.data([{"y": 0}])).mark_rule(color=theme.PALETTE["muted"]).encode(y="y:Q")
    drawn, _ = _with_marks(alt.layer(band, zero, line), points, start, with_reforms=False)
    last = known[-1]
    chart = drawn.properties(
        width=theme.WIDTH,
        height=240,
        description=f"Afvigelsen over tid med interval; sidst {numbers.effect(last['gap'], 'log')}, "
        f"{numbers.interval(last['low'], last['high'], 'log')}.",
    )
    caption = (
        "Felt: 95 pct. interval for hver periode for sig. Før start viser linjen, hvor tæt sammenligningen fulgte "
        f"kommunen. {START}"
    )
    if known[0]["estimator"] == "synthetic_did":
        caption += (
            " Perioderne før start vejer efter, hvor godt de forudsiger tiden efter; hvor vægten ligger, er afvigelsen "
            "tæt på nul af sig selv og intervallet smalt."
        )
    return figure.figure(chart, "forloeb-afvigelse", title=title, table=_gaps(known, period), caption=caption)


def spaghetti(rows: list[Row], start: str, period: str, title: str) -> Figure | None:
    """Return the gap of every municipality as if it were the treated one; None with fewer than five."""
    import altair as alt

    known = [row for row in rows if numbers.is_known(row["gap"])]
    places = {row["place"] for row in known}
    if len(places) < 5:
        return None
    points = [
        {
            "on": numbers.decimal_year(row["period_on"]),
            "gap": numbers.scaled(row["gap"], "log"),
            "place": row["place"],
            "treated": bool(row["is_treated"]),
        }
        for row in known
    ]
    base = alt.Chart(figure.data(points)).encode(
        x=_x(points),
        y=alt.Y(
            "gap:Q",
            title="Afvigelse fra sammenligningen i pct.",
            axis=alt.Axis(tickCount=6, labelExpr=theme.SIGNED),
        ),
        detail="place:N",
    )
    others = base.transform_filter("!datum.treated").mark_line(
        strokeWidth=0.8, color=theme.PALETTE["neutral"], opacity=0.45
    )
    own = base.transform_filter("datum.treated").mark_line(strokeWidth=3, color=theme.PALETTE["treated"])
    drawn, _ = _with_marks(alt.layer(others, own), points, start, with_reforms=False)
    chart = drawn.properties(
        width=theme.WIDTH,
        height=280,
        description=f"En tynd linje for hver af {len(places) - 1} kommuner og en tyk for kommunen med indsatsen.",
    )
    caption = f"Tyk linje: kommunen med indsatsen. Tynde: hver anden kommune, regnet som om den havde haft den. {START}"
    return figure.figure(chart, "alle-forloeb", title=title, table=_spread(known, period), caption=caption)


def _x(points: list[dict[str, Any]]) -> Any:
    import altair as alt

    low, high = min(p["on"] for p in points), max(p["on"] for p in points)
    axis = alt.Axis(format="d", values=list(range(int(low), int(high) + 2)), grid=False)
    return alt.X("on:Q", title=None, axis=axis, scale=alt.Scale(domain=[low, high], nice=False, zero=False))


def _with_marks(
    chart: Any, points: list[dict[str, Any]], start: str, *, with_reforms: bool = True
) -> tuple[Any, tuple[str, ...]]:
    """Return the chart over the lines of reforms and start, and the reforms as notes."""
    import altair as alt

    low, high = min(p["on"] for p in points), max(p["on"] for p in points)
    reforms = reforms_between(low, high) if with_reforms else []
    layers = marks(reforms, numbers.decimal_year(start), low, high)
    return alt.layer(*layers, chart), tuple(f"{r['number']}. {r['name']} ({numbers.day(r['date'])})" for r in reforms)


def _levels(rows: list[Row], period: str) -> Table:
    body = tuple(
        (
            numbers.period(row["period_on"], period),
            numbers.count(row["actual"]),
            numbers.count(row["counterfactual"]),
            numbers.effect(row["gap"], "log"),
        )
        for row in rows
    )
    return Table(("Periode", "Det, der skete", "Uden indsatsen", "Afvigelse"), body)


def _gaps(rows: list[Row], period: str) -> Table:
    body = tuple(
        (
            numbers.period(row["period_on"], period),
            numbers.effect(row["gap"], "log"),
            numbers.interval(row["low"], row["high"], "log"),
        )
        for row in rows
    )
    return Table(("Periode", "Afvigelse", "95 pct. interval"), body)


def _spread(rows: list[Row], period: str) -> Table:
    """Return the treated one's gap beside the middle of the others', period by period."""
    by_period: dict[str, list[Row]] = {}
    for row in rows:
        by_period.setdefault(row["period_on"], []).append(row)
    body = []
    for on, found in sorted(by_period.items()):
        own = next((row["gap"] for row in found if row["is_treated"]), None)
        others = sorted(row["gap"] for row in found if not row["is_treated"])
        tenth = max(len(others) // 10, 0)
        cells = (
            numbers.effect(own, "log"),
            *(numbers.effect(others[at], "log") for at in (tenth, len(others) // 2, -1 - tenth)),
        )
        body.append((numbers.period(on, period), *cells))
    headers = (
        "Periode",
        "Kommunen",
        "Lavere end hos ni af ti andre",
        "Midterste af de andre",
        "Højere end hos ni af ti andre",
    )
    return Table(headers, tuple(body))
