"""The two-way regression as a warning: which comparisons its coefficient is made of, the misleading ones among them."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from evaluator.errors import PanelError
from evaluator.evaluation.entry_cohorts import NEVER_LABEL, EntryCohorts, unit_of
from evaluator.evaluation.methods import chosen
from evaluator.evaluation.sensitivity import Question
from evaluator.panel import panel_from_frame
from evaluator.results import Findings
from evaluator.spec import MONTHS_PER_YEAR
from evaluator.spec_rules import is_exhibit
from evaluator.vocabulary import Panel

SPANS = (1, 3, 6, MONTHS_PER_YEAR)  # months of entry taken together
WEIGHT_DECIMALS = 3
ENOUGH = 0.75
"""Share of the municipalities that must have entrants in every span, for the decomposition to speak of the run."""


def decompose(question: Question, findings: Findings) -> None:
    """Add the weight and mean of each kind of comparison behind every exhibit of the spec that can tell them.

    The decomposition holds for municipalities followed at an equal weight through all periods. So entry months are
    taken together until at least three quarters of the municipalities have entrants in each span, and a municipality
    weighs by its mean number of entrants; the others are left out and counted. The window before the start is not.
    Source: Goodman-Bacon (2021), J. Econometrics 225(2), Theorem 1.
    """
    for name in question.spec.beside:
        method = chosen(question.spec, name, question.cohorts.horizon_weeks, anticipation=0)
        if not (is_exhibit(name) and hasattr(method, "decomposition")):
            continue
        try:
            panel = _followed(question)
            pairs = method.decomposition(panel)
        except PanelError as error:
            findings.facts(decomposition_refused=str(error))
            continue
        findings.facts(decomposition_municipalities=len(panel.units))
        findings.add("decomposition", *_kinds(question, pairs))


def _followed(question: Question) -> Panel:
    """Return municipalities with entrants in every span of months, at the shortest span that leaves enough of them.

    Raises PanelError when no span does.
    """
    import polars as pl

    cohorts = question.cohorts
    wanted = ENOUGH * cohorts.cells["municipality_code"].n_unique()
    for months in SPANS:
        spans = _in_spans(cohorts, months, question.outcome)
        number = spans["span"].n_unique()
        whole = spans.filter(pl.len().over("municipality_code") == number)
        if whole["municipality_code"].n_unique() >= wanted:
            return panel_from_frame(
                whole, unit="municipality_code", period="span", outcome="y", cohort="start", weight="level"
            )
    raise PanelError(
        f"design.cells: under {ENOUGH:.0%} of the municipalities have entrants in every year; expected more. "
        "Widen the population of the spec."
    )


def _in_spans(cohorts: EntryCohorts, months: int, outcome: str) -> Any:
    """Return the share in the outcome by municipality and span; spans are counted from the first start.

    A span that the observed periods do not fill is left out. A municipality starts in its first wholly exposed span.
    """
    import polars as pl

    treated = cohorts.cells.filter(pl.col("cohort") != NEVER_LABEL)
    first = min(treated["cohort"].to_list())
    low, high = cohorts.periods[0], cohorts.periods[-1]
    span = ((pl.col("period") - first).cast(pl.Float64) / months).floor().cast(pl.Int64)
    inside = (first + span * months >= low) & (first + (span + 1) * months - 1 <= high)
    start = pl.when(pl.col("cohort") != NEVER_LABEL).then(
        ((pl.col("cohort") - first).cast(pl.Float64) / months).ceil().cast(pl.Int64)
    )
    base = cohorts.persons(outcome).sum()
    return (
        cohorts.cells.filter(inside)
        .with_columns(span=span, start=start)
        .group_by("municipality_code", "span", "start")
        .agg(y=cohorts.count(outcome).sum() / base, n=base)
        .filter(pl.col("n") > 0)
        .with_columns(level=pl.col("n").mean().over("municipality_code"))
        .sort("municipality_code", "span")
    )


def _kinds(question: Question, pairs: Any) -> list[dict[str, Any]]:
    """Return a row per kind of comparison: its weight in the coefficient and the mean of its estimates."""
    weight: defaultdict[str, float] = defaultdict(float)
    total: defaultdict[str, float] = defaultdict(float)
    for pair in pairs:
        weight[pair.kind] += pair.weight
        total[pair.kind] += pair.weight * pair.estimate
    place = {
        "outcome": question.outcome,
        "horizon_weeks": question.cohorts.horizon_weeks,
        "unit": unit_of(question.outcome),
        "n": question.exposed_persons(),
        "smallest_count": question.smallest(),
    }
    return [
        {**place, "kind": kind, "weight": round(weight[kind], WEIGHT_DECIMALS), "value": total[kind] / weight[kind]}
        for kind in sorted(weight)
        if weight[kind] > 0
    ]
