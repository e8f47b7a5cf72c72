"""What a test for few treated clusters answers, and the refusals that its tests share."""

from __future__ import annotations

from dataclasses import dataclass

from evaluator.vocabulary import NotEstimable


@dataclass(frozen=True, slots=True)
class Judged:
    """An effect, the p-value of no effect, and the effects that the same test does not reject."""

    value: float
    p_value: float
    low: float
    high: float
    floor: float  # the smallest p-value that the test can give
    method: str


def out_of_reach(floor: float, what_would_help: str) -> NotEstimable:
    """Return the refusal of a test whose smallest p-value is over the level it is asked for."""
    return NotEstimable(
        f"Testens mindst mulige p-værdi er {_percent(floor)} pct., så intet kan afgøres på det ønskede niveau.",
        what_would_help,
    )


def one_treated(test: str) -> NotEstimable:
    """Return the refusal of a test that measures chance by how the treated differ from one another."""
    return NotEstimable(
        f"{test} måler tilfældet ved, hvor forskellige indsatskommunerne er; med én kommune er der intet at måle på.",
        "Mindst to kommuner med indsats, eller en placebotest.",
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f}".replace(".", ",")
