"""How people leave after a meeting, counselling beside control: a line on page one, and the evidence behind it."""

from __future__ import annotations

import math
from typing import Any

from reports import meeting_words, numbers, sanction_words, words
from reports.charts import meetings
from reports.figure import Table
from reports.pages import family
from reports.released import Released, Row

PER = 1000
"""Weeks that a hazard is counted per."""


def in_short(released: Released) -> str:
    """Return what differs between counselling and control in the first weeks; empty where nothing is known."""
    found = [row for row in _contrasts(released) if row["from_weeks"] == 0 and _is_shown(row)]
    if not found:
        return ""
    moved = _moved(found)
    when = sanction_words.weeks(found[0])
    if not moved:
        return f"Ingen afgang i {when} kan skelnes mellem vejledning og kontrol. Samtaler er ikke fordelt tilfældigt."
    told = [
        f"afgangen til {sanction_words.WHERE[row['destination']]} {_ratio(row)} gange ({_span(row)})" for row in moved
    ]
    return (
        f"I {when} efter en vejledende samtale er {words.listed(told, limit=9)} så høj som efter en kontrolsamtale. "
        "Det er en sammenhæng: samtaler er ikke fordelt tilfældigt."
    )


def sections(released: Released) -> list[dict[str, Any]]:
    """Return the section on meetings; none where the run was not asked for them."""
    rows = _ordered(released["meeting_hazards"])
    if not rows:
        return []
    drawn = [row for row in rows if row["method"] == meeting_words.HAZARD and row["than"] == meeting_words.NONE]
    figure = meetings.meetings(drawn, _title(released), _table(rows), (meeting_words.SELECTION,))
    beside = [("Vejledning mod kontrol", _contrast_table(released))] if _contrasts(released) else []
    timed = [("Første samtale, med uobserverede forskelle", _timed_table(rows))] if _of_timing(rows) else []
    alone = [] if figure is not None else [("Afgang efter samtaler", _table(rows))]
    return [
        {
            "key": "samtaler",
            "heading": "Samtaler: vejledning eller kontrol",
            "figures": [figure] if figure is not None else [],
            "why": "" if figure is not None else meeting_words.SELECTION,
            "tables": [*alone, *beside, *timed],
        }
    ]


def _title(released: Released) -> str:
    moved = _moved([row for row in _contrasts(released) if row["from_weeks"] == 0])
    if not moved:
        return "Afgangen i ugerne efter vejledning og kontrol kan ikke skelnes"
    named = words.listed([sanction_words.WHERE[row["destination"]] for row in moved])
    return f"Efter vejledning og kontrol går borgerne ikke lige ofte til {named}"


def _moved(rows: list[Row]) -> list[Row]:
    """Return the comparisons that are a finding also among all that were made."""
    return [row for row in rows if numbers.is_known(row["p_family"]) and row["p_family"] < family.LEVEL]


def _table(rows: list[Row]) -> Table:
    """Return each hazard and its ratio to that of weeks without a meeting so far."""
    counted = [r for r in rows if r["method"] == meeting_words.HAZARD and r["than"] in ("", meeting_words.NONE)]
    body = tuple(
        (
            sanction_words.LABELS[row["destination"]],
            meeting_words.LABELS[row["kind"]],
            "-" if row["kind"] == meeting_words.NONE else sanction_words.weeks(row),
            _rate(row["rate"], row["status"]),
            f"{_rate(row['rate_low'], row['status'])} til {_rate(row['rate_high'], row['status'])}"
            if numbers.is_known(row["rate_low"])
            else numbers.absent(row["status"]),
            "1 (grundlag)" if row["kind"] == meeting_words.NONE else _ratio(row),
            "-" if row["kind"] == meeting_words.NONE else _span(row),
            numbers.count(row["events"], row["status"]),
            row["reason"] or "",
        )
        for row in counted
    )
    headers = (
        *("Afgang til", "Seneste samtale", "Uger siden", "Afgange pr. 1.000 uger", "95 pct. interval"),
        *("Forhold", "95 pct. interval, forhold", "Afgange", "Bemærkning"),
    )
    return _without_remarks(Table(headers, body, "", frozenset({0, 1, 2, 8})))


def _contrast_table(released: Released) -> Table:
    body = tuple(
        (
            sanction_words.LABELS[row["destination"]],
            sanction_words.weeks(row),
            _ratio(row),
            _span(row),
            numbers.p_value(row["p_value"]),
            numbers.p_value(row["p_family"]),
            row["reason"] or "",
        )
        for row in _contrasts(released)
    )
    headers = ("Afgang til", "Uger siden", "Forhold", "95 pct. interval", "p", "p, korrigeret", "Bemærkning")
    tested = sum(row["status"] != "not_estimable" for row in _contrasts(released))
    return _without_remarks(Table(headers, body, meeting_words.CONTRAST_CAPTION.format(tested), frozenset({0, 1, 6})))


def _timed_table(rows: list[Row]) -> Table:
    body = tuple(
        (
            sanction_words.LABELS[row["destination"]],
            meeting_words.LABELS[row["kind"]],
            sanction_words.weeks(row),
            _ratio(row),
            _span(row),
            numbers.count(row["events"], row["status"]),
            row["reason"] or "",
        )
        for row in _of_timing(rows)
    )
    headers = ("Afgang til", "Første samtale", "Uger siden", "Forhold", "95 pct. interval", "Afgange", "Bemærkning")
    return _without_remarks(Table(headers, body, meeting_words.TIMING_CAPTION, frozenset({0, 1, 2, 6})))


def _without_remarks(table: Table) -> Table:
    """Return a table without its last column where there is nothing to remark."""
    if any(row[-1] for row in table.rows):
        return table
    last = len(table.headers) - 1
    return Table(table.headers[:-1], tuple(row[:-1] for row in table.rows), table.caption, table.words - {last})


def _of_timing(rows: list[Row]) -> list[Row]:
    return [row for row in rows if row["method"] == meeting_words.TIMING]


def _contrasts(released: Released) -> list[Row]:
    return [row for row in _ordered(released["meeting_hazards"]) if row["than"] == "control"]


def _ordered(rows: list[Row]) -> list[Row]:
    exits, kinds = list(sanction_words.WHERE), list(meeting_words.LABELS)
    return sorted(
        rows, key=lambda row: (exits.index(row["destination"]), kinds.index(row["kind"]), row["from_weeks"] or 0)
    )


def _is_shown(row: Row) -> bool:
    return all(numbers.is_known(row[key]) for key in ("value", "low", "high"))


def _ratio(row: Row) -> str:
    return numbers.number(math.exp(row["value"]), 2) if _is_shown(row) else numbers.absent(row["status"])


def _span(row: Row) -> str:
    if not _is_shown(row):
        return numbers.absent(row["status"])
    return sanction_words.span(math.exp(row["low"]), math.exp(row["high"]))


def _rate(rate: float | None, status: str) -> str:
    return numbers.number(PER * rate, 1) if rate is not None and numbers.is_known(rate) else numbers.absent(status)
