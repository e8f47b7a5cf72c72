"""How people leave the benefit after meetings, by what the meeting is about: the part that [meetings] asks for.

Two answers stand side by side. The hazards after the latest meeting, given the recorded history, are an association:
caseworkers call whom they find ready. The timing of events of the first meeting of each kind allows for differences
that nobody recorded, and assumes that nobody acts on the day of a meeting before it comes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import duckdb
import numpy as np

from evaluator.design.meeting_weeks import HISTORY, NO_MEETING, WINDOWS, meeting_weeks, persons_after
from evaluator.design.risk_cells import Band
from evaluator.estimators.exits.meeting_hazards import MeetingHazards, meeting_hazards
from evaluator.estimators.mixed_hazards.frame import Columns, with_time_since
from evaluator.estimators.mixed_hazards.mass_points import Search
from evaluator.estimators.timing_of_events import FEWEST, MassPoints, Setting, TimingOfEvents, timing_of_events
from evaluator.evaluation.sanction_hazards import (
    AWAY,
    BASELINE,
    DESTINATIONS,
    Spells,
    independent,
    told,
    with_covariates,
)
from evaluator.inference.multiplicity import holm
from evaluator.inference.proportion import wilson_interval
from evaluator.results import Findings, Row
from evaluator.spec import EvaluationSpec, Meetings
from evaluator.vocabulary import Estimate, NotEstimable

if TYPE_CHECKING:
    import polars as pl

HAZARD, TIMING = "hazard", "timing_of_events"
COUNSELLING, CONTROL = "counselling", "control"
KINDS = (COUNSELLING, CONTROL)
HISTORIES: tuple[tuple[str | Band, ...], ...] = (HISTORY, HISTORY[1:], HISTORY[2:], HISTORY[-1:])
"""Histories within which weeks are compared, the longest first; the next where a group never left in some way."""
Persons = dict[tuple[str, str, int | None], int]
"""Persons by exit, kind of the latest meeting, and weeks since."""
STATES = {"neither": KINDS, "counselled": (CONTROL,), "controlled": (COUNSELLING,), "both": ()}
"""Meetings that can still be the first of their kind, by the meetings there have been."""


def estimate(connection: duckdb.DuckDBPyConnection, data: Spells, spec: EvaluationSpec, findings: Findings) -> None:
    """Add a row for each exit, kind of meeting and piece of the weeks since, by hazards and by timing of events."""
    from threadpoolctl import threadpool_limits

    assert spec.meetings is not None
    with threadpool_limits(limits=1):  # the same digits on any number of threads, and faster on small matrices
        findings.add("meeting_hazards", *_hazards(connection, spec.meetings))
    findings.add("meeting_hazards", *_timed(connection, data, spec))


def _given_history(connection: duckdb.DuckDBPyConnection, chosen: Meetings) -> MeetingHazards | NotEstimable:
    """Return the hazards within the longest history in which every group can leave in every way."""
    kinds = _kinds(chosen)
    for history in HISTORIES[:-1]:
        found = meeting_hazards(meeting_weeks(connection, kinds, history))
        if isinstance(found, MeetingHazards):
            return found
    return meeting_hazards(meeting_weeks(connection, kinds, HISTORIES[-1]))


def _kinds(chosen: Meetings) -> dict[str, str]:
    return {**dict.fromkeys(chosen.counselling, COUNSELLING), **dict.fromkeys(chosen.control, CONTROL)}


def _hazards(connection: duckdb.DuckDBPyConnection, chosen: Meetings) -> Iterable[Row]:
    found = _given_history(connection, chosen)
    persons = persons_after(connection, _kinds(chosen))
    if isinstance(found, NotEstimable):
        yield from (_refusal(HAZARD, name, kind, found) for name in DESTINATIONS for kind in KINDS)
        return
    for name in DESTINATIONS:
        if name not in found.exits:
            few = NotEstimable(f"Under {FEWEST} afgange hertil.", "Flere borgere eller flere år.")
            yield from (_refusal(HAZARD, name, kind, few) for kind in KINDS)
            continue
        exit_at = found.exits.index(name)
        for at, (kind, since) in enumerate((*found.kinds, (NO_MEETING, None))):
            events, weeks = int(found.events[exit_at, at]), int(found.weeks[at])
            low, high = wilson_interval(events, weeks)
            counted = {
                "events": persons.get((name, kind, since), 0),
                "weeks": weeks,
                "rate": events / weeks,
                "rate_low": low,
                "rate_high": high,
            }
            place = _place(HAZARD, name, kind, since)
            if kind == NO_MEETING:
                yield {**place, **counted, "is_estimable": True}
            else:
                yield {**place, **counted, **_numbers(found.ratio(name, kind, from_weeks=since))}
    yield from _contrasts(found, persons)


def _contrasts(found: MeetingHazards, persons: Persons) -> list[Row]:
    """Return counselling against control for each exit and piece, with p-values adjusted for all of them (Holm)."""
    rows: list[Row] = []
    for name in (name for name in DESTINATIONS if name in found.exits):
        for since in (since for since in WINDOWS if {(kind, since) for kind in KINDS} <= set(found.kinds)):
            behind = min(persons.get((name, kind, since), 0) for kind in KINDS)
            contrast = _numbers(found.ratio(name, COUNSELLING, CONTROL, from_weeks=since))
            place = {**_place(HAZARD, name, COUNSELLING, since), "than": CONTROL}
            rows.append({**place, "events": behind, "weeks": 0, **contrast})
    adjusted = holm(np.array([row.get("p_value", np.nan) for row in rows], dtype=np.float64))
    return [{**row, "p_family": p} for row, p in zip(rows, adjusted, strict=True)]


def _timed(connection: duckdb.DuckDBPyConnection, data: Spells, spec: EvaluationSpec) -> Iterable[Row]:
    """Yield the effects of the first meeting of each kind, with unobserved heterogeneity."""
    frame, covariates = with_covariates(_episodes(connection, data), data)
    pieces = {kind: _names(kind) for kind in KINDS}
    for kind in KINDS:
        frame = with_time_since(frame, f"after_{kind}", WINDOWS)
    exits = [name for name in DESTINATIONS if _is_supported(frame, name, [c for kind in KINDS for c in pieces[kind]])]
    fitted = _fit(frame, exits, covariates, spec)
    for name in DESTINATIONS:
        if isinstance(fitted, NotEstimable) or name not in exits:
            few = NotEstimable(f"Under {FEWEST} afgange hertil efter samtaler.", "Flere borgere eller flere år.")
            yield from (
                _refusal(TIMING, name, kind, fitted if isinstance(fitted, NotEstimable) else few) for kind in KINDS
            )
            continue
        for kind in KINDS:
            for since, column in zip(WINDOWS, pieces[kind], strict=True):
                yield _effect(fitted.chosen, frame, name, kind, since, column)


def _effect(fitted: MassPoints, frame: pl.DataFrame, name: str, kind: str, since: int, column: str) -> Row:
    import polars as pl

    found = fitted.estimate(f"{name}.{column}")
    inside = frame.filter((frame[column] > 0) & (frame["state"] != AWAY))
    events = inside.filter(pl.col("transition") == name)["person_id"].n_unique()  # each person once, as in `_hazards`
    weeks = int(inside["duration"].sum())
    told = _numbers(found) if math.isfinite(found.low) else _reason(_flat())
    return {**_place(TIMING, name, kind, since), "events": events, "weeks": weeks, **told}


def _fit(
    frame: pl.DataFrame, exits: Sequence[str], covariates: Sequence[str], spec: EvaluationSpec
) -> TimingOfEvents | NotEstimable:
    """Return the fit; in a reader's words why there is none."""
    import polars as pl

    assert spec.meetings is not None
    if not exits:
        return NotEstimable(f"Under {FEWEST} afgange efter samtaler.", "Flere borgere eller flere år.")
    other = [name for name in DESTINATIONS if name not in exits]
    frame = frame.with_columns(transition=pl.when(~pl.col("transition").is_in(other)).then("transition"))
    baseline = tuple(cut for cut in BASELINE if _all_leave(frame, exits, cut))
    setting = Setting(
        baseline=baseline,
        risk_sets={AWAY: (), **{state: (*exits, *meetings) for state, meetings in STATES.items()}},
        search=Search(points=spec.meetings.mass_points, starts=1, seed=spec.estimation.seed),
    )
    free = frame.filter(frame["state"] == "neither")
    covariates = independent(free, told(free, covariates, (*exits, *KINDS)), baseline)
    fitted = timing_of_events(
        frame,
        exits=exits,
        treatments={kind: _names(kind) for kind in KINDS},
        covariates=covariates,
        columns=Columns(state="state", start="start", spell="spell_number"),
        setting=setting,
    )
    return _flat() if isinstance(fitted, NotEstimable) else fitted


