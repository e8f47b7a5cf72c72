"""A figure: a finding as title, an inline SVG, its alternative text, a caption and the table behind it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from reports import theme


@dataclass(frozen=True, slots=True)
class Table:
    """Headers and rows of formatted text; the columns numbered in `words` are set to the left."""

    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""
    words: frozenset[int] = frozenset({0})


@dataclass(frozen=True, slots=True)
class Figure:
    """What a page needs to show one chart."""

    key: str
    title: str
    description: str
    svg: Markup
    table: Table
    caption: str = ""
    notes: tuple[str, ...] = ()


def figure(chart: Any, key: str, *, title: str, table: Table, caption: str = "", notes: tuple[str, ...] = ()) -> Figure:
    """Return the figure of an Altair chart, drawn as SVG; the chart's `description` is its alternative text."""
    spec = chart.to_dict()
    description = spec["description"]
    return Figure(key, title, description, draw(spec, key), table, caption, notes)


def draw(spec: dict[str, Any], key: str) -> Markup:
    """Return the inline SVG of a Vega-Lite spec: scalable, named, with ids that no other figure shares."""
    import vl_convert

    text = vl_convert.vegalite_to_svg(
        json.dumps(spec), config=theme.config(), format_locale="da-DK", time_format_locale="da-DK"
    )
    head = re.match(r"<svg[^>]*>", text)
    box = re.search(r'viewBox="([\d. -]+)"', head.group(0) if head else "")
    if head is None or box is None:
        raise ValueError(f"chart {key}: no svg with a viewBox came out of the renderer")
    width = float(box.group(1).split()[2])
    body = text[head.end() :]
    body = re.sub(r'\bid="([^"]+)"', rf'id="{key}-\1"', body)
    body = re.sub(r"url\(#([^)]+)\)", rf"url(#{key}-\1)", body)
    body = re.sub(r'xlink:href="#([^"]+)"', rf'href="#{key}-\1"', body)
    opening = Markup('<svg viewBox="{}" role="img" aria-label="{}" style="width:{}px">').format(
        box.group(1), spec["description"], f"{width:.0f}"
    )
    return opening + Markup(body)


def data(rows: list[dict[str, Any]]) -> Any:
    """Return rows as inline chart data."""
    import altair as alt

    return alt.Data(values=rows)
