"""How far the people compared had to be weighted to be like the treated, and which municipalities that leaves out."""

from __future__ import annotations

from typing import Any

from evaluator.errors import PanelError
from evaluator.estimators.entropy_balancing import Balance, LeftOut
from evaluator.evaluation.entry_cohorts import EntryCohorts, asked_outcomes
from evaluator.evaluation.methods import data_for, estimator_of, weighs
from evaluator.inference.floor import most_outcomes
from evaluator.results import Findings
from evaluator.spec import EvaluationSpec
from evaluator.vocabulary import Diagnostic, Estimate, Light, NotEstimable

EFFECTIVE, LARGEST_PERCENT = 0.5, 1.0
"""Share of the persons that equal weights would need for the same certainty, and what one person may weigh."""
EFFECTIVE_WHY = (
    "Jo mere borgerne i de andre kommuner skal vægtes for at ligne, jo færre borgere svarer de til. {donors} kommuner "
    "er med; {empty} er ude, fordi ingen begyndte på ydelsen i en af perioderne, og {outside}, fordi borgerne ikke kan "
    "vægtes til at ligne."
)
LARGEST_WHY = "Vejer en enkelt borger meget, kan svaret hvile på tilfældet."
LEVEL = 0.95


def compared(spec: EvaluationSpec, cohorts: EntryCohorts) -> EntryCohorts:
    """Return the cohorts of the municipalities that the answer compares: all of them unless its estimator weighs."""
    left = _left_out(spec, cohorts)
    return cohorts if left is None else cohorts.without(*left[1])


def checks(
    spec: EvaluationSpec, cohorts: EntryCohorts, primary: Estimate | NotEstimable, findings: Findings
) -> list[Diagnostic]:
    """Return the checks of the weights, none where the estimator has none or refuses; add who is compared to the facts.

    The floor of the p-value is that of the municipalities that can stand in, which the traits at entry decide.
    """
    left = _left_out(spec, cohorts)
    if left is None or isinstance(primary, NotEstimable):
        return []
    method, data = _asked(spec, cohorts)
    try:
        told = method.balance(data)
    except PanelError:
        return []
    findings.facts(n_comparison=left[0].donors)
    if primary.se is None:
        stand_ins = primary.clusters - primary.treated_clusters
        findings.facts(p_floor=round(1 / (stand_ins + 1), 4), most_outcomes=most_outcomes(stand_ins, LEVEL))
    return _judged(told, left[0])


def _judged(told: Balance, left: LeftOut) -> list[Diagnostic]:
    share = told.effective / told.persons
    counts = {"donors": left.donors, "empty": len(left.empty), "outside": len(left.outside)}
    percent = 100 * told.largest
    is_enough, is_even = share >= EFFECTIVE, percent <= LARGEST_PERCENT
    return [
        Diagnostic("effective_persons", share, "mindst 0,5", _light(is_enough), EFFECTIVE_WHY.format(**counts)),
        Diagnostic("largest_weight", percent, "højst 1 pct.", _light(is_even), LARGEST_WHY),
    ]


def _light(holds: bool) -> Light:
    return Light.GREEN if holds else Light.AMBER


def _asked(spec: EvaluationSpec, cohorts: EntryCohorts) -> tuple[Any, Any]:
    method = estimator_of(spec, cohorts.horizon_weeks)
    return method, data_for(spec, method, cohorts, asked_outcomes(spec, cohorts.horizon_weeks)[0])


def _left_out(spec: EvaluationSpec, cohorts: EntryCohorts) -> tuple[LeftOut, tuple[str, ...]] | None:
    """Return who is left out, and the codes of the donors among them; None where the estimator does not weigh."""
    if not weighs(estimator_of(spec, cohorts.horizon_weeks)):
        return None
    method, data = _asked(spec, cohorts)
    try:
        left = method.left_out(data)
    except PanelError:
        return None
    return left, tuple(data.clusters[cluster] for cluster in (*left.empty, *left.outside))
