"""What became of people: entry cohorts in treated municipalities against those elsewhere, state by state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from evaluator.design.frozen import Design
from evaluator.diagnostics import credibility
from evaluator.evaluation.entry_cohorts import READERS_STATES, EntryCohorts, asked_outcomes, month_of_index, unit_of
from evaluator.evaluation.estimate_rows import Behind, Place, estimate_row, test_rows
from evaluator.evaluation.methods import answer, data_for, estimator_of
from evaluator.inference import bands, multiplicity, offered
from evaluator.inference.every_test import every_test
from evaluator.inference.rule import has_error
from evaluator.results import Findings
from evaluator.spec import END_STATES, PERSON_OUTCOMES, EvaluationSpec
from evaluator.vocabulary import Diagnostic, Estimate, NotEstimable

Found = Estimate | NotEstimable
Family = Mapping[tuple[str, int], float]  # adjusted p-values by outcome and horizon


def family(spec: EvaluationSpec, followed: Mapping[int, EntryCohorts], findings: Findings) -> Family:
    """Return the p-values of the declared outcomes of persons, adjusted for one another; none where one stands alone.

    `followed` are the entry cohorts by horizon. An outcome at two horizons is two members, a refused one is none. Adds
    the number of members: which of them may leave is decided later, and the adjustment is for the hidden ones too.
    """
    members = {}
    for outcome in spec.outcomes:
        if outcome.name in PERSON_OUTCOMES and outcome.horizon_weeks in followed:
            method = estimator_of(spec, outcome.horizon_weeks)
            data = data_for(spec, method, followed[outcome.horizon_weeks], outcome.name)
            members[outcome.name, outcome.horizon_weeks] = (method, data)
    if len(members) < 2:
        return {}
    found = multiplicity.family_p_values(members)
    adjusted = {key: p.adjusted for key, p in found.items() if not isinstance(p, NotEstimable)}
    if len(adjusted) < 2:
        return {}
    findings.facts(family_size=len(adjusted))
    return adjusted


def estimate(spec: EvaluationSpec, cohorts: EntryCohorts, adjusted: Family, findings: Findings) -> dict[str, Found]:
    """Add overall effects of every asked outcome and end state, with a simultaneous band over the readers' states."""
    horizon = cohorts.horizon_weeks
    method = estimator_of(spec, horizon)
    sections = {name: data_for(spec, method, cohorts, name) for name in asked_outcomes(spec, horizon)}
    overall = {name: answer(method, data) for name, data in sections.items()}
    band = bands.family_band(method, {name: sections[name] for name in READERS_STATES})
    by_name = {} if isinstance(band, NotEstimable) else dict(zip(band.labels, _pairs(band), strict=True))
    declared = {(o.name, o.horizon_weeks): o for o in spec.outcomes}
    for name, found in overall.items():
        outcome = declared.get((name, horizon))
        place = Place(
            name,
            horizon,
            unit_of(name),
            is_primary=outcome == spec.primary if outcome else False,
            relevant_change=outcome.relevant_change if outcome else None,
        )
        smallest = cohorts.smallest(name, spec)
        row = estimate_row(place, found, smallest, by_name.get(name), adjusted.get((name, horizon)))
        findings.add("estimates", row)
        if isinstance(found, NotEstimable):
            findings.add(
                "refusals", {"outcome": name, "reason": found.reason, "what_would_help": found.what_would_help}
            )
    return overall


def event_study(spec: EvaluationSpec, cohorts: EntryCohorts, outcome: str, findings: Findings) -> None:
    """Add effects by event time and by cohort of one outcome, with a simultaneous band over event times."""
    method = estimator_of(spec, cohorts.horizon_weeks)
    data = data_for(spec, method, cohorts, outcome)
    event = offered.estimates(method, data, "event")
    band = bands.event_band(method, data)
    by_time = {} if isinstance(band, NotEstimable) else dict(zip(band.labels, _pairs(band), strict=True))
    for time, found in zip(event.labels, event.parts, strict=True):
        smallest = cohorts.smallest(outcome, spec, event_time=int(time))
        place = Place(
            outcome,
            cohorts.horizon_weeks,
            unit_of(outcome),
            "event",
            int(time),
            str(time),
            is_partly_exposed=-spec.exposure_periods(cohorts.horizon_weeks) <= time < 0,
        )
        findings.add("estimates", estimate_row(place, found, smallest, by_time.get(time)))
    by_cohort = offered.estimates(method, data, "group")
    for label, found in zip(by_cohort.labels, by_cohort.parts, strict=True):
        start = month_of_index(int(label))
        place = Place(outcome, cohorts.horizon_weeks, unit_of(outcome), "cohort", int(label), f"{start:%Y-%m}")
        findings.add("estimates", estimate_row(place, found, cohorts.smallest(outcome, spec, cohort=int(label))))


