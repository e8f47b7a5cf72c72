"""`evaluator plan`: the design and its power, from data before the first start only."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from evaluator.design.frozen import Design, freeze
from evaluator.errors import PanelError
from evaluator.estimators.group_time import GroupTime
from evaluator.evaluation import series
from evaluator.evaluation.entry_cohorts import EntryCohorts, entry_cohorts, open_outcomes
from evaluator.evaluation.methods import estimator_of
from evaluator.inference import offered
from evaluator.inference.placebo import spread
from evaluator.project import Project
from evaluator.spec import END_STATES, SERIES_OUTCOMES, EvaluationSpec
from evaluator.spec_reading import read_spec
from evaluator.store import connect
from evaluator.vocabulary import NEVER, NotEstimable, Sections

POWER = 0.80
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Power:
    """The smallest true effect that would be found in four of five evaluations, judged before the start."""

    outcome: str
    effect: float | None
    unit: str
    note: str


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
            lines += [_sentence(power) for power in _powers(connection, spec, design)]
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
        verdict = "" if before >= offered.MIN_PRE_PERIODS else " Will be refused: two are needed."
        exposed = f"{window} {spec.panel.period}s before the start are partly exposed"
        lines.append(f"{horizon} weeks: {exposed}, {before} remain.{verdict}")
    lines.append(f"Inference: {_inference(treated)}")
    if treated < offered.FEW:
        floor = 1 / (len(design.donors) + 1)
        most = int((1 - LEVEL) / floor)
        lines.append(
            f"Smallest possible p-value {floor:.3f}; with more than {most} outcomes under Holm nothing can be found."
        )
    return lines


def _inference(treated: int) -> str:
    if treated < offered.FEW:
        return "placebo over municipalities, scaled by persons."
    return (
        f"leave one municipality out, t with at most {treated - 1} degrees of freedom, fewer the more unequal they are."
    )


def _powers(connection: duckdb.DuckDBPyConnection, spec: EvaluationSpec, design: Design) -> list[Power]:
    powers = [_series_power(connection, spec, design)] if any(o.name in SERIES_OUTCOMES for o in spec.outcomes) else []
    for horizon in spec.horizons:
        names = [o.name for o in spec.outcomes if o.horizon_weeks == horizon and o.name in END_STATES]
        try:
            cohorts = entry_cohorts(connection, design, horizon)
        except PanelError:
            powers += [Power(name, None, "share", "no entry cohort is observed before the start") for name in names]
            continue
        powers += [replace(_person_power(spec, design, cohorts, n), outcome=f"{n} at {horizon} weeks") for n in names]
    return powers


def _person_power(spec: EvaluationSpec, design: Design, cohorts: EntryCohorts, outcome: str) -> Power:
    """Return the power at a false start in the middle of the observed entry periods, without a window.

    The treated keep their number and sizes; every period used is observed before the first start.
    """
    method: GroupTime = replace(estimator_of(spec, cohorts.horizon_weeks), anticipation=0, comparison="never")
    data = cohorts.sections(outcome)
    periods = np.unique(data.period)
    if periods.size < 2 * offered.MIN_PRE_PERIODS:
        return Power(outcome, None, "share", f"only {periods.size} entry periods are observed before the start")
    false_start = int(periods[periods.size // 2])
    treated = np.isin(np.array(data.clusters)[data.cluster], design.treated_codes)
    moved: Sections = replace(data, cohort=np.where(treated, false_start, NEVER))
    found = offered.estimates(method, moved, "simple").overall
    if isinstance(found, NotEstimable):
        return Power(outcome, None, "share", f"a run would be refused with »{found.reason}«")
    note = f"false start, {len(design.treated)} treated"
    return Power(outcome, detectable(found), "share", note)


def detectable(found: Any) -> float:
    """Return the minimum detectable effect of an estimate's error: (t at level + t at power) x se.

    Source: Bloom (1995), Evaluation Review 19(5). Without a standard error the half width of the interval stands for
    the first term and its normal share for the second.
    """
    from scipy.stats import norm, t

    if found.se is None:
        half = (found.high - found.low) / 2
        return float(half * (1 + norm.ppf(POWER) / norm.ppf((1 + LEVEL) / 2)))
    law = t(found.treated_clusters - 1)
    return float((law.ppf((1 + LEVEL) / 2) + law.ppf(POWER)) * found.se)


def _series_power(connection: duckdb.DuckDBPyConnection, spec: EvaluationSpec, design: Design) -> Power:
    """Return the power from the donors' changes over the year before the start against the year before that."""
    method = series.estimator_of(spec)
    try:
        panel = series.read_panel(connection, spec, design, years_earlier=1)
        placebos = method.fit(panel)
    except PanelError:
        return Power("recipients", None, "log", "the series is too short before the start")
    from scipy.stats import norm

    a, b = spread(placebos)
    deviation = float(np.sqrt(a + b / placebos.treated_size))
    reach = float(norm.ppf((1 + LEVEL) / 2) + norm.ppf(POWER))
    return Power("recipients", reach * deviation, "log", f"{placebos.size.size} donors, year before the start")


def _sentence(power: Power) -> str:
    if power.effect is None:
        return f"{power.outcome}: power unknown, {power.note.rstrip('.')}."
    if power.unit == "share" and power.effect >= 1:
        return f"{power.outcome}: no possible effect would be found in four of five evaluations ({power.note})."
    size = f"{100 * np.expm1(power.effect):.0f} per cent" if power.unit == "log" else f"{100 * power.effect:.1f} points"
    return f"{power.outcome}: an effect of {size} would be found in four of five evaluations ({power.note})."
