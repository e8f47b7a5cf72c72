"""Is it good enough to run, what is missing, and what to ask for: codes that the report puts into words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from evaluator.design.frozen import later
from evaluator.quality.volume import RECIPIENTS, YEAR
from evaluator.release_rules import Row

NEEDED = ("personer", "ydelser")
"""Without these no question about persons can be answered."""

INSTEAD = {"ydelser": ("dream", "dream_lang"), "beskaeftigelse": ("dream",)}
"""What DREAM holds too: benefits, and in its wide form the months with a job."""

WANTED = ("beskaeftigelse", "uddannelse", "visitation", "sagsbehandler", "sagstal", "samtaler", "sanktioner", "tilbud")
"""Registers without which a part of the answers falls away."""

PUBLISHED = ("kommunepanel", "indsats")
"""Extracts that hold no persons: alone they make a project about published series."""

REJECTED_SHARE = 0.005  # as the expectation on the ledger warns
UNKNOWN_SHARE = 0.10
LATE_SHARE = 0.10  # meetings registered more than a month late
TAIL_SHARE = 0.5  # the last month against the mean of the year before it
ENDS_EARLY_MONTHS = 1

STOP, ASK, NOTE = "stop", "ask", "note"


def actions(
    ledger: Sequence[Row], columns: Sequence[Row], volume: dict[str, list[Row]], findings: Sequence[Row]
) -> list[Row]:
    """Return what a reader must know or do, worst first, as (kind, code, subject, item, month, share, rows, notes).

    `ledger` are the reconciled extracts, `volume` holds `series`, `breaks` and `delays`, `findings` the expectations.
    """
    found = [
        *_broken_rules(findings),
        *_unbalanced(ledger),
        *_absent(ledger),
        *_rejected(ledger),
        *_unknown(columns),
        *_early(volume["series"]),
        *_jumps(volume["breaks"]),
        *_late(volume["delays"]),
    ]
    worst = {kind: rank for rank, kind in enumerate((STOP, ASK, NOTE))}
    ranked = sorted(found, key=lambda row: worst[row["kind"]])
    return [{"position": position, **row} for position, row in enumerate(ranked, 1)]


def light(told: Sequence[Row]) -> str:
    """Return red when something stops a run, amber when something should be asked for, else green."""
    kinds = {row["kind"] for row in told}
    return "red" if STOP in kinds else "amber" if ASK in kinds else "green"


def _broken_rules(findings: Sequence[Row]) -> list[Row]:
    return [
        {
            "kind": STOP if rule["severity"] == "critical" else NOTE,
            **{"code": "rule", "subject": rule["table_name"], "item": rule["rule"], "rows": rule["unexpected"]},
            "notes": rule["notes"],
        }
        for rule in findings
        if not rule["passed"]
    ]


def _unbalanced(ledger: Sequence[Row]) -> list[Row]:
    return [{"kind": STOP, "code": "unbalanced", "subject": row["extract"]} for row in ledger if not row["is_balanced"]]


def _absent(ledger: Sequence[Row]) -> list[Row]:
    """Return the extracts that were not delivered; a project about published series needs none of them."""
    present = {row["extract"] for row in ledger if row["typed"]}
    if present <= set(PUBLISHED):
        return []
    present |= {name for name, others in INSTEAD.items() if present & set(others)}
    return [
        *({"kind": STOP, "code": "absent", "subject": name} for name in NEEDED if name not in present),
        *({"kind": ASK, "code": "absent", "subject": name} for name in WANTED if name not in present),
    ]


def _rejected(ledger: Sequence[Row]) -> list[Row]:
    return [
        {"kind": ASK, "code": "rejected", "subject": row["extract"], "rows": row["rejected"], "of": row["rows"]}
        for row in ledger
        if row["rejected"] > REJECTED_SHARE * row["rows"]
    ]


def _unknown(columns: Sequence[Row]) -> list[Row]:
    return [
        {
            **{"kind": ASK, "code": "unknown", "subject": row["extract"], "item": row["column_name"]},
            **{"rows": row["unknown"], "of": row["rows"]},
        }
        for row in columns
        if not row["may_be_blank"] and row["unknown"] > UNKNOWN_SHARE * row["rows"]
    ]


def _early(series: Sequence[Row]) -> list[Row]:
    """Return the series that end before the benefits do, and those whose last month is not full."""
    last: dict[str, dt.date] = {row["series"]: row["month"] for row in series}
    end = last.get(RECIPIENTS)
    found = []
    for name, month in last.items():
        counts = [row["rows"] for row in series if row["series"] == name]
        if end and month < later(end, -ENDS_EARLY_MONTHS):
            found.append({"kind": ASK, "code": "ends_early", "subject": name, "month": month})
        elif len(counts) > YEAR and counts[-1] < TAIL_SHARE * sum(counts[-1 - YEAR : -1]) / YEAR:
            found.append({"kind": NOTE, "code": "tail", "subject": name, "month": month})
    return found


def _jumps(found: Sequence[Row]) -> list[Row]:
    return [
        {
            "kind": NOTE if row["reform"] else ASK,
            **{"code": row["kind"], "subject": row["series"], "month": row["month"], "notes": row["reform"]},
        }
        for row in found
    ]


def _late(delays: Sequence[Row]) -> list[Row]:
    counts = {row["delay"]: row["meetings"] for row in delays}
    late, known = (sum(counts.get(d, 0) for d in names) for names in (LATE, KNOWN))
    if not late or late <= LATE_SHARE * known:
        return []
    return [{"kind": ASK, "code": "late", "subject": "samtaler", "rows": late, "of": known}]


LATE = ("quarter", "later")
KNOWN = ("before", "week", "month", *LATE)
