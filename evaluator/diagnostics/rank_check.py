"""The light of a treated municipality's place among the others, where the smallest possible p-value is no small one."""

from __future__ import annotations

from evaluator.vocabulary import Diagnostic, Light

RED, AMBER = 0.01, 0.10
MEANINGFUL = 0.05
"""The largest p-value that is red when no smaller one is possible: with 19 others the most extreme of all is red, and
with 97 others it is, although its p-value of 0.0102 is over RED. With fewer than 19 no rank is red."""
THRESHOLD = "p over 0,10"


def rank_check(name: str, p_value: float, floor: float, why: str) -> Diagnostic:
    """Judge a p-value by rank whose smallest possible value is `floor` (1 / municipalities; times the tests behind it).

    Without a true difference it is amber or red in at most 10 per cent, red in at most max(1 per cent, `floor`).
    """
    reached = p_value <= RED or (floor <= MEANINGFUL and p_value <= floor * (1 + 1e-9))
    light = Light.RED if reached else Light.AMBER if p_value < AMBER else Light.GREEN
    return Diagnostic(name, p_value, THRESHOLD, light, why)
