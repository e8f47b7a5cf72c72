"""Sanction rates and exits by municipality and month: an association, worded and lit as one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import duckdb

from evaluator.design.frozen import Design
from evaluator.estimators.municipality_cross_section import MunicipalityCrossSection
from evaluator.estimators.municipality_panel import MunicipalityPanel
from evaluator.evaluation.estimate_rows import Place, estimate_row
from evaluator.inference.bands import Band
from evaluator.inference.dose import dose_band, dose_estimates
from evaluator.panel import panel_from_frame
from evaluator.results import Findings
from evaluator.spec import EXIT_OUTCOMES, EvaluationSpec
from evaluator.vocabulary import Diagnostic, Estimate, Light, NotEstimable, Panel

if TYPE_CHECKING:
    import polars as pl

Found = Estimate | NotEstimable
PER_PERSONS = 100  # sanctions per 100 persons on benefit a month
PER_EXITS = 1_000  # exits are shown per 1,000 persons a month
CROSS_SECTION = "cross_section"
"""The aggregate of the comparison between municipalities, beside the answer."""
CROSS_SECTION_THRESHOLD = "intervallerne overlapper"
EXIT_WORDS = {
    "exit_job": "job",
    "exit_education": "uddannelse",
    "exit_other_benefit": "anden ydelse",
    "exit_self_support": "selvforsørgelse uden job",
}
REVERSE_WHY = "Det kan ikke afvises, at kommuner sanktionerer mere, fordi afgangen ændrer sig, og ikke omvendt."


def estimate(
    connection: duckdb.DuckDBPyConnection, spec: EvaluationSpec, design: Design, findings: Findings
) -> tuple[Found, list[Diagnostic]]:
    """Add the change in each monthly exit rate that goes with one more sanction per 100 persons a month.

    Beside it the same between municipalities, under the aggregate `cross_section`.
    """
    frame = _frame(connection, spec, design)
    names = tuple(o.name for o in spec.outcomes if o.name in EXIT_OUTCOMES)
    asked = tuple(dict.fromkeys((*names, *EXIT_OUTCOMES)))  # off benefits is never read as in work
    panels = {name: _panel(frame, name) for name in asked}
    found = {cell.outcome: estimate_ for cell, estimate_ in dose_estimates(MunicipalityPanel(), panels).items()}
    band = _band(panels, found)
    for name, estimate_ in found.items():
        place = Place(name, None, "rate", is_primary=name == spec.primary.name)
        findings.add("estimates", estimate_row(place, estimate_, band=band.get(name)))
        if isinstance(estimate_, NotEstimable):
            findings.add(
                "refusals",
                {"outcome": name, "reason": estimate_.reason, "what_would_help": estimate_.what_would_help},
            )
    across = {cell.outcome: one for cell, one in dose_estimates(MunicipalityCrossSection(), panels).items()}
    for name, estimate_ in across.items():
        findings.add("estimates", estimate_row(Place(name, None, "rate", aggregate=CROSS_SECTION), estimate_))
    some = panels[spec.primary.name]
    findings.facts(municipalities_used=len(some.units), persons_comparison=round(float(some.weight.sum())))
    primary = found[spec.primary.name]
    reverse = Diagnostic("reverse", None, "kan ikke testes her", Light.AMBER, REVERSE_WHY)
    return primary, [reverse, cross_section(spec.primary.name, primary, across[spec.primary.name])]


def cross_section(outcome: str, within: Found, across: Found) -> Diagnostic:
    """Return both numbers side by side: municipalities against one another, and each against itself over time.

    Amber where their intervals have nothing in common, not run where one is refused.
    """
    if isinstance(within, NotEstimable) or isinstance(across, NotEstimable):
        why = "Kommunerne kan ikke både sammenlignes med hinanden og med sig selv."
        return Diagnostic(CROSS_SECTION, None, CROSS_SECTION_THRESHOLD, Light.NOT_RUN, why)
    apart = across.high < within.low or within.high < across.low
    why = (
        f"Kommuner, der giver én sanktion mere pr. {PER_PERSONS} om måneden end andre, har {_rate(across)} til "
        f"{EXIT_WORDS[outcome]} om måneden. Når samme kommune giver én mere end ellers, har den {_rate(within)}. "
        "At de, der sanktionerer mest, klarer sig dårligst eller bedst, kan skyldes alt det, der ellers skiller "
        "kommuner ad; derfor er det andet tal svaret. Ingen af dem siger, hvad der kommer først."
    )
    return Diagnostic(CROSS_SECTION, None, CROSS_SECTION_THRESHOLD, Light.AMBER if apart else Light.GREEN, why)


def _rate(found: Estimate) -> str:
    """Return a difference in exits per 1,000 persons with its interval: `0,9 flere afgange pr. 1.000 (fra ...)`."""
    value, low, high = (round(PER_EXITS * number, 2) + 0.0 for number in (found.value, found.low, found.high))
    more = "færre" if value < 0 else "flere"
    return f"{_danish(abs(value))} {more} afgange pr. 1.000 (95 pct. interval fra {_danish(low)} til {_danish(high)})"


def _danish(value: float) -> str:
    return f"{value:.2f}".replace(".", ",").replace("-", "−")


def _band(panels: dict[str, Panel], found: dict[str, Found]) -> dict[str, tuple[float, float]]:
    """Return the simultaneous band over the exits, where all of them rest on enough municipalities."""
    if any(isinstance(f, NotEstimable) for f in found.values()):
        return {}
    band = dose_band(MunicipalityPanel(), panels)
    assert isinstance(band, Band)  # every estimate stands
    return {
        cell.outcome: (float(low), float(high))
        for cell, low, high in zip(band.labels, band.low, band.high, strict=True)
    }


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
            **{name: pl.col(name.replace("exit_", "exits_")) / persons for name in EXIT_OUTCOMES},
        )
        .sort("municipality_code", "month")
    )


def _panel(frame: pl.DataFrame, outcome: str) -> Panel:
    panel = panel_from_frame(
        frame,
        unit="municipality_code",
        period="month",
        outcome=outcome,
        cohort=None,
        weight="level",
        exposure="exposure",
        gaps=True,
    )
    return replace(panel, unit="exits per person a month")
