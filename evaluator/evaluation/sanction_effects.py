"""Effects of a sanction on each exit: timing of events, the same without heterogeneity, and the naive comparison."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from evaluator.diagnostics import credibility
from evaluator.estimators.timing_of_events import FEWEST, MassPoints, TimingOfEvents, anticipation
from evaluator.evaluation.sanction_hazards import DESTINATIONS, Hazards, Piece, Spells, fit, hazards
from evaluator.results import Findings, Row
from evaluator.spec import EvaluationSpec
from evaluator.vocabulary import Diagnostic, Estimate, Light, NotEstimable

if TYPE_CHECKING:
    import polars as pl

MAIN, PLAIN, NAIVE = "timing_of_events", "without_heterogeneity", "naive"
EVERYBODY, STANDING, NOTICED = "all", "without_reversed", "from_notice"
GROUPS = ("sanction_type", "target_group")
HEADLINE_WEEKS = 5
"""The headline is the piece from this week on: the weeks before may show what caused the sanction."""
NORMAL = 1.959964
ANTICIPATION_WHY = (
    "Den, der har fundet job, udebliver og får så en sanktion. Er virkningen en anden i de første uger end senere, kan "
    "afgangen være årsag til sanktionen."
)


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose effects a row holds, and by which method."""

    method: str
    subset: str = EVERYBODY


def effects(data: Spells, spec: EvaluationSpec, findings: Findings) -> tuple[Estimate | NotEstimable, list[Diagnostic]]:
    """Add the effects of a sanction on each exit; return the headline (self-support without job) and the checks."""
    findings.add("sanction_effects", *_naive(data.spells))
    made = _fitted(data, spec)
    if isinstance(made, NotEstimable):
        findings.add("sanction_effects", *(_refusal(name, made, Subject(MAIN)) for name in DESTINATIONS))
        told = {"reason": made.reason, "what_would_help": made.what_would_help}
        findings.add("refusals", {"outcome": "exit_self_support", **told})
        return made, []
    found, fitted = made
    for subject, one in ((Subject(MAIN), fitted.chosen), (Subject(PLAIN), fitted.path[0])):
        findings.add("sanction_effects", *_rows(found, one, subject))
    _add_subsets(data, spec, findings)
    for by in GROUPS:
        _add_groups(data, by, spec, findings)
    findings.facts(
        mass_points=fitted.chosen.number,
        mass_points_tried=len(fitted.path),
        sanction_model_persons=fitted.chosen.persons,
    )
    checks = [_anticipation(fitted.chosen, name, found) for name in ("job", "self_support")]
    own = fitted.chosen.estimate(f"self_support.{headline(found.pieces).column}")
    answer = replace(own, clusters=0) if math.isfinite(own.low) else _flat()  # its clusters are persons
    return answer, [*checks, _convergence(fitted)]


def _fitted(
    data: Spells, spec: EvaluationSpec, by: str | None = None, mass_points: int | None = None
) -> tuple[Hazards, TimingOfEvents] | NotEstimable:
    """Return the rows of the duration model and its fit, or in a reader's words why there is none."""
    assert spec.sanctions is not None
    found = hazards(data, by)
    if isinstance(found, NotEstimable):
        return found
    fitted = fit(found, mass_points or spec.sanctions.mass_points, spec.estimation.seed)
    return _flat() if isinstance(fitted, NotEstimable) else (found, fitted)


def headline(pieces: tuple[Piece, ...]) -> Piece:
    """Return the piece that the headline is of: the first one from week 5 on."""
    return next(piece for piece in pieces if piece.from_weeks == HEADLINE_WEEKS)


def effect_row(destination: str, subject: Subject, piece: Piece, found: Estimate, events: int) -> Row:
    """Return a row of `results.sanction_effects`: a log hazard ratio beside the plausibility band of its exit."""
    ratio = math.exp(found.value)
    band = credibility.band_of("sanction", f"hazard_{destination}")
    ends: dict[str, Any] = {}
    if band is not None:
        light = credibility.plausibility("sanction", f"hazard_{destination}", ratio)
        names = ("green_low", "green_high", "amber_low", "amber_high")
        ends = dict(zip(names, (*band.green, *band.amber), strict=True))
        ends["plausibility"] = light.value if light else None
    return {
        **_place(destination, subject, piece),
        **ends,
        **{"value": found.value, "low": found.low, "high": found.high, "se": found.se, "p_value": found.p_value},
        **{"events": events, "persons": found.n, "is_estimable": True},
    }


def _place(destination: str, subject: Subject, piece: Piece) -> Row:
    is_headline = subject == Subject(MAIN) and piece.from_weeks == HEADLINE_WEEKS
    return {
        **{"destination": destination, "method": subject.method, "subset": subject.subset, "group_name": piece.group},
        **{"from_weeks": piece.from_weeks, "to_weeks": piece.to_weeks, "is_headline": is_headline},
        "unit": "log_hazard",
    }