def tests(spec: EvaluationSpec, cohorts: EntryCohorts, outcome: str, found: Found, findings: Findings) -> None:
    """Add every test of an overall effect that few treated municipalities stand behind, as those of a series are."""
    if isinstance(found, NotEstimable) or has_error(found.treated_clusters):
        return
    method = estimator_of(spec, cohorts.horizon_weeks)
    tested = every_test(method, data_for(spec, method, cohorts, outcome), found.level)
    behind = Behind(outcome, spec.person_estimator, unit_of(outcome), found.n, cohorts.smallest(outcome, spec))
    findings.add("tests", *test_rows(behind, tested, found.method))


def _pairs(band: bands.Band) -> list[tuple[float, float] | None]:
    pairs = zip(band.low, band.high, strict=True)
    return [(float(low), float(high)) if np.isfinite(low) else None for low, high in pairs]


def pre_trend(spec: EvaluationSpec, cohorts: EntryCohorts, outcome: str) -> Diagnostic:
    """Return the joint test that both groups moved alike before anyone was exposed."""
    method = estimator_of(spec, cohorts.horizon_weeks)
    found = bands.pre_trend_test(method, data_for(spec, method, cohorts, outcome))
    if isinstance(found, NotEstimable):
        return credibility.pre_trend(None, found.reason)
    return credibility.pre_trend(found.p_value)


def describe(spec: EvaluationSpec, design: Design, cohorts: EntryCohorts, findings: Findings) -> None:
    """Add the treated and comparison means period by period, for the spec's outcomes that are shares of persons."""
    asked = [o.name for o in spec.outcomes if o.horizon_weeks == cohorts.horizon_weeks and o.name in PERSON_OUTCOMES]
    arms = _arms(cohorts, design)
    for outcome in (name for name in asked if unit_of(name) == "share" and name != "benefit_share"):
        for arm, cells in arms.items():
            table = cells.group_by("period_on").agg(
                cohorts.persons(outcome).sum().alias("persons"), cohorts.count(outcome).sum().alias("count")
            )
            for row in table.sort("period_on").iter_rows(named=True):
                findings.add("means", {"outcome": outcome, "horizon_weeks": cohorts.horizon_weeks, "arm": arm, **row})


def end_states(
    spec: EvaluationSpec, design: Design, cohorts: EntryCohorts, overall: dict[str, Found], findings: Findings
) -> None:
    """Add where treated and comparison entrants were at the horizon, of those who entered after the start."""
    import polars as pl

    first = design.first_start
    for arm, cells in _arms(cohorts, design).items():
        after = cohorts.exposed() if arm == "treated" else cells.filter(pl.col("period_on") >= first)
        persons = int(after["persons"].sum())
        if arm == "comparison":
            findings.facts(persons_comparison=persons)
        for state in END_STATES:
            found = overall.get(state)
            effect = found.value if arm == "treated" and isinstance(found, Estimate) else None
            findings.add(
                "end_states",
                {"arm": arm, "state": state, "count": int(after[state].sum()), "persons": persons, "effect": effect},
            )


def before_after(spec: EvaluationSpec, cohorts: EntryCohorts, overall: dict[str, Found], findings: Findings) -> None:
    """Add the naive number: treated entrants of the base periods against those from the start on."""
    before, after = cohorts.base(spec), cohorts.exposed()
    for outcome, found in overall.items():
        if unit_of(outcome) != "share" or outcome == "benefit_share":
            continue
        count, persons = cohorts.count(outcome), cohorts.persons(outcome)
        row: dict[str, Any] = {"outcome": outcome, "horizon_weeks": cohorts.horizon_weeks, "unit": "share"}
        for name, cells in (("before", before), ("after", after)):
            row[f"{name}_count"] = float(cells.select(count.sum()).item() or 0)
            row[f"{name}_persons"] = int(cells.select(persons.sum()).item())
        is_estimable = isinstance(found, Estimate)
        effect = found.value if isinstance(found, Estimate) else None
        findings.add("before_after", {**row, "effect": effect, "is_estimable": is_estimable})


def _arms(cohorts: EntryCohorts, design: Design) -> dict[str, Any]:
    import polars as pl

    is_treated = pl.col("municipality_code").is_in(design.treated_codes)
    return {"treated": cohorts.cells.filter(is_treated), "comparison": cohorts.cells.filter(~is_treated)}
