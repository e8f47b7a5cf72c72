"""Estimates with intervals under one another; used for groups and for several outcomes."""

from __future__ import annotations

from dataclasses import dataclass

from reports import figure, numbers, theme, words
from reports.figure import Figure, Table
from reports.released import Row


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a forest: where it belongs, its name, the estimate, and what to say when there is none."""

    section: str
    name: str
    value: float | None
    low: float | None
    high: float | None
    persons: int | None
    status: str = "ok"
    reason: str = ""
    is_main: bool = False


def outcome_line(row: Row) -> Line:
    """Return the line of an outcome's overall estimate."""
    return Line(
        "",
        words.outcome(row["outcome"]).label,
        row["value"],
        row["low"],
        row["high"],
        row["n"],
        row["status"],
        row["reason"] or "",
        bool(row["is_primary"]),
    )


def forest(
    lines: list[Line],
    key: str,
    unit: str,
    title: str,
    caption: str,
    noun: tuple[str, str] = ("udfald", "udfald"),
    notes: tuple[str, ...] = (),
) -> Figure | None:
    """Return the forest of lines that share a unit, without the suppressed ones; None when none is known.

    `noun` is what a line is called, in singular and plural.
    """
    import altair as alt

    if not any(numbers.is_known(line.value) for line in lines):
        return None
    drawn = [line for line in lines if line.status != "suppressed"]
    notes = (*notes, *words.hidden(len(lines) - len(drawn), *noun))
    rows = [
        {
            "label": f"{line.section}: {line.name}" if line.section else line.name,
            "hue": "main" if line.is_main else "other",
            "note": "" if numbers.is_known(line.value) else numbers.absent(line.status),
            **_scaled(line, unit),
        }
        for line in drawn
    ]
    order = [row["label"] for row in rows]
    base = alt.Chart(figure.data(rows)).encode(
        y=alt.Y(
            "label:N",
            sort=order,
            title=None,
            axis=theme.names_axis(order, grid=True),
        ),
        color=alt.Color(
            "hue:N",
            legend=None,
            scale=alt.Scale(domain=["main", "other"], range=[theme.PALETTE["treated"], theme.PALETTE["comparison"]]),
        ),
    )
    known = base.transform_filter("isValid(datum.value)")
    bars = known.mark_rule(strokeWidth=3).encode(
        x=alt.X("low:Q", title=numbers.UNITS[unit].axis, axis=alt.Axis(grid=False, tickCount=6)), x2="high:Q"
    )
    dots = known.mark_point(filled=True, opacity=1).encode(
        size=alt.Size("hue:N", legend=None, scale=alt.Scale(domain=["main", "other"], range=[190, 90])),
        x="value:Q",
        shape=alt.Shape("hue:N", legend=None, scale=alt.Scale(domain=["main", "other"], range=["diamond", "circle"])),
    )
    absent = (
        base.transform_filter("!isValid(datum.value)")
        .mark_text(align="left", dx=6, fontStyle="italic", color=theme.PALETTE["muted"])
        .encode(x=alt.datum(0), text="note:N", color=alt.value(theme.PALETTE["muted"]))
    )
    zero = alt.Chart(figure.data([{"x": 0}])).mark_rule(color=theme.PALETTE["muted"]).encode(x="x:Q")
    said = "; ".join(f"{line.name} {numbers.effect(line.value, unit, line.status)}" for line in drawn)
    chart = alt.layer(zero, bars, dots, absent).properties(
        width=430, height=alt.Step(32), description=f"Forskelle med 95 pct. interval: {said}."
    )
    return figure.figure(chart, key, title=title, table=table(lines, unit), caption=caption, notes=notes)


def table(lines: list[Line], unit: str) -> Table:
    """Return the lines as a table, with the reason where there is no number."""
    sections = any(line.section for line in lines)
    headers = ("Inddeling", "Gruppe", "Forskel", "95 pct. interval", "Personer", "Bemærkning")
    body = [
        (
            line.section,
            line.name,
            numbers.effect(line.value, unit, line.status),
            numbers.interval(line.low, line.high, unit, line.status),
            numbers.count(line.persons, line.status),
            line.reason,
        )
        for line in lines
    ]
    if sections:
        return Table(headers, tuple(body), words=frozenset({0, 1, 5}))
    return Table(("Udfald", *headers[2:]), tuple(row[1:] for row in body), words=frozenset({0, 4}))


def _scaled(line: Line, unit: str) -> dict[str, float]:
    pairs = {"value": line.value, "low": line.low, "high": line.high}
    return {name: numbers.scaled(v, unit) for name, v in pairs.items() if v is not None and numbers.is_known(v)}
