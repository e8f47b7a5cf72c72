"""The verdict on one check in one world."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from evaluator.vocabulary import Assumption


class Judgement(StrEnum):
    """What a check says of the estimator."""

    CONFORMS = "conforms"
    FAILS = "FAILS"
    REPORTED = "reported"  # measured, but the estimator makes no claim there


@dataclass(frozen=True, slots=True)
class Check:
    """One row of the table."""

    world: str
    check: str
    measured: float | None
    limit: str
    verdict: Judgement
    note: str = ""


def judged(world: str, check: str, measured: float | None, limit: str, holds: bool, note: str = "") -> Check:
    """Return a check that must hold."""
    return Check(world, check, measured, limit, Judgement.CONFORMS if holds else Judgement.FAILS, note)


def conforms(checks: Sequence[Check]) -> bool:
    """Return whether no check fails."""
    return all(check.verdict != Judgement.FAILS for check in checks)


def assumed(estimator: object) -> frozenset[Assumption]:
    """Return what an estimator declares that it needs; one that declares nothing needs nothing."""
    return frozenset(getattr(estimator, "assumes", ()))


def as_table(checks: Sequence[Check]) -> str:
    """Return the checks as lines of text: world, check, measured, limit, verdict, and why."""
    head = ("world", "check", "measured", "limit", "verdict")
    rows = [(c.world, c.check, _number(c.measured), c.limit, c.verdict.value) for c in checks]
    width = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    lines = ["  ".join(text.ljust(w) for text, w in zip(row, width, strict=True)) for row in (head, *rows)]
    notes = ["", *(check.note for check in checks)]
    return "\n".join(f"{line}  {note}".rstrip() for line, note in zip(lines, notes, strict=True))


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"
