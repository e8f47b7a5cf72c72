"""Matching, strictness and bounds on the page of the sanctioned: shares in each end state, beside the hazards."""

from __future__ import annotations

from reports import numbers, sanction_words, words
from reports.figure import Table
from reports.released import Released

YEAR = 52


def in_short(released: Released) -> str:
    """Return the difference a year on from those of the same history who were not sanctioned in that week."""
    rows = {
        r["destination"]: r for r in released["sanction_designs"] if (r["design"], r["weeks"]) == ("landmark", YEAR)
    }
    told = [
        f"{numbers.effect(rows[name]['value'], 'share')} i {sanction_words.WHERE[name]} "
        f"({numbers.interval(rows[name]['low'], rows[name]['high'], 'share')})"
        for name in ("job", "self_support")
        if name in rows and numbers.is_known(rows[name]["value"])
    ]
    if not told:
        return ""
    return (
        f"Et år efter er der {words.listed(told)} i forhold til borgere med samme historie, der ikke blev sanktioneret "
        "i den uge."
    )


def tables(released: Released) -> list[tuple[str, Table]]:
    """Return the table of every design, also those that are refused; reasons and cautions stand once, as notes."""
    designs, states = list(sanction_words.DESIGNS), [*sanction_words.WHERE, "entry_benefit"]
    rows = sorted(
        released["sanction_designs"],
        key=lambda r: (designs.index(r["design"]), states.index(r["destination"]), r["weeks"]),
    )
    notes = list(dict.fromkeys(row["reason"] for row in rows if row["reason"]))
    body = tuple(
        (
            sanction_words.DESIGNS[row["design"]],
            sanction_words.LABELS.get(row["destination"], sanction_words.STAYING.capitalize()),
            f"{row['weeks']} uger",
            numbers.effect(row["value"], "share", row["status"]) if row["value"] is not None else "-",
            numbers.interval(row["low"], row["high"], "share", row["status"]),
            numbers.count(row["n"], row["status"]),
            str(notes.index(row["reason"]) + 1) if row["reason"] else "",
        )
        for row in rows
    )
    caption = sanction_words.DESIGNS_CAPTION.format(
        sanction_words.HISTORIES[released.fact("landmark_history", "short")]
    )
    told = "".join(f" Note {number}: {note}" for number, note in enumerate(notes, 1))
    headers = ("Beregning", "Tilstand", "Efter", "Forskel", "95 pct. interval", "Sanktionerede", "Note")
    table = Table(headers, body, caption + told, frozenset({0, 1, 2, 6}))
    return [("Matchning, strenghed og grænser", table)] if body else []
