"""Entry cohorts of one municipality, weighted and not: `python -m tests.simulation.one_municipality --draws 500`.

In every world of `one_municipality_world` the difference-in-differences with persons weighted to the treated one's
composition, and the one that counts everybody once, each with the placebo test over municipalities that a run gives it.
Size and coverage (of the true effect) share the stand-ins, which the treated one does not move; its outcomes are drawn
once without and once with an effect. With drift in what no covariate
tells, weighting must be seen to fail. Draws are kept under `build/simulation`; an interrupted run goes on.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from evaluator.estimators.entropy_balancing import EntropyBalancing
from evaluator.inference.aggregation import aggregate
from evaluator.inference.each_treated import placebos
from evaluator.inference.ferman_pinto import p_value
from evaluator.inference.judged import MIN_DONORS
from evaluator.inference.placebo import known_donors
from tests.simulation import coverage
from tests.simulation.few_treated import ALPHA, verdict
from tests.simulation.one_municipality_world import BASE, EFFECT, WINDOW, WORLDS, OneTreated

TABLE = Path(__file__).with_suffix(".csv")
DRAWS, CHUNK = 500, 50
WEIGHTED = EntropyBalancing(anticipation=WINDOW, base_periods=BASE, adjustment="weighting")
DESIGNS = {"weighted": WEIGHTED, "unweighted": replace(WEIGHTED, adjustment="none")}
COLUMNS = (
    "world", "design", "draws", "refused_percent", "size_percent", "coverage_percent", "simulation_error_percent",
    "power_percent", "bias_points", "sd_points", "stand_ins", "effective_percent", "largest_percent", "verdict",
)  # fmt: skip
CODE = (
    "evaluator/estimators/entropy_balancing.py", "evaluator/estimators/adjustment/entropy.py",
    "evaluator/estimators/adjustment/strata.py", "evaluator/inference", "evaluator/registers/municipalities.csv",
    "tests/simulation/one_municipality_world.py", "tests/simulation/one_municipality.py",
)  # fmt: skip
NUMBERS = ("error", "p_of_truth", "p_of_zero", "p_of_null", "stand_ins", "effective", "largest")
Row = dict[str, Any]


def rows(world: OneTreated, seed: int) -> list[Row]:
    """Return a row per design of one draw."""
    data, null = world.draw(seed)
    out = []
    for design, method in DESIGNS.items():
        row: Row = {"seed": seed, "design": design, "refused": True} | dict.fromkeys(NUMBERS, float("nan"))
        (found,) = placebos(method, data, "simple").treated
        stand_ins = int(known_donors(found).sum())
        if np.isfinite(found.effect[0]) and stand_ins >= MIN_DONORS:
            told, nothing = method.balance(data), aggregate(method.fit(null), null, "simple").value
            row |= {
                "refused": False,
                "error": float(found.effect[0]) - EFFECT,
                "p_of_truth": p_value([found], EFFECT),
                "p_of_zero": p_value([found], 0.0),
                "p_of_null": p_value([replace(found, effect=np.array([nothing]))], 0.0),
                "stand_ins": float(stand_ins),
                "effective": told.effective / told.persons,
                "largest": told.largest,
            }
        out.append(row)
    return out


def drawn(world: OneTreated, options: argparse.Namespace) -> pl.DataFrame:
    """Return the draws of a world, those of an interrupted run read again."""
    folder = coverage.ROOT / "build" / "simulation" / f"one-{coverage.fingerprint(CODE)}"
    return coverage.draws(world.name, partial(rows, world), options.draws, options.workers, folder, CHUNK)


def summary(world: str, table: pl.DataFrame) -> Iterable[Row]:
    """Yield a row per design: refusals, size without an effect, coverage, power and bias with one."""
    for design in DESIGNS:
        every = table.filter(pl.col("design") == design)
        known = every.filter(~pl.col("refused"))
        refused = 100 * (1 - known.height / every.height)
        named = {"world": world, "design": design, "draws": every.height, "refused_percent": f"{refused:.1f}"}
        if known.is_empty():
            yield {**dict.fromkeys(COLUMNS, ""), **named, "verdict": "refused"}
            continue
        size, missed, power = (_rejected(known, column) for column in ("p_of_null", "p_of_truth", "p_of_zero"))
        error = known["error"].to_numpy()
        yield {
            **named,
            "size_percent": f"{size:.2f}",
            "coverage_percent": f"{100 - missed:.2f}",
            "simulation_error_percent": f"{100 * (size / 100 * (1 - size / 100) / known.height) ** 0.5:.2f}",
            "power_percent": f"{power:.2f}",
            "bias_points": f"{100 * error.mean():.3f}",
            "sd_points": f"{100 * error.std():.3f}",
            "stand_ins": f"{np.median(known['stand_ins'].to_numpy()):.0f}",
            "effective_percent": f"{100 * np.median(known['effective'].to_numpy()):.1f}",
            "largest_percent": f"{100 * np.median(known['largest'].to_numpy()):.3f}",
            "verdict": verdict(1.0, size, 100 - missed),
        }


def _rejected(table: pl.DataFrame, column: str) -> float:
    return 100 * float((table[column].to_numpy() <= ALPHA).mean())


def store(found: Iterable[Row], table: Path = TABLE) -> None:
    """Write rows into the table; they replace those of the same world, the others stay."""
    coverage.replace_rows(found, table, COLUMNS, ("world",), lambda row: (row["world"], row["design"]))


def main() -> None:
    """Run the worlds and write their rows; what is finished is in the table already."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=DRAWS)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--table", type=Path, default=TABLE)
    options = parser.parse_args()
    for world in WORLDS:
        store(summary(world.name, drawn(world, options)), options.table)
    print(options.table.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
