"""The true effects of a simulated register: Y(1) - Y(0) of the factual entrants, as integer counts and sums."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from evaluator.registers import rates
from evaluator.registers.calendar import MONTH_OF_WEEK, MONTHS, WEEKS, YEAR_OF_WEEK, month_date, week_of_day_15
from evaluator.registers.caseloads import caseworker_names
from evaluator.registers.intake import Intake
from evaluator.registers.municipalities import ACTIVATION, HORSENS, STEPPED, TRIAL_CLAIMS, municipalities, starts
from evaluator.registers.register import HORIZONS, STATES, Population, Register
from evaluator.vocabulary import Bools, Ints

POPULATIONS = {
    "trappe": (STEPPED, Population()),
    "horsens": (
        "mod-til-uddannelse",
        Population(benefits=("uddannelseshjaelp",), target_groups=("aktivitetsparat",), age=(18, 24)),
    ),
    "silkeborg": ("silkeborg-investering", Population()),
}
COLUMNS = ("cohort_start", "municipality_code", "month", "horizon_weeks", "grouping", "group", "n", *STATES)
SICK_WEEKS = "sick_weeks"
CLAIMED = {"aktivering": (ACTIVATION, Population()), **{name: POPULATIONS[name] for name in ("horsens", "silkeborg")}}
"""The specs of the world `trial_claims`, where rows end with the sum of weeks of sick pay won or lost."""
ALL = "all"


def build(register: Register) -> dict[str, Any]:
    """Return what truth.json holds; its layout is described in data/synthetic/README.md."""
    is_claimed = register.world == TRIAL_CLAIMS
    hazards: dict[str, Any] = {
        "sanktioner": {
            "exit_self_support": round(math.log(rates.SANCTION_ON_SELF_SUPPORT), 6),
            "exit_job": round(math.log(rates.SANCTION_ON_JOB), 6),
            "weeks": rates.SANCTION_WEEKS,
        }
    }
    if is_claimed:
        hazards["samtaler"] = {
            "counselling_exit_job": round(math.log(rates.COUNSELLING_ON_JOB), 6),
            "control_exit_self_support": round(math.log(rates.CONTROL_ON_SELF_SUPPORT), 6),
            "weeks": rates.MEETING_WEEKS,
        }
    specs = CLAIMED if is_claimed else POPULATIONS
    strictness = {} if register.intake is None else {"strictness": _strictness(register, register.intake)}
    return {
        "seed": register.seed,
        "world": register.world,
        "persons": len(register.people.entry),
        "columns": [*COLUMNS, *([SICK_WEEKS] if is_claimed else [])],
        "specs": {name: _rows(register, *what) for name, what in specs.items()},
        "hazards": hazards,
        "stock": {"horsens": _stock(register)} if len(register.paths.weeks) == WEEKS else {},
        **strictness,
    }


def _strictness(register: Register, intake: Intake) -> dict[str, Any]:
    """Return each caseworker's factor on the share of no-shows that are sanctioned, of those who were dealt anybody."""
    pairs = np.stack([register.people.municipality, intake.number])
    (place, number), first = np.unique(pairs, axis=1, return_index=True)
    factor = intake.strictness[first].round(6)
    named = caseworker_names(place, number)
    names = [named.names[index] for index in named.index]
    return {"spread": intake.spread, "caseworkers": dict(zip(names, factor.tolist(), strict=True))}


