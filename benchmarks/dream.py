"""A wide DREAM file to spells, ours, pandas and polars: `python -m benchmarks.dream`.

520 weeks from the beginning of 2010. `ours` is the whole load: fingerprint, CPR guard, ledger and rejects in a store of
its own, then the model of spells with their municipalities. The peers read the same file as text, turn it long, and
number the runs; they have no guard, no store and no municipality. What does as little of ours is `ours, file to
spells`: the load's own reader and runs, nothing else. Each is a process of its own and answers once; at 100,000 persons
ours and polars take turns, three times each, and the best counts (pandas, far slower, once). The table,
`benchmarks/dream.csv`, says seconds, processor seconds, peak memory and the ratios to both of ours. The run fails when
the spells differ, when the whole load is less than 8 times as fast as pandas, when file to spells is less than 5 times
as fast as polars (the whole load's ratio to polars depends on what else the machine does, and is only shown), when ours
takes more than 500 MB at 100,000 persons or 1 GB at a million, or when a person takes over half as much processor time
again there as at 100,000.
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
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

TABLE = Path(__file__).with_name("dream.csv")
FOLDER = Path("build/benchmarks")
WEEKS, FIRST_YEAR, YEARS = 520, 2010, 10
SEED = 20_170_101
BLOCK = 10_000
CODES = np.array([111, 130, 730, 720, 143, 890, 651, 771, 783, 810], np.int16)
LEAVES, TO_BLANK = 1 / 26, 0.5  # a week's chance of another state, and of that one being no benefit
COMPARED, LARGE = 100_000, 1_000_000
LIKE_FOR_LIKE = "ours, file to spells"
TIMES = {"pandas": ("to_ours", 8), "polars": ("to_file_to_spells", 5)}
TURNS = 3
MOST_MEGABYTES = {COMPARED: 500, LARGE: 1000}
MOST_GROWTH = 1.5  # processor seconds per person at a million to those at 100,000
MEMORY = "200MB"  # what the store may use beside the program


def write_file(persons: int) -> Path:
    """Return a wide file of so many invented persons, made once."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    path = FOLDER / f"dream_{persons}.csv"
    if path.exists():
        return path
    FOLDER.mkdir(parents=True, exist_ok=True)
    random, part = np.random.default_rng(SEED), path.with_suffix(".part")
    options = arrow_csv.WriteOptions(quoting_style="none")
    with part.open("wb") as file:
        for first in range(0, persons, BLOCK):
            size = min(BLOCK, persons - first)
            codes = _codes(random, size)
            columns: dict[str, Any] = {"lobenr": [f"P{number:07d}" for number in range(first, first + size)]}
            home = np.where(random.random(size) < 0.5, 615, 740).astype(np.int16)
            columns |= {f"nykom{FIRST_YEAR + year}": home for year in range(YEARS)}
            columns |= {name: pa.array(codes[:, n], mask=codes[:, n] == 0) for n, name in enumerate(_names())}
            options.include_header = first == 0
            arrow_csv.write_csv(pa.table(columns), file, options)
    return part.rename(path)


def _codes(random: np.random.Generator, size: int) -> np.ndarray:
    """Return codes (persons, weeks), 0 without benefit."""
    codes = np.zeros((size, WEEKS), np.int16)
    for week in range(1, WEEKS):
        moves = random.random(size) < LEAVES
        new = np.where(random.random(size) < TO_BLANK, 0, CODES[random.integers(len(CODES), size=size)])
        codes[:, week] = np.where(moves, new, codes[:, week - 1])
    return codes


def _names() -> list[str]:
    import datetime as dt

    days = (dt.date(FIRST_YEAR, 1, 4) + dt.timedelta(weeks=week) for week in range(WEEKS))
    return [f"y_{year % 100:02d}{week:02d}" for year, week, _ in (day.isocalendar() for day in days)]


def ours(path: Path) -> int:
    from evaluator.extracts.load import load
    from evaluator.models import build_models, read_models
    from evaluator.project import SETTINGS_TEXT, Project
    from evaluator.store import connect

    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        root = Project.create(Path(folder) / "project").root
        (root / "evaluator.toml").write_text(SETTINGS_TEXT.replace("1GB", MEMORY), encoding="utf-8")
        project = Project.open(root)
        load(project, [path])
        with connect(project) as connection:
            spells = [model for model in read_models() if model.name == "stg_dream_spells"]
            return build_models(connection, spells, {})[0].rows


def file_to_spells(path: Path) -> int:
    from evaluator.extracts.load import in_step, parsed
    from evaluator.extracts.matching import recognise
    from evaluator.extracts.reading import Source, blocks, header

    source = Source(path, "", path.stat().st_size, "utf-8", 0, ",", may_hold_cpr=False)
    names = header(source)
    match = recognise(path.name, names, {})
    tables = [rows for rows, _ in in_step(lambda block: parsed(source, block, match, len(names)), blocks(source))]
    return sum(len(chunk.values) for rows in tables for chunk in rows.column("ydelser").chunks)


def pandas(path: Path) -> int:
    import pandas as pd

    wide = pd.read_csv(path, dtype=str, usecols=["lobenr", *_names()])
    weeks = {name: number for number, name in enumerate(_names())}
    long = wide.melt(id_vars="lobenr", var_name="week", value_name="code").dropna(subset=["code"])
    del wide
    long["week"] = long["week"].map(weeks)
    long = long.sort_values(["lobenr", "week"])
    before = long.shift()
    same = (
        (long["lobenr"] == before["lobenr"]) & (long["code"] == before["code"]) & (long["week"] == before["week"] + 1)
    )
    run = (~same).cumsum()
    spells = long.groupby(run).agg(
        lobenr=("lobenr", "first"), code=("code", "first"), first=("week", "min"), last=("week", "max")
    )
    return len(spells)


