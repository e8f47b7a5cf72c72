"""Size, coverage and power of the tests for few treated: `python -m tests.simulation.few_treated --draws 2000`.

Closed-form difference-in-differences in every cell of `few_treated_worlds`; synthetic control and synthetic
difference-in-differences, `--weighted` draws of each, in some. A test's coverage is that of the true effect; size and
coverage have draws of their own. `offered` is by the rule of `evaluator.inference.few_treated` from the draw's own data
before the start. Rows in which nothing is offered show what would go wrong. Draws are kept under `build/simulation`; an
interrupted run goes on.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from evaluator.estimators.synthetic_control import SyntheticControl
from evaluator.estimators.synthetic_did import SyntheticDid
from evaluator.estimators.weighted_paths import contrasts_of
from evaluator.inference import randomisation
from evaluator.inference.conformal import Residuals, block_p_value, of_gaps, refitted
from evaluator.inference.conley_taber import conley_taber
from evaluator.inference.ferman_pinto import p_value
from evaluator.inference.few_treated import (
    SIZE_AT_MOST,
    BeforeStart,
    autocorrelation,
    offers,
    one_by_one,
    variance_before,
)
from evaluator.inference.judged import Judged
from evaluator.inference.randomisation_t import randomisation_t
from evaluator.inference.sdid_variance import placebo_error
from evaluator.inference.single_cluster import single_cluster
from evaluator.vocabulary import NEVER, NotEstimable, Panel, Placebos
from tests.simulation import coverage
from tests.simulation.few_treated_worlds import CELLS, WEIGHTED_CELLS, FewTreated, differences, false_starts, gaps

TABLE = Path(__file__).with_suffix(".csv")
DRAWS, WEIGHTED_DRAWS, CHUNK = 2000, 500, 100
ALPHA = 0.05
COVERAGE_AT_LEAST, CONSERVATIVE_BELOW = 93.5, 2.0
SELDOM = 0.05
"""Share of draws in which a test must be offered for its size to be judged."""
WEIGHTED = (SyntheticControl(), SyntheticDid())
COLUMNS = (
    "world", "estimator", "test", "draws", "offered_percent", "size_percent", "size_offered_percent",
    "coverage_percent", "coverage_offered_percent", "simulation_error_percent", "power_percent", "verdict",
)  # fmt: skip
CODE = (
    "evaluator/estimators/weighted_paths.py", "evaluator/estimators/simplex.py",
    "evaluator/estimators/synthetic_control.py", "evaluator/estimators/synthetic_did.py", "evaluator/inference",
    "evaluator/registers/municipalities.csv", "tests/simulation/few_treated_worlds.py",
    "tests/simulation/few_treated.py",
)  # fmt: skip
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """An estimator, or the closed form of the difference-in-differences without one."""

    estimator: Any = None

    @property
    def name(self) -> str:
        return "difference" if self.estimator is None else str(self.estimator.name)

    def placebos(self, panel: Panel, start: int) -> Sequence[Placebos]:
        """Return each treated one's placebos; all start together and count alike."""
        return differences(panel, start) if self.estimator is None else one_by_one(self.estimator, panel)[0]

    def residuals(self, panel: Panel, start: int) -> Residuals | None:
        """Return what is left under a null, None for an estimator that cannot be fitted over all periods."""
        if self.estimator is None:
            return of_gaps(gaps(panel)[panel.cohort != NEVER].mean(axis=0), start)
        if isinstance(self.estimator, SyntheticDid):
            return None
        return refitted(self.estimator, contrasts_of(self.estimator, panel)[0])


def known_before(panel: Panel, start: int) -> BeforeStart:
    """Return what the rule may know: sizes, periods, and what false starts and gaps before the start say."""
    treated, donors = panel.cohort != NEVER, panel.cohort == NEVER
    after = len(panel.periods) - start
    earlier = [each for date in false_starts(panel, start) for each in differences(panel, date, date + after)]
    a, b = variance_before(earlier)
    count = int(treated.sum())
    return BeforeStart(
        treated=panel.weight[treated],
        donors=panel.weight[donors],
        share=np.full(count, 1 / count),
        a=a,
        b=b,
        periods_before=start,
        periods_after=after,
        autocorrelation=autocorrelation(gaps(panel)[:, :start]),
    )


def tests_of(found: Sequence[Placebos], left: Residuals | None, known: BeforeStart, effect: float) -> dict[str, float]:
    """Return each test's p-value of the effect, NaN where it is not defined."""
    moved = [replace(each, effect=each.effect - effect) for each in found]
    told: dict[str, Judged | NotEstimable] = {
        "conley_taber": conley_taber(moved),
        "randomisation_t": randomisation_t(moved),
    }
    out = {"ferman_pinto": p_value(moved, 0.0)}
    if len(moved) == 1:
        told["single_cluster"] = single_cluster(moved[0], known.variance_ratio)
        told["placebo_error"] = placebo_error(moved[0])
        out["randomisation"] = randomisation(moved[0]).p_two_sided
    if left is not None:
        out["conformal"] = block_p_value(left(effect), known.periods_before)
    return out | {name: one.p_value if isinstance(one, Judged) else float("nan") for name, one in told.items()}


