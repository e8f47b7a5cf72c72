"""Time of the duration model: `python -m benchmarks.timing_of_events --data durdata.csv`.

R durmod's own simulated data (5,000 persons, 11,011 rows) to four mass points, against the 42.6 s that durmod 1.1-4
took on two cores of the same kind; and simulated persons in weekly rows, interval-censored, with one mass point, whose
time should grow as their number. Each is a process of its own, on one core: where others share the cores (`load`) the
processor's seconds are what it would take alone, and `times_as_fast` is by them. The table,
`benchmarks/timing_of_events.csv`, is committed.
"""

from __future__ import annotations

import argparse
import csv
import multiprocessing
import os
import platform
import resource
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import polars as pl

from evaluator.estimators.mixed_hazards.frame import Columns
from evaluator.estimators.mixed_hazards.mass_points import Search
from evaluator.estimators.timing_of_events import Setting, TimingOfEvents, timing_of_events

TABLE = Path(__file__).with_suffix(".csv")
PEER_SECONDS = 42.6
SIZES = (25_000, 100_000)
Row = dict[str, Any]


def durdata(path: Path) -> Row:
    """Return time and log-likelihood with four mass points on durmod's data."""
    frame = pl.read_csv(path)
    risk_sets = {"unemp": ("job", "program"), "onprogram": ("job",)}
    asked = {"exits": ("job",), "treatments": {"program": ("alpha",)}, "covariates": ("x1", "x2")}
    columns = Columns("id", "duration", "d", state="state")
    return timed("durdata", frame, asked, columns, Setting(risk_sets=risk_sets, search=Search(points=4, starts=6)))


def weekly(persons: int) -> Row:
    """Return time and memory on simulated persons in weekly rows."""
    from tests.simulation import timing_of_events_worlds as world

    draw = world.draw("plain", persons, 1)
    weeks = pl.int_ranges(0, pl.col("duration").ceil().cast(pl.Int64))
    last = pl.col("week") == pl.col("duration").ceil() - 1
    frame = (
        draw.with_columns(week=weeks)
        .explode("week")
        .with_columns(duration=pl.lit(1.0), transition=pl.when(last).then("transition").otherwise(pl.lit("none")))
    )
    risk_sets = {"free": (*world.EXITS, world.TREATMENT), "treated": world.EXITS}
    treatments = {world.TREATMENT: world.PIECES}
    asked = {"exits": world.EXITS, "treatments": treatments, "covariates": ("x1", "x2")}
    setting = Setting("interval", (), risk_sets, search=Search(points=1))
    return timed("weekly rows", frame, asked, Columns(state="state"), setting)


def timed(name: str, frame: Any, asked: dict[str, Any], columns: Columns, setting: Setting) -> Row:
    """Return a row of the table."""
    begun, worked = time.perf_counter(), time.process_time()
    fit = timing_of_events(frame, columns=columns, setting=setting, **asked)
    seconds, processor = time.perf_counter() - begun, time.process_time() - worked
    assert isinstance(fit, TimingOfEvents), fit
    is_peers = name == "durdata"
    return {
        **{"data": name, "persons": fit.path[-1].persons, "rows": len(frame), "mass_points": len(fit.path)},
        **{"log_likelihood": round(fit.path[-1].log_likelihood, 5), "seconds": round(seconds, 2)},
        **{"processor_seconds": round(processor, 2), "peer_seconds": PEER_SECONDS if is_peers else ""},
        "times_as_fast": round(PEER_SECONDS / processor, 1) if is_peers else "",
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        **{"load": round(os.getloadavg()[0], 1), "cores": os.cpu_count(), "python": platform.python_version()},
    }


def main() -> None:
    """Measure all and write the table."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--data", type=Path, required=True, help="durdata of R durmod as CSV")
    options.add_argument("--table", type=Path, default=TABLE)
    chosen = options.parse_args()
    rows = []
    for task, size in ((durdata, chosen.data), *((weekly, persons) for persons in SIZES)):
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as alone:
            rows.append(alone.submit(task, size).result())
            print(rows[-1], flush=True)
    with chosen.table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
