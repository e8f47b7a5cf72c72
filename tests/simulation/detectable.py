"""How often the smallest detectable effect is found: `python -m tests.simulation.detectable --draws 1000`.

Every draw is a world of `few_treated_worlds` with one treated municipality and no effect. From its periods before the
start it makes the smallest detectable effect of each horizon, as `evaluator plan` does; then an effect of that size,
up and down, is added to what came after the start, and the test that is offered is asked. Base is either the year
before a start, as the plan's, or everything before it. Beside it stands the plain sum of two normal quantiles times the
root mean square of the false starts, which knows no size.

Some worlds are not what the calculation takes for granted: `tails` has shocks of the t law with 4 degrees of freedom,
`noise` adds white noise as large as the AR(1) shocks. In `unrest` all shocks double after the start, which nothing
before it can tell: there the promise must fail. Draws are kept under `build/simulation`; an interrupted run goes on.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl

from evaluator.diagnostics.power_by_horizon import Planned, Span, Trial, prospect
from evaluator.inference.ferman_pinto import p_value
from evaluator.inference.few_treated import autocorrelation
from evaluator.vocabulary import NEVER, Panel, Placebos
from tests.simulation import coverage
from tests.simulation.few_treated_worlds import BURN_IN, MEMORY, SHORT, STEEP, FewTreated, differences, gaps

TABLE = Path(__file__).with_suffix(".csv")
DRAWS, CHUNK = 1000, 50
LEVEL, ALPHA, LOW, HIGH = 0.95, 0.05, 75.0, 85.0
PLAIN = 1.959964 + 0.841621
YEAR = 4
HORIZONS = (1, 4, 16)
FREEDOM = 4
KINDS: tuple[Literal["smallest", "median", "largest"], ...] = ("smallest", "median", "largest")
BASES: tuple[Literal["year", "all"], ...] = ("year", "all")
COLUMNS = (
    "world", "base", "horizon", "draws", "mean_detectable", "sd_detectable", "rejected_percent",
    "simulation_error_percent", "plain_rejected_percent", "verdict",
)  # fmt: skip
CODE = (
    "evaluator/diagnostics/power_by_horizon.py", "evaluator/inference/ferman_pinto.py",
    "evaluator/registers/municipalities.csv", "tests/simulation/few_treated_worlds.py",
    "tests/simulation/detectable.py",
)  # fmt: skip
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Cell:
    """A world without an effect, what the effect is measured from, and how shocks differ from normal AR(1) ones."""

    world: FewTreated
    base: Literal["year", "all"] = "year"
    shocks: Literal["normal", "tails", "noise", "unrest"] = "normal"

    @property
    def name(self) -> str:
        return self.world.name if self.shocks == "normal" else f"{self.world.name}_{self.shocks}"

    @property
    def horizons(self) -> tuple[int, ...]:
        """Return the horizons that the periods after the start reach."""
        periods, start = self.world.span
        return tuple(horizon for horizon in HORIZONS if horizon <= periods - start)

    def draw(self, seed: int) -> Panel:
        """Return a draw of the world; shocks are made anew where they are not its own."""
        panel = replace(self.world, is_null=True).draw(seed)
        if self.shocks == "normal":
            return panel
        rng = np.random.default_rng([seed, 1])
        spread = np.sqrt(1 + self.world.slope / panel.weight)[:, None]
        if self.shocks == "unrest":
            wider = np.where(np.arange(len(panel.periods)) < self.world.span[1], 1.0, 2.0)
            level = panel.outcome[:, : self.world.span[1]].mean(axis=1, keepdims=True)
            return replace(panel, outcome=level + wider * (panel.outcome - level))
        if self.shocks == "noise":
            return replace(panel, outcome=panel.outcome + spread * rng.normal(size=panel.outcome.shape))
        shocks = rng.standard_t(FREEDOM, size=(panel.weight.size, panel.outcome.shape[1] + BURN_IN))
        for period in range(1, shocks.shape[1]):
            shocks[:, period] += MEMORY * shocks[:, period - 1]
        return replace(panel, outcome=spread * shocks[:, BURN_IN:])


CELLS = (
    *(Cell(FewTreated(kind, 1), base) for base in BASES for kind in KINDS),
    Cell(FewTreated("smallest", 1, slope=STEEP)),
    Cell(FewTreated("largest", 1, slope=STEEP)),
    Cell(FewTreated("smallest", 1, span=SHORT)),
    Cell(FewTreated("median", 1), "year", "tails"),
    Cell(FewTreated("median", 1), "year", "unrest"),
    Cell(FewTreated("smallest", 1), "year", "noise"),
)


def span_at(base: str, start: int, horizon: int) -> Span:
    """Return the periods that a start is compared over."""
    return Span(start, YEAR if base == "year" else start, horizon)


def found(panel: Panel, span: Span) -> Placebos:
    """Return the placebos of the one treated over the span."""
    first = span.start - span.before
    part = replace(panel, outcome=panel.outcome[:, first : span.start + span.after])
    return differences(part, span.before)[0]


def starts(base: str, start: int, horizon: int) -> range:
    """Return the false starts before the true one whose base is a year, or at least half of the true one's."""
    return range(YEAR if base == "year" else (start + 1) // 2, start - horizon + 1)


def detectable(panel: Panel, start: int, base: str, horizon: int) -> tuple[float, float]:
    """Return the smallest detectable effect, and the plain one; reads no period from the start on."""
    before = replace(panel, outcome=panel.outcome[:, :start])
    trials = []
    for date in starts(base, start, horizon):
        span = span_at(base, date, horizon)
        one = found(before, span)
        effect, persons = np.append(one.donors[:, 0], one.effect), np.append(one.size, one.treated_size)
        trials.append(Trial(span, effect, persons))
    is_treated = panel.cohort != NEVER
    planned = Planned(span_at(base, start, horizon), float(panel.weight[is_treated][0]), panel.weight[~is_treated])
    law = prospect(trials, planned, autocorrelation(gaps(before)), LEVEL)
    assert law is not None
    chance = np.concatenate([trial.effect for trial in trials])
    return law.detectable(), float(PLAIN * np.sqrt((chance**2).mean()))


def rows(cell: Cell, seed: int) -> list[Row]:
    """Return a row per horizon: the detectable effect and the p-values with it up, down, and with the plain one."""
    panel, start = cell.draw(seed), cell.world.span[1]
    out = []
    for horizon in cell.horizons:
        effect, plain = detectable(panel, start, cell.base, horizon)
        one, row = found(panel, span_at(cell.base, start, horizon)), {"seed": seed, "horizon": horizon}
        added = {"up": effect, "down": -effect, "plain": plain}
        told = {name: p_value([replace(one, effect=one.effect + each)], 0.0) for name, each in added.items()}
        out.append(row | {"detectable": effect} | told)
    return out


def drawn(cell: Cell, options: argparse.Namespace) -> pl.DataFrame:
    """Return the draws of a cell, those of an interrupted run read again."""
    folder = coverage.ROOT / "build" / "simulation" / f"detectable-{coverage.fingerprint(CODE)}"
    label = f"{cell.name}-{cell.base}"
    return coverage.draws(label, partial(rows, cell), options.draws, options.workers, folder, CHUNK)


def summary(cell: Cell, table: pl.DataFrame) -> Iterable[Row]:
    """Yield a row per horizon: how often the detectable effect was found, both signs alike."""
    for (horizon,), part in table.group_by("horizon", maintain_order=True):
        found = {name: 100 * (part[name] <= ALPHA).to_numpy() for name in ("up", "down", "plain")}
        rejected = (found["up"] + found["down"]) / 2
        mean, effect = float(rejected.mean()), part["detectable"].to_numpy()
        yield {
            **{"world": cell.name, "base": cell.base, "horizon": horizon, "draws": len(part)},
            **{"mean_detectable": f"{effect.mean():.3f}", "sd_detectable": f"{effect.std():.3f}"},
            "rejected_percent": f"{mean:.1f}",
            "simulation_error_percent": f"{rejected.std() / len(part) ** 0.5:.1f}",
            "plain_rejected_percent": f"{found['plain'].mean():.1f}",
            "verdict": verdict(mean),
        }


def verdict(rejected: float) -> str:
    """Return whether the mean rejection, in per cent, is where 80 was said."""
    return "holds" if LOW <= rejected <= HIGH else "fails"


def store(found: Iterable[Row], table: Path = TABLE) -> None:
    """Write rows into the table; they replace those of the same world and base, the others stay."""
    coverage.replace_rows(
        found, table, COLUMNS, ("world", "base"), lambda row: (row["world"], row["base"], int(row["horizon"]))
    )


def main() -> None:
    """Run the cells and write their rows; what is finished is in the table already."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=DRAWS)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--table", type=Path, default=TABLE)
    options = parser.parse_args()
    for cell in CELLS:
        store(summary(cell, drawn(cell, options)), options.table)
    print(options.table.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
