"""Weeks at risk of an exit, counted by the kind of the latest meeting and the weeks since: what its hazards are of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import duckdb

from evaluator.design.risk_cells import Band, known_columns, sql_of
from evaluator.errors import PanelError

if TYPE_CHECKING:
    import polars as pl

NO_MEETING, STAYED = "none", "stays"
WINDOWS = (0, 5)
"""Weeks since a meeting at which its hazards may change: the first piece shows what may have caused the meeting too."""
HISTORY: tuple[str | Band, ...] = ("benefit", "target_group", "age_group", Band("spell_week", (0, 4, 13, 26, 52, 104)))
"""No missed meetings: to hold them equal is to compare meetings held with none, which who has found work chooses."""


def meeting_weeks(
    connection: duckdb.DuckDBPyConnection,
    kinds: Mapping[str, str] | None = None,
    history: tuple[str | Band, ...] = HISTORY,
    windows: tuple[int, ...] = WINDOWS,
    risk: str = "design.risk_weeks",
) -> pl.DataFrame:
    """Return weeks counted by history, latest meeting and exit: history_0, ..., kind, from_weeks, exit, weeks.

    `from_weeks` is the last of the `windows` that the weeks since the meeting have reached, null where there was none
    in the spell. A meeting counts held or missed: who has found work misses meetings, so that meetings held alone would
    seem to keep people on benefit. `kinds` says which kind a type of meeting is, say
    "counselling" or "control"; types that it leaves out are "other". The extract `samtaler` states a type and no
    content: what a type stands for is the analyst's to say. Without `kinds` each type is its own. Supported work is
    another benefit.

    Raises PanelError for a kind that is a reserved word, or a column that is absent.
    """
    if kinds is not None and {NO_MEETING, ""} & set(kinds.values()):
        raise PanelError(f"meetings: a kind is named '{NO_MEETING}' or nothing; expected a word of its own. Rename it.")
    known_columns(connection, risk, history, ("meeting_type", "weeks_since_meeting", "exit_to", "is_exit_seen"))
    cells = "".join(f"{sql_of(key)} as history_{i}, " for i, key in enumerate(history))
    grouped, given = _by_meeting(kinds, windows, risk)
    return connection.sql(f"select {cells} count(*) as weeks, {grouped} order by all", params=given).pl()


def persons_after(
    connection: duckdb.DuckDBPyConnection, kinds: Mapping[str, str] | None = None, risk: str = "design.risk_weeks"
) -> dict[tuple[str, str, int | None], int]:
    """Return how many persons left by each exit after each kind of meeting and piece of the weeks since, each once."""
    grouped, given = _by_meeting(kinds, WINDOWS, risk)
    rows = connection.sql(f"select count(distinct person_id) as persons, {grouped}", params=given).fetchall()
    return {(leaving, kind, since): persons for persons, kind, since, leaving in rows}


def _by_meeting(kinds: Mapping[str, str] | None, windows: tuple[int, ...], risk: str) -> tuple[str, list[list[str]]]:
    """Return the rest of a query that counts by kind, from_weeks and exit, and its parameters."""
    named = "meeting_type" if kinds is None else "coalesce(kinds.kind, 'other')"
    joined = (
        ""
        if kinds is None
        else "left join (select unnest(?) as meeting_type, unnest(?) as kind) as kinds using (meeting_type)"
    )
    reached = " ".join(f"when weeks_since_meeting >= {int(week)} then {int(week)}" for week in sorted(windows)[::-1])
    query = f"""
        case when weeks_since_meeting >= {int(min(windows))} then {named} else '{NO_MEETING}' end as kind,
        case {reached} end as from_weeks,
        case when exit_to = 'supported_work' then 'other_benefit' else coalesce(exit_to, '{STAYED}') end as exit
        from {risk} {joined}
        where is_on_benefit and is_exit_seen
        group by all"""
    return query, [] if kinds is None else [list(kinds), list(kinds.values())]
