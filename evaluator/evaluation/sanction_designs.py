"""Other designs beside the duration model: matching week by week, caseworkers' strictness, and bounds on the raw claim.

They answer in shares of persons in each end state, not in hazards, and rest on other assumptions: none is chosen after
it was seen. Supported work is another benefit, as in the exits.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import duckdb
import numpy as np

from evaluator.design.risk_cells import HISTORY, SHORT_HISTORY, CellSums, Matching, cell_sums
from evaluator.estimators.caseworkers.intakes import OUTCOMES, Setting
from evaluator.estimators.landmark import SHARE_MATCHED, landmark
from evaluator.estimators.strictness import Strictness, strictness
from evaluator.inference.landmark_estimates import landmark_estimates
from evaluator.inference.selection_bounds import Bounds, Counts, monotone_selection, worst_case
from evaluator.results import Findings, Row
from evaluator.spec import EARLY_WEEKS, FOLLOWED_WEEKS, WEEKS_PER_YEAR
from evaluator.vocabulary import Estimate, Light, NotEstimable

MATCHINGS = {
    "landmark": Matching(horizons=FOLLOWED_WEEKS),
    "landmark_censored": Matching(horizons=FOLLOWED_WEEKS, later="censored"),
    "landmark_upheld": Matching(horizons=FOLLOWED_WEEKS, decisions="upheld"),
}
HISTORIES = {"whole": HISTORY, "short": SHORT_HISTORY}
INTAKES = """
    select intakes.*, early.state as early_state, early.is_sanctioned as is_early_sanctioned
    from design.intakes as intakes
    inner join design.intakes as early
        on early.person_id = intakes.person_id and early.entry_week = intakes.entry_week and early.horizon_weeks = ?
    where intakes.horizon_weeks = ?
    order by intakes.person_id, intakes.entry_week
"""
CAUTION = (
    "Læses med forbehold: {} Får strenge sagsbehandlere uden om sanktionerne 1 pct.point flere i en tilstand, for hver "
    "10 pct.point flere de sanktionerer, er svaret 10 pct.point for højt."
)
STATES = {name: states for name, states in OUTCOMES.items() if name != "left_register"}


def designs(connection: duckdb.DuckDBPyConnection, findings: Findings) -> None:
    """Add a row for each design, end state and horizon, those that are refused with the reason."""
    history, sums = _on_history(connection)
    findings.facts(landmark_history=history)
    for name, matching in MATCHINGS.items():
        matching = replace(matching, cells=HISTORIES[history])
        own = sums if matching == sums.matching else cell_sums(connection, matching)
        findings.add("sanction_designs", *_matched(name, own))
    intakes = connection.sql(INTAKES, params=[EARLY_WEEKS, WEEKS_PER_YEAR]).pl()
    if intakes.is_empty():
        return
    found = strictness(intakes, tuple(STATES), Setting(early=("early_state", "is_early_sanctioned")))
    sanctioned = int(intakes["is_sanctioned"].sum())
    findings.add("sanction_designs", *_by_strictness(found, sanctioned), *_bounds(connection))


def _on_history(connection: duckdb.DuckDBPyConnection) -> tuple[str, CellSums]:
    """Return the longest history on which half of the sanctioned have a comparison, and the sums of its cells.

    Which it is depends on who was sanctioned, not on an outcome.
    """
    for name in HISTORIES:
        found = cell_sums(connection, replace(MATCHINGS["landmark"], cells=HISTORIES[name]))
        if sum(found.matched.values()) >= SHARE_MATCHED * sum(found.treated.values()):
            break
    return name, found


def _matched(name: str, sums: CellSums) -> Iterable[Row]:
    found = landmark(sums)
    if isinstance(found, NotEstimable):
        yield from (_row(name, state, weeks, found, 0) for state in STATES for weeks in sums.matching.horizons)
        return
    for state, parts in STATES.items():
        for (_, weeks, _), estimate in landmark_estimates(found, states=parts).items():
            yield _row(name, state, weeks, estimate, estimate.n if isinstance(estimate, Estimate) else 0)


def _by_strictness(found: Strictness, sanctioned: int) -> Iterable[Row]:
    """Yield the effects by strictness; one that is answered with a check that is not green has that as its reason."""
    doubts = [check for check in found.diagnostics if check.verdict in (Light.AMBER, Light.NOT_RUN)]
    doubt = CAUTION.format(" ".join(check.why for check in doubts)) if doubts else None
    for name, effect in found.effects.items():
        row = _row("strictness", name, WEEKS_PER_YEAR, effect.estimate, sanctioned)
        yield {**row, "reason": doubt} if isinstance(effect.estimate, Estimate) else row


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
