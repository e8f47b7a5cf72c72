"""How often strictness is answered, and rightly: `python -m tests.simulation.strictness --draws 500`.

Worlds in which caseworkers are dealt by lot, and worlds that break the design: by choice, by a weak first stage, and by
caseworkers who are better or worse at other things too. `wrong_percent` is the share of all draws that are answered
with an interval that misses the truth. Draws are kept under `build/simulation`; an interrupted run goes on. The
summary, `tests/simulation/strictness.csv`, is committed.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

import polars as pl

from evaluator.estimators.caseworkers.intakes import Setting
from evaluator.estimators.strictness import strictness
from evaluator.vocabulary import Estimate, Light
from tests.simulation.coverage import ROOT, Row, draws, fingerprint
from tests.simulation.strictness_world import COLUMNS, EFFECTS, World
from tests.simulation.who_gains import write

TABLE = Path(__file__).with_suffix(".csv")
CODE = (
    *(f"evaluator/diagnostics/caseworker_{part}.py" for part in ("assignment", "exclusion", "signs")),
    "evaluator/estimators/caseworkers", "evaluator/estimators/strictness.py",
    *(f"evaluator/inference/{part}.py" for part in ("instruments", "joint", "multiplicity")),
    "tests/simulation/strictness.py", "tests/simulation/strictness_world.py",
)  # fmt: skip
FEW = {"municipalities": 8, "years": 3}  # 64 caseworkers with 48 persons each, elsewhere 96 with 64
WORLDS = {
    "by lot": World(),
    "by lot, few": World(**FEW),
    "by lot, half exempt": World(exempt=0.5),
    "depends on the person": World(sorting=0.3),
    "weak first stage": World(spread=0.02),
    "quality beside strictness": World(quality=0.07, alike=0.0),
    "quality goes with strictness": World(quality=0.07),
    "quality goes with strictness, few": World(quality=0.07, **FEW),
    "quality nearly in step": World(quality=0.07, alike=0.9),
    "quality in step": World(quality=0.07, alike=1.0),
    "quality in step, few": World(quality=0.07, alike=1.0, **FEW),
    "quality in step, none leaves early": World(quality=0.07, alike=1.0, early=0.0),
    "quality in step, half exempt": World(quality=0.07, alike=1.0, exempt=0.5),
    "little quality in step": World(quality=0.03, alike=1.0),
}
CHECKS = (
    "assignment", "first_stage", "monotonicity", "complier_shares", "early_complier_shares", "dispersion", "exempt",
)  # fmt: skip
STATES = ("job", "self_support", "entry_benefit")


def rows_of(world: str, seed: int) -> list[Row]:
    """Return what is said of each end state in one draw, and which checks are red."""
    drawn = WORLDS[world]
    found = strictness(
        drawn.draw(seed), tuple(EFFECTS), Setting(**COLUMNS, exempt="is_exempt" if drawn.exempt else None)
    )
    lights = {check.name: check.verdict for check in found.diagnostics}
    red = {name: int(lights.get(name) is Light.RED) for name in CHECKS}
    rows = []
    for state in STATES:
        estimate = found.effects[state].estimate
        is_answered = isinstance(estimate, Estimate)
        numbers = {key: getattr(estimate, key) if is_answered else None for key in ("value", "low", "high")}
        named = {"seed": seed, "state": state, "light": found.light.value, "is_answered": int(is_answered)}
        rows.append({**named, "truth": EFFECTS[state], **numbers, **red})
    return rows


def summary(world: str, table: pl.DataFrame) -> list[Row]:
    """Return per end state how many draws are answered, wrongly answered, green, and red by which check."""
    made = []
    for state in STATES:
        part = table.filter(pl.col("state") == state)
        answered = part.filter(pl.col("is_answered") == 1).cast(dict.fromkeys(("value", "low", "high"), pl.Float64))
        inside = answered["truth"].is_between(answered["low"], answered["high"])
        share = len(answered) / len(part)
        made.append(
            {
                "world": world,
                "state": state,
                "truth": EFFECTS[state],
                "draws": len(part),
                "answered_percent": _percent(share),
                "simulation_error_percent": _percent((share * (1 - share) / len(part)) ** 0.5),
                "wrong_percent": _percent(float((~inside).sum()) / len(part)),
                "coverage_percent": _percent(float(inside.mean())) if len(inside) else "",
                "green_percent": _percent(float((part["light"] == Light.GREEN.value).mean())),
                "bias": f"{(answered['value'] - answered['truth']).mean():.4f}" if len(answered) else "",
                "half_width": f"{(answered['high'] - answered['low']).mean() / 2:.4f}" if len(answered) else "",
                **{f"red_{name}_percent": _percent(float(part[name].mean())) for name in CHECKS},
            }
        )
    return made


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def main() -> None:
    """Run the draws and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=500)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    folder = ROOT / "build" / "simulation" / f"strictness-{fingerprint(CODE)}"
    rows: list[Row] = []
    for world in WORLDS:
        name = world.replace(", ", "-").replace(" ", "-")
        rows += summary(world, draws(name, partial(rows_of, world), options.draws, options.workers, folder))
    write(rows, TABLE)
    print(TABLE.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
