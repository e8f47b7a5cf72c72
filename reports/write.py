"""Composes the report and writes it beside a JSON file of the released tables."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

from markupsafe import Markup

from evaluator.whole_files import write_whole
from reports import numbers, theme, words
from reports.released import Released, read, read_quality

QUALITY = "datakvalitet"
"""The name of the quality report, which no spec can take: reports of runs end in their id."""


def write_report(project: Any, run_id: str) -> Path:
    """Write `<name>-<short run id>.html`, and `.json` beside it, into the project's reports; return the HTML's path.

    Raises ProjectError when the run is not released or the store is in use.
    """
    from evaluator.store import connect

    with connect(project, read_only=True) as connection:
        released = read(connection, run_id)
    folder = Path(project.reports)
    folder.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"[^a-z0-9_-]+", "-", released.fact("name", "rapport").lower()).strip("-") or "rapport"
    path = folder / f"{name}-{re.sub(r'[^A-Za-z0-9]+', '', run_id)[:8]}.html"
    _write(path, as_html(released), as_json(released))
    return path


def write_quality(project: Any, quality_id: str) -> Path:
    """Write `datakvalitet.html`, and `.json` beside it, into the project's reports; return the HTML's path.

    There is one, that of the newest state: the night replaces it. Raises ProjectError when it is not released.
    """
    from evaluator.store import connect
    from reports.pages import quality

    with connect(project, read_only=True) as connection:
        released = read_quality(connection, quality_id)
    folder = Path(project.reports)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{QUALITY}.html"
    page = (
        _environment()
        .get_template("quality.html")
        .render(variables=Markup(theme.css_variables()), **quality.context(released))
    )
    _write(path, page, as_json(released))
    return path


def _write(path: Path, page: str, content: str) -> None:
    """Write a page and the JSON beside it, both or neither."""
    write_whole({path.with_suffix(".json"): content.encode(), path: page.encode()})


def render(connection: Any, run_id: str) -> str:
    """Return the report of a run as HTML."""
    return as_html(read(connection, run_id))


def as_json(released: Released) -> str:
    """Return the released tables as JSON; a null has its status beside it, an open end of an interval is a text."""
    tables = {
        table: [{name: _open_end(value) for name, value in row.items()} for row in rows]
        for table, rows in released.tables.items()
    }
    content = {"schema": "release/1", "run_id": released.run_id, "run": released.facts, "tables": tables}
    return json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True, allow_nan=False) + "\n"


def _open_end(value: Any) -> Any:
    """Return infinity, which JSON cannot hold, as a text."""
    return str(value) if isinstance(value, float) and math.isinf(value) else value


def as_html(released: Released) -> str:
    """Return the report as one HTML text without scripts and without anything to fetch."""
    from reports.pages import data, front, method, results

    return (
        _environment()
        .get_template("report.html")
        .render(
            variables=Markup(theme.css_variables()),
            title=released.fact("title", "Evaluering"),
            question=released.fact("question"),
            created=numbers.day(released.fact("created_at")),
            data_to=numbers.day(released.fact("data_to") or released.fact("panel_to")),
            front=front.context(released),
            **results.context(released),
            data=data.context(released),
            method=method.context(released),
            definitions=words.DEFINITIONS,
        )
    )


def _environment() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("reports", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["cell"] = _cell
    return environment


def _cell(text: str) -> str | Markup:
    """Return a table cell; suppressed, missing and not estimable values are set apart."""
    kinds = {numbers.SUPPRESSED: "suppressed", numbers.MISSING: "missing", numbers.NOT_ESTIMABLE: "not-estimable"}
    kind = kinds.get(text)
    return Markup('<span class="{}">{}</span>').format(kind, text) if kind else text
