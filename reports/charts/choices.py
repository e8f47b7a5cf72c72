"""The specification curve: effects in order of size, and under each the choices it was made by."""

from __future__ import annotations

from typing import Any

from reports import figure, numbers, theme, words
from reports.figure import Figure, Table
from reports.released import Row

MAIN, OTHER = "rapportens svar", "andre valg"
CAPTION = (
    "Øverst: forskellen ved hvert sæt valg med 95 pct. interval, fra lavest til højest. Nederst: de valg, der er "
    "truffet. Ruden er rapportens eget svar."
)


def choices(rows: list[Row], title: str, period: str, notes: tuple[str, ...] = ()) -> Figure | None:
    """Return effects over a matrix of choices; None with fewer than two known effects."""
    import altair as alt

    known = sorted((r for r in rows if numbers.is_known(r["value"])), key=lambda r: (r["value"], _said(r, period)))
    if len(known) < 2:
        return None
    unit = known[0]["unit"]
    order = _order(known, period)
    points = [
        {
            "place": place,
            "kind": MAIN if row["is_main"] else OTHER,
            **{end: numbers.scaled(row[end], unit) for end in ("value", "low", "high") if numbers.is_known(row[end])},
        }
        for place, row in enumerate(known, 1)
    ]
    made = [
        {"place": place, "choice": said, "kind": MAIN if row["is_main"] else OTHER}
        for place, row in enumerate(known, 1)
        for said in _said(row, period)
        if said in order
    ]
    x = alt.X("place:Q", axis=None, scale=alt.Scale(domain=[0.3, len(known) + 0.7], nice=False))
    kinds = [MAIN, OTHER]
    hue = alt.Scale(domain=kinds, range=[theme.PALETTE["treated"], theme.PALETTE["comparison"]])
    form = alt.Scale(domain=kinds, range=["diamond", "circle"])
    color = alt.Color("kind:N", scale=hue)
    base = alt.Chart(figure.data(points)).encode(x=x, color=color)
    y = alt.Y("value:Q", title=numbers.UNITS[unit].axis, axis=alt.Axis(tickCount=6, labelExpr=theme.SIGNED))
    lines = base.mark_rule(strokeWidth=2).encode(y=alt.Y("low:Q", title=numbers.UNITS[unit].axis), y2="high:Q")
    dots = base.mark_point(filled=True, opacity=1).encode(
        y=y,
        shape=alt.Shape("kind:N", scale=form),
        size=alt.Size("kind:N", legend=None, scale=alt.Scale(domain=kinds, range=[170, 60])),
    )
    zero = alt.Chart(figure.data([{"y": 0}])).mark_rule(color=theme.PALETTE["muted"]).encode(y="y:Q")
    width = 420
    top = alt.layer(zero, lines, dots).properties(width=width, height=220)
    matrix = (
        alt.Chart(figure.data(made))
        .mark_point(filled=True, opacity=1, size=60)
        .encode(
            x=x,
            y=alt.Y("choice:N", sort=order, title=None, axis=theme.names_axis(order, grid=True)),
            color=color,
            shape=alt.Shape("kind:N", scale=form),
        )
        .properties(width=width, height=alt.Step(20))
    )
    low, high = known[0], known[-1]
    chart = alt.vconcat(top, matrix, spacing=8).properties(
        description=f"{len(known)} forskelle i rækkefølge, fra {numbers.effect(low['value'], unit)} til "
        f"{numbers.effect(high['value'], unit)}, over en tabel med de valg, hver af dem er beregnet med."
    )
    hidden = words.hidden(sum(r["status"] == "suppressed" for r in rows), "beregning", "beregninger")
    return figure.figure(
        chart, "valg", title=title, table=_table(rows, known, period), caption=CAPTION, notes=(*notes, *hidden)
    )


def _said(row: Row, period: str) -> tuple[str, ...]:
    """Return the choices of a row in words; those that its estimator does not take are left out."""
    plural, single = words.PERIODS.get(period, words.PERIODS["month"])
    said = [f"Metode: {words.estimator(row['estimator'])}"]
    if row["comparison"]:
        said.append(f"Mod: {words.POOLS_SHORT.get(row['comparison'], row['comparison'])}")
    if row["base_periods"]:
        number = row["base_periods"]
        said.append(f"Før: {number} {single if number == 1 else plural}")
    if row["adjustment"]:
        said.append(f"Justering: {words.ADJUSTMENTS.get(row['adjustment'], row['adjustment'])}")
    said.append(f"Kommuner: {words.LEFT_OUT.get(row['leave_out'], row['leave_out'])}")
    return tuple(said)


def _order(rows: list[Row], period: str) -> list[str]:
    """Return every choice once, those of a kind together; a kind in which nothing was chosen between is left out."""
    table: dict[str, dict[str, None]] = {}
    for row in sorted(rows, key=lambda r: (not r["is_main"], r["base_periods"] or 0)):
        for said in _said(row, period):
            table.setdefault(said.split(":")[0], {})[said] = None
    return [said for group in table.values() if len(group) > 1 for said in group]


def _table(rows: list[Row], known: list[Row], period: str) -> Table:
    shown = [*known, *(row for row in rows if row not in known)]
    headers = ("Valg", "Forskel", "95 pct. interval", "Bemærkning")
    body = tuple(
        (
            "; ".join(_said(row, period)),
            numbers.effect(row["value"], row["unit"], row["status"]),
            numbers.interval(row["low"], row["high"], row["unit"], row["status"]),
            MAIN if row["is_main"] else row["reason"] or "",
        )
        for row in shown
    )
    return Table(headers, body, words=frozenset({0, 3}))


def spread(rows: list[Row]) -> dict[str, Any]:
    """Return how many choices have a known effect, how many share the answer's sign, and how many leave zero out."""
    known = [r for r in rows if numbers.is_known(r["value"])]
    main = next((r["value"] for r in known if r["is_main"]), None)
    same = sum((r["value"] > 0) == (main > 0) for r in known) if main else 0
    clear = sum(not r["low"] <= 0 <= r["high"] for r in known if numbers.is_known(r["low"]))
    return {"known": len(known), "same": same, "clear": clear, "has_sign": bool(main)}