def _rows(found: Hazards, fitted: MassPoints, subject: Subject) -> list[Row]:
    """Return a row for each destination and piece; the covariance is inverted once."""
    spread = np.sqrt(np.diag(fitted.covariance()))
    rows = []
    for destination in DESTINATIONS:
        if destination not in found.exits:
            rows.append(_refusal(destination, _too_few(), subject))
            continue
        for piece in found.pieces:
            at = fitted.labels.index(f"{destination}.{piece.column}")
            events, persons = found.behind(destination, piece)
            estimate = _normal(float(fitted.point.beta[at]), float(spread[at]), persons)
            if math.isfinite(float(spread[at])):
                rows.append(effect_row(destination, subject, piece, estimate, events))
            else:
                rows.append({**_place(destination, subject, piece), **_reason(_flat())})
    return rows


def _normal(value: float, se: float, persons: int) -> Estimate:
    p_value = math.erfc(abs(value) / se / math.sqrt(2)) if se > 0 else None
    reach = NORMAL * se
    return Estimate(value, se, value - reach, value + reach, 0.95, persons, persons, 0, MAIN, p_value)


def _add_subsets(data: Spells, spec: EvaluationSpec, findings: Findings) -> None:
    """Add the effects without the sanctions that were reversed, and counted from the notice, where there are some."""
    is_early = data.spells["notice_weeks"] < data.spells["sanction_weeks"]
    asked = {
        STANDING: data.without_reversed() if data.spells["is_reversed"].fill_null(False).any() else None,
        NOTICED: data.from_notice() if is_early.fill_null(False).any() else None,
    }
    for subset, part in asked.items():
        made = None if part is None else _fitted(part, spec)
        if made is not None and not isinstance(made, NotEstimable):
            found, fitted = made
            findings.add("sanction_effects", *_rows(found, fitted.chosen, Subject(MAIN, subset)))


def _add_groups(data: Spells, by: str, spec: EvaluationSpec, findings: Findings) -> None:
    """Add the effects by type of sanction or by target group, without heterogeneity."""
    made = _fitted(data, spec, by, mass_points=1)
    if not isinstance(made, NotEstimable):
        found, fitted = made
        findings.add("sanction_effects", *_rows(found, fitted.chosen, Subject(PLAIN, by)))


def _naive(spells: pl.DataFrame) -> list[Row]:
    """Return the rate of exit in spells that were ever sanctioned over that in those that never were, as log ratios.

    It counts the weeks before a sanction as if they came after it: who stays long has time to be sanctioned, so the
    sanctioned seem to leave slowly (immortal time). Shown as a warning, never as an answer.
    """
    import polars as pl

    seen = spells.filter(pl.col("entry_weeks") == 0)
    ever = seen["sanction_weeks"].is_not_null()
    piece, rows = Piece("", 0, None), []
    for destination in DESTINATIONS:
        events = [int((part["destination"] == destination).sum()) for part in (seen.filter(ever), seen.filter(~ever))]
        weeks = [int(part["weeks"].sum() or 0) for part in (seen.filter(ever), seen.filter(~ever))]
        if min(events) < FEWEST:
            rows.append(_refusal(destination, _too_few(), Subject(NAIVE)))
            continue
        value = math.log(events[0] / weeks[0]) - math.log(events[1] / weeks[1])
        found = _normal(value, math.sqrt(1 / events[0] + 1 / events[1]), int(ever.sum()))
        rows.append(effect_row(destination, Subject(NAIVE), piece, found, min(events)))
    return rows


def _refusal(destination: str, refused: NotEstimable, subject: Subject) -> Row:
    return {**_place(destination, subject, Piece("", HEADLINE_WEEKS, None)), **_reason(refused)}


def _reason(refused: NotEstimable) -> Row:
    return {"is_estimable": False, "reason": refused.reason, "what_would_help": refused.what_would_help}


def _too_few() -> NotEstimable:
    return NotEstimable(f"Under {FEWEST} afgange hertil efter en sanktion.", "Flere borgere eller en større stikprøve.")


def _flat() -> NotEstimable:
    return NotEstimable("Data kan ikke skelne virkningen fra de øvrige forhold i modellen.", "Flere borgere.")


def _anticipation(fitted: MassPoints, destination: str, found: Hazards) -> Diagnostic:
    """Return whether the first weeks differ from the headline, in words for a reader."""
    first, later = found.pieces[0].column, headline(found.pieces).column
    check = anticipation(fitted, destination, first, later)
    p_value = fitted.estimate(f"{destination}.{first}", minus=f"{destination}.{later}").p_value
    return replace(check, value=p_value, threshold="p mindst 0,05", why=ANTICIPATION_WHY)


def _convergence(fitted: TimingOfEvents) -> Diagnostic:
    """Return whether the search ended, and whether more mass points would have been taken."""
    chosen = fitted.chosen
    is_last = chosen.number == len(fitted.path) and chosen.number > 1
    light = Light.RED if not chosen.has_converged else Light.AMBER if is_last else Light.GREEN
    return Diagnostic(
        "heterogeneity",
        float(chosen.number),
        "færre end der er prøvet",
        light,
        "Antal typer af borgere, som modellen skelner mellem. Er det det største, der er prøvet, kan der være flere.",
    )
