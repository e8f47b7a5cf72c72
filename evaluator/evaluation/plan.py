"""`evaluator plan`: the design and its power, from data before the first start only."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from pathlib import Path

import duckdb

from evaluator.design.frozen import Design, freeze
from evaluator.diagnostics.detectable_effect import Chance, by_formula, chance
from evaluator.errors import PanelError
from evaluator.evaluation import series_power
from evaluator.evaluation.entry_cohorts import EntryCohorts, entry_cohorts, month_index, open_outcomes, unit_of
from evaluator.evaluation.methods import data_for, estimator_of
from evaluator.evaluation.placebo_windows import Window, trials
from evaluator.evaluation.series import LEVEL
from evaluator.inference.floor import floor_sentence, least_donors
from evaluator.inference.judged import MIN_DONORS
from evaluator.inference.offered import MIN_PRE_PERIODS
from evaluator.inference.rule import FEW
from evaluator.inference.support import is_only_never
from evaluator.project import Project
from evaluator.spec import MONTHS_PER_YEAR, PERSON_OUTCOMES, SERIES_OUTCOMES, WEEKS_PER_YEAR, EvaluationSpec, Outcome
from evaluator.spec_reading import read_spec
from evaluator.store import connect

CURVE = (0.5, 0.75, 1.0, 1.5)
"""Multiples of the detectable effect at which the power is printed."""
DRAWS = 300
"""Placebo windows of the primary outcome; others get a third."""


@dataclass(frozen=True, slots=True)
class Power:
    """What chance does to an outcome's estimate before anything happened; without a law the note says why."""

    outcome: str
    unit: str
    note: str
    law: Chance | None = None
    formula: float | None = None
    relevant: float | None = None


def describe(project: Project, spec_path: Path) -> str:
    """Return the plan of a spec as text. Reads no outcome dated on or after the first start."""
    spec = read_spec(project.inside(spec_path))
    settings = {"wage_final_after_months": project.settings.wage_final_after_months}
    with connect(project) as connection:
        design = freeze(connection, spec)
        lines = [
            f"{spec.evaluation.name}: {spec.evaluation.question}",
            f"spec {spec.content_hash[:12]}, design {design.content_hash[:12]}",
            *_who(spec, design),
        ]
        if design.first_start is not None:
            end = design.first_start - dt.timedelta(days=1)
            if spec.panel.source == "registers":
                open_outcomes(connection, spec, settings, outcomes_to=end)
            if any(o.name in SERIES_OUTCOMES for o in spec.outcomes):
                lines += series_power.sentences(connection, spec, design)
            lines += [line for power in _powers(connection, spec, design) for line in _sentences(power)]
    return "\n".join(lines)


def _who(spec: EvaluationSpec, design: Design) -> list[str]:
    treated = len(design.treated)
    if design.first_start is None:
        return [
            f"{len(design.donors)} municipalities, sanction rate by {spec.panel.period} with fixed effects.",
            "Will be worded as an association, amber at most.",
        ]
    lines = [
        f"{treated} treated from {design.first_start}, {len(design.donors)} donors, {len(design.excluded)} excluded."
    ]
    for horizon in spec.horizons:
        window = spec.exposure_periods(horizon)
        first = min(design.cohort_of().values())
        before = sum(p < first for p in design.periods) - window
        verdict = "" if before >= MIN_PRE_PERIODS else " Will be refused: two are needed."
        exposed = f"{window} {spec.panel.period}s before the start are partly exposed"
        lines.append(f"{horizon} weeks: {exposed}, {before} remain.{verdict}")
    lines.append(f"Inference: {_inference(treated, most_compared(spec, design))}")
    if treated < FEW and spec.horizons:  # a series gives its own, of the municipalities with known numbers
        lines.append(floor_sentence(len(design.donors), LEVEL))
    return lines


def most_compared(spec: EvaluationSpec, design: Design) -> int:
    """Return how many municipalities can be compared with: the donors, and later starts if the estimator takes them."""
    starts = list(design.cohort_of().values())
    takes_later = any(not is_only_never(estimator_of(spec, horizon)) for horizon in spec.horizons)
    return len(design.donors) + takes_later * sum(start > min(starts) for start in starts)


def _inference(treated: int, compared: int) -> str:
    if treated < FEW:
        return "placebo over municipalities, scaled by persons."
    if (refusal := refused(treated, compared)) is not None:
        return f"none, {refusal}."
    most = min(treated, compared) - 1
    return f"leave one municipality out, t with at most {most} degrees of freedom, fewer the more unequal they are."


