"""Ratios of exit hazards after a sanction, by exit and weeks since, with intervals and plausibility bands."""

from __future__ import annotations

import math
from typing import Any

from reports import figure, numbers, sanction_words, theme
from reports.figure import Figure, Table
from reports.released import Row

METHODS = (sanction_words.MAIN, sanction_words.PLAIN)
RATIO = "log_hazard"
"""Unit of ratios; a row of another unit, such as share, stands in the table as a difference."""
WIDEST = 6.0
"""Ratio at which the axis ends, and one over it; longer intervals are cut there."""


def hazards(rows: list[Row], title: str, notes: tuple[str, ...] = ()) -> Figure | None:
    """Return the effects of everybody by the model and by the one without heterogeneity; None when none is known."""
    import altair as alt

    known = [row for row in rows if row["method"] in METHODS and _is_shown(row)]
    if not known:
        return None
    points = [_point(row) for row in known]
    pieces = list(dict.fromkeys(p["piece"] for p in sorted(points, key=lambda p: p["from"])))
    exits = [label for label in sanction_words.LABELS.values() if any(p["exit"] == label for p in points)]
    names = [sanction_words.METHODS[name] for name in METHODS]
    scale = alt.Scale(type="log", domain=_domain(points), nice=False)
    base = alt.Chart(figure.data(points))
    bands = [
        base.transform_filter("isValid(datum.green_low)")
        .mark_rect(opacity=1, clip=True, color=theme.PALETTE[colour])
        .encode(x=alt.X(f"{light}_low:Q", scale=scale), x2=f"{light}_high:Q")
        for light, colour in (("amber", "amber_soft"), ("green", "green_soft"))
    ]
    one = base.mark_rule(color=theme.PALETTE["muted"]).encode(x=alt.datum(1.0))
    hue = alt.Color(
        "method:N",
        scale=alt.Scale(domain=names, range=[theme.PALETTE["treated"], theme.PALETTE["comparison"]]),
        legend=alt.Legend(orient="top"),
    )
    axes = {
        "y": alt.Y("piece:N", sort=pieces, title=None, axis=theme.names_axis(pieces)),
        "yOffset": alt.YOffset("method:N", sort=names),
        "color": hue,
    }
    bars = base.mark_rule(strokeWidth=2.5).encode(
        x=alt.X(
            "low:Q",
            scale=scale,
            title="Afgang pr. uge i forhold til uden sanktion (gange)",
            axis=alt.Axis(grid=False, values=[0.25, 0.5, 0.7, 1, 1.4, 2, 3, 5], format=".2~f"),
        ),
        x2="high:Q",
        **axes,
    )
    dots = base.mark_point(filled=True, opacity=1, size=80).encode(
        x=alt.X("value:Q", scale=scale),
        shape=alt.Shape("method:N", legend=None, scale=alt.Scale(domain=names, range=["diamond", "circle"])),
        **axes,
    )
    headline = [p for p in points if p["is_headline"]]
    said = "; ".join(f"{p['exit']} {p['piece']} {sanction_words.ratio(p['exact'])}" for p in headline)
    chart = (
        alt.layer(*bands, one, bars, dots)
        .properties(width=430, height=alt.Step(14))
        .facet(
            row=alt.Row(
                "exit:N", sort=exits, title=None, header=alt.Header(labelAngle=0, labelAlign="left", orient="top")
            )
        )
        .properties(description=f"Forhold mellem afgang efter og uden en sanktion, med 95 pct. interval: {said}.")
    )
    shown = table(rows)
    return figure.figure(
        chart, "virkning", title=title, table=shown, caption=sanction_words.EFFECTS_CAPTION, notes=notes
    )


def table(rows: list[Row], caption: str = "") -> Table:
    """Return every effect with its interval, or why there is none."""
    headers = ("Afgang til", "Hvem", "Uger siden", "Beregning", "Virkning", "95 pct. interval", "Afgange", "Bemærkning")
    body = tuple(
        (
            sanction_words.LABELS[row["destination"]],
            _who(row),
            sanction_words.weeks(row) if row["method"] != sanction_words.NAIVE else "hele forløbet",
            sanction_words.METHODS.get(row["method"], row["method"]),
            _ratio(row),
            _span(row),
            numbers.count(row["events"], row["status"]),
            row["reason"] or "",
        )
        for row in rows
    )
    return Table(headers, body, caption, frozenset({0, 1, 2, 3, 7}))


def _who(row: Row) -> str:
    from reports import words

    if row["subset"] in sanction_words.SUBSETS:
        return sanction_words.SUBSETS[row["subset"]]
    name = row["group_name"] or ""
    if not name and row["subset"] in sanction_words.GROUPS:
        return sanction_words.GROUPS[row["subset"]]
    return sanction_words.TYPES.get(name, words.group(name)) if name else "alle"


def _is_shown(row: Row) -> bool:
    return all(numbers.is_known(row[key]) for key in ("value", "low", "high"))


def _ratio(row: Row) -> str:
    if not _is_shown(row):
        return numbers.absent(row["status"])
    if row["unit"] != RATIO:
        return numbers.effect(row["value"], row["unit"])
    return sanction_words.ratio(math.exp(row["value"]))


def _span(row: Row) -> str:
    if not _is_shown(row):
        return numbers.absent(row["status"])
    if row["unit"] != RATIO:
        return numbers.interval(row["low"], row["high"], row["unit"])
    return sanction_words.span(math.exp(row["low"]), math.exp(row["high"]))


def _point(row: Row) -> dict[str, Any]:
    ends = {key: min(max(math.exp(row[key]), 1 / WIDEST), WIDEST) for key in ("value", "low", "high")}
    bands = {
        key: max(row[key], 1 / WIDEST)
        for key in ("green_low", "green_high", "amber_low", "amber_high")
        if row[key] is not None
    }
    return {
        **ends,
        **bands,
        "exact": math.exp(row["value"]),
        "exit": sanction_words.LABELS[row["destination"]],
        "piece": sanction_words.weeks(row),
        "from": row["from_weeks"],
        "method": sanction_words.METHODS[row["method"]],
        "is_headline": bool(row["is_headline"]),
    }


def _domain(points: list[dict[str, Any]]) -> list[float]:
    low, high = min(p["low"] for p in points), max(p["high"] for p in points)
    return [min(low, 0.5) / 1.05, max(high, 2.0) * 1.05]
