"""What became of people after a sanction, as counted: where they went, who came back, how many, what it cost."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from evaluator.estimators.exits.cumulative_incidence import cumulative_incidence
from evaluator.estimators.exits.relapse import relapse
from evaluator.evaluation.sanction_hazards import DESTINATIONS, Spells
from evaluator.results import Findings

if TYPE_CHECKING:
    import datetime as dt

    import polars as pl

SANCTIONED, COMPARABLE, NEVER = "sanctioned", "comparable", "never_sanctioned"
WEEKS = tuple(range(4, 53, 4))
RELAPSES = (26, 52)
RETURNS_FROM = ("job", "education", "self_support")
"""Destinations one can come back from; another benefit is none."""
FIFTHS, FEWEST_MUNICIPALITIES = 5, 25


def courses(data: Spells, names: dict[str, str], observed_until: dt.date, findings: Findings) -> None:
    """Add end states over the year after a sanction, relapse, shares sanctioned and reversed, and kroner."""
    _incidence(data.comparisons, findings)
    _relapse(data.spells, observed_until, findings)
    _shares(data, names, findings)
    for row in data.decisions.iter_rows(named=True):
        findings.add("sanction_amounts", row | {"amount_dkk": float(row["amount_dkk"])})


def _incidence(comparisons: pl.DataFrame, findings: Findings) -> None:
    """Add Aalen-Johansen shares of both arms: the sanctioned who have a comparable spell, and those spells."""
    import polars as pl

    matched = comparisons.filter(pl.col("compared_weeks_after") > 0)
    _share(findings, "matched", COMPARABLE, len(matched), len(comparisons))
    if matched.is_empty():
        return
    for arm, prefix in ((SANCTIONED, ""), (COMPARABLE, "compared_")):
        weeks, ended = matched[f"{prefix}weeks_after"].to_numpy(), matched[f"{prefix}destination"]
        code = np.select([(ended == name).fill_null(False).to_numpy() for name in DESTINATIONS], [1, 2, 3, 4], 0)
        found = cumulative_incidence(weeks, code, exits=len(DESTINATIONS))
        for at in WEEKS:
            share, low, high = found.at(at)
            for k, name in enumerate(DESTINATIONS):
                events = int(((code == k + 1) & (weeks <= at)).sum())
                row = {"arm": arm, "destination": name, "weeks": at, "events": events, "persons": len(matched)}
                findings.add("sanction_incidence", {**row, "share": share[k], "low": low[k], "high": high[k]})


def _relapse(spells: pl.DataFrame, observed_until: dt.date, findings: Findings) -> None:
    """Add who is back on one of the benefits, after spells with a sanction and after those without."""
    import polars as pl

    ended = spells.filter(pl.col("destination").is_in(RETURNS_FROM), pl.col("exit_week") <= observed_until)
    for arm, part in (
        (SANCTIONED, ended.filter(pl.col("sanction_weeks").is_not_null())),
        (NEVER, ended.filter(pl.col("sanction_weeks").is_null())),
    ):
        if part.is_empty():
            continue
        numbered = part.with_row_index("exit_number").select(
            pl.col("exit_number").alias("person_id"), "from_week", "exit_week", "back_week", "destination"
        )
        back = numbered.filter(pl.col("back_week").is_not_null())
        once = numbered.select("person_id", start_on="from_week", end_on="exit_week", destination="destination")
        again = back.select(
            "person_id",
            start_on="back_week",
            end_on=pl.lit(None, pl.Date),
            destination=pl.lit(None, pl.String),
        )
        for found in relapse(pl.concat([once, again]), observed_until, RELAPSES):
            if found.destination == "all" or math.isnan(found.share):
                continue
            own = numbered.filter(pl.col("destination") == found.destination)
            returned = (pl.col("back_week") - pl.col("exit_week")).dt.total_days() / 7 <= found.weeks
            row = {"measure": "relapse", "arm": arm, "group_name": found.destination, "weeks": found.weeks}
            row |= {"count": own.filter(returned).height, "persons": found.exits, "share": found.share}
            findings.add("sanction_shares", row | {"low": found.low, "high": found.high})


def _shares(data: Spells, names: dict[str, str], findings: Findings) -> None:
    """Add the share of spells with a sanction, in all and by municipality, and of decisions that were reversed."""
    places = data.municipalities.sort("municipality_code")
    _share(findings, "sanctioned", "all", int(places["sanctioned"].sum() or 0), int(places["spells"].sum() or 0))
    for row in places.iter_rows(named=True):
        name = names.get(row["municipality_code"], row["municipality_code"])
        _share(findings, "municipality", name, row["sanctioned"], row["spells"])
    if len(places) >= FEWEST_MUNICIPALITIES:
        rates = np.sort((places["sanctioned"] / places["spells"]).to_numpy())
        for number, some in enumerate(np.array_split(rates, FIFTHS), start=1):
            row = {"measure": "fifth", "arm": "", "group_name": str(number), "count": len(some)}
            findings.add("sanction_shares", row | {"persons": len(some), "share": float(some.mean())})
    decisions = data.decisions
    total = int(decisions["decisions"].sum() or 0)
    stood = decisions.filter(decisions["is_reversed"])
    _share(findings, "reversed", "all", int(stood["decisions"].sum() or 0), total)
    for kind, part in decisions.group_by("sanction_type", maintain_order=True):
        _share(findings, "type", str(kind[0]), int(part["decisions"].sum()), total)


def _share(findings: Findings, measure: str, group: str, count: int, of: int) -> None:
    row: dict[str, Any] = {"measure": measure, "arm": "", "group_name": group, "count": count, "persons": of}
    findings.add("sanction_shares", row | {"share": count / of if of else None})
