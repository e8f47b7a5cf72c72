"""One municipality's number of recipients against everybody else's, with its rank among placebos."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import duckdb
import numpy as np

from evaluator.design.frozen import Design, later, period_of
from evaluator.diagnostics import credibility
from evaluator.errors import PanelError
from evaluator.estimators.mean_log_change import MeanLogChange
from evaluator.evaluation.entry_cohorts import labelled, month_of_index
from evaluator.evaluation.estimate_rows import Place, estimate_row
from evaluator.inference.offered import too_few_donors
from evaluator.inference.placebo import Randomisation, randomisation
from evaluator.panel import panel_from_frame
from evaluator.results import Findings
from evaluator.spec import MONTHS_PER_YEAR, EvaluationSpec
from evaluator.vocabulary import NEVER, Diagnostic, Estimate, NotEstimable, Panel, Placebos

Found = Estimate | NotEstimable
OUTCOME = "recipients"
LEVEL = 0.95
WHOLE_COUNTRY = "000"  # Statistics Denmark's code 0, never a donor
PLACEBO_WHY = "Rammer metoden en forskel et år før starten, hvor intet skete, måler den noget andet end indsatsen."


def estimate(
    connection: duckdb.DuckDBPyConnection, spec: EvaluationSpec, design: Design, findings: Findings
) -> tuple[Found, list[Diagnostic]]:
    """Add the change against the donors, its placebo distribution and its path; return it with its checks."""
    panel = read_panel(connection, spec, design)
    method = estimator_of(spec)
    try:
        placebos, pool = method.fit(panel), method.pool(panel)
    except PanelError as error:
        refused = NotEstimable(
            "Serien kan ikke sammenlignes omkring starten: den er for kort, eller kommunen har ukendte tal i de to år.",
            "En længere serie, en bredere kategori eller et lavere krav til antal modtagere.",
        )
        findings.facts(refusal_detail=str(error))
        return _refused(refused, findings), []
    if 1 / (placebos.size.size + 1) > 1 - LEVEL:
        findings.facts(n_comparison=placebos.size.size)
        return _refused(too_few_donors(placebos.size.size), findings), []
    plain = randomisation(placebos, donors_see_treated=True)
    scaled = randomisation(placebos, scaled=True, donors_see_treated=True)
    beside = _estimate(scaled, placebos, "randomisation_scaled")
    found = _cautious(_estimate(plain, placebos, "randomisation"), beside)
    relevant = relevant_change(spec)
    place = Place(OUTCOME, None, "log", is_primary=spec.primary.name == OUTCOME, relevant_change=relevant)
    size = round(placebos.treated_size)
    findings.add("estimates", estimate_row(place, found, size))
    findings.add("estimates", estimate_row(replace(place, aggregate="overall_scaled", is_primary=False), beside, size))
    findings.facts(
        n_comparison=placebos.size.size,
        rank=plain.rank,
        rank_of=plain.of,
        p_below=round(plain.p_below, 3),
        p_two_sided=round(plain.p_two_sided, 3),
        scaled_rank=scaled.rank,
        scaled_p_below=round(scaled.p_below, 3),
        scaled_p_two_sided=round(scaled.p_two_sided, 3),
        municipalities_unknown=pool.unknown,
        municipalities_below_minimum=pool.below_minimum,
        minimum_level=f"{spec.comparison.minimum_level:g}",
    )
    if (change := _country_change(connection, spec, method)) is not None:
        findings.facts(country_change=round(change, 6))
    _placebo_rows(placebos, scaled, findings)
    _paths(panel, method, found.value, findings)
    return found, [_placebo_date(panel, method)]


def _refused(refusal: NotEstimable, findings: Findings) -> NotEstimable:
    told = {"reason": refusal.reason, "what_would_help": refusal.what_would_help}
    findings.add("refusals", {"outcome": OUTCOME, **told})
    return refusal


def relevant_change(spec: EvaluationSpec) -> float | None:
    """Return the relative change of recipients that would matter, in log points."""
    asked = next((o.relevant_change for o in spec.outcomes if o.name == OUTCOME), None)
    return None if asked is None else float(np.log1p(asked))


def estimator_of(spec: EvaluationSpec) -> MeanLogChange:
    """Return the estimator with a window of one year in the spec's periods."""
    return MeanLogChange(
        window=MONTHS_PER_YEAR // spec.panel.period_months,
        minimum_level=spec.comparison.minimum_level,
        anticipation=spec.exposure_periods(0),  # a stock has no horizon
    )


