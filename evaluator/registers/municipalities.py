"""The 98 municipalities: sizes, interventions, and their month-by-month factors on the hazards."""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from importlib import resources

import numpy as np

from evaluator.registers import rates
from evaluator.registers.calendar import MONTHS, month_index
from evaluator.vocabulary import Floats, Ints


@dataclass(frozen=True, slots=True)
class Municipality:
    """One row of municipalities.csv."""

    code: str
    name: str
    region: str
    population: int
    recipients: float  # mean of the four quarters of 2016


@dataclass(frozen=True, slots=True)
class Start:
    """One municipality's intervention. `delivered` is the share of the planned fall that came about."""

    code: str
    intervention: str
    start: date
    planned_before: int
    planned_after: int
    delivered: float
    budget_dkk: int
    target_group: str

    @property
    def month(self) -> int:
        return month_index(self.start.year, self.start.month)


STEPS = {
    date(2016, 7, 1): ("169", "370", "479", "621", "657"),
    date(2017, 1, 1): ("217", "330", "630", "730", "791"),
    date(2017, 7, 1): ("159", "316", "540", "561", "607"),
}
STEPPED = "faerre-sager"
PARTLY_DELIVERED = "217"
HORSENS, SILKEBORG = "615", "740"
OVERSIZE = {HORSENS: 0.0222, SILKEBORG: 0.045}  # guaranteed shares of all persons
STEP_OVERSIZE = 1.25


