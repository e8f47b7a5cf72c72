"""Before, after, and what the after would have been without the intervention."""

from __future__ import annotations

import math
from typing import Any

from reports import figure, numbers, theme, words
from reports.figure import Figure, Table
from reports.released import Row

BEFORE, AFTER, WITHOUT = "Før", "Efter", "Efter, uden indsatsen"


def before_after(row: Row, estimate: Row, title: str) -> Figure:
    """Return three bars on one scale; the interval is the effect's, laid around the counterfactual."""
    import altair as alt

    low, high = counterfactual_interval(row, estimate)
    factor = 1.0 if row["unit"] == "log" else numbers.UNITS[row["unit"]].factor
    bars: list[dict[str, Any]] = [
        {"name": BEFORE, "value": row["before"], "kind": "before"},
        {"name": AFTER, "value": row["after"], "kind": "after"},
        {"name": WITHOUT, "value": row["counterfactual_after"], "low": low, "high": high, "kind": "without"},
    ]
    for bar in bars:
        bar["label"] = numbers.level(bar["value"], row["unit"])
        bar["value"] = max(bar["value"], 0) * factor
        bar["end"] = max(bar["value"], (bar.get("high") or 0) * factor)
    bars[2].update(low=low * factor, high=high * factor)
    order = [BEFORE, AFTER, WITHOUT]
    base = alt.Chart(figure.data(bars)).encode(y=alt.Y("name:N", sort=order, title=None, axis=theme.names_axis(order)))
    fills = [theme.PALETTE["neutral_soft"], theme.PALETTE["treated"], theme.PALETTE["counterfactual_soft"]]
    drawn = base.mark_bar(size=26).encode(
        x=alt.X("value:Q", title=None, axis=None, scale=alt.Scale(zero=True, nice=False)),
        color=alt.Color("kind:N", scale=alt.Scale(domain=["before", "after", "without"], range=fills), legend=None),
    )
    whisker = (
        base.transform_filter("isValid(datum.low)")
        .mark_rule(strokeWidth=2, color=theme.PALETTE["counterfactual"])
        .encode(x="low:Q", x2="high:Q")
    )
    text = base.mark_text(align="left", dx=8, fontWeight="bold").encode(x="end:Q", text="label:N")
    shown = numbers.level(row["counterfactual_after"], row["unit"])
    chart = (drawn + whisker + text).properties(
        width=460,
        height=alt.Step(40),
        description=f"Tre søjler: før {bars[0]['label']}, efter {bars[1]['label']} og efter uden indsatsen {shown}, "
        f"95 pct. interval fra {numbers.level(low, row['unit'])} til {numbers.level(high, row['unit'])}.",
    )
    table = Table(
        ("", "Niveau", "95 pct. interval"),
        (
            (BEFORE, bars[0]["label"], "målt"),
            (AFTER, bars[1]["label"], "målt"),
            (WITHOUT, shown, f"{numbers.level(low, row['unit'])} til {numbers.level(high, row['unit'])}"),
        ),
    )
    caption = "Stregen viser 95 pct. intervallet for det beregnede niveau uden indsatsen."
    notes = (words.BELOW_ZERO,) if row["counterfactual_after"] < 0 else ()
    return figure.figure(chart, "foer-efter", title=title, table=table, caption=caption, notes=notes)


def counterfactual_interval(row: Row, estimate: Row) -> tuple[float, float]:
    """Return the bounds of the counterfactual level: the effect's interval seen from the level reached."""
    level, value = row["counterfactual_after"], estimate["value"]
    if row["unit"] == "log":
        return level * math.exp(value - estimate["high"]), level * math.exp(value - estimate["low"])
    low, high = level + value - estimate["high"], level + value - estimate["low"]
    if row["unit"] == "share":
        low, high = (min(max(end, 0.0), 1.0) for end in (low, high))
    return low, high
