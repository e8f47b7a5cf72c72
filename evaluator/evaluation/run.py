"""A locked spec, answered: opens the outcomes and brings every part of the answer together."""

from __future__ import annotations

import math
from typing import Any

import duckdb

from evaluator.design.frozen import Design
from evaluator.diagnostics import credibility
from evaluator.errors import PanelError
from evaluator.evaluation import (
    association,
    balance,
    caveats,
    claim,
    delivery,
    gains,
    person_outcomes,
    sanctions,
    sensitivity,
    series,
    series_power,
    trends,
)
from evaluator.evaluation.composition import composition
from evaluator.evaluation.curve import specification_curve
from evaluator.evaluation.entry_cohorts import entry_cohorts, open_outcomes
from evaluator.evaluation.estimate_rows import answer_kind
from evaluator.evaluation.exhibit import decompose
from evaluator.evaluation.participants import denominators
from evaluator.evaluation.placebo_dates import placebo_dates
from evaluator.evaluation.placebo_outcomes import placebo_outcomes
from evaluator.evaluation.sensitivity import Question
from evaluator.inference.floor import most_outcomes
from evaluator.results import Findings
from evaluator.spec import END_STATES, PERSON_OUTCOMES, SERIES_OUTCOMES, EvaluationSpec
from evaluator.vocabulary import Diagnostic, Estimate, Light, NotEstimable

Found = Estimate | NotEstimable

LABELS = {
    "treated_clusters": "Kommuner med indsats",
    "pre_trend": "Samme udvikling før start",
    "composition": "Samme slags borgere før og efter",
    "effective_persons": "De vægtede borgere svarer til mange",
    "largest_weight": "Ingen enkelt borger vejer meget (pct.)",
    "inflow": "Samme tilgang før og efter",
    "placebo_date": "Ingen effekt på en falsk startdato",
    "placebo_outcome": "Ingen effekt på et udfald, indsatsen ikke kan flytte",
    "pre_fit": "Sammenligningen følger kommunen før start",
    "donor_hull": "De andre kommuner spænder over kommunen",
    "effective_donors": "Sammenligningen hviler på flere kommuner",
    "leave_one_donor_out": "Ingen enkelt kommune bærer svaret",
    "population_drift": "Samme udvikling i befolkningen",
    "benefit_mix": "Samme fordeling på ydelser",
    "revisitation": "Ingen flytning mellem målgrupper",
    "breakdown": "Holdbarhed over for skæve tendenser",
    "reverse": "Årsagen går den rette vej",
    "anticipation_job": "Job kommer ikke før sanktionen",
    "anticipation_self_support": "Selvforsørgelse kommer ikke før sanktionen",
    "heterogeneity": "Uobserverede forskelle er taget med",
    "threat": "Virkningen af truslen",
}
NO_BREAKDOWN = {
    "sanction": "Sanktioner har ingen start, så skæve tendenser før den kan ikke måles.",
    "series": "Kun én kommune har indsatsen; placebotesten viser tilfældige udsving, men ikke skæve tendenser.",
}


def evaluate(
    connection: duckdb.DuckDBPyConnection, spec: EvaluationSpec, design: Design, settings: dict[str, Any]
) -> Findings:
    """Return everything a run stores. The spec must be locked before this is called."""
    findings = Findings()
    facts = _facts(connection, spec, design)
    if spec.panel.source == "registers":
        open_outcomes(connection, spec, settings)
    if spec.intervention.kind == "sanction":
        primary, checks = association.estimate(connection, spec, design, findings)
        if spec.sanctions is not None:
            found, own = sanctions.estimate(connection, spec, _names(connection), findings)
            primary = primary if isinstance(found, NotEstimable) else found
            checks = [*own, *checks]
        facts["answer_kind"] = "refused" if isinstance(primary, NotEstimable) else "association"
    else:
        findings.rows.update(delivery.measure(connection, design, spec.intervention.name).rows)
        primary, checks = _effects(connection, spec, design, findings)
        is_series = spec.primary.name in SERIES_OUTCOMES
        relevant = series.relevant_change(spec) if is_series else spec.primary.relevant_change
        facts["answer_kind"] = answer_kind(primary, relevant)
    claim.reproduce(spec, findings)
    _judge(spec, primary, checks, findings, facts)
    for position, text in enumerate(caveats.choose(spec, design), start=1):
        findings.add("caveats", {"position": position, "text": text})
    told = {row["key"] for row in findings.rows.get("run", [])}  # a part knows its own numbers better
    findings.facts(**{key: value for key, value in facts.items() if key not in told})
    return findings


