"""Fetch one table of public statistics into extracts/, as a delivery of `kommunepanel`."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any

from evaluator.connectors import jobindsats, statbank
from evaluator.connectors.landing import Provenance, cached, land, query_sha256
from evaluator.connectors.service import Service, plain
from evaluator.errors import FetchError
from evaluator.project import Project
from evaluator.registers.municipalities import municipalities

COUNTRY = "0"
COUNTRY_CODES = ("0", "00", "000")
MUNICIPALITIES = "kommuner"
AREA, BENEFIT = ("område", "kommune", "bopæl", "bopkom"), "ydelsestype"
STATBANK_URL, JOBINDSATS_URL = "EVALUATOR_STATBANK_URL", "EVALUATOR_JOBINDSATS_URL"
JOBINDSATS_FILE = "jobindsats.toml"
MOST_LISTED = 60
HEADER = ("kommunekode", "periode", "ydelse", "fuldtid")
KEYS = ("table", "benefit", "area", "period", "measure")


@dataclass(frozen=True, slots=True)
class Wish:
    """What to fetch and how: values by variable, name of the benefit and format (StatBank), `api` (jobindsats)."""

    values: Mapping[str, Sequence[str]]
    benefit: str | None = None
    format: str = "CSV"
    api: str = "v3"
    refresh: bool = False


@dataclass(frozen=True, slots=True)
class Fetched:
    """A delivery in extracts/. `left_out` counts rows of regions and other areas that are no municipality."""

    path: Path
    rows: int
    left_out: int
    source: Provenance


def fetch(project: Project, service: str, table: str, wish: Wish) -> str:
    """Fetch a table, or describe one of StatBank's when no values are given; return what to tell the user."""
    if service == "jobindsats":
        fetched = fetch_jobindsats(project, table, wish.api, wish.refresh)
    elif not wish.values:
        return describe(statbank_service(), table)
    else:
        fetched = fetch_statbank(project, statbank_service(), table, wish)
    left_out = f", {fetched.left_out:,} of other areas left out" if fetched.left_out else ""
    return f"{fetched.path.name}: {fetched.rows:,} rows{left_out}\n{fetched.source.line()}"


def statbank_service() -> Service:
    return Service("StatBank", os.environ.get(STATBANK_URL) or statbank.BASE)


def values(given: Sequence[str]) -> dict[str, list[str]]:
    """Return values by variable from words as `Tid=2016*,2017*`; raise FetchError at another form."""
    found: dict[str, list[str]] = {}
    for word in given:
        name, _, codes = word.partition("=")
        if not name or not codes or name in found:
            raise FetchError(
                f"'{plain(word)}': no selection; expected VARIABLE=VALUES, each variable once. Correct it."
            )
        found[name] = codes.split(",")
    return found


def describe(service: Service, code: str) -> str:
    """Return what a StatBank table holds, for who is to select from it."""
    table = statbank.table_info(service, code)
    lines = [f"{table.code}: {table.text}, {table.unit}, updated {table.updated}"]
    for variable in table.variables:
        summed = ", summed when left out" if variable.eliminable else ""
        first, last = variable.values[0], variable.values[-1]
        lines.append(f"  {variable.code}: {len(variable.values):,} values, {first} to {last}{summed}")
        if len(variable.values) <= MOST_LISTED and not variable.is_time:
            named = zip(variable.values, variable.labels, strict=True)
            lines += [f"    {value}  {plain(label)}" for value, label in named]
    return "\n".join(lines)


def fetch_statbank(project: Project, service: Service, code: str, wish: Wish) -> Fetched:
    """Fetch a StatBank table; return the delivery."""
    table = statbank.table_info(service, code)
    query = statbank.select(table, _with_municipalities(table, wish.values), wish.format)
    area, time = _roles(query)
    found, days = [], []
    for part in statbank.plan(query):
        answer, day = cached(project, part.body(), partial(statbank.ask, service, part), wish.refresh)
        found += statbank.rows(part, answer)
        days.append(day)
    order = list(query.selected)
    benefit = next((v for v in order if v.casefold() == BENEFIT), None)
    header: Sequence[str] = HEADER
    if benefit and wish.benefit and len(query.selected[benefit]) > 1:
        raise FetchError(
            f"StatBank {table.code}: {len(query.selected[benefit])} values of {benefit} under one --benefit; "
            f"expected one. Select one value, or leave --benefit out."
        )
    places = order.index(area), order.index(time), order.index(benefit) if benefit else None
    rows = [_row(row, places, wish.benefit) for row in found if row[places[0]] in _codes()]
    if not rows:
        raise FetchError(
            f"StatBank {table.code}: none of {len(found):,} rows is a municipality; expected codes of municipalities. "
            f"Select {area}={MUNICIPALITIES}."
        )
    if not benefit and not wish.benefit:
        header, rows = (*HEADER[:2], HEADER[3]), [[*row[:2], row[3]] for row in rows]
    source = Provenance(
        "Danmarks Statistik, statistikbanken.dk", table.code, query_sha256(query.body()), min(days), "CC BY 4.0"
    )
    return Fetched(land(project, header, rows, source), len(rows), len(found) - len(rows), source)


