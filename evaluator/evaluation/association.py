"""Sanction rates and exits by municipality and month: an association, worded and lit as one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import duckdb
import numpy as np

from evaluator.design.frozen import Design
from evaluator.errors import PanelError
from evaluator.estimators.municipality_panel import MunicipalityPanel
from evaluator.evaluation.estimate_rows import Place, estimate_row
from evaluator.inference.coefficients import coefficients, simultaneous
from evaluator.panel import panel_from_frame
from evaluator.results import Findings
from evaluator.spec import EXIT_OUTCOMES, EvaluationSpec
from evaluator.vocabulary import Diagnostic, Estimate, Light, NotEstimable, Panel

if TYPE_CHECKING:
    import polars as pl

Found = Estimate | NotEstimable
PER_PERSONS = 100  # sanctions per 100 persons on benefit a month
REVERSE_WHY = "Det kan ikke afvises, at kommuner sanktionerer mere, fordi afgangen ændrer sig, og ikke omvendt."


def estimate(
    connection: duckdb.DuckDBPyConnection, spec: EvaluationSpec, design: Design, findings: Findings
) -> tuple[Found, list[Diagnostic]]:
    """Add the change in each monthly exit rate that goes with one more sanction per 100 persons a month."""
    frame = _frame(connection, spec, design)
    names = tuple(o.name for o in spec.outcomes if o.name in EXIT_OUTCOMES)
    asked = tuple(dict.fromkeys((*names, *EXIT_OUTCOMES)))  # off benefits is never read as in work
    try:
        panels = {name: _panel(frame, name) for name in asked}
        fit = MunicipalityPanel().fit_outcomes(panels)
    except PanelError as error:
        refused = NotEstimable(
            "Sanktionerne varierer ikke nok inden for kommunerne, eller der er for få data.", "Flere år eller kommuner."
        )
        findings.add(
            "refusals", {"outcome": asked[0], "reason": refused.reason, "what_would_help": refused.what_would_help}
        )
        findings.facts(refusal_detail=str(error))
        return refused, []
    persons = round(float(next(iter(panels.values())).weight.sum()))
    found = dict(zip(asked, coefficients(fit, persons), strict=True))
    band = dict(zip(asked, simultaneous(fit), strict=True))
    for name, estimate_ in found.items():
        place = Place(name, None, "rate", is_primary=name == spec.primary.name)
        findings.add("estimates", estimate_row(place, estimate_, band=(float(band[name][0]), float(band[name][1]))))
    findings.facts(municipalities_used=len(next(iter(panels.values())).units), persons_comparison=persons)
    return found[spec.primary.name], [Diagnostic("reverse", None, "kan ikke testes her", Light.AMBER, REVERSE_WHY)]


def _frame(connection: duckdb.DuckDBPyConnection, spec: EvaluationSpec, design: Design) -> pl.DataFrame:
    """Return rates by municipality and month; a month without persons is absent, a small municipality left out."""
    import polars as pl

    exits = ", ".join(f"{name.replace('exit_', 'exits_')}" for name in EXIT_OUTCOMES)
    counts = connection.sql(
        f"select municipality_code, month, persons_on_benefit, sanctions, {exits} from marts.municipality_period "
        "where month between ? and ? and persons_on_benefit > 0 and exits_job is not null and sanctions is not null "
        "order by 1, 2",
        params=[spec.panel.from_, spec.panel.to],
    ).pl()
    persons = pl.col("persons_on_benefit")
    level = counts.group_by("municipality_code").agg(persons.mean().alias("level"))
    kept = level.filter(pl.col("level") >= spec.comparison.minimum_level)
    return (
        counts.join(kept, on="municipality_code")
        .filter(pl.col("municipality_code").is_in(design.donors))
        .with_columns(
            exposure=PER_PERSONS * pl.col("sanctions") / persons,
            never=pl.lit(0),
            **{name: pl.col(name.replace("exit_", "exits_")) / persons for name in EXIT_OUTCOMES},
        )
        .sort("municipality_code", "month")
    )


def _panel(frame: pl.DataFrame, outcome: str) -> Panel:
    names = {"unit": "municipality_code", "period": "month", "cohort": "never", "weight": "level"}
    panel = panel_from_frame(frame, outcome=outcome, gaps=True, **names)
    dose = panel_from_frame(frame, outcome="exposure", gaps=True, **names)
    exposure = np.where(dose.observed, dose.outcome, np.nan)
    return replace(panel, exposure=exposure, unit="exits per person a month")