def _effects(
    connection: duckdb.DuckDBPyConnection, spec: EvaluationSpec, design: Design, findings: Findings
) -> tuple[Found, list[Diagnostic]]:
    primary: Found | None = None
    checks: list[Diagnostic] = []
    if any(o.name in SERIES_OUTCOMES for o in spec.outcomes):
        found, series_checks = series.estimate(connection, spec, design, findings)
        if spec.primary.name in SERIES_OUTCOMES:
            primary, checks = found, series_checks
            findings.facts(**series_power.known_beforehand(connection, spec, design))
    followed = {}
    for horizon in spec.horizons:
        try:
            followed[horizon] = entry_cohorts(connection, design, horizon, traits=spec.estimation.covariates)
        except PanelError as error:
            primary = _unobserved(connection, spec, horizon, primary, findings)
            findings.facts(refusal_detail=str(error))
    adjusted = person_outcomes.family(spec, followed, findings)
    for horizon, cohorts in followed.items():
        overall = person_outcomes.estimate(spec, cohorts, adjusted, findings)
        compared = balance.compared(spec, cohorts)
        person_outcomes.describe(spec, design, compared, findings)
        person_outcomes.before_after(spec, cohorts, overall, findings)
        is_primary = spec.primary.name in overall and spec.primary.horizon_weeks == horizon
        if is_primary or (horizon == max(spec.horizons) and spec.primary.name not in overall):
            person_outcomes.end_states(spec, design, compared, overall, findings)
        if is_primary:
            primary = overall[spec.primary.name]
            person_outcomes.event_study(spec, cohorts, spec.primary.name, findings)
            if spec.intervention.kind == "programme" and spec.primary.name in END_STATES:
                denominators(connection, cohorts, spec.primary.name, findings)
            checks = [
                person_outcomes.pre_trend(spec, cohorts, spec.primary.name),
                *composition(connection, spec, design),
                *balance.checks(spec, cohorts, primary, findings),
            ]
            if isinstance(primary, Estimate):
                checks += _sensitivity(connection, Question(spec, design, cohorts), findings)
            gains.estimate(connection, spec, design, findings)
    assert primary is not None
    if isinstance(primary, Estimate):
        checks += placebo_outcomes(connection, spec, design, findings)
    if spec.primary.name in SERIES_OUTCOMES and spec.panel.source == "registers":
        checks += composition(connection, spec, design)
    return primary, checks


def _sensitivity(connection: duckdb.DuckDBPyConnection, question: Question, findings: Findings) -> list[Diagnostic]:
    """Add what the answer becomes under other assumptions and choices; return the checks among it."""
    sensitivity.estimate(question, _names(connection), findings)
    trends.power(question, findings)
    decompose(question, findings)
    specification_curve(question, findings)
    return [placebo_dates(question, findings), trends.breakdown(question, findings)]


def _unobserved(
    connection: duckdb.DuckDBPyConnection, spec: EvaluationSpec, horizon: int, primary: Found | None, findings: Findings
) -> Found:
    """Add the refusal of a horizon at which nobody is followed, with its cause; return the primary's answer."""
    wages = connection.execute("select wage_to from marts.observation").fetchall()
    if not wages or wages[0][0] is None:
        refused = NotEstimable(
            "Der er ingen endelige lønoplysninger, så job kan ikke skelnes fra selvforsørgelse uden job.",
            "Levér udtrækket beskaeftigelse.",
        )
    else:
        refused = NotEstimable(
            f"Ingen borgere i målgruppen er fulgt i {horizon} uger.",
            "Senere data, en kortere horisont eller en bredere målgruppe.",
        )
    names = [o.name for o in spec.outcomes if o.horizon_weeks == horizon and o.name in PERSON_OUTCOMES]
    told = {"reason": refused.reason, "what_would_help": refused.what_would_help}
    findings.add("refusals", *({"outcome": name, **told} for name in names))
    return refused if primary is None and spec.primary.horizon_weeks == horizon else primary or refused


