"""From the choices of a spec to its estimators and the data that each of them takes."""

from __future__ import annotations

from typing import Any

from evaluator.errors import PanelError
from evaluator.estimators import plugins
from evaluator.evaluation.entry_cohorts import EntryCohorts
from evaluator.inference import offered
from evaluator.spec import EvaluationSpec
from evaluator.vocabulary import Estimate, NotEstimable, Sections

BASE = "universal"  # early periods are compared with the base that later ones have


def chosen(spec: EvaluationSpec, name: str, horizon_weeks: int, **instead: Any) -> Any:
    """Return the estimator `name` with those of the spec's choices that it takes, or of those made `instead`.

    The window of anticipation is the declared months plus the horizon.
    """
    choices = {
        "comparison": spec.comparison.pool,
        "base": BASE,
        "anticipation": spec.exposure_periods(horizon_weeks),
        "base_periods": spec.base_periods,
        "adjustment": spec.estimation.adjustment,
        "seed": spec.estimation.seed,
    }
    return plugins.made(name, **{**choices, **instead})


def estimator_of(spec: EvaluationSpec, horizon_weeks: int) -> Any:
    """Return the estimator that answers for person outcomes."""
    return chosen(spec, spec.person_estimator, horizon_weeks)


def answer(method: Any, data: Sections) -> Estimate | NotEstimable:
    """Return the overall effect as it may be published; a refusal says so where it is the estimator that refuses."""
    found = offered.estimates(method, data, "simple").overall
    return refusal(method, data) or found if found == offered.no_cells() else found


def refusal(method: Any, data: Sections) -> NotEstimable | None:
    """Return why an estimator refuses data that have treated and compared persons; None when it does not."""
    try:
        method.fit(data)
    except PanelError:
        if weighs(method):
            return _unlike(method, data)
        if adjusts(method):
            return NotEstimable(
                "Der kan ikke justeres for de valgte træk: i nogle perioder er der for få borgere, eller borgerne i de "
                "to grupper ligner ikke hinanden nok.",
                'Færre eller grovere træk, kvartaler i stedet for måneder, eller adjustment = "regression".',
            )
        return NotEstimable("Metoden kan ikke regnes på disse data.", "En anden metode, eller et længere panel.")
    return None


def _unlike(method: Any, data: Sections) -> NotEstimable:
    """Return the refusal of an estimator that weighs each municipality's persons, with who is left out."""
    what_would_help = "Færre eller grovere træk, længere perioder eller flere kommuner at sammenligne med."
    try:
        left = method.left_out(data)
    except PanelError:
        return NotEstimable(
            "Der er ingen periode før starten, som ikke selv kan være påvirket.", "Data længere tilbage."
        )
    if left.treated:
        return NotEstimable(
            "Der er en periode før eller efter starten, hvor ingen begyndte på ydelsen i indsatskommunen.",
            what_would_help,
        )
    return NotEstimable(
        f"Kun {left.donors} kommuner kan sammenlignes: i {len(left.empty)} begyndte ingen på ydelsen i en af "
        f"perioderne, og i {len(left.outside)} kan borgerne ikke vægtes til at ligne indsatskommunens.",
        what_would_help,
    )


def weighs(method: Any) -> bool:
    """Return whether an estimator weighs the persons of each municipality, and can leave municipalities out."""
    return adjusts(method) and hasattr(method, "left_out")


def adjusts(method: Any) -> bool:
    """Return whether an estimator uses covariates as it is set."""
    return bool(getattr(method, "adjustment", "none") != "none")


def data_for(spec: EvaluationSpec, method: Any, cohorts: EntryCohorts, outcome: str) -> Sections:
    """Return the sections of an outcome; by traits where the estimator adjusts for them."""
    return cohorts.sections(outcome, spec.estimation.covariates if adjusts(method) else ())