def refused(treated: int, compared: int) -> str | None:
    """Return why a run with so many treated and compared municipalities will be refused, None when it will not be."""
    needed = least_donors(LEVEL) if treated < FEW else FEW
    if compared >= needed:
        return None
    return f"the run will be refused: {compared} municipalities to compare with, {needed} are needed"


def _powers(connection: duckdb.DuckDBPyConnection, spec: EvaluationSpec, design: Design) -> list[Power]:
    powers: list[Power] = []
    for horizon in spec.horizons:
        asked = [o for o in spec.outcomes if o.horizon_weeks == horizon and o.name in PERSON_OUTCOMES]
        try:
            cohorts = entry_cohorts(connection, design, horizon, traits=spec.estimation.covariates)
        except PanelError:
            unknown = "no entry cohort is observed before the start"
            powers += [Power(f"{o.name} at {horizon} weeks", unit_of(o.name), unknown) for o in asked]
            continue
        powers += [_person_power(spec, design, cohorts, outcome) for outcome in asked]
    return powers


def _person_power(spec: EvaluationSpec, design: Design, cohorts: EntryCohorts, outcome: Outcome) -> Power:
    """Return the power from false starts among the entry periods that are wholly observed before the first start."""
    name, unit = f"{outcome.name} at {outcome.horizon_weeks} weeks", unit_of(outcome.name)
    method = estimator_of(spec, outcome.horizon_weeks)
    months, first = spec.panel.period_months, min(design.cohort_of().values())
    starts = {code: (month_index(day) - month_index(first)) // months for code, day in design.cohort_of().items()}
    last = month_index(spec.panel.to) - math.ceil(outcome.horizon_weeks * MONTHS_PER_YEAR / WEEKS_PER_YEAR)
    post = max((last - month_index(first)) // months + 1, 1)
    window = Window(spec.base_periods, spec.exposure_periods(outcome.horizon_weeks), post)
    draws = DRAWS if outcome == spec.primary else DRAWS // 3
    try:
        found = trials(method, data_for(spec, method, cohorts, outcome.name), starts, window, draws)
    except PanelError as error:
        return Power(name, unit, str(error).removeprefix("plan: "))
    note = (
        f"{found.placebo.effect.size} placebo windows at {found.dates} {'date' if found.dates == 1 else 'dates'}, "
        f"{found.window.base} {spec.panel.period}s of base and {found.window.post} after the start"
    )
    treated, compared = found.arms.treated.size, found.arms.compared.size
    if treated < FEW:  # only those never exposed can stand in
        compared = min(compared, len(design.donors))
    if (refusal := refused(treated, compared)) is not None:
        return Power(name, unit, refusal)
    law = chance(found.placebo, found.arms, found.persons, LEVEL)
    if law is None:
        return Power(name, unit, "the outcome never differs before the start")
    is_known = len(found.history.persons) >= MIN_DONORS
    formula = by_formula(found.history, found.arms, LEVEL) if is_known else None
    return Power(name, unit, note, law, formula, outcome.relevant_change)


def _sentences(power: Power) -> list[str]:
    """Return what an analyst reads: the detectable effect, the power at smaller and larger ones, and the check."""
    if power.law is None:
        return [f"{power.outcome}: power unknown, {power.note.rstrip('.')}."]
    effect = power.law.detectable()
    if power.unit == "share" and effect >= 1:
        return [f"{power.outcome}: no possible effect would be found in four of five evaluations ({power.note})."]
    size = _worded(effect, power.unit)
    lines = [f"{power.outcome}: an effect of {size} would be found in four of five evaluations ({power.note})."]
    sizes = [part * effect for part in CURVE if power.unit != "share" or part * effect < 1]
    curve = [f"{_worded(each, power.unit)} {power.law.power(each):.0%}" for each in sizes]
    lines.append(f"  Power: {', '.join(curve)}.")
    if power.relevant is not None:
        found, size = power.law.power(power.relevant), _worded(power.relevant, power.unit)
        lines.append(f"  The relevant change of {size} would be found in {found:.0%} of evaluations.")
    if power.formula is not None:
        lines.append(f"  Check by formula for serial correlation: {_worded(power.formula, power.unit)}.")
    return lines


def _worded(effect: float, unit: str) -> str:
    return f"{100 * effect:.1f} points" if unit == "share" else f"{effect:.2f} {unit}"
