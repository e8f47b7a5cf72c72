"""Synthetic difference-in-differences with all placebos, ours and diff-diff's: `python -m benchmarks.sdid`.

98 municipalities over 96 months, one treated, and each of the 97 others in its place. diff-diff is asked in two ways:
for 97 random placebos within one fit, the least work it has for as many placebos though not all different; and for one
fit per municipality, which are the placebos that ours gives. Each is a process of its own, the programs take turns and
the table, `benchmarks/sdid.csv`, has medians. Cold is from the start of the process to the first answer, warm is a
second answer in the same process. The run fails when ours is not five times as fast, warm, as the faster way.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

TABLE = Path(__file__).with_name("sdid.csv")
FOLDER = Path("build/benchmarks")
UNITS, PERIODS, START = 98, 96, 72
SEED = 20_170_101
REPEATS = 3
PATIENCE = 20.0  # seconds of a cold run above which a program is run once and not asked for a warm answer
ASKED = 5.0  # how many times as fast ours has to be
SAME = 2e-3  # largest difference of an effect in log points: the peer stops short of its optimum
Answer = tuple[float, list[float]]  # the effect and, where they are told apart, each donor's in its place


def outcome() -> Any:
    """Return log recipients (98, 96): levels, common shocks and AR(1) 0.8 by municipality; the first is treated."""
    random = np.random.default_rng(SEED)
    shock = np.zeros((UNITS, PERIODS))
    for period in range(1, PERIODS):
        shock[:, period] = 0.8 * shock[:, period - 1] + 0.04 * random.standard_normal(UNITS)
    return 6 + random.standard_normal((UNITS, 1)) + 0.02 * np.cumsum(random.standard_normal(PERIODS)) + shock


def ours() -> Callable[[], Answer]:
    from evaluator.estimators.synthetic_did import SyntheticDid
    from evaluator.vocabulary import NEVER, Panel

    panel = Panel(
        periods=tuple(range(PERIODS)),
        outcome=outcome(),
        observed=np.ones((UNITS, PERIODS), dtype=np.bool_),
        cohort=np.where(np.arange(UNITS) == 0, START, NEVER),
        exposure=None,
        covariates=np.empty((UNITS, 0)),
        cluster=np.arange(UNITS),
        weight=np.ones(UNITS),
        unit="log",
    )

    def answer() -> Answer:
        effect = SyntheticDid().paths(panel).effect
        return float(effect[0]), effect[1:].tolist()

    return answer


def _peer(**choices: Any) -> tuple[Any, Callable[[Any], float]]:
    """Return the long frame and a function that fits one frame."""
    import pandas as pd
    from diff_diff import SyntheticDiD

    frame = pd.DataFrame(
        {
            "unit": np.repeat(np.arange(UNITS), PERIODS),
            "period": np.tile(np.arange(PERIODS), UNITS),
            "y": outcome().ravel(),
        }
    )
    frame["treated"] = (frame["unit"] == 0).astype(int)
    after = list(range(START, PERIODS))

    def fitted(data: Any) -> float:
        found = SyntheticDiD(**choices).fit(data, "y", "treated", "unit", "period", post_periods=after)
        return float(found.att)

    return frame, fitted


def peer_random() -> Callable[[], Answer]:
    frame, fitted = _peer(variance_method="placebo", n_bootstrap=UNITS - 1, seed=SEED)
    return lambda: (fitted(frame), [])


def peer_each() -> Callable[[], Answer]:
    frame, fitted = _peer(variance_method="jackknife")  # undefined with one treated unit, so nothing is done for it
    donors = frame[frame["unit"] > 0]

    def answer() -> Answer:
        each = [fitted(donors.assign(treated=(donors["unit"] == donor).astype(int))) for donor in range(1, UNITS)]
        return fitted(frame), each

    return answer


PROGRAMS = {
    "ours": (".venv", "caseload-evaluator", ours),
    "diff-diff, 97 random placebos": ("build/peers", "diff-diff", peer_random),
    "diff-diff, a fit for each": ("build/peers", "diff-diff", peer_each),
}


def answered(program: str, target: Path, started: float) -> None:
    """Run a program in this process and write times, version and answer."""
    warnings.filterwarnings("ignore")
    _, package, prepare = PROGRAMS[program]
    answer = prepare()
    effect, donors = answer()
    cold = time.monotonic() - started
    found = {"version": metadata.version(package), "cold": cold, "warm": None, "effect": effect, "donors": donors}
    if cold < PATIENCE:
        begun = time.monotonic()
        answer()
        found["warm"] = time.monotonic() - begun
    target.write_text(json.dumps(found), encoding="utf-8")


def measured(program: str) -> dict[str, Any]:
    """Run a program in a process of its own and return what it found."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    target = FOLDER / "sdid_answer.json"
    target.unlink(missing_ok=True)
    python = str(Path(PROGRAMS[program][0]) / "bin" / "python")
    command = [python, "-m", "benchmarks.sdid", "--program", program, "--answer", str(target)]
    subprocess.run([*command, "--started", str(time.monotonic())], check=True)
    found: dict[str, Any] = json.loads(target.read_text(encoding="utf-8"))
    print(f"{program:<32}cold {found['cold']:7.2f} s", file=sys.stderr, flush=True)
    return found


def runs(repeats: int) -> dict[str, list[dict[str, Any]]]:
    """Return the runs of each program, which take turns; one that tries our patience is not repeated."""
    done: dict[str, list[dict[str, Any]]] = {program: [] for program in PROGRAMS}
    for _ in range(repeats):
        for program, found in done.items():
            if not found or found[0]["warm"] is not None:
                found.append(measured(program))
    return done


def table(done: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Return a row for each program: medians, times ours, and the largest difference of an effect from ours."""
    own = done["ours"]
    rows = []
    for program, found in done.items():
        cold = median(run["cold"] for run in found)
        warm = cold if found[0]["warm"] is None else median(run["warm"] for run in found)  # import is nothing then
        mine = median(run["warm"] for run in own)
        effects = [found[0]["effect"], *found[0]["donors"]]
        off = max(abs(a - b) for a, b in zip(effects, [own[0]["effect"], *own[0]["donors"]], strict=False))
        rows.append(
            {
                "program": program,
                "version": found[0]["version"],
                "units": UNITS,
                "periods": PERIODS,
                "placebos": UNITS - 1,
                "runs": len(found),
                "cold_seconds": round(cold, 3),
                "warm_seconds": round(warm, 3),
                "warm_to_ours": round(warm / mine, 1),
                "effect": round(found[0]["effect"], 6),
                "effects_compared": len(effects),
                "largest_difference": round(off, 6),
                "python": platform.python_version(),
                "cores": os.cpu_count(),
            }
        )
    return rows


def main() -> None:
    """Measure all programs and write the table; exit with 1 if ours is too slow or effects differ."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--repeats", type=int, default=REPEATS)
    options.add_argument("--table", type=Path, default=TABLE)
    options.add_argument("--program", choices=PROGRAMS, help=argparse.SUPPRESS)
    options.add_argument("--answer", type=Path, help=argparse.SUPPRESS)
    options.add_argument("--started", type=float, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.program:
        answered(chosen.program, chosen.answer, chosen.started)
        return
    rows = table(runs(chosen.repeats))
    with chosen.table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    fastest = min(row["warm_to_ours"] for row in rows[1:])
    furthest = max(row["largest_difference"] for row in rows)
    print(f"{fastest:.1f} times as fast as the faster way; effects differ by at most {furthest:.6f}")
    sys.exit(0 if fastest >= ASKED and furthest <= SAME else 1)


if __name__ == "__main__":
    main()