def read_panel(
    connection: duckdb.DuckDBPyConnection, spec: EvaluationSpec, design: Design, years_earlier: int = 0
) -> Panel:
    """Return recipients by municipality and period; a suppressed or absent number is unobserved, never zero.

    With `years_earlier` every start is moved back so far and nothing from the first true start on is read.
    """
    import polars as pl

    assert design.first_start is not None
    last = later(period_of(design.first_start, spec.panel.period_months), -1) if years_earlier else spec.panel.to

    if spec.panel.source == "kommunepanel":
        frame = connection.sql(
            "select municipality_code, period_on, full_time::double as recipients from marts.municipality_statistics "
            "where period_kind = ? and list_contains(?, benefit) and period_on between ? and ? "
            "and target_group = coalesce(?, target_group) order by 1, 2",
            params=[
                spec.panel.period,
                list(spec.population.benefits),
                spec.panel.from_,
                last,
                spec.population.target_groups[0] if spec.population.target_groups else None,
            ],
        ).pl()
    else:
        frame = connection.sql(
            "select municipality_code, period_on, recipients::double as recipients from design.stock_series "
            "where period_on <= ? order by 1, 2",
            params=[last],
        ).pl()
    included = (*design.treated_codes, *design.donors)
    found = labelled(frame.filter(pl.col("municipality_code").is_in(included)), design, years_earlier)
    if found.is_empty():
        raise PanelError(
            f"{spec.file}: the series has no number for this benefit and these periods; expected some. "
            f"Check 'benefits' and 'period' against the loaded extract."
        )
    return panel_from_frame(
        found, unit="municipality_code", period="period", outcome="recipients", cohort="cohort", gaps=True
    )


def _country_change(connection: duckdb.DuckDBPyConnection, spec: EvaluationSpec, method: MeanLogChange) -> float | None:
    """Return the whole country's relative change over the same two years, where the extract holds it."""
    start = spec.intervention.starts[0].on if spec.intervention.starts else None
    if spec.panel.source != "kommunepanel" or start is None:
        return None
    first = period_of(start, spec.panel.period_months)
    found = connection.execute(
        "select avg(full_time) filter (where period_on < ?) as before, avg(full_time) filter (where period_on >= ?), "
        "count(full_time) from marts.municipality_statistics where municipality_code = ? and period_kind = ? "
        "and list_contains(?, benefit) and period_on >= ? and period_on < ?",
        [
            first,
            first,
            WHOLE_COUNTRY,
            spec.panel.period,
            list(spec.population.benefits),
            later(first, -MONTHS_PER_YEAR),
            later(first, MONTHS_PER_YEAR),
        ],
    ).fetchall()
    before, after, periods = found[0]
    return float(after / before - 1) if periods == 2 * method.window and before else None


def _estimate(found: Randomisation, placebos: Placebos, method: str) -> Estimate:
    return Estimate(
        found.value,
        None,
        found.low,
        found.high,
        LEVEL,
        round(placebos.treated_size),
        found.of,
        1,
        method,
        found.p_two_sided,
    )


def _cautious(plain: Estimate, scaled: Estimate) -> Estimate:
    """Return the plain estimate, or the scaled one when only the plain excludes no effect."""
    excludes = [found.low > 0 or found.high < 0 for found in (plain, scaled)]
    return scaled if excludes == [True, False] else plain


def _placebo_rows(placebos: Placebos, scaled: Randomisation, findings: Findings) -> None:
    effects = np.append(placebos.donors[:, 0], placebos.effect[0])
    sizes = np.append(placebos.size, placebos.treated_size)
    scores = effects / np.sqrt(scaled.a + scaled.b / sizes)
    for rank, index in enumerate(np.argsort(effects, kind="stable"), start=1):
        findings.add(
            "placebos",
            {
                "outcome": OUTCOME,
                "rank": rank,
                "effect": effects[index],
                "scaled": scores[index],
                "is_treated": bool(index == effects.size - 1),
                "persons": sizes[index],
            },
        )


def _paths(panel: Panel, method: MeanLogChange, effect: float, findings: Findings) -> None:
    """Add the level of the treated one and of all donors together, and the naive number."""
    pool = method.pool(panel)
    donors = [row for row in pool.units if row != pool.treated]
    start = int(panel.cohort[panel.cohort != NEVER][0])
    before, after = method.windows(start)
    for arm, rows in (("treated", [pool.treated]), ("comparison", donors)):
        seen = panel.observed[rows].all(axis=0)
        level = np.where(seen, panel.outcome[rows].sum(axis=0), np.nan)
        reference = float(level[before].mean())
        for period, count in zip(panel.periods, level, strict=True):
            if np.isfinite(count):
                findings.add(
                    "means",
                    {
                        "outcome": OUTCOME,
                        "horizon_weeks": None,
                        "arm": arm,
                        "period_on": month_of_index(int(period)),
                        "persons": round(count),
                        "count": count,
                        "reference": reference,
                    },
                )
    own = panel.outcome[pool.treated]
    row: dict[str, Any] = {"outcome": OUTCOME, "unit": "log", "effect": effect, "is_estimable": True}
    row |= {"before_count": float(own[before].mean()), "after_count": float(own[after].mean())}
    findings.add("before_after", row)


def _placebo_date(panel: Panel, method: MeanLogChange) -> Diagnostic:
    """Return the test of a false start one year earlier, where nothing happened."""
    back = method.window + method.anticipation
    moved = replace(panel, cohort=np.where(panel.cohort == NEVER, NEVER, panel.cohort - back))
    try:
        found = randomisation(method.fit(moved), scaled=True, donors_see_treated=True)
    except PanelError:
        return credibility.not_run("placebo_date", "p over 0,10", "Serien rækker ikke et år længere tilbage.")
    return replace(credibility.pre_trend(found.p_two_sided), name="placebo_date", why=PLACEBO_WHY)