def _starts() -> tuple[Start, ...]:
    rows = [
        Start(
            HORSENS, "mod-til-uddannelse", date(2017, 1, 1), 70, 35, 0.92, 1_600_000,
            "unge aktivitetsparate uddannelseshjaelpsmodtagere",
        ),
        Start(SILKEBORG, "silkeborg-investering", date(2017, 1, 1), 100, 40, 0.95, 5_500_000, "kontanthjaelp"),
    ]  # fmt: skip
    for start, codes in STEPS.items():
        for position, code in enumerate(codes):
            before = 70 + 4 * position
            delivered = 0.5 if code == PARTLY_DELIVERED else 0.90 + 0.02 * position
            row = Start(code, STEPPED, start, before, before // 2, delivered, 300_000 * before // 10, "alle")
            rows.append(row)
    return tuple(rows)


STARTS: tuple[Start, ...] = _starts()
TRIAL_CLAIMS = "trial_claims"
WORLDS = ("default", "inflow_responds", TRIAL_CLAIMS)
ACTIVATION = "mere-aktivering"


def starts(world: str) -> tuple[Start, ...]:
    """Return the interventions of a world: in `trial_claims` fifteen activate more and keep the caseload they have."""
    if world != TRIAL_CLAIMS:
        return STARTS
    return tuple(
        replace(start, intervention=ACTIVATION, planned_after=start.planned_before, delivered=1.0)
        if start.intervention == STEPPED
        else start
        for start in STARTS
    )


@cache
def municipalities() -> tuple[Municipality, ...]:
    """Return the 98 municipalities in code order."""
    text = resources.files("evaluator.registers").joinpath("municipalities.csv").read_text(encoding="utf-8")
    names = ("municipality_code", "municipality_name", "region", "population", "recipients_2016")
    rows = [[row[name] for name in names] for row in csv.DictReader(text.splitlines(), delimiter=";")]
    return tuple(Municipality(r[0], r[1], r[2], int(r[3]), float(r[4])) for r in rows)


@cache
def _neighbours() -> dict[str, tuple[str, ...]]:
    text = resources.files("evaluator.registers").joinpath("neighbours.csv").read_text(encoding="utf-8")
    facts = (line for line in text.splitlines() if not line.startswith("#"))
    return {
        row["municipality_code"]: tuple(sorted(f"{row['by_land']} {row['by_fixed_link']}".split()))
        for row in csv.DictReader(facts, delimiter=";")
    }


def neighbours(code: str) -> tuple[str, ...]:
    """Return the codes of those that share a land border or a bridge with a municipality, in order; none for islands.

    Raises ValueError for a code that is none of the 98. Source and rule: the head of neighbours.csv.
    """
    if code not in _neighbours():
        raise ValueError(f"neighbours: {code} is no municipality; expected one of the 98 codes, 101 to 860.")
    return _neighbours()[code]


def sizes(persons: int, codes: tuple[str, ...] | None) -> Ints:
    """Return how many people enter in each municipality, by largest remainder; `codes` keeps only some."""
    rows = municipalities()
    steps = {code for group in STEPS.values() for code in group}
    recipients = [
        0.0 if r.code in OVERSIZE else r.recipients * (STEP_OVERSIZE if r.code in steps else 1.0) for r in rows
    ]
    rest = (1.0 - sum(OVERSIZE.values())) / sum(recipients)
    share = [OVERSIZE.get(r.code, n * rest) for r, n in zip(rows, recipients, strict=True)]
    if codes is not None:
        share = [s if r.code in codes else 0.0 for r, s in zip(rows, share, strict=True)]
    exact = np.array(share) / sum(share) * persons
    counts = np.floor(exact).astype(np.int64)
    largest = np.argsort(-(exact - counts), kind="stable")[: persons - int(counts.sum())]
    counts[largest] += 1
    return counts


@dataclass(frozen=True, slots=True)
class MonthTables:
    """Factors by municipality and month, flattened (2 * 98 * MONTHS,): the second half is the world without."""

    job: Floats
    education: Floats
    self_support: Floats
    ramp: Floats
    strictness: Floats  # share of no-shows that are sanctioned


def ramps(world: str) -> Floats:
    """Return the share of the intervention in force, (98, MONTHS)."""
    codes = [r.code for r in municipalities()]
    ramp = np.zeros((len(codes), MONTHS))
    for start in starts(world):
        row = codes.index(start.code)
        strength = 0.5 if start.delivered < 0.75 else 1.0
        for month in range(start.month, MONTHS):
            phase = min(month - start.month, len(rates.RAMP_BY_MONTH) - 1)
            ramp[row, month] = rates.RAMP_BY_MONTH[phase] * strength
    return ramp


def _shocks(stream: np.random.Generator, deviation: float, n: int) -> Floats:
    """Return AR(1) shocks with coefficient 0.8 and the given standard deviation, (n, MONTHS).

    Innovations are sums of four uniforms, so no transcendental function stands on the way.
    """
    innovation = stream.random((n, MONTHS, 4))
    centred = innovation[..., 0] + innovation[..., 1] + innovation[..., 2] + innovation[..., 3] - 2.0
    scale = deviation * 0.6 * 1.7320508  # sqrt(1 - 0.8**2) * sqrt(3); four uniforms have variance 1/3
    shock = np.empty((n, MONTHS))
    shock[:, 0] = centred[:, 0] * 1.7320508 * deviation
    for month in range(1, MONTHS):
        shock[:, month] = 0.8 * shock[:, month - 1] + scale * centred[:, month]
    return shock


def _level(stream: np.random.Generator, n: int, low: float, high: float) -> Floats:
    return low + (high - low) * stream.random((n, 1))


def month_tables(stream: np.random.Generator, world: str, *, effects: bool) -> MonthTables:
    """Draw levels and shocks of all municipalities; national trend and reform breaks are the same for all."""
    n = len(municipalities())
    months = np.arange(MONTHS)
    upward = 1.0 + 0.11 * np.maximum(months - 24, -12) / 12
    break_2016 = np.where(months >= month_index(2016, 1), 1.06, 1.0)
    hours_rule = np.where(months >= month_index(2016, 10), 1.15, 1.0)
    job = _level(stream, n, 0.82, 1.22) * (1.0 + _shocks(stream, 0.07, n)) * upward * break_2016
    education = _level(stream, n, 0.85, 1.18) * (1.0 + _shocks(stream, 0.06, n)) * (1.0 + 0.02 * months / 12)
    self_support = _level(stream, n, 0.80, 1.25) * (1.0 + _shocks(stream, 0.06, n)) * hours_rule
    practice = np.maximum(1.0 + _shocks(stream, 0.35, n), 0.2)
    level = 0.09 + 0.86 * stream.random((n, 1))
    strictness = np.minimum(level * practice, 1.0)
    ramp = ramps(world) if effects else np.zeros((n, MONTHS))

    def both(table: Floats) -> Floats:
        return np.concatenate([table, table]).ravel()

    without = np.zeros_like(ramp)
    return MonthTables(
        both(job), both(education), both(self_support), np.concatenate([ramp, without]).ravel(), both(strictness)
    )
