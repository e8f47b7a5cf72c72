"""Colours, fonts and the chart style. The only file that names a colour or a font.

The hues are told apart by readers with red-green colour blindness, and every text colour has a contrast of at least
4.5:1 on white and on `surface` (WCAG 2.1 AA).
"""

from __future__ import annotations

from typing import Any

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"

PALETTE = {
    "ink": "#17212b",
    "muted": "#51606e",
    "line": "#d3dae1",
    "grid": "#e6eaee",
    "surface": "#f4f6f8",
    "paper": "#ffffff",
    "treated": "#00598c",
    "treated_soft": "#9cc3dc",
    "counterfactual": "#a34a00",
    "counterfactual_soft": "#e5b98f",
    "comparison": "#6a5f7d",
    "neutral": "#8b97a3",
    "neutral_soft": "#c3ccd4",
    "green": "#176b3a",
    "amber": "#7d5200",
    "red": "#a3201b",
    "green_soft": "#e6f2ea",
    "amber_soft": "#fbf1dc",
    "red_soft": "#f9e7e6",
}

WIDTH = 640
"""Width in pixels of a full chart's plotting area."""

SIGNED = "datum.value > 0 ? '+' + datum.label : datum.label"
"""Axis labels of differences."""


def css_variables() -> str:
    """Return the palette and the font as CSS custom properties."""
    colours = "".join(f"--{name.replace('_', '-')}:{value};" for name, value in PALETTE.items())
    return f":root{{{colours}--font:{FONT};}}"


def names_axis(names: list[str], *, grid: bool = False) -> Any:
    """Return an axis of names with room for the longest in any reader's font: the drawing is measured in another."""
    import altair as alt

    room = 8 * max(map(len, names), default=0) + 14
    return alt.Axis(domain=False, ticks=False, grid=grid, labelPadding=10, labelLimit=340, minExtent=room)


def config() -> dict[str, Any]:
    """Return the Vega-Lite configuration that every chart shares."""
    text = {"labelFontSize": 13, "titleFontSize": 13, "titleFontWeight": "normal"}
    colours = {"labelColor": PALETTE["muted"], "titleColor": PALETTE["muted"]}
    return {
        "aria": False,
        "font": FONT,
        "background": None,
        "padding": {"left": 4, "right": 30, "top": 6, "bottom": 4},
        "view": {"stroke": None},
        "text": {"fontSize": 13, "color": PALETTE["ink"]},
        "axis": {
            **text,
            **colours,
            "gridColor": PALETTE["grid"],
            "domainColor": PALETTE["neutral_soft"],
            "tickColor": PALETTE["neutral_soft"],
            "titlePadding": 10,
            "labelPadding": 6,
            "labelLimit": 240,
        },
        "axisX": {"labelFlush": False},
        "legend": {
            **text,
            **colours,
            "orient": "top",
            "title": None,
            "labelLimit": 320,
            "symbolSize": 90,
            "columnPadding": 44,
        },
        "header": {**text, **colours, "labelFontWeight": "bold", "title": None},
    }
