"""The smallest p-value that a test which counts can give, and what it means for several outcomes."""

from __future__ import annotations

import math

from evaluator.inference.rule import TIE, size_of


def least_donors(level: float, tails: int = 1) -> int:
    """Return the number of donors from which the smallest p-value, `tails` / (donors + 1), reaches the level."""
    return math.ceil(tails / size_of(level) - TIE) - 1


def most_outcomes(donors: int, level: float) -> int:
    """Return how many outcomes Holm can correct for before even the smallest p-value, 1 / (donors + 1), is kept."""
    return int(size_of(level) * (donors + 1) + TIE)


def floor_sentence(donors: int, level: float) -> str:
    """Return what an analyst must know before the number of outcomes is chosen."""
    most, floor = most_outcomes(donors, level), f"Smallest possible p-value {1 / (donors + 1):.3f}"
    if most == 0:
        return f"{floor}: nothing can be found, {least_donors(level)} donors are needed."
    return f"{floor}; with more than {most} outcome{'s' if most > 1 else ''} under Holm nothing can be found."
