"""A delivery 20 times as large as the memory limit: `python -m benchmarks.large_input [--limit-megabytes 300]`.

Wages by person and month (`beskaeftigelse`), in a project whose evaluator.toml allows the store so much memory; the
load is a process of its own that says how much was resident at most. The table, `benchmarks/large_input.csv`, is
committed, a row for each limit. The run fails when a load takes more than twice its limit or loses a row. The program
takes about 270 MB beside what the store may use, so under smaller limits than that it must fail. POSIX only; file and
store need about 26 times the limit on the disk.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

TABLE = Path(__file__).with_name("large_input.csv")
TIMES = 20  # so many times the limit is the input
MOST_TIMES = 2  # so many times the limit may be resident
LIMIT = 300
SEED = 20_170_101
PERSONS, MONTHS = 5_000, 96  # of a part, and from January 2012 on
MEGABYTE = 1_000_000
PART = "part"  # stands for the number of the part in each pseudonym
HEADER = b"pnr_pseudo;maaned;timer;loen;branche\n"


def write_file(path: Path, size: int) -> int:
    """Write a delivery of at least `size` bytes, part by part of people with the same wages; return its rows."""
    random = np.random.default_rng(SEED)
    months = [f"{2012 + month // 12}-{month % 12 + 1:02d}" for month in range(MONTHS)]
    hours, wages = random.integers(1, 161, (PERSONS, MONTHS)), random.integers(100, 40_000, (PERSONS, MONTHS))
    part = "".join(
        f"{PART}{person:05d};{month};{hours[person, at]},5;{wages[person, at]},00;561010\n"
        for person in range(PERSONS)
        for at, month in enumerate(months)
    ).encode()
    written = 0
    with path.open("wb") as file:
        file.write(HEADER)
        while file.tell() < size:
            file.write(part.replace(PART.encode(), f"P{written:05d}".encode()))
            written += 1
    return written * PERSONS * MONTHS


def load_one(root: str) -> None:
    """Load the project in `root`; print rows, seconds and the highest resident memory as JSON."""
    from evaluator.extracts.load import load
    from evaluator.project import Project

    started = time.perf_counter()
    [delivery] = load(Project.open(root))
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(
        json.dumps(
            {
                "rows": delivery.rows,
                "seconds": round(time.perf_counter() - started, 1),
                "cpu_seconds": round(used.ru_utime + used.ru_stime, 1),
                "peak_megabytes": round(used.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / MEGABYTE),
            }
        )
    )


def measure(limit: int, folder: Path) -> dict[str, Any]:
    """Return the row of one limit in megabytes; the file and the store are made inside `folder` and removed."""
    from evaluator.project import SETTINGS_TEXT, Project

    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        project = Project.create(Path(scratch) / "project")
        settings = SETTINGS_TEXT.replace('"1GB"', f'"{limit}MB"')
        (project.root / "evaluator.toml").write_text(settings, encoding="utf-8")
        path = project.extracts / "beskaeftigelse.csv"
        written = write_file(path, TIMES * limit * MEGABYTE)
        command = [sys.executable, "-m", "benchmarks.large_input", "--one", str(project.root)]
        found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        row = {"limit_megabytes": limit, "input_megabytes": path.stat().st_size // MEGABYTE, "written_rows": written}
        row |= found | {"store_megabytes": project.database.stat().st_size // MEGABYTE}
    peak = round(row["peak_megabytes"] / limit, 2)
    return row | {"peak_to_limit": peak, "python": platform.python_version(), "cores": os.cpu_count()}


def faults(row: dict[str, Any]) -> list[str]:
    """Return what is not as asked of one row."""
    wrong = []
    if row["rows"] != row["written_rows"]:
        wrong.append(f"{row['rows']} rows of {row['written_rows']} are loaded")
    if row["peak_to_limit"] > MOST_TIMES:
        wrong.append(f"{row['peak_megabytes']} MB are resident under a limit of {row['limit_megabytes']} MB")
    return wrong


def write_table(row: dict[str, Any], target: Path) -> None:
    """Put the row of a limit into the table, in place of an earlier one."""
    others = []
    if target.exists():
        with target.open(encoding="utf-8", newline="") as file:
            others = [old for old in csv.DictReader(file) if old["limit_megabytes"] != str(row["limit_megabytes"])]
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(row), lineterminator="\n")
        writer.writeheader()
        writer.writerows(sorted([*others, row], key=lambda one: int(one["limit_megabytes"])))


def main() -> None:
    """Measure one limit and write its row; fail when it is not as asked."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--limit-megabytes", type=int, default=LIMIT)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()), help="where the file is made")
    parser.add_argument("--one", metavar="PROJECT", help="only load this project, in this process")
    options = parser.parse_args()
    if options.one:
        load_one(options.one)
        return
    row = measure(options.limit_megabytes, options.folder)
    print(row, flush=True)
    write_table(row, TABLE)
    sys.exit("\n".join(faults(row)) or None)


if __name__ == "__main__":
    main()