def _names(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    return dict(connection.execute("select municipality_code, municipality_name from raw.municipalities").fetchall())


def _facts(connection: duckdb.DuckDBPyConnection, spec: EvaluationSpec, design: Design) -> dict[str, Any]:
    names = _names(connection)
    reach = connection.execute("select data_from, data_to from marts.observation").fetchall()
    data_from, data_to = reach[0] if reach and spec.panel.source == "registers" else (None, None)
    return {
        "data_from": data_from or spec.panel.from_,
        "data_to": data_to or spec.panel.to,
        "name": spec.evaluation.name,
        "title": spec.evaluation.title,
        "question": spec.evaluation.question,
        "claim": spec.claim.text if spec.claim else spec.evaluation.claim,
        "kind": spec.intervention.kind,
        "source": spec.panel.source,
        "minimum_count": spec.disclosure.minimum_count,
        "estimator": spec.primary_estimator,
        "adjustment": spec.estimation.adjustment,
        "covariates": ", ".join(spec.estimation.covariates),
        "published": str(spec.disclosure.published).lower(),
        "primary_outcome": spec.primary.name,
        "horizon_weeks": spec.primary.horizon_weeks,
        "period": spec.panel.period,
        "panel_from": spec.panel.from_,
        "panel_to": spec.panel.to,
        "treated_municipalities": ", ".join(names.get(code, code) for code in design.treated_codes),
        "n_treated": len(design.treated),
        "n_comparison": len(design.donors),
        "pool": spec.comparison.pool,
        "excluded_donors": ", ".join(names.get(code, code) for code in design.excluded),
        "anticipation_months": spec.comparison.anticipation,
        "p_floor": round(1 / (len(design.donors) + 1), 4),
        "most_outcomes": most_outcomes(len(design.donors), series.LEVEL),
        "first_start": design.first_start or "",
        "design_hash": design.content_hash,
    }


def _judge(
    spec: EvaluationSpec, primary: Found, checks: list[Diagnostic], findings: Findings, facts: dict[str, Any]
) -> None:
    """Add the diagnostics, the two lights and the number of persons behind the answer."""
    checks = list(checks)
    if isinstance(primary, NotEstimable):
        light, plausible = Light.RED, None
        facts["persons_treated"] = 0
    else:
        if spec.intervention.kind != "sanction":
            checks.insert(0, credibility.treated_clusters(primary.treated_clusters))
        if all(check.name != "breakdown" for check in checks):
            kind = "sanction" if spec.intervention.kind == "sanction" else "series"
            checks.append(credibility.breakdown(None, NO_BREAKDOWN[kind]))
        light = credibility.verdict(checks)
        if spec.intervention.kind == "sanction":
            light = max(light, Light.AMBER, key=[Light.GREEN, Light.AMBER, Light.RED].index)
        value = math.expm1(primary.value) if spec.primary.name in SERIES_OUTCOMES else primary.value
        plausible = credibility.plausibility(spec.intervention.kind, spec.primary.name, value)
        facts["persons_treated"] = primary.n
        facts["n_comparison"] = primary.clusters - primary.treated_clusters
    facts["credibility"] = light.value
    facts["plausibility"] = plausible.value if plausible else "none"
    if band := credibility.band_of(spec.intervention.kind, spec.primary.name):
        facts["plausible_low"], facts["plausible_high"] = band.green
    for check in checks:
        findings.add(
            "diagnostics",
            {
                "name": check.name,
                "label": LABELS.get(check.name, check.name),
                "value": check.value,
                "threshold": check.threshold,
                "verdict": check.verdict.value,
                "why": check.why,
            },
        )
