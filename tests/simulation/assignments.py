"""How often a report would show an effect of nothing: `python -m tests.simulation.assignments`.

20 registers of 60,000 persons simulated without any effect x 25 random draws of 15 municipalities, five to each of the
three starts of the example spec `trappe`. From the design on everything is the product's: frozen design, labelled entry
cohorts, all outcomes and bands of `person_outcomes.estimate` with the estimator that the spec names, and the kind of
answer of the primary outcome. Cells of municipality x entry month come from the register in memory, not through
extracts, store and SQL (tests/unit/test_registers_states.py holds the two to be equal).
"""

from __future__ import annotations

import argparse
import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from evaluator.design.frozen import Design, periods_between
from evaluator.evaluation import person_outcomes
from evaluator.evaluation.entry_cohorts import EntryCohorts, labelled, month_index
from evaluator.evaluation.estimate_rows import answer_kind
from evaluator.registers import simulate
from evaluator.registers.municipalities import STEPS, municipalities
from evaluator.results import Findings
from evaluator.spec import END_STATES, EvaluationSpec, Start
from evaluator.vocabulary import Estimate
from tests.simulation import coverage
from tests.simulation.worlds import HORIZON_WEEKS, PERSONS, POPULATION, SPEC

TABLE = Path(__file__).with_suffix(".csv")
REGISTERS, ASSIGNMENTS = 20, 25
FIRST_SEED = 5000
NOMINAL, NORMAL = 0.05, coverage.NORMAL
CODE = (*coverage.CODE, "evaluator/evaluation", "evaluator/design")
Row = dict[str, Any]


def register_rows(number: int, assignments: int = ASSIGNMENTS) -> list[Row]:
    """Return a row per assignment in one register without effects: the headline and what kind of answer it is."""
    seed = FIRST_SEED + number
    register = simulate(persons=PERSONS, seed=seed, effects=False, horizon_only=True)
    cells = register.entry_cells(POPULATION, HORIZON_WEEKS, SPEC.panel.period)
    last = cells["period_on"].max()  # only its first entry weeks are observed; the product leaves such a month out
    cells = cells.filter(pl.col("period_on") >= SPEC.panel.from_, pl.col("period_on") < last)
    rng = np.random.default_rng(seed)
    return [{"seed": seed, "assignment": index, **headline(cells, random_design(rng))} for index in range(assignments)]


def random_design(rng: np.random.Generator) -> Design:
    """Return the design of `trappe` with other municipalities drawn for each of its starts."""
    excluded = SPEC.comparison.exclude_donors
    codes = [m.code for m in municipalities() if m.code not in excluded]
    drawn = iter(rng.permutation(codes).tolist())
    treated = [Start(next(drawn), day) for day, stood in STEPS.items() for _ in stood]
    chosen = {start.unit for start in treated}
    return Design(
        treated=tuple(sorted(treated, key=lambda start: start.unit)),
        donors=tuple(code for code in codes if code not in chosen),
        excluded=excluded,
        periods=periods_between(SPEC.panel.from_, SPEC.panel.to, SPEC.panel.period_months),
        period_months=SPEC.panel.period_months,
    )


def spec_of(design: Design) -> EvaluationSpec:
    """Return `trappe` with the starts of a design written into it, without the outcomes that need paid hours."""
    outcomes = tuple(outcome for outcome in SPEC.outcomes if outcome.name in END_STATES)
    return replace(SPEC, outcomes=outcomes, intervention=replace(SPEC.intervention, starts=design.treated))


def headline(cells: pl.DataFrame, design: Design) -> Row:
    """Return the primary number as a report would state it."""
    included = pl.col("municipality_code").is_in([*design.treated_codes, *design.donors])
    kept = labelled(cells.filter(included), design).sort("municipality_code", "period")
    last = max(kept["period"].to_list())
    periods = tuple(month_index(day) for day in design.periods if month_index(day) <= last)
    spec = spec_of(design)
    found = person_outcomes.estimate(spec, EntryCohorts(kept, periods, HORIZON_WEEKS), {}, Findings())[
        spec.primary.name
    ]
    told: Row = {"answer": answer_kind(found, spec.primary.relevant_change), "estimator": spec.primary_estimator}
    if isinstance(found, Estimate):
        told |= {name: getattr(found, name) for name in ("value", "se", "low", "high", "treated_clusters", "method")}
    return told


def summary(table: pl.DataFrame) -> list[Row]:
    """Return a row per register and one over all, with the error of the rate clustered by register."""
    is_effect = (pl.col("answer") == "effect").cast(pl.Int64)
    figures = (
        pl.len().alias("assignments"),
        is_effect.sum().alias("shown_as_effect"),
        (pl.col("answer") == "refused").sum().alias("refused"),
        (100 * is_effect.mean()).round(2).alias("percent"),
        pl.col("value").mean().round(6).alias("mean_estimate"),
        pl.col("value").std().round(6).alias("sd_of_estimates"),
        pl.col("se").mean().round(6).alias("mean_se"),
    )
    each = table.group_by("seed").agg(figures).sort("seed")
    rows = [{"register": str(row.pop("seed")), **row, "clustered_error": ""} for row in each.to_dicts()]
    error = each["percent"].std() / len(each) ** 0.5
    return [*rows, {"register": "all", **table.select(figures).to_dicts()[0], "clustered_error": round(error, 2)}]


def main() -> None:
    """Run the registers and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--registers", type=int, default=REGISTERS)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    folder = coverage.ROOT / "build" / "simulation" / f"assignments-{coverage.fingerprint(CODE)}"
    chunk = options.workers
    table = coverage.draws("assignments", register_rows, options.registers, options.workers, folder, chunk)
    rows = summary(table)
    with TABLE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    print(TABLE.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
