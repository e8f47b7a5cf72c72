"""How often intervals contain the truth: `python -m tests.simulation.coverage --seeds 400`.

Draws are kept in chunks under `build/simulation`, so an interrupted run goes on where it stopped. The summary,
`tests/simulation/coverage.csv`, is committed; `main_cells` adds its rows to it.
"""

import argparse
import csv
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from scipy.stats import norm

from evaluator.backends import backend
from tests.simulation.worlds import SPEC_FILE, WORLDS

ROOT = Path(__file__).resolve().parents[2]
TABLE = Path(__file__).with_name("coverage.csv")
COLUMNS = (
    "world", "outcome", "estimator", "method", "draws", "coverage_percent", "size_percent", "simulation_error_percent",
    "bias", "sd_of_error", "mean_se", "verdict",
)  # fmt: skip
CHUNK = 20
CODE = ("evaluator/estimators", "evaluator/inference", "evaluator/registers", "tests/simulation")
NORMAL = float(norm.ppf(0.975))
Row = Mapping[str, Any]


def draws(
    name: str, draw: Callable[[int], Sequence[Row]], seeds: int, workers: int, folder: Path, chunk: int = CHUNK
) -> pl.DataFrame:
    """Return the rows of seeds 1..seeds, made or read chunk by chunk."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = []
    for first in range(1, seeds + 1, chunk):
        numbers = range(first, min(first + chunk, seeds + 1))
        file = folder / f"{name}-{first:05d}-{len(numbers)}.csv"
        if not file.exists():
            rows = [row for rows in backend(workers).map(draw, numbers) for row in rows]
            part = file.with_suffix(".part")
            pl.DataFrame(rows, infer_schema_length=None).write_csv(part)
            part.replace(file)
            print(f"{name}: seeds to {numbers[-1]} of {seeds}", flush=True)
        parts.append(pl.read_csv(file, infer_schema_length=None))
    return pl.concat(parts, how="vertical_relaxed")


def summary(world: str, table: pl.DataFrame) -> list[Row]:
    """Return coverage per outcome and kind of interval, and of the band over all outcomes at once."""
    reach = NORMAL * pl.col("uncorrected_se")
    inside = table.with_columns(
        leave_one_cluster_out=pl.col("truth").is_between("low", "high"),
        influence_normal=(pl.col("truth") - pl.col("value")).abs() <= reach,
        band=pl.col("truth").is_between("band_low", "band_high"),
        error=pl.col("value") - pl.col("truth"),
    )
    rows = []
    for (outcome,), part in inside.group_by("outcome", maintain_order=True):
        for method, se in (("leave_one_cluster_out", "se"), ("influence_normal", "uncorrected_se")):
            named = {"world": world, "outcome": outcome, "estimator": "group_time", "method": method}
            rows.append({**named, **share_of(part[method]), **spread_of(part["error"], part[se])})
    if inside["outcome"].n_unique() > 1:
        every = inside.group_by("seed").agg(pl.col("band").all())
        named = {"outcome": "all end states", "estimator": "group_time", "method": "simultaneous_band"}
        rows.append({"world": world, **named, **share_of(every["band"])})
    return rows


def share_of(covered: pl.Series) -> Row:
    """Return draws, coverage in percent and its simulation error."""
    share, number = float(np.mean(covered.to_numpy())), len(covered)
    return {
        "draws": number,
        "coverage_percent": f"{100 * share:.2f}",
        "simulation_error_percent": f"{100 * np.sqrt(share * (1 - share) / number):.2f}",
    }


def spread_of(error: pl.Series, se: pl.Series) -> Row:
    """Return bias, standard deviation of the estimates around the truth, and the mean standard error."""
    known = se.drop_nans()  # randomisation has none
    mean_se = f"{known.mean():.6f}" if len(known) else ""
    return {"bias": f"{error.mean():.6f}", "sd_of_error": f"{error.std():.6f}", "mean_se": mean_se}


def store(rows: Iterable[Row], table: Path = TABLE) -> None:
    """Write rows into the table; they replace those of the same worlds, the others stay."""
    found = {}
    kept = list(csv.DictReader(table.read_text(encoding="utf-8").splitlines())) if table.exists() else []
    rows = [{column: str(row.get(column, "")) for column in COLUMNS} for row in rows]
    made = {row["world"] for row in rows}
    for row in (*(row for row in kept if row["world"] not in made), *rows):
        found[row["world"], row["outcome"], row["estimator"], row["method"]] = row
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(found[key] for key in sorted(found))


def fingerprint(code: Sequence[str] = CODE) -> str:
    """Return a hash of the code that makes the draws, so that chunks of other code are never reused."""
    digest = hashlib.sha256(SPEC_FILE.read_bytes())
    for name in code:
        path = ROOT / name
        for file in [path] if path.is_file() else sorted(path.rglob("*.py")):
            digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def register_rows(world: str, seed: int) -> list[Row]:
    """Return the rows of one draw of a world of `tests.simulation.worlds`."""
    return [asdict(row) for row in WORLDS[world](seed)]


def replace_rows(found: Iterable[Row], table: Path, columns: Sequence[str], same: Sequence[str], order: Any) -> None:
    """Write rows into a table; they replace those that are alike in the columns `same`, the others stay, in `order`."""
    kept = list(csv.DictReader(table.read_text(encoding="utf-8").splitlines())) if table.exists() else []
    made = [{column: str(row[column]) for column in columns} for row in found]
    again = {tuple(row[name] for name in same) for row in made}
    every = [row for row in kept if tuple(row[name] for name in same) not in again] + made
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(sorted(every, key=order))


def main() -> None:
    """Run both worlds and write their rows."""
    from functools import partial

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=400)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--world", choices=sorted(WORLDS), action="append")
    options = parser.parse_args()
    folder = ROOT / "build" / "simulation" / fingerprint()
    for world in options.world or sorted(WORLDS):
        draw = partial(register_rows, world)
        store(summary(world, draws(world, draw, options.seeds, options.workers, folder)))
    print(TABLE.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
