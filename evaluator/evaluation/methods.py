"""From the choices of a spec to its estimators and the data that each of them takes."""

from __future__ import annotations

from typing import Any

from evaluator.estimators import plugins
from evaluator.evaluation.entry_cohorts import EntryCohorts
from evaluator.spec import EvaluationSpec
from evaluator.vocabulary import Sections

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


def data_for(spec: EvaluationSpec, method: Any, cohorts: EntryCohorts, outcome: str) -> Sections:
    """Return the sections of an outcome; by traits where the estimator adjusts for them."""
    adjusts = getattr(method, "adjustment", "none") != "none"
    return cohorts.sections(outcome, spec.estimation.covariates if adjusts else ())
