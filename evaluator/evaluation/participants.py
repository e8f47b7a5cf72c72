"""Whom a claim about a project counts: its participants, or everybody who entered since it began."""

from __future__ import annotations

import duckdb

from evaluator.evaluation.entry_cohorts import EntryCohorts
from evaluator.results import Findings

PARTICIPANTS, OTHERS, ALL = "participants", "others", "all"


def denominators(
    connection: duckdb.DuckDBPyConnection, cohorts: EntryCohorts, outcome: str, findings: Findings
) -> None:
    """Add the persons, and those in the end state `outcome`, among participants, other entrants and all of them.

    Of the treated municipalities' entrants from the start on, the very ones that the effect is of. Where no offer says
    that anybody took part, the participants are unknown, not none: then nothing is added.
    """
    entrants = connection.sql(
        "select municipality_code, period_on, state, persons, participants from design.participants "
        "where horizon_weeks = ? order by all",
        params=[cohorts.horizon_weeks],
    ).pl()
    here = entrants.join(cohorts.exposed(), on=["municipality_code", "period_on"], how="semi")
    counts = {
        is_in: (int(part["persons"].sum()), int(part["participants"].sum()))
        for is_in, part in ((True, here.filter(here["state"] == outcome)), (False, here))
    }
    (everybody, taking_part), (count, theirs) = counts[False], counts[True]
    if not taking_part:
        return
    for who, persons, inside in (
        (PARTICIPANTS, taking_part, theirs),
        (OTHERS, everybody - taking_part, count - theirs),
        (ALL, everybody, count),
    ):
        row = {"outcome": outcome, "horizon_weeks": cohorts.horizon_weeks, "who": who}
        findings.add("participants", {**row, "persons": persons, "count": inside})