def rows(world: FewTreated, asked: Asked, seed: int) -> list[Row]:
    """Return a row per test of one draw; without effect it has seeds of its own, so that size and coverage are two."""
    panel, start = world.draw(2 * seed + world.is_null), world.span[1]
    found, left, known = asked.placebos(panel, start), asked.residuals(panel, start), known_before(panel, start)
    offered = {offer.method for offer in offers(known) if offer.is_offered}
    of_truth, of_none = (tests_of(found, left, known, effect) for effect in (world.truth, 0.0))
    return [
        {"seed": seed, "test": name, "offered": name in offered, "p_of_truth": p, "p_of_none": of_none[name]}
        for name, p in of_truth.items()
    ]


def drawn(world: FewTreated, asked: Asked, options: argparse.Namespace) -> pl.DataFrame:
    """Return the draws of a world, those of an interrupted run read again."""
    folder = coverage.ROOT / "build" / "simulation" / f"few-{coverage.fingerprint(CODE)}"
    label = f"{asked.name}-{world.name}{'-null' if world.is_null else ''}"
    draws = options.draws if asked.estimator is None else options.weighted
    return coverage.draws(label, partial(rows, world, asked), draws, options.workers, folder, CHUNK)


def summary(world: str, estimator: str, effect: pl.DataFrame, null: pl.DataFrame) -> Iterable[Row]:
    """Yield a row per test: size without an effect, coverage and power with one, in all draws and in those offered."""
    for (test,), part in null.group_by("test", maintain_order=True):
        known = part.filter(pl.col("p_of_truth").is_not_nan())
        with_effect = effect.filter(pl.col("test") == test, pl.col("p_of_truth").is_not_nan())
        if known.is_empty() or with_effect.is_empty():
            continue
        size, size_offered = _rejected(known)
        missed, missed_offered = _rejected(with_effect)
        share = float(known["offered"].mean())  # type: ignore[arg-type]
        yield {
            **{"world": world, "estimator": estimator, "test": test, "draws": len(known)},
            **{"offered_percent": f"{100 * share:.1f}", "size_percent": f"{size:.2f}"},
            **{"size_offered_percent": f"{size_offered:.2f}" if share else ""},
            **{"coverage_percent": f"{100 - missed:.2f}"},
            **{"coverage_offered_percent": f"{100 - missed_offered:.2f}" if share else ""},
            "simulation_error_percent": f"{100 * (size / 100 * (1 - size / 100) / len(known)) ** 0.5:.2f}",
            "power_percent": f"{100 * float((with_effect['p_of_none'] <= ALPHA).mean()):.2f}",  # type: ignore[arg-type]
            "verdict": verdict(share, size_offered, 100 - missed_offered),
        }


def verdict(offered: float, size: float, covered: float) -> str:
    """Return what the limits say of a test where it is offered, size and coverage in percent."""
    if offered < SELDOM:
        return "not offered"
    if size > 100 * SIZE_AT_MOST or covered < COVERAGE_AT_LEAST:
        return "fails"
    return "conservative" if size < CONSERVATIVE_BELOW else "holds"


def _rejected(table: pl.DataFrame) -> tuple[float, float]:
    """Return the percentage of true effects rejected, in all draws and in those in which the test was offered."""
    is_rejected = (table["p_of_truth"] <= ALPHA).to_numpy()
    offered = table["offered"].to_numpy()
    return 100 * float(is_rejected.mean()), 100 * float(is_rejected[offered].mean()) if offered.any() else float("nan")


def store(found: Iterable[Row], table: Path = TABLE) -> None:
    """Write rows into the table; they replace those of the same world and estimator, the others stay."""
    coverage.replace_rows(
        found, table, COLUMNS, ("world", "estimator"), lambda row: (row["world"], row["estimator"], row["test"])
    )


def main() -> None:
    """Run the cells and write their rows; what is finished is in the table already."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=DRAWS)
    parser.add_argument("--weighted", type=int, default=WEIGHTED_DRAWS)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--table", type=Path, default=TABLE)
    options = parser.parse_args()
    every = [(world, Asked()) for world in CELLS]
    if options.weighted:
        every += [(world, Asked(estimator)) for world in WEIGHTED_CELLS for estimator in WEIGHTED]
    for world, asked in every:
        effect, null = (drawn(each, asked, options) for each in (world, replace(world, is_null=True)))
        store(summary(world.name, asked.name, effect, null), options.table)
    print(options.table.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
