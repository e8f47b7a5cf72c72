"""What the run was fed with, and which checks it passed."""

from __future__ import annotations

from typing import Any

from reports import numbers, words
from reports.figure import Table
from reports.released import Released


def context(released: Released) -> dict[str, Any]:
    """Return the section on data quality."""
    failed = [r for r in released["quality"] if not r["passed"]]
    checks = len(released["quality"])
    if not checks:
        sentence = "Der er ikke gemt resultater af datakontrollen for denne kørsel."
    elif failed:
        sentence = f"{checks - len(failed)} af {checks} kontroller af data er bestået; {len(failed)} gav en advarsel."
    else:
        sentence = f"Alle {checks} kontroller af data er bestået."
    return {"sentence": sentence, "deliveries": _deliveries(released), "checks": _checks(released)}


def _deliveries(released: Released) -> Table | None:
    rows = released["deliveries"]
    headers = ("Udtræk", "Fil", "Rækker", "Afviste rækker", "Periode", "Fingeraftryk", "Kilde")
    body = tuple(
        (
            row["extract"],
            row["file"],
            numbers.count(row["rows"], "suppressed"),
            numbers.count(row["rejected"], "suppressed"),
            f"{numbers.day(row['period_from'])} – {numbers.day(row['period_to'])}" if row["period_from"] else "–",
            (row["sha256"] or "")[:12],
            row["source"] or "–",
        )
        for row in rows
    )
    return Table(headers, body, caption="Leverede udtræk", words=frozenset({0, 1, 4, 5, 6})) if rows else None


def _checks(released: Released) -> Table | None:
    rows = sorted(released["quality"], key=lambda r: (r["passed"], r["table_name"], r["rule"]))
    headers = ("Tabel", "Regel", "Alvor", "Resultat", "Rækker", "Rækker, der bryder reglen", "Hvorfor")
    body = tuple(
        (
            row["table_name"],
            words.rule(row["rule"]),
            words.SEVERITIES.get(row["severity"], row["severity"]),
            "● bestået" if row["passed"] else "▲ ikke bestået",
            numbers.count(row["rows"], "suppressed"),
            numbers.count(row["unexpected"], "suppressed"),
            row["notes"] or "",
        )
        for row in rows
    )
    return Table(headers, body, caption="Kontroller", words=frozenset({0, 1, 2, 3, 6})) if rows else None
