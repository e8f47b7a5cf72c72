"""Which share of the sanctions did not stand: a figure of a municipality's practice, as it may be released."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from evaluator import disclosure
from evaluator.disclosure import MINIMUM_COUNT, Margin
from evaluator.inference.proportion import wilson_interval

ALL, UNKNOWN = "all", "unknown"


@dataclass(frozen=True, slots=True)
class ReversedShare:
    """Decisions of a municipality, or of all; None where a count must stay in the store."""

    municipality_code: str
    decisions: int | None
    reversed: int | None
    share: float | None
    low: float | None
    high: float | None


def counted(connection: duckdb.DuckDBPyConnection, benefits: Sequence[str] = ()) -> list[tuple[str, int, int]]:
    """Return exact rows of (municipality, reversed, upheld), the total first; nothing without a decision.

    Reversed (ophaevet) or sent back (hjemvist), of the decisions that fell on `benefits`, or of all. A decision that is
    still under appeal stands as delivered, so that the last months' share is too low.
    """
    found = connection.execute(
        "select coalesce(municipality_code, ?), count(*) filter (is_reversed), count(*) filter (not is_reversed) "
        "from marts.sanction_events where len(?::varchar[]) = 0 or list_contains(?::varchar[], benefit) "
        "group by all order by all",
        [UNKNOWN, list(benefits), list(benefits)],
    ).fetchall()
    total = (ALL, sum(row[1] for row in found), sum(row[2] for row in found))
    return [total, *found] if found else []


def released(
    rows: Sequence[tuple[str, int, int]], minimum: int = MINIMUM_COUNT, level: float = 0.95
) -> tuple[ReversedShare, ...]:
    """Return rows of (code, reversed, upheld), the total first, as they may leave the store.

    Counts and their margins are suppressed and rounded by `evaluator.disclosure`; shares and Wilson intervals are of
    the released counts, never of the exact ones.
    """
    counts = [count for _, gone, upheld in rows for count in (gone, upheld, gone + upheld)]
    across = [Margin((3 * i, 3 * i + 1), 3 * i + 2) for i in range(len(rows))]
    down = [Margin(tuple(range(3 + kind, len(counts), 3)), kind) for kind in range(3)]
    hidden = disclosure.suppressed(counts, [*across, *down], minimum)
    made = []
    for i, (code, gone, upheld) in enumerate(rows):
        is_shown = not any(hidden[3 * i : 3 * i + 3])
        parts = disclosure.rounded_parts([gone, upheld])
        decisions = None if hidden[3 * i + 2] else sum(parts)
        low, high = wilson_interval(parts[0], sum(parts), level) if is_shown else (None, None)
        share = parts[0] / sum(parts) if is_shown else None
        made.append(ReversedShare(str(code), decisions, parts[0] if is_shown else None, share, low, high))
    return tuple(made)
