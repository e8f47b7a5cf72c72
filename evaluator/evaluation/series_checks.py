"""Checks of one municipality's series: false starts, fit, reach of the donors, and what changed in the place itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb
import numpy as np

from evaluator.design.frozen import Design, period_of
from evaluator.diagnostics import credibility
from evaluator.diagnostics.donor_hull import Hull, donors_check, hull_check
from evaluator.diagnostics.municipality_drift import (
    NOT_MADE_UP,
    Around,
    benefit_mix_check,
    mix_drift,
    population_check,
    population_drift,
    revisitation_check,
)
from evaluator.diagnostics.pre_fit import DATE_WHY, LeftOut, left_out_check, pre_fit, pre_fit_check
from evaluator.diagnostics.rank_check import THRESHOLD, rank_check
from evaluator.estimators.weighted_paths import Paths
from evaluator.evaluation.one_treated import Answer
from evaluator.inference.judged import Judged
from evaluator.spec import MONTHS_PER_YEAR, EvaluationSpec
from evaluator.vocabulary import Diagnostic, Estimate, Floats, NotEstimable

Counted = tuple[Any, ...]
"""Municipality, period, group and number."""
NO_POPULATION = NotEstimable(f"{NOT_MADE_UP}: serien har ingen befolkningstal.", "Befolkning pr. kommune og periode.")
NO_GROUPS = NotEstimable(f"{NOT_MADE_UP}: serien er ikke delt i grupper.", "En serie med tal for hver gruppe.")


def false_starts_check(answer: Answer) -> Diagnostic:
    """Judge the false starts together: the smallest p-value times their number (Bonferroni)."""
    tested = [found.judged for found in answer.false_starts if isinstance(found.judged, Judged)]
    if not tested:
        return credibility.not_run("placebo_date", THRESHOLD, "Serien rækker ikke til en falsk start.")
    p_value = min(1.0, len(tested) * min(judged.p_value for judged in tested))
    return rank_check("placebo_date", p_value, len(tested) * max(judged.floor for judged in tested), DATE_WHY)


def fit_checks(answer: Answer, paths: Paths, hull: Hull, left: LeftOut) -> list[Diagnostic]:
    """Return how well the comparison follows before the start, whether it can, and on how many it rests."""
    size = answer.question.panel.weight[paths.units]
    checks = [pre_fit_check(pre_fit(paths), size), hull_check(hull), donors_check(paths.weights[0])]
    found = answer.estimate
    if isinstance(found, Estimate) and np.isfinite([found.low, found.high]).all():
        checks.append(left_out_check(found.value, left, (found.high - found.low) / 2))
    return checks


def drift_checks(connection: duckdb.DuckDBPyConnection, spec: EvaluationSpec, design: Design) -> list[Diagnostic]:
    """Return whether population, mix of benefits and visitation stayed as they were; not made up where unknown."""
    around = Around(
        design.periods.index(min(design.cohort_of().values())),
        MONTHS_PER_YEAR // spec.panel.period_months,
        spec.exposure_periods(0),
    )
    population = _population(connection, spec, design)
    mix, visited = (_counts(connection, spec, design, by) for by in ("benefit", "target_group"))
    return [
        population_check(NO_POPULATION if population is None else population_drift(population, around)),
        benefit_mix_check(NO_GROUPS if mix is None else mix_drift(mix, around)),
        revisitation_check(NO_GROUPS if visited is None else mix_drift(visited, around)),
    ]


def _population(connection: duckdb.DuckDBPyConnection, spec: EvaluationSpec, design: Design) -> Floats | None:
    """Return population (1 + D, T), NaN where unknown; None when the series has none."""
    if spec.panel.source != "kommunepanel":
        return None
    rows = connection.execute(
        "select municipality_code, period_on, '', max(population)::double from marts.municipality_statistics "
        "where period_kind = ? and population is not null group by all",
        [spec.panel.period],
    ).fetchall()
    return _cube(rows, design, np.nan)[:, :, 0] if rows else None


def _counts(connection: duckdb.DuckDBPyConnection, spec: EvaluationSpec, design: Design, by: str) -> Floats | None:
    """Return recipients (1 + D, T, B) by benefit, or by target group; None without groups."""
    rows = _published(connection, spec, by) if spec.panel.source == "kommunepanel" else _counted(connection, spec, by)
    if len({row[2] for row in rows}) < 2:
        return None
    if spec.panel.source == "kommunepanel":
        return _cube(rows, design, np.nan)
    seen = {row[0] for row in connection.execute("select distinct period_on from design.stock_series").fetchall()}
    cube = _cube([(row[0], period_of(row[1], design.period_months), *row[2:]) for row in rows], design, 0.0)
    cube[:, [on not in seen for on in design.periods]] = np.nan  # nobody counted is not nobody there
    return cube


def _published(connection: duckdb.DuckDBPyConnection, spec: EvaluationSpec, by: str) -> list[Counted]:
    """Return published numbers by benefit (of all of them), or by target group of the spec's benefits."""
    query = (
        f"select municipality_code, period_on, {by}, sum(full_time)::double from marts.municipality_statistics "
        "where period_kind = ? and (? or list_contains(?, benefit) and target_group <> 'alle') "
        "group by all having count(full_time) = count(*)"
    )
    everything = by == "benefit"
    return connection.execute(query, [spec.panel.period, everything, list(spec.population.benefits)]).fetchall()


def _counted(connection: duckdb.DuckDBPyConnection, spec: EvaluationSpec, by: str) -> list[Counted]:
    """Return persons of the spec's age by benefit (of all of them), or by target group of the spec's benefits."""
    query = (
        f"select municipality_code, month, {by}, count(*)::double from marts.person_month "
        f"where (? or list_contains(?, benefit)) and {by} is not null and age between ? and ? group by all"
    )
    everything = by == "benefit"
    return connection.execute(query, [everything, list(spec.population.benefits), *spec.population.age]).fetchall()


def _cube(rows: Sequence[Counted], design: Design, absent: float) -> Floats:
    """Return numbers (1 + D, T, B) of rows of municipality, period, group and number; `absent` where there is none."""
    groups = sorted({row[2] for row in rows})
    units = {code: at for at, code in enumerate((*design.treated_codes, *design.donors))}
    periods = {on: at for at, on in enumerate(design.periods)}
    cube = np.full((len(units), len(periods), len(groups)), np.nan)
    for code, on, group, number in rows:
        if code in units and on in periods and number is not None:
            place = (units[code], periods[on], groups.index(group))
            cube[place] = np.nan_to_num(cube[place]) + number
    return np.where(np.isnan(cube), absent, cube)
