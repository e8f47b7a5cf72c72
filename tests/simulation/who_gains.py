"""How often the intervals of group averages contain the truth: `python -m tests.simulation.who_gains --draws 100`.

The world's treated municipalities stand higher before and after, so a comparison of levels is wrong in every group.
The summary, `tests/simulation/who_gains.csv`, is committed.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from evaluator.backends import backend
from evaluator.estimators.who_gains import WhoGains
from evaluator.inference.group_averages import group_estimates
from evaluator.vocabulary import Estimate
from tests.simulation.who_gains_world import ANTICIPATION, EFFECTS, World, naive

TABLE = Path(__file__).with_suffix(".csv")
FIRST_SEED = 100
Row = dict[str, object]


def draw(seed: int) -> list[Row]:
    """Return truth, estimate, error, interval and naive difference of each group in one draw."""
    people = World().draw(seed)
    found = WhoGains(groups="age_group", anticipation=ANTICIPATION).fit(people)
    rows: list[Row] = []
    for name, number, difference in zip(found.groups, group_estimates(found), naive(people), strict=True):
        if isinstance(number, Estimate):
            numbers = {"value": number.value, "se": number.se, "low": number.low, "high": number.high}
            rows.append({"seed": seed, "group": name, "truth": EFFECTS[name], **numbers, "naive": float(difference)})
    return rows


def summary(rows: Sequence[Row]) -> list[Row]:
    """Return bias, spread, mean error and coverage per group, and the bias of the naive difference."""
    table = pl.DataFrame(rows).with_columns(error=pl.col("value") - pl.col("truth"))
    return [
        {
            "group": name,
            "truth": part["truth"][0],
            "draws": part.height,
            "bias": f"{part['error'].mean():.4f}",
            "simulation_error": f"{part['error'].std() / part.height**0.5:.4f}",
            "sd_of_error": f"{part['error'].std():.4f}",
            "mean_se": f"{part['se'].mean():.4f}",
            "coverage_percent": f"{100 * part['truth'].is_between(part['low'], part['high']).mean():.1f}",
            "naive_bias": f"{(part['naive'] - part['truth']).mean():.4f}",
        }
        for (name,), part in table.sort("group", "seed").group_by("group", maintain_order=True)
    ]


def write(rows: Sequence[Row], file: Path = TABLE) -> None:
    """Write the summary as CSV."""
    with file.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def main() -> None:
    """Run the draws and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=100)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    seeds = range(FIRST_SEED, FIRST_SEED + options.draws)
    write(summary([row for rows in backend(options.workers).map(draw, seeds) for row in rows]))
    print(TABLE.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
