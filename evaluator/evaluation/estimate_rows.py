"""From what inference offers to rows of the results store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from evaluator.inference.side_by_side import Tested
from evaluator.results import Row
from evaluator.vocabulary import Estimate, NotEstimable


@dataclass(frozen=True, slots=True)
class Place:
    """Which number a row holds."""

    outcome: str
    horizon_weeks: int | None
    unit: str
    aggregate: str = "overall"
    at: int | None = None
    at_label: str = ""
    is_primary: bool = False
    relevant_change: float | None = None
    is_partly_exposed: bool = False


def estimate_row(
    place: Place,
    found: Estimate | NotEstimable,
    smallest_count: int | None = None,
    band: tuple[float, float] | None = None,
    p_family: float | None = None,
) -> Row:
    """Return a row of `results.estimates`; a refusal carries its reason and no number.

    `band` and `p_family` hold together with others: over the readers' states, and over the declared outcomes.
    """
    row: dict[str, Any] = {
        "outcome": place.outcome,
        "horizon_weeks": place.horizon_weeks,
        "aggregate": place.aggregate,
        "at": place.at,
        "at_label": place.at_label,
        "unit": place.unit,
        "is_primary": place.is_primary,
        "relevant_change": place.relevant_change,
        "is_partly_exposed": place.is_partly_exposed,
    }
    if isinstance(found, NotEstimable):
        return {**row, "is_estimable": False, "reason": found.reason, "what_would_help": found.what_would_help}
    low, high = band or (None, None)
    return {
        **row,
        "is_estimable": True,
        "value": found.value,
        "low": found.low,
        "high": found.high,
        "se": found.se,
        "band_low": low,
        "band_high": high,
        "p_value": found.p_value,
        "p_family": p_family,
        "method": found.method,
        "n": found.n,
        "smallest_count": found.n if smallest_count is None else smallest_count,
        "clusters": found.clusters,
        "treated_clusters": found.treated_clusters,
        "freedom": found.freedom,
    }


@dataclass(frozen=True, slots=True)
class Behind:
    """Of which number the tests are, and the persons behind it."""

    outcome: str
    estimator: str
    unit: str
    n: int
    smallest_count: int


def test_rows(behind: Behind, tests: Sequence[Tested], headline: str) -> list[Row]:
    """Return a row of `results.tests` for each test: what it says where it is offered, and why it is not elsewhere."""
    rows: list[Row] = []
    for place, tested in enumerate(tests, start=1):
        row: dict[str, Any] = {
            "outcome": behind.outcome,
            "estimator": behind.estimator,
            "place": place,
            "test": tested.offer.method,
            "is_offered": tested.judged is not None,
            "is_headline": tested.judged is not None and tested.offer.method == headline,
            "reason": tested.offer.reason,
            "size": tested.offer.size,
            "unit": behind.unit,
            "n": behind.n,
            "smallest_count": behind.smallest_count,
        }
        if tested.judged is not None:
            row |= {"p_value": tested.judged.p_value, "low": tested.judged.low, "high": tested.judged.high}
        rows.append(row)
    return rows


def answer_kind(found: Estimate | NotEstimable, relevant_change: float | None) -> str:
    """Return refused, effect, no_relevant_effect or undecided.

    Undecided when the interval holds both no effect and a change that would matter to the reader.
    """
    if isinstance(found, NotEstimable):
        return "refused"
    if found.low > 0 or found.high < 0:
        return "effect"
    matters = relevant_change is None or found.high >= relevant_change or found.low <= -relevant_change
    return "undecided" if matters else "no_relevant_effect"
