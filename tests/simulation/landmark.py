"""How often the landmark design's intervals contain the truth: `python -m tests.simulation.landmark --draws 40`.

One world where matching on the history is enough, one with selection on what nobody sees; the naive comparison of
everybody at risk and the bounds stand beside; of those the bias is that of their middle, and the error half their
width. The summary, `tests/simulation/landmark.csv`, is committed.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import polars as pl

from evaluator.estimators.landmark import Landmark, landmark
from evaluator.inference.landmark_estimates import landmark_estimates
from evaluator.inference.selection_bounds import Bounds, Counts, monotone_selection, worst_case
from evaluator.vocabulary import Estimate
from tests.simulation.coverage import ROOT, Row, draws, fingerprint, share_of, spread_of
from tests.simulation.landmark_world import Draw, World, draw, matched
from tests.simulation.who_gains import write

TABLE = Path(__file__).with_suffix(".csv")
CODE = (
    "evaluator/design/risk_cells.py", "evaluator/estimators/landmark.py", "evaluator/inference/landmark_estimates.py",
    "evaluator/inference/selection_bounds.py", "tests/simulation/landmark.py", "tests/simulation/landmark_world.py",
)  # fmt: skip
WORLDS = {"selection seen": World(), "selection unseen": World(unseen=0.6)}
METHODS = {
    "against waiting, municipalities": matched(),
    "against waiting, persons": matched(cluster="person_id"),
    "against none, municipalities": matched(later="censored"),
    "naive, municipalities": matched(cells=()),
}


def rows_of(world: str, seed: int) -> list[Row]:
    """Return truth, estimate and interval of each method, horizon and end state in one draw."""
    drawn = draw(WORLDS[world], seed)
    rows = []
    for method, matching in METHODS.items():
        found = landmark(drawn.sums(matching))
        if not isinstance(found, Landmark):
            continue
        truth = drawn.against_none if matching.later == "censored" else drawn.truth
        for (_, horizon, state), number in landmark_estimates(found).items():
            if isinstance(number, Estimate) and state in ("job", "self_support", "entry_benefit"):
                named = {"seed": seed, "method": method, "horizon": horizon, "state": state}
                numbers = {"value": number.value, "se": number.se, "low": number.low, "high": number.high}
                rows.append({**named, "truth": truth[horizon, state], **numbers})
        if method == "against waiting, municipalities":
            rows += bounded(drawn, found, seed)
    return rows


def bounded(drawn: Draw, found: Landmark, seed: int) -> Iterator[Row]:
    """Yield bounds on the effect on having a job, from the counts behind the matched comparison."""
    for column in range(len(found.fit.cells)):
        _, horizon, state = found.label(column)
        if state != "job":
            continue
        numbers = round(found.treated[column]), round(found.compared[column])
        shares = found.treated_share[column], found.compared_share[column]
        [ours, theirs] = [round(number * share) for number, share in zip(numbers, shares, strict=True)]
        counts = Counts(numbers[0], ours, numbers[1], theirs)
        for method, bounds in (("bounds, worst case", worst_case), ("bounds, sanctioned weaker", monotone_selection)):
            made = bounds(counts)
            if isinstance(made, Bounds):
                named = {"seed": seed, "method": method, "horizon": horizon, "state": state}
                numbers_of = {"value": (made.low + made.high) / 2, "se": (made.high - made.low) / 2}
                interval = {"low": made.interval_low, "high": made.interval_high}
                yield {**named, "truth": drawn.truth[horizon, state], **numbers_of, **interval}


def summary(world: str, table: pl.DataFrame) -> list[Row]:
    """Return coverage, bias, spread and mean error per method, horizon and state; of bounds their mean half width."""
    made = []
    for (method, horizon, state), part in table.sort("method", "horizon", "state", "seed").group_by(
        "method", "horizon", "state", maintain_order=True
    ):
        inside = part["truth"].is_between(part["low"], part["high"])
        named = {"world": world, "method": method, "horizon_weeks": horizon, "state": state}
        truth = {"mean_truth": f"{part['truth'].mean():.4f}"}
        made.append({**named, **truth, **share_of(inside), **spread_of(part["value"] - part["truth"], part["se"])})
    return made


def main() -> None:
    """Run the draws and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=40)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    folder = ROOT / "build" / "simulation" / f"landmark-{fingerprint(CODE)}"
    rows: list[Row] = []
    for world in WORLDS:
        name = world.replace(" ", "-")
        rows += summary(world, draws(name, partial(rows_of, world), options.draws, options.workers, folder))
    write(rows, TABLE)
    print(TABLE.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
