"""One municipality's number of recipients against everybody else's, by several methods side by side."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import duckdb
import numpy as np

from evaluator.design.frozen import Design, later, period_of
from evaluator.diagnostics.donor_hull import donor_hull
from evaluator.diagnostics.pre_fit import leave_one_donor_out
from evaluator.errors import PanelError
from evaluator.estimators import plugins
from evaluator.estimators.mean_log_change import MeanLogChange, Pool
from evaluator.evaluation import series_checks, series_rows
from evaluator.evaluation.entry_cohorts import labelled, month_of_index
from evaluator.evaluation.estimate_rows import Place, estimate_row
from evaluator.evaluation.one_treated import UNKNOWN, Answer, Question, answered, as_estimate
from evaluator.inference.ferman_pinto import ferman_pinto
from evaluator.inference.floor import most_outcomes
from evaluator.inference.judged import too_few_donors
from evaluator.inference.placebo import randomisation
from evaluator.panel import panel_from_frame, select
from evaluator.registers.municipalities import municipalities, neighbours
from evaluator.results import Findings
from evaluator.spec import ESTIMATES, MONTHS_PER_YEAR, WEIGHTED_PATHS, EvaluationSpec
from evaluator.vocabulary import NEVER, Diagnostic, Estimate, NotEstimable, Panel, Placebos

Found = Estimate | NotEstimable
OUTCOME = "recipients"
LEVEL = 0.95
WHOLE_COUNTRY = "000"  # Statistics Denmark's code 0, never a donor


def estimate(
    connection: duckdb.DuckDBPyConnection, spec: EvaluationSpec, design: Design, findings: Findings
) -> tuple[Found, list[Diagnostic]]:
    """Add the answer of every method with its tests, paths and checks; return that of the first with its checks."""
    panel = read_panel(connection, spec, design)
    change = estimator_of(spec)
    try:
        plain, pool = change.fit(panel), change.pool(panel)
    except PanelError as error:
        refused = NotEstimable(
            "Serien kan ikke sammenlignes omkring starten: den er for kort, eller kommunen har ukendte tal i de to år.",
            "En længere serie, en bredere kategori eller et lavere krav til antal modtagere.",
        )
        findings.facts(refusal_detail=str(error))
        return _refused(refused, findings), []
    if 1 / (plain.size.size + 1) > 1 - LEVEL:
        findings.facts(n_comparison=plain.size.size)
        return _refused(too_few_donors(plain.size.size), findings), []
    answers = {name: _answer(spec, name, panel, pool) for name in methods(spec)}
    own = answers[methods(spec)[0]]
    if isinstance(own, NotEstimable):
        return _refused(own, findings), []
    found = own.estimate
    place = Place(OUTCOME, None, "log", is_primary=spec.primary.name == OUTCOME, relevant_change=relevant_change(spec))
    findings.add("estimates", estimate_row(place, found, round(own.placebos.treated_size)))
    _beside(place, answers, own, findings)
    _without(spec, place, panel, pool, findings)
    _ranked(plain, pool, spec, findings)
    if (country := _country_change(connection, spec, change)) is not None:
        findings.facts(country_change=round(country, 6))
    for answer in answers.values():
        if isinstance(answer, Answer):
            series_rows.add_tests(OUTCOME, answer, findings)
    series_rows.add_placebos(OUTCOME, own, findings)
    if isinstance(found, Estimate):
        _paths(panel, change, found.value, findings)
    checks = [series_checks.false_starts_check(own)]
    checks += _followed(connection, [a for a in answers.values() if isinstance(a, Answer)], findings)
    return found, checks + series_checks.drift_checks(connection, spec, design)


def methods(spec: EvaluationSpec) -> tuple[str, ...]:
    """Return the methods of a series in the order of the spec; the first answers."""
    return tuple(name for name in spec.estimation.estimators if OUTCOME in ESTIMATES.get(name, ()))


def _answer(spec: EvaluationSpec, name: str, panel: Panel, pool: Pool) -> Answer | NotEstimable:
    """Return the answer of one method, or why it has none."""
    try:
        return answered(question(spec, name, panel, pool), LEVEL)
    except PanelError:
        return UNKNOWN


def question(spec: EvaluationSpec, name: str, panel: Panel, pool: Pool, exclude: tuple[str, ...] = ()) -> Question:
    """Return a method with its series, without the donors in `exclude`.

    Methods that weigh donors read logs of the pool's municipalities with a number in every period, up to a year from
    the start; all other methods read the series as it is.
    """
    window, anticipation = MONTHS_PER_YEAR // spec.panel.period_months, spec.exposure_periods(0)
    if name not in WEIGHTED_PATHS:
        return Question(name, replace(estimator_of(spec), exclude=exclude), panel, window, anticipation)
    start = int(panel.cohort[pool.treated])
    end = start + window
    whole = (panel.observed[:, :end] & (panel.outcome[:, :end] > 0)).all(axis=1)
    kept = whole & np.isin(np.arange(whole.size), pool.units)
    kept &= ~np.isin([str(unit) for unit in panel.units], exclude)
    if not kept[pool.treated]:
        raise PanelError(f"{name}: the treated unit has unknown cells; expected a number in every period.")
    inside = select(panel, kept)
    assert isinstance(inside, Panel)
    before = slice(start - anticipation - window, start - anticipation)
    logs = replace(
        inside,
        periods=inside.periods[:end],
        outcome=np.log(inside.outcome[:, :end]),
        observed=inside.observed[:, :end],
        weight=inside.outcome[:, before].mean(axis=1),
        unit="log",
    )
    return Question(name, plugins.made(name, anticipation=anticipation), logs, window, anticipation)


def _beside(place: Place, answers: dict[str, Answer | NotEstimable], own: Answer, findings: Findings) -> None:
    """Add the other methods and the false starts of all of them."""
    beside = replace(place, is_primary=False, relevant_change=None)
    for at, (name, answer) in enumerate(list(answers.items())[1:]):
        found = answer.estimate if isinstance(answer, Answer) else answer
        row = estimate_row(replace(beside, aggregate="estimator", at=at, at_label=name), found)
        findings.add("estimates", row)
    dates = [each for answer in answers.values() if isinstance(answer, Answer) for each in _dated(answer, own)]
    for at, (label, answer, false) in enumerate(dates):
        judged = false.judged
        shown = judged if isinstance(judged, NotEstimable) else as_estimate(judged, answer.placebos)
        row = dict(estimate_row(replace(beside, aggregate="placebo_date", at=at, at_label=label), shown))
        if false.start.reforms and "reason" not in row:
            row["reason"] = "Reformer i vinduet: " + "; ".join(reform.name for reform in false.start.reforms)
        findings.add("estimates", row)


def _without(spec: EvaluationSpec, place: Place, panel: Panel, pool: Pool, findings: Findings) -> None:
    """Add the answer without the neighbours, and without the municipalities that had projects of their own."""
    inside = {str(panel.units[row]) for row in pool.units}
    treated = str(panel.units[pool.treated])
    known = treated in {each.code for each in municipalities()}
    sets = {
        "without_neighbours": neighbours(treated) if known else (),
        "without_projects": spec.comparison.other_projects,
    }
    for aggregate, codes in sets.items():
        if not (left_out := tuple(code for code in codes if code in inside)):
            continue
        asked = question(spec, methods(spec)[0], panel, pool, left_out)
        placebos = asked.placebos(asked.panel)
        judged = ferman_pinto([placebos], level=LEVEL)
        shown = judged if isinstance(judged, NotEstimable) else as_estimate(judged, placebos)
        named = {each.code: each.name for each in municipalities()}
        label = ", ".join(named.get(code, code) for code in left_out)
        beside = replace(place, aggregate=aggregate, at_label=label, is_primary=False, relevant_change=None)
        findings.add("estimates", estimate_row(beside, shown))


def _dated(answer: Answer, own: Answer) -> list[tuple[str, Answer, Any]]:
    """Return the false starts of a method, earliest first, named by month; by month and method where it is another."""
    name = "" if answer is own else f" {answer.question.name}"
    ordered = sorted(answer.false_starts, key=lambda false: false.start.on)
    return [(f"{false.start.on:%Y-%m}{name}", answer, false) for false in ordered]


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


def _ranked(plain: Placebos, pool: Pool, spec: EvaluationSpec, findings: Findings) -> None:
    """Add where the municipality stands among all, whatever their size, and who is not among them."""
    ranked = randomisation(plain, donors_see_treated=True)
    donors = plain.size.size
    findings.facts(
        n_comparison=donors,
        p_floor=round(1 / (donors + 1), 4),
        most_outcomes=most_outcomes(donors, LEVEL),
        rank=ranked.rank,
        rank_of=ranked.of,
        p_below=round(ranked.p_below, 3),
        p_two_sided=round(ranked.p_two_sided, 3),
        municipalities_unknown=pool.unknown,
        municipalities_below_minimum=pool.below_minimum,
        minimum_level=f"{spec.comparison.minimum_level:g}",
    )


def _followed(connection: duckdb.DuckDBPyConnection, answers: list[Answer], findings: Findings) -> list[Diagnostic]:
    """Add paths, weights and fit of the methods that have them; return the checks of the first of these."""
    checks: list[Diagnostic] = []
    names = dict(connection.execute("select municipality_code, municipality_name from raw.municipalities").fetchall())
    weighted = [answer for answer in answers if answer.question.name in WEIGHTED_PATHS]
    for answer in weighted:
        method, panel = answer.question.method, answer.question.panel
        paths = method.paths(panel)
        if answer is weighted[0]:
            hull = donor_hull(paths.actual[:, : paths.before], panel.weight[paths.units], free_level=True)
        left = leave_one_donor_out(method, panel, paths)
        furthest = left.rows[int(np.argmax(np.abs(left.effect - paths.effect[0])))]
        name = names.get(str(panel.units[furthest]), str(panel.units[furthest]))
        series_rows.add_fit(OUTCOME, answer, paths, hull, (left, name), findings)
        series_rows.add_weights(OUTCOME, answer, paths, names, findings)
        series_rows.add_paths(OUTCOME, answer, paths, findings, with_intervals=answer is weighted[0])
        if answer is weighted[0]:
            series_rows.add_placebo_paths(OUTCOME, answer, paths, findings)
            checks = series_checks.fit_checks(answer, paths, hull, left)
    return checks


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
