"""Municipalities with and without the intervention over time, with the reforms of the period."""

from __future__ import annotations

from typing import Any

from reports import figure, numbers, theme, words
from reports.figure import Figure, Table
from reports.released import Row

ARMS = {"treated": "med indsatsen", "comparison": "sammenligning"}


def over_time(rows: list[Row], start: str, period: str, outcome: str, *, is_index: bool = False) -> Figure | None:
    """Return two series as released; a suppressed period is a gap. None when nothing is known.

    A series of levels is an index of its own year before the start; one of shares is per cent of the cohort.
    """
    import altair as alt

    points = [p for p in (_point(row, is_index) for row in rows) if p]
    if not any(p["value"] is not None for p in points):
        return None
    low, high = min(p["on"] for p in points), max(p["on"] for p in points)
    present = [ARMS[a] for a in ARMS if any(p["arm"] == ARMS[a] for p in points)]
    hues = {ARMS["treated"]: theme.PALETTE["treated"], ARMS["comparison"]: theme.PALETTE["comparison"]}
    dashes = {ARMS["treated"]: [1, 0], ARMS["comparison"]: [6, 4]}
    years = list(range(int(low), int(high) + 2))
    axis = alt.Axis(format="d", values=years, grid=False)
    unit = "Indeks (året før starten = 100)" if is_index else "Pct. af dem, der begyndte"
    lines = (
        alt.Chart(figure.data(points))
        .mark_line(strokeWidth=2.2)
        .encode(
            x=alt.X("on:Q", title=None, axis=axis, scale=alt.Scale(domain=[low, high], nice=False, zero=False)),
            y=alt.Y("value:Q", title=unit, axis=alt.Axis(tickCount=5), scale=alt.Scale(zero=not is_index)),
            color=alt.Color(
                "arm:N",
                scale=alt.Scale(domain=present, range=[hues[p] for p in present]),
                legend=alt.Legend(symbolSize=700, symbolStrokeWidth=2.2, offset=24),
            ),
            strokeDash=alt.StrokeDash("arm:N", scale=alt.Scale(domain=present, range=[dashes[p] for p in present])),
        )
    )
    reforms = reforms_between(low, high)
    dots = [
        lines.transform_filter({"field": "arm", "equal": arm})
        .mark_point(size=14, filled=True, opacity=1)
        .encode(color=alt.value(hues[arm]), strokeDash=alt.value([1, 0]))
        for arm in present
    ]
    layers = [*marks(reforms, numbers.decimal_year(start), low, high), lines, *dots]
    ends = [[p for p in points if p["arm"] == arm and p["value"] is not None] for arm in present]
    said = ", ".join(f"{s[0]['arm']} fra {s[0]['label']} til {s[-1]['label']}" for s in ends if s)
    chart = alt.layer(*layers).properties(
        width=theme.WIDTH, height=280, description=f"{outcome} over tid som linjer: {said}."
    )
    notes = tuple(f"{r['number']}. {r['name']} ({numbers.day(r['date'])})" for r in reforms)
    caption = (
        "Tallene er som målt og ikke i sig selv et svar på, hvad indsatsen gjorde. Lodret stiplet linje: indsatsens "
        "første start."
    )
    hidden = [sum(p["arm"] == arm and p["value"] is None for p in points) for arm in present]
    if any(hidden):
        broken = ", ".join(f"{arm}: {n} perioder" for n, arm in zip(hidden, present, strict=True) if n)
        caption += f" Linjen er brudt, hvor tallet er diskretioneret eller mangler ({broken})."
    if reforms:
        caption += " Numrene er reformer, som kan flytte kurverne:"
    return figure.figure(
        chart,
        "tid",
        title=f"{outcome} over tid, med indsatsen og i sammenligningen",
        table=_table(rows, period, is_index),
        caption=caption,
        notes=notes,
    )


def _point(row: Row, is_index: bool) -> dict[str, Any] | None:
    on = numbers.decimal_year(row["period_on"])
    if on is None or row["arm"] not in ARMS:
        return None
    value = 100 * row["share"] if numbers.is_known(row["share"]) else None
    return {"on": on, "arm": ARMS[row["arm"]], "value": value, "label": _shown(row, is_index)}


def _shown(row: Row, is_index: bool) -> str:
    share, status = row.get("share"), row.get("status")
    if is_index and numbers.is_known(share):
        return numbers.number(100 * row["share"])
    return numbers.percent(share, status)


def reforms_between(low: float, high: float) -> list[dict[str, Any]]:
    """Return the reforms between two decimal years, numbered."""
    inside = [(on, name) for on, name in words.REFORMS if low <= (numbers.decimal_year(on) or 0) <= high]
    return [
        {"x": numbers.decimal_year(on), "date": on, "name": name, "number": str(i)}
        for i, (on, name) in enumerate(inside, 1)
    ]


def marks(reforms: list[dict[str, Any]], start: float | None, low: float, high: float) -> list[Any]:
    """Return the layers of reform lines and of the start."""
    import altair as alt

    layers = []
    if reforms:
        seen = alt.Chart(figure.data([{"x": r["x"], "number": r["number"]} for r in reforms]))
        layers.append(seen.mark_rule(color=theme.PALETTE["neutral_soft"]).encode(x="x:Q"))
        layers.append(
            seen.mark_text(baseline="bottom", dy=-3, fontSize=11, color=theme.PALETTE["muted"]).encode(
                x="x:Q", y=alt.value(0), text="number:N"
            )
        )
    if start and low <= start <= high:
        begun = alt.Chart(figure.data([{"x": start}]))
        layers.append(begun.mark_rule(strokeDash=[5, 4], strokeWidth=1.6, color=theme.PALETTE["ink"]).encode(x="x:Q"))
    return layers


def _table(rows: list[Row], period: str, is_index: bool) -> Table:
    by_date: dict[str, dict[str, Row]] = {}
    for row in rows:
        by_date.setdefault(row["period_on"], {})[row["arm"]] = row
    body = []
    for on in sorted(by_date):
        cells = [numbers.period(on, period)]
        for arm in ARMS:
            row = by_date[on].get(arm, {})
            cells += [_shown(row, is_index), numbers.count(row.get("persons"), row.get("status"))]
        body.append(tuple(cells))
    headers = ("Periode", "Med indsatsen", "Personer", "Sammenligning", "Personer (sammenligning)")
    return Table(headers, tuple(body))