def _episodes(connection: duckdb.DuckDBPyConnection, data: Spells) -> pl.DataFrame:
    """Return the rows of spells seen from their start in which no meeting of either kind falls in the first week.

    Nobody was at risk of such a meeting before it, so who they are is chosen by what nobody recorded. Weeks off the
    plain benefit have an empty risk set, unless a first meeting ends them.
    """
    import polars as pl

    keys = ["person_id", "spell_number"]
    seen = data.spells.filter(pl.col("entry_weeks") == 0).select(*keys, "municipality_code")
    rows = connection.sql("select * from design.meeting_episodes order by all").pl()
    is_met = (pl.col("start_weeks") == 0) & (pl.col("state") != "neither")
    is_away = pl.col("is_away") & ~pl.col("transition").is_in(KINDS).fill_null(False)
    return (
        rows.join(rows.filter(is_met).select(keys), on=keys, how="anti")
        .join(seen, on=keys)
        .with_columns(
            *(pl.col(f"since_{kind}_weeks").alias(f"after_{kind}") for kind in KINDS),
            duration=(pl.col("stop_weeks") - pl.col("start_weeks")).cast(pl.Float64),
            start=pl.col("start_weeks").cast(pl.Float64),
            transition=pl.when(~is_away).then("transition"),
            state=pl.when(is_away).then(pl.lit(AWAY)).otherwise("state"),
        )
    )


