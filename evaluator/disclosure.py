"""Disclosure control: what a count must look like before it leaves the store. Applied once, by `evaluator.release`.

Small counts are suppressed; a margin that would give them away is protected by suppressing the next
smallest cell (secondary suppression); all released counts are multiples of the rounding base, so that two releases
one person apart differ by nothing or by a whole base. Shares are quotients of released counts, never of exact ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evaluator.errors import DisclosureError

MINIMUM_COUNT = 5  # Danmarks Statistik, rules for taking results home: no cell of fewer than five
ROUNDING_BASE = 5  # released counts are multiples of this; with the minimum, differences of releases hide one person


@dataclass(frozen=True, slots=True)
class Margin:
    """Cells that add up to something a reader knows: indices of the cells and the index of their total, if shown."""

    cells: tuple[int, ...]
    total: int | None = None


def suppressed(counts: Sequence[int], margins: Sequence[Margin], minimum: int = MINIMUM_COUNT) -> list[bool]:
    """Return which cells must be hidden so that no count under `minimum` can be read or derived.

    Primary: every count up to the minimum, zero included; one more than the rule asks, so that a second release one
    person apart cannot show a count of four by crossing the line. Secondary: in each margin the hidden cells must be
    none, or at least two whose sum is over the minimum, so that each of them could be. A hidden total counts as a
    cell of its margin.
    """
    if minimum < MINIMUM_COUNT:
        raise DisclosureError(f"minimum count: {minimum}; expected at least {MINIMUM_COUNT}. Raise it in the spec.")
    hidden = [count <= minimum for count in counts]
    while any(_protect(counts, hidden, margin, minimum) for margin in margins):
        pass
    return hidden


def _protect(counts: Sequence[int], hidden: list[bool], margin: Margin, minimum: int) -> bool:
    """Hide one more cell of `margin` where it needs it; say whether it did."""
    members = list(margin.cells) + ([] if margin.total is None else [margin.total])
    concealed = [i for i in members if hidden[i]]
    if not concealed or (len(concealed) >= 2 and sum(counts[i] for i in concealed) > minimum):
        return False
    shown = [i for i in members if not hidden[i]]
    if not shown:
        return False
    hidden[min(shown, key=lambda i: (counts[i], i))] = True
    return True


def rounded(count: int, base: int = ROUNDING_BASE) -> int:
    """Return the nearest multiple of `base`, halves upwards."""
    return (2 * count + base) // (2 * base) * base


def in_words(count: int) -> str:
    """Return a count as a message or a log may say it."""
    return "none" if count == 0 else f"{count:,}" if count > MINIMUM_COUNT else f"at most {MINIMUM_COUNT}"


def rounded_parts(counts: Sequence[int], base: int = ROUNDING_BASE) -> list[int]:
    """Return multiples of `base` that add up to the rounded total (largest remainders first, then order)."""
    floors = [count // base * base for count in counts]
    missing = (rounded(sum(counts), base) - sum(floors)) // base
    by_remainder = sorted(range(len(counts)), key=lambda i: (floors[i] - counts[i], i))
    for i in by_remainder[:missing]:
        floors[i] += base
    return floors
