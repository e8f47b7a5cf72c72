"""Two planted claims, recovered end to end: `python -m tests.simulation.trial_claims --seed 1 --seed 2`.

A register of the world `trial_claims` goes through extracts, tables and estimates. More activation is planted to bring
weeks of sick pay, counselling to raise the hazard to a job and control that to self-support, in the meeting's own week
and four more (truth.json); no other exit is touched. Registers are kept under `build/simulation`. The table,
`trial_claims.csv`, is committed; rows of the same seed and size are replaced.
"""

from __future__ import annotations

import argparse
import csv
from datetime import date
from pathlib import Path
from typing import Any

from evaluator import pipeline
from evaluator.evaluation import meetings
from evaluator.evaluation.entry_cohorts import open_outcomes
from evaluator.evaluation.sanction_hazards import Spells
from evaluator.project import Project
from evaluator.registers import truth, write_register
from evaluator.registers.municipalities import TRIAL_CLAIMS
from evaluator.results import Findings
from evaluator.spec_reading import read_spec
from evaluator.store import connect
from tests.simulation import coverage

TABLE = Path(__file__).with_suffix(".csv")
STATES = ("job", "education", "self_support", "sick_weeks")
COLUMNS = (
    "seed", "register", "claim", "outcome", "weeks", "truth", "value", "low", "high", "is_inside", "p_value",
    "p_family",
)  # fmt: skip
Row = dict[str, Any]


def made(folder: Path, persons: int, seed: int) -> Project:
    """Return a built project of the world, made where it does not exist."""
    if folder.exists():
        return Project.open(folder)
    project = Project.create(folder)
    write_register(project.extracts, persons=persons, seed=seed, world=TRIAL_CLAIMS)
    project.add_example_specs()
    pipeline.load(project)
    pipeline.build(project)
    return project


def activation(project: Project) -> list[Row]:
    """Return the declared outcomes of more activation beside the truth, with own and adjusted p-values."""
    run_id = pipeline.estimate(project, project.specs / "aktivering.toml")
    with connect(project, read_only=True) as connection:
        found = connection.execute(
            "select outcome, value, low, high, p_value, p_family from results.estimates where run_id = ? "
            "and aggregate = 'overall' and list_contains(?, outcome) order by outcome",
            [run_id, list(STATES)],
        ).fetchall()
    planted = truth.read(project.extracts / "truth.json")
    weights: dict[tuple[date, date], float] = {}
    for cohort, _, month, horizon, grouping, _, count, *_ in planted["specs"]["aktivering"]:
        cell = (date.fromisoformat(cohort), date.fromisoformat(month))
        if horizon == 52 and grouping == truth.ALL and cell[1] >= cell[0]:
            weights[cell] = weights.get(cell, 0) + count
    return [
        _row("activation", name, "52", truth.effect(planted, "aktivering", name, 52, weights), *numbers)
        for name, *numbers in found
    ]


def after_meetings(project: Project) -> list[Row]:
    """Return counselling against control by hazards, and each kind's first meeting by timing of events.

    The first meeting's number from week 5 on holds later meetings, so that it has no planted value.
    """
    spec, findings = read_spec(project.specs / "sanktioner.toml"), Findings()
    with connect(project) as connection:
        open_outcomes(connection, spec, {"wage_final_after_months": project.settings.wage_final_after_months})
        meetings.estimate(connection, Spells.read(connection), spec, findings)
    planted = truth.read(project.extracts / "truth.json")["hazards"]["samtaler"]
    rows = []
    for row in findings.rows["meeting_hazards"]:
        is_contrast = row["than"] == meetings.CONTROL
        is_timed = row["method"] == meetings.TIMING and row["from_weeks"] == 0
        if row["is_estimable"] and (is_contrast or is_timed):
            own, other = (planted.get(f"{kind}_exit_{row['destination']}", 0.0) for kind in (row["kind"], row["than"]))
            true = 0.0 if row["from_weeks"] else own - other
            claim = "counselling_to_control" if is_contrast else f"first_{row['kind']}"
            numbers = [row[key] for key in ("value", "low", "high", "p_value")]
            weeks = "0-4" if row["from_weeks"] == 0 else "5-"
            rows.append(_row(claim, row["destination"], weeks, true, *numbers, row.get("p_family")))
    return rows


def _row(
    claim: str, outcome: str, weeks: str, true: float, value: float, low: float, high: float, p: float, family: Any
) -> Row:
    numbers = {"truth": true, "value": value, "low": low, "high": high, "p_value": p}
    row = {"claim": claim, "outcome": outcome, "weeks": weeks, **{key: f"{one:.4f}" for key, one in numbers.items()}}
    return {**row, "is_inside": str(low <= true <= high).lower(), "p_family": "" if family is None else f"{family:.4f}"}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--register", type=int, default=60_000)
    options.add_argument("--seed", type=int, action="append")
    chosen = options.parse_args()
    kept = list(csv.DictReader(TABLE.read_text(encoding="utf-8").splitlines())) if TABLE.exists() else []
    for seed in chosen.seed or [20170101]:
        sizes = {"seed": str(seed), "register": str(chosen.register)}
        folder = coverage.ROOT / "build" / "simulation" / f"trial-claims-{'-'.join(sizes.values())}"
        project = made(folder, chosen.register, seed)
        rows = [*activation(project), *after_meetings(project)]
        kept = [row for row in kept if {key: row[key] for key in sizes} != sizes] + [{**sizes, **row} for row in rows]
        with TABLE.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(kept)
    print(TABLE.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
