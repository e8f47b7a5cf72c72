"""Two worlds with known effects: the synthetic register of 15 treated municipalities, and one without any effect."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from evaluator.estimators import GroupTime
from evaluator.evaluation.person_outcomes import estimator_of
from evaluator.inference import Band, aggregate, family_band, leave_one_cluster_out
from evaluator.inference.offered import by_error
from evaluator.panel import sections_from_frame
from evaluator.registers import simulate
from evaluator.registers import truth as truths
from evaluator.registers.municipalities import STARTS, municipalities
from evaluator.spec_reading import read_spec
from evaluator.vocabulary import NEVER, Estimate, Sections

OUTCOMES = ("job", "education", "benefit", "self_support", "left_register")
BENEFIT = ("entry_benefit", "other_benefit", "supported_work")
PERSONS = 60_000
HORIZON_WEEKS = 52
SPEC_FILE = Path(__file__).parents[2] / "data" / "synthetic" / "specs" / "trappe.toml"
SPEC = read_spec(SPEC_FILE)
INTERVENTION, POPULATION = truths.POPULATIONS["trappe"]
ESTIMATOR = estimator_of(SPEC, HORIZON_WEEKS)
NULL_TREATED, NULL_START, NULL_PERIODS, NULL_MEMORY, BURN_IN = 15, 40, 72, 0.8, 30


@dataclass(frozen=True, slots=True)
class Drawn:
    """One number of one draw: what is true, what was estimated, and three intervals."""

    seed: int
    outcome: str
    truth: float
    value: float
    se: float
    low: float
    high: float
    uncorrected_se: float
    band_low: float
    band_high: float


def register_draw(seed: int) -> list[Drawn]:
    """Return the overall effect on each end state in a register of 60,000 persons, and its truth."""
    register = simulate(persons=PERSONS, seed=seed, horizon_only=True)
    cells = register.entry_cells(POPULATION, HORIZON_WEEKS, SPEC.panel.period)
    last = cells["period_on"].max()  # only its first entry week is observed; the product leaves such a month out
    cells = cells.filter(pl.col("period_on") >= SPEC.panel.from_, pl.col("period_on") < last)
    data = {name: _sections(cells, name) for name in OUTCOMES}
    weights = _weights(data["job"])
    built = truths.build(register)
    period = SPEC.panel.period
    known = {name: truths.effect(built, "trappe", name, HORIZON_WEEKS, weights, period=period) for name in OUTCOMES}
    return _drawn(seed, data, known, ESTIMATOR)


def null_draw(seed: int) -> list[Drawn]:
    """Return estimates of no effect: 98 unequal municipalities, AR(1) shocks, 15 treated drawn at random."""
    rng = np.random.default_rng(seed)
    sizes = np.array([m.recipients for m in municipalities()])
    shocks = rng.normal(size=(sizes.size, NULL_PERIODS + BURN_IN))
    for period in range(1, shocks.shape[1]):
        shocks[:, period] += NULL_MEMORY * shocks[:, period - 1]
    cohort = np.full(sizes.size, NEVER)
    cohort[rng.permutation(sizes.size)[:NULL_TREATED]] = NULL_START
    rows = np.repeat(np.arange(sizes.size), NULL_PERIODS)
    section = Sections(
        periods=tuple(range(NULL_PERIODS)),
        outcome=shocks[:, BURN_IN:].ravel(),
        period=np.tile(np.arange(NULL_PERIODS), sizes.size),
        cohort=cohort[rows],
        covariates=np.empty((rows.size, 0)),
        cluster=rows,
        weight=sizes[rows],
        unit="shock",
        clusters=tuple(range(sizes.size)),
    )
    return _drawn(seed, {"shock": section}, {"shock": 0.0}, replace(ESTIMATOR, anticipation=0))


WORLDS = {"register": register_draw, "null": null_draw}


def _drawn(seed: int, data: Mapping[str, Sections], known: Mapping[str, float], estimator: GroupTime) -> list[Drawn]:
    band = family_band(estimator, data)
    assert isinstance(band, Band)
    out = []
    for index, name in enumerate(data):
        loo = leave_one_cluster_out(estimator, data[name], "simple")
        found = by_error(loo, 0, 0.95)
        assert isinstance(found, Estimate) and found.se is not None
        ends = (float(band.low[index]), float(band.high[index]))
        interval = (found.se, found.low, found.high)
        out.append(Drawn(seed, name, known[name], found.value, *interval, loo.aggregate.se, *ends))
    return out


def _sections(cells: pl.DataFrame, outcome: str) -> Sections:
    starts = {s.code: s.start for s in STARTS if s.intervention == INTERVENTION}
    count = pl.sum_horizontal(*BENEFIT) if outcome == "benefit" else pl.col(outcome)
    frame = cells.filter(~pl.col("municipality_code").is_in(SPEC.comparison.exclude_donors)).select(
        "municipality_code",
        "period_on",
        "persons",
        start=pl.col("municipality_code").replace_strict(starts, default=None, return_dtype=pl.Date),
        share=count / pl.col("persons"),
    )
    return sections_from_frame(
        frame, period="period_on", outcome="share", cohort="start", cluster="municipality_code", weight="persons"
    )


def _weights(data: Sections) -> dict[tuple[date, date], float]:
    """Return the weight of each (start, entry month) in the overall effect."""
    fit = ESTIMATOR.fit(data)
    overall, months = aggregate(fit, data, "simple").weights[0], data.periods
    return {
        (months[cell.cohort], months[cell.period]): float(weight)
        for cell, weight in zip(fit.cells, overall, strict=True)
        if weight > 0
    }
