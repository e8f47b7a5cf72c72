"""Size and coverage in the 24 main cells, bad methods too: `python -m tests.simulation.main_cells --draws 2000`.

{binary, continuous} x {5, 15, 40 treated municipalities} x {constant, staggered growing effect} x {persons, equal}
weights, 98 municipalities, in the worlds of `evaluator.conformance`. With 1, 2 or 4 treated municipalities no clustered
error is offered; those rows say what is. Draws are kept under `build/simulation`; an interrupted run goes on.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import polars as pl

from evaluator.conformance import MAIN, World
from evaluator.estimators import GroupTime
from evaluator.inference import aggregate, estimates, event_band
from evaluator.vocabulary import Estimate, NotEstimable, Panel
from tests.simulation import coverage
from tests.simulation.bad_estimators import STATIC_TWO_WAY, BeforeAfter, HalvedErrors

SIZE_AT_MOST, COVERAGE_AT_LEAST, CONSERVATIVE_ABOVE = 6.5, 93.5, 97.0
DRAWS, BAD_DRAWS, FEW_DRAWS, CHUNK = 2000, 500, 2000, 100
UNSUPPORTED = (1, 2, 4)
METHOD = GroupTime(comparison="not_yet", base="universal")
BAD = (BeforeAfter(), STATIC_TWO_WAY, HalvedErrors())
CODE = (
    "evaluator/conformance/worlds.py", "evaluator/estimators/group_time.py", "evaluator/estimators/contrasts.py",
    "evaluator/estimators/segments.py", "evaluator/estimators/adjustment", "evaluator/inference",
    "evaluator/registers/municipalities.csv", "tests/simulation/bad_estimators.py",
    "tests/simulation/main_cells.py",
)  # fmt: skip
Row = dict[str, Any]
Ask = Callable[[World, Panel], Iterator[Row]]


@dataclass(frozen=True, slots=True)
class Asked:
    """What one estimator says of a panel by one kind of interval."""

    estimator: str
    method: str
    truth: float
    value: float
    se: float
    low: float
    high: float


def published(world: World, panel: Panel) -> Iterator[Asked]:
    """Yield the interval that the engine publishes and, beside it, influence and normal."""
    plain = uncorrected(METHOD, world, panel)
    found = estimates(METHOD, panel, "simple").overall
    if isinstance(found, Estimate):
        se = float("nan") if found.se is None else found.se
        yield Asked(METHOD.name, found.method, plain.truth, found.value, se, found.low, found.high)
    else:
        yield replace(plain, method=found.reason, se=float("nan"), low=float("nan"), high=float("nan"))
    yield plain


def bad(world: World, panel: Panel) -> Iterator[Asked]:
    """Yield what methods say that must not be believed."""
    for method in BAD:
        yield uncorrected(method, world, panel)


def uncorrected(method: Any, world: World, panel: Panel) -> Asked:
    """Return influence and normal, as peers publish it; the truth is weighted as the method weights its cells."""
    fit = method.fit(panel)
    whole = aggregate(fit, panel, "simple")
    truth, reach = float(whole.weights[0] @ world.truth(fit.cells)), coverage.NORMAL * whole.se
    ends = (whole.value - reach, whole.value + reach)
    return Asked(method.name, "influence_normal", truth, whole.value, whole.se, *ends)


def null_of(world: World) -> World:
    """Return the same world without any effect."""
    return replace(world, name=f"null_{world.name}", is_null=True)


def rows(world: World, ask: Ask, seed: int) -> list[Row]:
    """Return the rows of one draw; a world without effect has seeds of its own, so that size and coverage are two."""
    panel = world.draw(2 * seed + world.is_null)
    return [{"seed": seed, **{name: getattr(found, name) for name in Asked.__slots__}} for found in ask(world, panel)]


def drawn(world: World, ask: Ask, draws: int, options: argparse.Namespace) -> pl.DataFrame:
    """Return the draws of a world, those of an interrupted run read again."""
    folder = coverage.ROOT / "build" / "simulation" / f"cells-{coverage.fingerprint(CODE)}"
    name = f"{ask.__name__}-{world.name}"
    return coverage.draws(name, partial(rows, world, ask), min(draws, options.draws), options.workers, folder, CHUNK)


def summary(world: World, effect: pl.DataFrame, null: pl.DataFrame) -> Iterable[coverage.Row]:
    """Yield coverage where there is an effect and size where there is none, by estimator and method."""
    covered = pl.col("truth").is_between("low", "high")
    effect = effect.with_columns(covered=covered, error=pl.col("value") - pl.col("truth"))
    sizes = null.group_by("estimator", "method").agg(100 * (1 - covered.mean()))
    size = {(estimator, method): share for estimator, method, share in sizes.iter_rows()}
    for (estimator, method), part in effect.group_by("estimator", "method", maintain_order=True):
        shares, rejected = coverage.share_of(part["covered"]), size[estimator, method]
        yield {
            **{"world": world.name, "outcome": "share" if world.is_binary else "index"},
            **{"estimator": estimator, "method": method, "size_percent": f"{rejected:.2f}"},
            **{**shares, **coverage.spread_of(part["error"], part["se"])},
            "verdict": verdict(float(shares["coverage_percent"]), rejected),
        }


def verdict(covered: float, size: float) -> str:
    """Return what the issue's limits say of a coverage and a size in percent."""
    if size > SIZE_AT_MOST or covered < COVERAGE_AT_LEAST:
        return "fails"
    return "conservative" if covered > CONSERVATIVE_ABOVE else "holds"


def refused(world: World, options: argparse.Namespace) -> Iterable[coverage.Row]:
    """Yield why so few treated municipalities get no clustered error, and the size of what they get instead."""
    named = {"world": world.name, "outcome": "index", "estimator": METHOD.name}
    reason = event_band(METHOD, world.draw(1))
    assert isinstance(reason, NotEstimable)
    yield {**named, "method": "clustered_error", "draws": 1, "verdict": f"refused: {reason.reason}"}
    null = null_of(world)
    for row in summary(world, *[drawn(null, published, FEW_DRAWS, options)] * 2):
        told = "fails" if row["method"] == "influence_normal" else "offered instead"
        yield {**row, "coverage_percent": "", "verdict": told}


def main() -> None:
    """Run the cells and write their rows; what is finished is in the table already."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=DRAWS)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    for world in MAIN:
        found: list[coverage.Row] = []
        for ask, draws in ((published, DRAWS), (bad, BAD_DRAWS)):
            found += summary(world, *(drawn(w, ask, draws, options) for w in (world, null_of(world))))
        coverage.store(found)
    for treated in UNSUPPORTED:
        for by_person in (False, True):
            name = f"continuous_{treated}_constant_{'person' if by_person else 'equal'}"
            coverage.store(refused(World(name, treated, by_person=by_person), options))
    print(coverage.TABLE.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