def polars(path: Path) -> int:
    import polars as pl

    weeks = pl.DataFrame({"name": _names(), "week": range(WEEKS)})
    spells = (
        pl.scan_csv(path, infer_schema=False)
        .select("lobenr", *_names())
        .unpivot(index="lobenr", variable_name="name", value_name="code")
        .drop_nulls("code")
        .join(weeks.lazy(), on="name")
        .sort("lobenr", "week")
        .with_columns(
            run=(
                (pl.col("lobenr") != pl.col("lobenr").shift())
                | (pl.col("code") != pl.col("code").shift())
                | (pl.col("week") != pl.col("week").shift() + 1)
            )
            .fill_null(True)
            .cum_sum()
        )
        .group_by("run")
        .agg(pl.first("lobenr"), pl.first("code"), pl.min("week").alias("first"), pl.max("week").alias("last"))
    )
    return spells.collect().height


PROGRAMS: dict[str, Callable[[Path], int]] = {
    "ours": ours,
    LIKE_FOR_LIKE: file_to_spells,
    "pandas": pandas,
    "polars": polars,
}


def answer(program: str, persons: int) -> None:
    """Print what one program needs for one file, as JSON."""
    path = write_file(persons)
    started = time.perf_counter()
    spells = PROGRAMS[program](path)
    seconds = time.perf_counter() - started
    used = resource.getrusage(resource.RUSAGE_SELF)
    found = {"spells": spells, "seconds": round(seconds, 2), "cpu_seconds": round(used.ru_utime + used.ru_stime, 2)}
    print(json.dumps(found | {"megabytes": round(used.ru_maxrss / 1024)}))


def main() -> None:
    """Measure every program and write the table; fail when ours is not as asked."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--one", nargs=2, metavar=("PROGRAM", "PERSONS"), help="only this, in this process")
    options = parser.parse_args()
    if options.one:
        answer(options.one[0], int(options.one[1]))
        return
    taken = [(program, COMPARED) for program in ("ours", LIKE_FOR_LIKE, "polars")] * TURNS
    found: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for program, persons in [("ours", 50_000), *taken, ("pandas", COMPARED), ("ours", LARGE)]:
        write_file(persons)
        command = [sys.executable, "-m", "benchmarks.dream", "--one", program, str(persons)]
        answered = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        found.setdefault((program, persons), []).append(answered)
        print(program, persons, answered, flush=True)
    rows = [row(program, persons, runs) for (program, persons), runs in found.items()]
    sys.exit("\n".join(written(rows, TABLE)) or None)


def row(program: str, persons: int, runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the best of a program's turns, with the most memory of any."""
    version = metadata.version(program if program in metadata.packages_distributions() else "caseload-evaluator")
    best = {key: min(run[key] for run in runs) for key in ("seconds", "cpu_seconds")}
    most = {key: max(run[key] for run in runs) for key in ("spells", "megabytes")}
    asked = {"program": program, "version": version, "persons": persons, "weeks": WEEKS, "turns": len(runs)}
    return asked | {"spells": most["spells"], **best, "megabytes": most["megabytes"]}


def written(rows: list[dict[str, Any]], target: Path) -> list[str]:
    """Write the table to `target`; return what is not as asked."""
    compared = {row["program"]: row for row in rows if row["persons"] == COMPARED}
    base, alike = compared["ours"], compared[LIKE_FOR_LIKE]
    for row in rows:
        is_compared = row["persons"] == COMPARED
        row["to_ours"] = round(row["seconds"] / base["seconds"], 2) if is_compared else ""
        row["cpu_to_ours"] = round(row["cpu_seconds"] / base["cpu_seconds"], 2) if is_compared else ""
        row["to_file_to_spells"] = round(row["seconds"] / alike["seconds"], 2) if is_compared else ""
        row["cpu_microseconds_per_person"] = round(row["cpu_seconds"] / row["persons"] * 1e6, 1)
        row |= {"python": platform.python_version(), "cores": os.cpu_count()}
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    wrong = []
    for row in rows:
        is_ours = row["program"] in ("ours", LIKE_FOR_LIKE)
        if row["persons"] == COMPARED and row["spells"] != base["spells"]:
            wrong.append(f"{row['program']} finds {row['spells']} spells, ours {base['spells']}")
        ratio, least = TIMES.get(row["program"], ("persons", 0))
        if row[ratio] < least:
            of = LIKE_FOR_LIKE if ratio == "to_file_to_spells" else "ours"
            wrong.append(f"{of} is only {row[ratio]} times as fast as {row['program']}")
        if is_ours and row["megabytes"] > MOST_MEGABYTES.get(row["persons"], np.inf):
            wrong.append(f"ours takes {row['megabytes']} MB for {row['persons']} persons")
        if is_ours and row["cpu_microseconds_per_person"] > MOST_GROWTH * base["cpu_microseconds_per_person"]:
            wrong.append(
                f"a person takes {row['cpu_microseconds_per_person']} microseconds of processor among {row['persons']}"
            )
    return wrong


if __name__ == "__main__":
    main()
