"""Time and memory of each step of the demonstration: `python -m benchmarks.demo_steps`.

Each size runs in a process of its own, from synthetic extracts to the demonstration's three reports, in a folder that
is removed. The table, `benchmarks/demo_steps.csv`, is committed. `growth` is CPU time over that of the first size: four
times the persons should take about four times as long, or less. Memory is the highest so far in that process.
"""

from __future__ import annotations

import argparse
import csv
import multiprocessing
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from importlib import metadata
from pathlib import Path

from evaluator.cli import DEMO_SEED, DEMO_SPECS

TABLE = Path(__file__).with_name("demo_steps.csv")
SIZES = (15_000, 60_000)
PACKAGES = ("duckdb", "polars", "numpy", "great-expectations", "econml", "altair")
Row = dict[str, object]


def measure(persons: int) -> list[Row]:
    """Run the demonstration at one size; return a row for each step."""
    with tempfile.TemporaryDirectory() as folder:
        return [_timed(persons, name, step) for name, step in _steps(persons, Path(folder) / "demo")]


def _steps(persons: int, folder: Path) -> Iterator[tuple[str, Callable[[], object]]]:
    from evaluator import pipeline
    from evaluator.project import Project
    from evaluator.registers import write_register
    from expectations.run import check
    from reports import write_report

    project = Project.create(folder, example=True)
    runs: list[str] = []

    def estimate() -> None:
        runs.extend(pipeline.estimate(project, project.specs / f"{name}.toml") for name in DEMO_SPECS)

    def report() -> None:
        for run_id in runs:
            pipeline.release(project, run_id)
            pipeline.report(project, run_id, write_report)

    yield "synth", lambda: write_register(project.extracts, persons=persons, seed=DEMO_SEED)
    yield "load", lambda: pipeline.load(project)
    yield "build", lambda: pipeline.build(project)
    yield "check", lambda: pipeline.check(project, check)
    yield "estimate", estimate
    yield "report", report


def _timed(persons: int, name: str, step: Callable[[], object]) -> Row:
    wall, cpu = time.perf_counter(), time.process_time()
    step()
    spent = (time.perf_counter() - wall, time.process_time() - cpu)
    print(f"{persons:>7,} {name:<9}{spent[0]:7.1f} s, {spent[1]:6.1f} s CPU", file=sys.stderr, flush=True)
    return {
        "persons": persons,
        "step": name,
        "seconds": round(spent[0], 1),
        "cpu_seconds": round(spent[1], 1),
        "peak_megabytes": _peak_megabytes(),
    }


def _peak_megabytes() -> int | str:
    """Return the highest resident memory of this process so far; empty on Windows, which does not tell."""
    if sys.platform == "win32":
        return ""
    import resource

    unit = 1024**2 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // unit


def with_growth(rows: list[Row]) -> list[Row]:
    """Return the rows with a total for each size, growth against the first size, and the versions that were run."""
    sizes = list(dict.fromkeys(row["persons"] for row in rows))
    whole = [_total([row for row in rows if row["persons"] == persons]) for persons in sizes]
    every = [row for total in whole for row in (*(r for r in rows if r["persons"] == total["persons"]), total)]
    first = {row["step"]: float(str(row["cpu_seconds"])) for row in every if row["persons"] == sizes[0]}
    versions = {"python": platform.python_version(), **{package: metadata.version(package) for package in PACKAGES}}
    return [
        {**row, "growth": round(float(str(row["cpu_seconds"])) / max(first[row["step"]], 0.1), 1), **versions}
        for row in every
    ]


def _total(rows: list[Row]) -> Row:
    sums = {key: round(sum(float(str(row[key])) for row in rows), 1) for key in ("seconds", "cpu_seconds")}
    return {"persons": rows[0]["persons"], "step": "all", **sums, "peak_megabytes": rows[-1]["peak_megabytes"]}


def main() -> None:
    """Measure every size and write the table."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--sizes", type=int, nargs="+", default=SIZES, metavar="PERSONS")
    options.add_argument("--table", type=Path, default=TABLE)
    chosen = options.parse_args()
    rows: list[Row] = []
    for persons in chosen.sizes:
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
            rows += process.submit(measure, persons).result()
    table = with_growth(rows)
    with chosen.table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(table[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)
    for row in table:
        print(
            f"{row['persons']:>7} {row['step']:<9}{row['seconds']:>7} s  {row['peak_megabytes']} MB  x {row['growth']}"
        )
    print(chosen.table.name)


if __name__ == "__main__":
    main()