def _row(row: Sequence[str], places: tuple[int, int, int | None], benefit: str | None) -> list[str]:
    area, time, kind = places
    code = COUNTRY if row[area] in COUNTRY_CODES else row[area]
    return [code, row[time], benefit or (row[kind] if kind is not None else ""), row[-1]]


def _with_municipalities(table: statbank.Table, values: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Write the word `kommuner` out as the whole country and the 98 municipalities that the table knows."""
    codes = _codes()
    written: dict[str, list[str]] = {}
    for name, wanted in values.items():
        known = [code for code in table.variable(name).values if code in codes]
        written[name] = [code for word in wanted for code in (known if word == MUNICIPALITIES else [word])]
    return written


def _codes() -> set[str]:
    return {*COUNTRY_CODES, *(m.code.zfill(3) for m in municipalities())}


def _roles(query: statbank.Query) -> tuple[str, str]:
    """Return the variables of municipality and period; refuse one that kommunepanel has no column for."""
    table = query.table
    area = next((v.code for v in table.variables if {v.code.casefold(), v.text.casefold()} & {*AREA}), None)
    time = next((v.code for v in table.variables if v.is_time), None)
    if area is None or time is None or not {area, time} <= set(query.selected):
        raise FetchError(
            f"StatBank {table.code}: municipality and period are not both selected; expected both. "
            f"Add OMRÅDE={MUNICIPALITIES} and Tid=* to the command."
        )
    for code, values in query.selected.items():
        if code not in (area, time) and code.casefold() != BENEFIT and len(values) > 1:
            raise FetchError(
                f"StatBank {table.code}: {len(values)} values of {code}; expected one, since an extract has no column "
                "for it. Leave the variable out to sum over it, or select one value."
            )
    return area, time


def jobindsats_tables(project: Project) -> dict[str, dict[str, Any]]:
    """Return the known tables by name: the package's, and the project's own in jobindsats.toml."""
    text = (resources.files("evaluator.connectors") / "jobindsats_tables.toml").read_text(encoding="utf-8")
    known = tomllib.loads(text)
    own = project.root / JOBINDSATS_FILE
    if own.is_file():
        try:
            known |= tomllib.loads(own.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
            raise FetchError(f"{own.name}: cannot be read ({problem}); expected TOML. Correct the file.") from None
    return known


def fetch_jobindsats(project: Project, name: str, version: str = "v3", refresh: bool = False) -> Fetched:
    """Fetch a table of jobindsats by its name in the configuration; return the delivery."""
    known = jobindsats_tables(project)
    if name not in known:
        raise FetchError(
            f"jobindsats: no table '{plain(name)}'; expected {', '.join(known)}. Add it to jobindsats.toml."
        )
    settings, wanted = known[name], "params" if version == "v3" else "body"
    lacking = [key for key in (*KEYS, wanted) if key not in settings]
    if lacking:
        raise FetchError(
            f"jobindsats.toml: [{name}] lacks {', '.join(lacking)}; expected it for {version}. Add the keys."
        )
    code, asked = settings["table"], settings[wanted]
    service = jobindsats.service(version, os.environ.get(JOBINDSATS_URL))
    ask = jobindsats.ask_v3 if version == "v3" else jobindsats.ask_v2
    query = {"table": code, "version": version, "asked": asked}
    answer, day = cached(project, query, lambda: ask(service, code, asked), refresh)
    names, found = jobindsats.read(code, version, answer)
    area, period, value = (jobindsats.column(code, names, settings[key]) for key in ("area", "period", "measure"))
    codes = {m.name.casefold(): m.code.zfill(3) for m in municipalities()} | {"hele landet": COUNTRY}
    rows = [
        [codes[row[area].casefold()], row[period], settings["benefit"], row[value]]
        for row in found
        if row[area].casefold() in codes
    ]
    if not rows:
        raise FetchError(
            f"jobindsats {code}: none of {len(found):,} rows is a municipality; expected names of municipalities. "
            "Correct area and hierarchy in jobindsats.toml."
        )
    source = Provenance("STAR, jobindsats.dk", code, query_sha256(query), day, "kildeangivelse påkrævet")
    return Fetched(land(project, HEADER, rows, source), len(rows), len(found) - len(rows), source)
