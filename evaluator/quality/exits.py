"""How many exits there are, and where to, by each number of weeks off a benefit that could make one."""

from __future__ import annotations

import duckdb

from evaluator.release_rules import Row

DESTINATIONS = ("job", "education", "other_benefit", "supported_work", "self_support")

COUNTED = """
    with reach as (
        select exits_seen_to(data_to, outcome_to, wage_to, list_max(exit_rules())) as last_week from marts.observation
    )
    select exit_weeks, destination, count(*)
    from marts.exits_by_rule
    where not is_censored and is_social_assistance(benefit) and exit_week <= (select last_week from reach)
    group by all
"""


def exits(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """Return exits from the two benefits by rule and destination, zero where there are none; nothing without exits.

    Exits are counted as long as the longest rule can see them, so that the rules differ in nothing else.
    """
    counts = {(weeks, destination): n for weeks, destination, n in connection.execute(COUNTED).fetchall()}
    if not counts:
        return []
    [(rules,)] = connection.execute("select exit_rules()").fetchall()
    return [
        {"exit_weeks": weeks, "destination": destination, "exits": counts.get((weeks, destination), 0)}
        for weeks in rules
        for destination in DESTINATIONS
    ]
