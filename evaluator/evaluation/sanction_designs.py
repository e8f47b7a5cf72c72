"""Other designs beside the duration model: matching week by week, caseworkers' strictness, and bounds on the raw claim.

They answer in shares of persons in each end state, not in hazards, and rest on other assumptions: none is chosen after
it was seen. Supported work is another benefit, as in the exits.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import duckdb
import numpy as np

from evaluator.design.risk_cells import HISTORY, SHORT_HISTORY, Band, Matching, cell_sums
from evaluator.estimators.caseworkers.intakes import OUTCOMES
from evaluator.estimators.landmark import SHARE_MATCHED, landmark
from evaluator.estimators.strictness import strictness
from evaluator.inference.landmark_estimates import landmark_estimates
from evaluator.inference.selection_bounds import Bounds, Counts, monotone_selection, worst_case
from evaluator.results import Findings, Row
from evaluator.spec import FOLLOWED_WEEKS, WEEKS_PER_YEAR
from evaluator.vocabulary import Estimate, NotEstimable

MATCHINGS = {
    "landmark": Matching(horizons=FOLLOWED_WEEKS),
    "landmark_censored": Matching(horizons=FOLLOWED_WEEKS, later="censored"),
    "landmark_upheld": Matching(horizons=FOLLOWED_WEEKS, decisions="upheld"),
}
HISTORIES = {"whole": HISTORY, "short": SHORT_HISTORY}
STATES = {name: states for name, states in OUTCOMES.items() if name != "left_register"}


def designs(connection: duckdb.DuckDBPyConnection, findings: Findings) -> None:
    """Add a row for each design, end state and horizon, those that are refused with the reason."""
    history, cells = _on_history(connection)
    findings.facts(landmark_history=history)
    for name, matching in MATCHINGS.items():
        findings.add("sanction_designs", *_matched(connection, name, replace(matching, cells=cells)))
    intakes = connection.sql(
        "select * from design.intakes where horizon_weeks = ? order by person_id, entry_week", params=[WEEKS_PER_YEAR]
    ).pl()
    if intakes.is_empty():
        return
    found = strictness(intakes, tuple(STATES))
    sanctioned = int(intakes["is_sanctioned"].sum())
    findings.add(
        "sanction_designs",
        *(
            _row("strictness", name, WEEKS_PER_YEAR, effect.estimate, sanctioned)
            for name, effect in found.effects.items()
        ),
    )
    findings.add("sanction_designs", *_bounds(connection))


def _on_history(connection: duckdb.DuckDBPyConnection) -> tuple[str, tuple[str | Band, ...]]:
    """Return the longest history on which half of the sanctioned have a comparison, seen without an outcome."""
    for name in HISTORIES:
        found = cell_sums(connection, Matching(cells=HISTORIES[name], horizons=FOLLOWED_WEEKS[:1]))
        if sum(found.matched.values()) >= SHARE_MATCHED * sum(found.treated.values()):
            break
    return name, HISTORIES[name]


def _matched(connection: duckdb.DuckDBPyConnection, name: str, matching: Matching) -> Iterable[Row]:
    found = landmark(cell_sums(connection, matching))
    if isinstance(found, NotEstimable):
        yield from (_row(name, state, weeks, found, 0) for state in STATES for weeks in matching.horizons)
        return
    for state, parts in STATES.items():
        for (_, weeks, _), estimate in landmark_estimates(found, states=parts).items():
            yield _row(name, state, weeks, estimate, estimate.n if isinstance(estimate, Estimate) else 0)


def _bounds(connection: duckdb.DuckDBPyConnection) -> Iterable[Row]:
    """Yield what the claim that the unsanctioned are more often in a job agrees with, under stated assumptions."""
    rows = connection.execute(
        "select count(*) filter (is_sanctioned), count(*) filter (is_sanctioned and state = 'job'), "
        "count(*) filter (not is_sanctioned), count(*) filter (not is_sanctioned and state = 'job') "
        "from design.intakes where horizon_weeks = ? group by municipality_code order by municipality_code",
        [WEEKS_PER_YEAR],
    ).fetchall()
    counts = Counts(*np.array(rows, dtype=np.int64).T)
    treated = int(np.sum(counts.treated))
    for name, found in (
        ("worst_case", worst_case(counts)),
        ("weaker", monotone_selection(counts, "weaker")),
        ("stronger", monotone_selection(counts, "stronger")),
    ):
        yield _row(name, "job", WEEKS_PER_YEAR, found, treated)


def _row(design: str, state: str, weeks: int, found: Estimate | Bounds | NotEstimable, treated: int) -> Row:
    row: Row = {"design": design, "destination": state, "weeks": weeks, "unit": "share", "n": treated}
    if isinstance(found, NotEstimable):
        told = {"reason": found.reason, "what_would_help": found.what_would_help}
        return {**row, **told, "is_estimable": False, "smallest_count": treated}
    shown: Row = {"is_estimable": True, "smallest_count": treated}
    if isinstance(found, Bounds):
        return {**row, **shown, "low": found.interval_low, "high": found.interval_high}
    return {**row, **shown, "value": found.value, "low": found.low, "high": found.high, "p_value": found.p_value}
