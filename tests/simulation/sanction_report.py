"""Planted sanction effects, recovered by the report end to end: `python -m tests.simulation.sanction_report`.

A synthetic register goes through extracts, tables, estimate, release and report. By construction a sanction multiplies
the hazard to self-support without a job (truth.json) and touches no other exit. Draws are kept under
`build/simulation`; an interrupted run goes on. The table, `sanction_report.csv`, is committed.
"""

from __future__ import annotations

import argparse
import csv
import re
from pathlib import Path
from typing import Any

from evaluator import pipeline
from evaluator.project import Project
from evaluator.registers import truth, write_register
from evaluator.store import connect
from reports import write_report
from tests.simulation import coverage

TABLE = Path(__file__).with_suffix(".csv")
SPEC = "sanktioner"
DESTINATIONS = ("job", "education", "other_benefit", "self_support")
COLUMNS = (
    "seed", "register", "persons", "destination", "weeks", "truth", "value", "low", "high", "is_inside",
    "without_heterogeneity", "naive", "naive_error",
)  # fmt: skip
Row = dict[str, Any]


def answered(project: Project, *, persons: int, seed: int, sample: int, mass_points: int) -> Path:
    """Run the example spec on a register of `persons`, following `sample` of them; return the report's path."""
    write_register(project.extracts, persons=persons, seed=seed)
    project.add_example_specs()
    spec = project.specs / f"{SPEC}.toml"
    text = spec.read_text(encoding="utf-8")
    for key, value in (("persons", sample), ("mass_points", mass_points)):
        text = re.sub(rf"(?m)^({key} *=) \d+", rf"\1 {value}", text)
    spec.write_text(text, encoding="utf-8")
    pipeline.load(project)
    pipeline.build(project)
    run_id = pipeline.estimate(project, spec)
    pipeline.release(project, run_id)
    return pipeline.report(project, run_id, write_report)


def effects(project: Project) -> dict[tuple[str, str, int], Row]:
    """Return the stored effects of everybody by method, destination and first week."""
    with connect(project, read_only=True) as connection:
        cursor = connection.execute("select * from results.sanction_effects where subset = 'all' and is_estimable")
        names = [column[0] for column in cursor.description]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return {(row["method"], row["destination"], row["from_weeks"]): row for row in rows}


def planted(project: Project, destination: str) -> float:
    """Return the true log hazard ratio in the weeks that the sanction is felt; exits not named are untouched."""
    hazards = truth.read(project.extracts / "truth.json")["hazards"]["sanktioner"]
    return float(hazards.get(f"exit_{destination}", 0.0))


def rows(project: Project) -> list[Row]:
    """Return a row per exit for the headline, and for self-support in the first weeks: estimate beside the truth."""
    found, made = effects(project), []
    places = [(name, 5) for name in DESTINATIONS] + [("self_support", 0)]
    for destination, week in places:
        one = found[("timing_of_events", destination, week)]
        plain, naive = found[("without_heterogeneity", destination, week)], found[("naive", destination, 0)]
        true = planted(project, destination)
        numbers = {"truth": true, "value": one["value"], "low": one["low"], "high": one["high"]}
        numbers |= {"without_heterogeneity": plain["value"], "naive": naive["value"]}
        numbers |= {"naive_error": naive["value"] - true}
        row = {"destination": destination, "weeks": f"{week}-{one['to_weeks']}"}
        row |= {name: f"{number:.3f}" for name, number in numbers.items()}
        made.append({**row, "is_inside": str(one["low"] <= true <= one["high"]).lower()})
    return made


def main() -> None:
    """Run the seeds that are asked for and write the table; rows of the same seed and sizes are replaced."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--register", type=int, default=60_000)
    options.add_argument("--persons", type=int, default=12_000)
    options.add_argument("--mass-points", type=int, default=2)
    options.add_argument("--seed", type=int, action="append")
    chosen = options.parse_args()
    kept = list(csv.DictReader(TABLE.read_text(encoding="utf-8").splitlines())) if TABLE.exists() else []
    for seed in chosen.seed or [20170101]:
        sizes = {"seed": str(seed), "register": str(chosen.register), "persons": str(chosen.persons)}
        folder = coverage.ROOT / "build" / "simulation" / f"sanctions-{'-'.join(sizes.values())}"
        project = Project.open(folder) if folder.exists() else Project.create(folder, example=True)
        answered(project, persons=chosen.register, seed=seed, sample=chosen.persons, mass_points=chosen.mass_points)
        kept = [row for row in kept if {key: row[key] for key in sizes} != sizes]
        kept += [{**sizes, **row} for row in rows(project)]
    with TABLE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(kept)
    print(TABLE.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
