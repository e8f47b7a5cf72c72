"""Who gains: effects on the primary person outcome by age, target group and the like."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from evaluator.design.frozen import Design
from evaluator.estimators.who_gains import WhoGains
from evaluator.evaluation.entry_cohorts import NEVER_LABEL, labelled, unit_of
from evaluator.inference.group_averages import few_municipalities, group_estimates, small_group
from evaluator.inference.offered import FEW
from evaluator.results import Findings
from evaluator.spec import END_STATES, GROUPINGS, PERSON_OUTCOMES, EvaluationSpec
from evaluator.vocabulary import Estimate, NotEstimable

if TYPE_CHECKING:
    import polars as pl

EVERYBODY = "alle"  # the group named in the one row of a grouping that is refused as a whole


def estimate(connection: duckdb.DuckDBPyConnection, spec: EvaluationSpec, design: Design, findings: Findings) -> None:
    """Add a row to `groups` for each group of each grouping the spec asks for; refusals are rows too."""
    asked = spec.estimation.who_gains
    if not asked or spec.primary.name not in PERSON_OUTCOMES:
        return
    if len(design.treated) < FEW:
        refusal = few_municipalities(len(design.treated))
        findings.add("groups", *(_row(grouping, EVERYBODY, None, refusal) for grouping in asked))
        return
    persons = people(connection, spec, design)
    for grouping in asked:
        _grouping(spec, persons, grouping, findings)


def _grouping(spec: EvaluationSpec, persons: pl.DataFrame, grouping: str, findings: Findings) -> None:
    method = learner(spec, grouping)
    minimum = (method.minimum_persons, method.minimum_clusters)
    has_both = persons.height > 0 and persons["cohort"].min() == NEVER_LABEL and persons["cohort"].max() != NEVER_LABEL
    if not has_both:
        findings.add("groups", _row(grouping, EVERYBODY, None, small_group(*minimum)))
        return
    found = method.fit(persons)
    offered = group_estimates(found, minimum)
    for name, count, number in zip(found.groups, found.persons, offered, strict=True):
        smallest = _smallest(persons, grouping, name, spec.primary.name)
        findings.add("groups", {**_row(grouping, name, int(count), number), "smallest_count": smallest})


def _smallest(persons: pl.DataFrame, grouping: str, group: str, outcome: str) -> int:
    """Return the fewest exposed persons of a group in or out of the outcome; it decides whether its number leaves."""
    import polars as pl

    exposed = (pl.col("cohort") != NEVER_LABEL) & (pl.col("period") >= pl.col("cohort"))
    own = persons.filter(exposed, pl.col(grouping) == group)
    count = int(own["outcome"].sum()) if unit_of(outcome) == "share" else own.height
    return min(count, own.height - count) if unit_of(outcome) == "share" else count


def learner(spec: EvaluationSpec, grouping: str) -> WhoGains:
    """Return the spec's learner for a grouping: the other traits are effect modifiers beside the group."""
    return WhoGains(
        groups=grouping,
        traits=tuple(name for name in GROUPINGS if name != grouping),
        anticipation=spec.exposure_periods(spec.primary.horizon_weeks) * spec.panel.period_months,
        seed=spec.estimation.seed,
    )


def people(connection: duckdb.DuckDBPyConnection, spec: EvaluationSpec, design: Design) -> pl.DataFrame:
    """Return treated and donor entrants with the primary outcome, municipality, period, cohort and traits.

    Only periods in which every entrant is observed at the horizon, so that the last one is not a selected part.
    """
    traits = ", ".join(f"entrants.{name}" for name in GROUPINGS)
    rows = connection.sql(
        f"""
        with followed as (
            select entrants.municipality_code, entrants.period_on, {traits}, outcomes.horizon_weeks is not null as seen,
                ({_outcome(spec.primary.name)})::double as outcome
            from design.entrants as entrants
            left join design.entrant_outcomes as outcomes
                on outcomes.person_id = entrants.person_id
                and outcomes.entry_week = entrants.entry_week
                and outcomes.horizon_weeks = $horizon
        )

        select * exclude (seen) from followed
        where list_contains($municipalities, municipality_code)
            and outcome is not null
            and period_on in (select period_on from followed group by period_on having bool_and(seen))
        order by all
        """,
        params={
            "horizon": spec.primary.horizon_weeks,
            "municipalities": [*design.treated_codes, *design.donors],
        },
    ).pl()
    return labelled(rows, design)


def _outcome(name: str) -> str:
    """Return the expression of an outcome; names come from the spec's closed list."""
    if name in END_STATES:
        return f"outcomes.state = '{name}'"
    if name == "benefit_share":
        return "outcomes.benefit_weeks / outcomes.horizon_weeks"
    return f"outcomes.{name}"


def _row(grouping: str, group: str, persons: int | None, found: Estimate | NotEstimable) -> dict[str, object]:
    row: dict[str, object] = {"grouping": grouping, "group_name": group, "persons": persons}
    if isinstance(found, NotEstimable):
        return {**row, "is_estimable": False, "reason": found.reason}
    return {**row, "value": found.value, "low": found.low, "high": found.high, "is_estimable": True, "reason": None}
