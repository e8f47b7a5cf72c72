"""Who comes back: the share with a new benefit spell within some weeks after an exit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evaluator.errors import PanelError
from evaluator.estimators.exits.cumulative_incidence import cumulative_incidence


@dataclass(frozen=True, slots=True)
class Relapse:
    """The share back on benefit within `weeks` of an exit. NaN where nobody was followed so long."""

    destination: str
    weeks: int
    share: float
    low: float
    high: float
    exits: int


def relapse(spells: Any, observed_until: Any, weeks: Sequence[int] = (26, 52)) -> list[Relapse]:
    """Return relapse after exits to each destination, and to any ("all").

    `spells` (polars) has person_id, start_on, end_on and destination; the last two are null for a spell that goes on.
    `end_on` is the first day off benefit. Exits are followed to the next spell or to the date `observed_until`, where
    they are censored: Kaplan-Meier, so that late exits count for as long as they are seen. Intervals take exits as
    independent, which those of one person are not quite.

    Raises PanelError when spells of a person overlap, or end after `observed_until`.
    """
    import polars as pl

    table = spells.sort("person_id", "start_on").with_columns(next_on=pl.col("start_on").shift(-1).over("person_id"))
    ended = table.filter(pl.col("end_on").is_not_null())
    overlaps = table.select((pl.col("next_on") < pl.col("end_on").fill_null(pl.lit(observed_until))).sum()).item()
    late = ended.select((pl.col("end_on") > observed_until).sum()).item()
    if overlaps or late:
        raise PanelError(
            f"spells: {overlaps:,} of {len(table):,} overlap the person's next one and {late:,} end after the last "
            "date; expected none. Mend the input and run again."
        )
    followed = ended.with_columns(
        away=(pl.coalesce("next_on", pl.lit(observed_until)) - pl.col("end_on")).dt.total_days() / 7,
        is_back=pl.col("next_on").is_not_null() & (pl.col("next_on") <= observed_until),
    ).with_columns(
        away=pl.when("is_back").then("away").otherwise((pl.lit(observed_until) - pl.col("end_on")).dt.total_days() / 7)
    )
    groups = [("all", followed)] + [
        (str(name), part) for (name,), part in followed.group_by("destination", maintain_order=True)
    ]
    return [one for name, part in sorted(groups, key=lambda group: group[0]) for one in _shares(name, part, weeks)]


def _shares(destination: str, exits: Any, weeks: Sequence[int]) -> list[Relapse]:
    away = exits["away"].to_numpy()
    found = cumulative_incidence(away, exits["is_back"].to_numpy(), exits=1)
    made = []
    for limit in weeks:
        share, low, high = (float(each[0]) for each in found.at(limit))
        if not (away >= limit).any() and found.survival[-1] > 0:
            share = low = high = np.nan
        made.append(Relapse(destination, limit, share, low, high, len(away)))
    return made
