"""The example `trappe` without a store: its spec, its design, and the entry cohorts of a small simulated register."""

from pathlib import Path

import polars as pl

from evaluator.design.frozen import Design, periods_between
from evaluator.evaluation.entry_cohorts import EntryCohorts, labelled
from evaluator.registers import Population, simulate
from evaluator.registers.municipalities import STARTS, municipalities
from evaluator.spec import Start
from evaluator.spec_reading import read_spec

TRAPPE = read_spec(Path(__file__).resolve().parents[2] / "data/synthetic/specs/trappe.toml")
DESIGN = Design(
    treated=tuple(Start(s.code, s.start) for s in STARTS if s.intervention == "faerre-sager"),
    donors=tuple(m.code for m in municipalities() if m.code not in {s.code for s in STARTS}),
    excluded=TRAPPE.comparison.exclude_donors,
    periods=periods_between(TRAPPE.panel.from_, TRAPPE.panel.to, 1),
    period_months=1,
)


def entry_cohorts(persons: int, seed: int) -> EntryCohorts:
    register = simulate(persons=persons, seed=seed, horizon_only=True)
    cells = register.entry_cells(Population(), 52, "month").filter(pl.col("period_on") >= TRAPPE.panel.from_)
    cells = cells.filter(pl.col("period_on") < cells["period_on"].max())
    cells = cells.filter(~pl.col("municipality_code").is_in(TRAPPE.comparison.exclude_donors))
    kept = labelled(cells, DESIGN).sort("municipality_code", "period")
    return EntryCohorts(kept, tuple(sorted(kept["period"].unique())), 52)
