"""What a test for few treated clusters answers, and the refusals that its tests share."""

from __future__ import annotations

from dataclasses import dataclass

from evaluator.vocabulary import NotEstimable

MIN_DONORS = 19


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


def too_few_donors(donors: int) -> NotEstimable:
    """Return the refusal for a placebo test that cannot reach the level."""
    return NotEstimable(
        f"Der er kun {donors} sammenligningskommuner; den mindst mulige p-værdi er {100 / (donors + 1):.0f} %.",
        f"Mindst {MIN_DONORS} kommuner uden indsats at sammenligne med.",
    )


def no_chance() -> NotEstimable:
    """Return the refusal for a placebo test in which the donors never differ from one another."""
    return NotEstimable(
        "Udfaldet forekommer ikke i sammenligningskommunerne, så tilfældige udsving kan ikke måles.",
        "Flere eller større sammenligningskommuner, eller et hyppigere udfald.",
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f}".replace(".", ",")