def _rows(register: Register, intervention: str, population: Population) -> list[list[Any]]:
    people = register.people
    names = [m.code for m in municipalities()]
    first = {names.index(s.code): s.start for s in starts(register.world) if s.intervention == intervention}
    member = register.members(population) & people.always & np.isin(people.municipality, list(first))
    groupings = {
        ALL: np.full(len(member), ALL, dtype=object),
        "age_group": np.array(rates.AGE_GROUPS, dtype=object)[people.age_group],
        "target_group": register.target_groups().astype(object),
    }
    rows: list[list[Any]] = []
    for horizon in HORIZONS:
        factual, without = register.end_states(horizon), register.end_states(horizon, without=True)
        sick = register.sick_weeks(horizon) - register.sick_weeks(horizon, without=True)
        seen = np.flatnonzero(member & (factual >= 0))
        month = MONTH_OF_WEEK[people.entry[seen]]
        for grouping, labels in groupings.items():
            values, group = np.unique(labels[seen], return_inverse=True)
            key = (people.municipality[seen] * MONTHS + month) * len(values) + group
            cells, cell = np.unique(key, return_inverse=True)
            n = np.bincount(cell, minlength=len(cells))
            gain = _gain(cell, factual[seen], len(cells)) - _gain(cell, without[seen], len(cells))
            if register.world == TRIAL_CLAIMS:
                gain = np.column_stack([gain, np.bincount(cell, weights=sick[seen], minlength=len(cells))])
            for i, code in enumerate(cells):
                municipality, in_month = divmod(int(code) // len(values), MONTHS)
                rows.append(
                    [
                        first[municipality].isoformat(), names[municipality], month_date(in_month).isoformat(),
                        horizon, grouping, str(values[code % len(values)]), int(n[i]), *map(int, gain[i]),
                    ]
                )  # fmt: skip
    return rows


def _gain(cell: Ints, state: np.ndarray, cells: int) -> Ints:
    return np.bincount(cell * len(STATES) + state, minlength=cells * len(STATES)).reshape(-1, len(STATES))


def merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Return the truth of two parts of a register: counts and sums of the same cell are added up."""
    specs = {
        name: _added(rows + other["specs"][name], len(COLUMNS) - len(STATES) - 1) for name, rows in one["specs"].items()
    }
    stock = {name: _added(rows + other["stock"][name], 1) for name, rows in one["stock"].items()}
    return {**one, "persons": one["persons"] + other["persons"], "specs": specs, "stock": stock}


def _added(rows: list[list[Any]], keys: int) -> list[list[Any]]:
    """Return one row per cell, named by its first `keys` columns, in the order in which `build` has them."""
    cells: dict[tuple[Any, ...], list[int]] = {}
    for row in rows:
        sums = cells.setdefault(tuple(row[:keys]), [0] * (len(row) - keys))
        cells[tuple(row[:keys])] = [a + b for a, b in zip(sums, row[keys:], strict=True)]
    groupings = (ALL, "age_group", "target_group")

    def place(cell: tuple[Any, ...]) -> tuple[Any, ...]:
        if keys == 1:
            return cell
        _, code, month, horizon, grouping, group = cell
        return horizon, groupings.index(grouping), code, month, group

    return [[*cell, *cells[cell]] for cell in sorted(cells, key=place)]


def youth_on_benefit(register: Register, week: int, column: Ints) -> Bools:
    """Return who in a week is 18-24, aktivitetsparat and on uddannelseshjaelp, supported work included."""
    people = register.people
    since = week - people.entry
    inside = (since >= 0) & (since < len(register.paths.weeks))
    recorded = np.full(len(since), rates.ABSENT, dtype=np.uint8)
    recorded[inside] = register.paths.weeks[since[inside], column[inside]]
    on = ((recorded & 15) <= rates.SUBSIDY_PUBLIC) & (recorded != rates.ABSENT)
    young = int(YEAR_OF_WEEK[week]) - people.birth_year <= 24
    return on & young & ((recorded & rates.IS_AKT) > 0) & ((recorded & rates.IS_KTH) == 0)


def _stock(register: Register) -> list[list[Any]]:
    """Return (month, stock, stock without the intervention) of the Horsens population, on the 15th."""
    here = register.people.municipality == [m.code for m in municipalities()].index(HORSENS)
    rows = []
    for month, week in enumerate(week_of_day_15()):
        if week >= WEEKS:
            break
        counts = [
            int((youth_on_benefit(register, int(week), column) & here).sum())
            for column in (register.paths.factual, register.paths.twin)
        ]
        rows.append([month_date(month).isoformat(), *counts])
    return rows


def read(path: Path) -> dict[str, Any]:
    """Return the truth that a register was written with."""
    found: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
    return found


def effect(
    truth: Mapping[str, Any],
    spec: str,
    outcome: str,
    horizon: int,
    weights: Mapping[tuple[date, date], float],
    group: tuple[str, str] | None = None,
    *,
    period: str = "month",
) -> float:
    """Return the true mean effect on a state's share, or on the weeks of sick pay, with the estimator's weights.

    `weights` maps (start of the cohort, entry period) to a weight; they are scaled to sum to one over the cells that
    have entrants. Within a cell people weigh alike. `group` is (grouping, name), such as ("age_group", "18-24").
    """
    grouping, name = group or (ALL, ALL)
    months = {"month": 1, "quarter": 3, "year": 12}[period]
    parts = {"benefit": ("entry_benefit", "other_benefit", "supported_work")}.get(outcome, (outcome,))
    places = [truth["columns"].index(part) for part in parts]
    persons: dict[tuple[date, date], int] = {}
    gains: dict[tuple[date, date], int] = {}
    for row in truth["specs"][spec]:
        if row[3] != horizon or row[4] != grouping or row[5] != name:
            continue
        month = date.fromisoformat(row[2])
        cell = (date.fromisoformat(row[0]), date(month.year, (month.month - 1) // months * months + 1, 1))
        persons[cell] = persons.get(cell, 0) + row[6]
        gains[cell] = gains.get(cell, 0) + sum(row[place] for place in places)
    known = [cell for cell in sorted(weights) if persons.get(cell)]
    total = math.fsum(weights[cell] for cell in known)
    if not total:
        raise ValueError(f"truth: no entrants of {spec} in the weighted cells; expected at least one.")
    return math.fsum(weights[cell] * gains[cell] / persons[cell] for cell in known) / total