def _names(kind: str) -> tuple[str, ...]:
    """Return the columns of a kind's pieces, as `with_time_since` names them."""
    ends = [f"{low}_{high - 1}" for low, high in pairwise(WINDOWS)]
    return tuple(f"after_{kind}_{end}" for end in (*ends, f"{WINDOWS[-1]}_on"))


def _is_supported(frame: pl.DataFrame, destination: str, columns: Sequence[str]) -> bool:
    ended = frame.filter(frame["transition"] == destination)
    return all(int((ended[column] > 0).sum()) >= FEWEST for column in columns)


def _all_leave(frame: pl.DataFrame, exits: Sequence[str], weeks: float) -> bool:
    """Return whether every hazard has enough transitions behind a jump of its baseline."""
    late = frame.filter(frame["start"] >= weeks)["transition"]
    return all(int((late == name).sum()) >= FEWEST for name in (*exits, *KINDS))


def _place(method: str, destination: str, kind: str, since: int | None) -> Row:
    later = [cut for cut in WINDOWS if since is not None and cut > since]
    return {
        **{
            "method": method,
            "destination": destination,
            "kind": kind,
            "than": "" if kind == NO_MEETING else NO_MEETING,
        },
        **{"from_weeks": since, "to_weeks": later[0] - 1 if later else None, "unit": "log_hazard"},
    }


def _numbers(found: Estimate | NotEstimable) -> Row:
    if isinstance(found, NotEstimable):
        return _reason(found)
    numbers = {"value": found.value, "low": found.low, "high": found.high, "se": found.se, "p_value": found.p_value}
    return {**numbers, "is_estimable": True}


def _reason(refused: NotEstimable) -> Row:
    return {"is_estimable": False, "reason": refused.reason, "what_would_help": refused.what_would_help}


def _refusal(method: str, destination: str, kind: str, refused: NotEstimable) -> Row:
    return {**_place(method, destination, kind, WINDOWS[0]), "to_weeks": None, **_reason(refused)}


def _flat() -> NotEstimable:
    return NotEstimable("Data kan ikke skelne virkningen fra de øvrige forhold i modellen.", "Flere borgere.")
