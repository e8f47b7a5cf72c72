"""How often intervals contain the truth: `python -m tests.simulation.coverage --seeds 400`.

Draws are kept in chunks under `build/simulation`, so an interrupted run goes on where it stopped. The summary,
`tests/simulation/coverage.csv`, is committed.
"""

import argparse
import csv
import hashlib
from dataclasses import asdict
from pathlib import Path

import numpy as np
import polars as pl
from scipy.stats import norm

from evaluator.backends import backend
from tests.simulation.worlds import SPEC_FILE, WORLDS

ROOT = Path(__file__).resolve().parents[2]
TABLE = Path(__file__).with_name("coverage.csv")
CHUNK = 20
CODE = ("evaluator/estimators", "evaluator/inference", "evaluator/registers", "tests/simulation")
NORMAL = float(norm.ppf(0.975))


def draws(world: str, seeds: int, workers: int, folder: Path) -> pl.DataFrame:
    """Return the draws of seeds 1..seeds, made or read chunk by chunk."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = []
    for first in range(1, seeds + 1, CHUNK):
        chunk = range(first, min(first + CHUNK, seeds + 1))
        file = folder / f"{world}-{first:05d}-{len(chunk)}.csv"
        if not file.exists():
            rows = [asdict(row) for rows in backend(workers).map(WORLDS[world], chunk) for row in rows]
            part = file.with_suffix(".part")
            pl.DataFrame(rows).write_csv(part)
            part.replace(file)
            print(f"{world}: seeds to {chunk[-1]} of {seeds}", flush=True)
        parts.append(pl.read_csv(file))
    return pl.concat(parts)


def summary(world: str, table: pl.DataFrame) -> list[dict[str, object]]:
    """Return coverage per outcome and kind of interval, and of the band over all outcomes at once."""
    reach = NORMAL * pl.col("uncorrected_se")
    inside = table.with_columns(
        leave_one_cluster_out=pl.col("truth").is_between("low", "high"),
        uncorrected=(pl.col("truth") - pl.col("value")).abs() <= reach,
        band=pl.col("truth").is_between("band_low", "band_high"),
        error=pl.col("value") - pl.col("truth"),
    )
    rows: list[dict[str, object]] = []
    for (outcome,), part in inside.group_by("outcome", maintain_order=True):
        for method, se in (("leave_one_cluster_out", "se"), ("uncorrected", "uncorrected_se")):
            rows.append(_row(world, str(outcome), method, part[method], part["error"], part[se]))
    if inside["outcome"].n_unique() > 1:
        every = inside.group_by("seed").agg(pl.col("band").all())
        rows.append(_row(world, "all end states", "simultaneous_band", every["band"], None, None))
    return rows


def _row(
    world: str, outcome: str, method: str, covered: pl.Series, error: pl.Series | None, se: pl.Series | None
) -> dict[str, object]:
    share, seeds = float(np.mean(covered.to_numpy())), len(covered)
    return {
        "world": world,
        "outcome": outcome,
        "method": method,
        "seeds": seeds,
        "coverage_percent": f"{100 * share:.2f}",
        "simulation_error_percent": f"{100 * np.sqrt(share * (1 - share) / seeds):.2f}",
        "bias": "" if error is None else f"{error.mean():.6f}",
        "sd_of_error": "" if error is None else f"{error.std():.6f}",
        "mean_se": "" if se is None else f"{se.mean():.6f}",
    }


def main() -> None:
    """Run both worlds and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=400)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--world", choices=sorted(WORLDS), action="append")
    options = parser.parse_args()
    rows = []
    for world in options.world or sorted(WORLDS):
        folder = ROOT / "build" / "simulation" / _fingerprint()
        rows += summary(world, draws(world, options.seeds, options.workers, folder))
    with TABLE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    print(TABLE.read_text(encoding="utf-8"))


def _fingerprint() -> str:
    """Return a hash of the code that makes the draws, so that chunks of other code are never reused."""
    digest = hashlib.sha256(SPEC_FILE.read_bytes())
    for folder in CODE:
        for file in sorted((ROOT / folder).glob("*.py")):
            digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


if __name__ == "__main__":
    main()
