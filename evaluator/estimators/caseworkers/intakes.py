"""A frame of intakes as arrays: who was dealt to which caseworker in which cell, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from evaluator.errors import PanelError
from evaluator.frame_columns import Column, coded, column, missing
from evaluator.vocabulary import Bools, Floats, Ints

OUTCOMES = {
    "job": ("job",),
    "education": ("education",),
    "other_benefit": ("other_benefit", "supported_work"),
    "self_support": ("self_support",),
    "entry_benefit": ("entry_benefit",),
    "left_register": ("left_register",),
}
"""End states as readers see them, supported work inside other benefit; the shares sum to 1."""


@dataclass(frozen=True, slots=True)
class Setting:
    """Which columns are read, and where the method gives up."""

    cells: tuple[str, ...] = ("municipality_code", "period_on")  # within which who gets whom is as good as drawn
    characteristics: tuple[str, ...] = (
        "benefit", "target_group", "age_group", "sex", "education_level", "has_children", "is_single",
        "earlier_benefit_weeks", "earlier_wage_months", "earlier_sanctions",
    )  # fmt: skip
    subgroups: tuple[str, ...] = ("benefit", "target_group", "age_group", "sex")
    levers: tuple[str, ...] = ("meetings",)  # what else a caseworker decides
    no_shows: str | None = "no_shows"
    exempt: str | None = None  # a flag of those who cannot be sanctioned, known at intake
    early: tuple[str, str] | None = None  # end state at an earlier horizon, and whether sanctioned by then
    smallest_caseload: int = 10
    draws: int = 199  # permutations of the assignment check
    seed: int = 20_170_101
    level: float = 0.95


@dataclass(frozen=True, slots=True)
class Intakes:
    """N persons in C cells with J caseworkers; those who can be compared with a colleague's."""

    cell: Ints
    caseworker: Ints
    sanctioned: Floats  # (N,) 0 or 1
    outcomes: Mapping[str, Floats]  # (N,) each
    characteristics: Floats  # (N, K) indicators and numbers, a column for unknown numbers
    subgroups: Mapping[str, Bools]  # "column: value" -> (N,)
    levers: Mapping[str, Floats]
    exempt: Bools  # (N,)
    no_show: Bools  # (N,) missed a meeting; all false when not asked for
    early_outcomes: Mapping[str, Floats]  # (N,) each, at the earlier horizon; none when not asked for
    early_sanctioned: Floats  # (N,)
    dropped: Mapping[str, int] = field(default_factory=dict)  # why -> persons left out

    @property
    def persons(self) -> int:
        return self.cell.size

    @property
    def caseworkers(self) -> int:
        return int(np.unique(self.caseworker).size)


def read_intakes(frame: Any, outcomes: tuple[str, ...], setting: Setting) -> Intakes:
    """Return the persons of a polars frame who can be compared; raises PanelError for absent or unusable columns."""
    unknown = [name for name in outcomes if name not in OUTCOMES]
    if unknown:
        raise PanelError(f"intakes: {len(unknown)} outcomes are none; expected some of {', '.join(OUTCOMES)}.")
    repeats = int(frame.select("person_id", "entry_week").is_duplicated().sum())
    if repeats:
        raise PanelError(
            f"intakes: {repeats:,} rows repeat (person_id, entry_week); expected one each. Keep one horizon."
        )
    worker = column(frame, "caseworker_id")
    has_worker = ~missing(worker)
    cell = np.zeros(len(frame), dtype=np.int64)
    for name in setting.cells:
        codes = coded(_text(frame, name))[1]
        cell = coded(cell * (int(codes.max(initial=0)) + 1) + codes)[1]
    workers = coded(_text(frame, "caseworker_id"))[1]
    kept = _comparable(cell, workers, has_worker, setting.smallest_caseload)
    state = column(frame, "state")
    early_state, by_then = setting.early or ("state", "is_sanctioned")
    early = column(frame, early_state)
    arrays = Intakes(
        cell=cell,
        caseworker=workers,
        sanctioned=_flag(frame, "is_sanctioned").astype(np.float64),
        outcomes={name: np.isin(state, OUTCOMES[name]).astype(np.float64) for name in outcomes},
        characteristics=_characteristics(frame, setting.characteristics),
        subgroups=_subgroups(frame, setting.subgroups),
        levers={name: _number(frame, name) for name in setting.levers},
        exempt=_flag(frame, setting.exempt) if setting.exempt else np.zeros(len(frame), dtype=np.bool_),
        no_show=_number(frame, setting.no_shows) > 0 if setting.no_shows else np.zeros(len(frame), dtype=np.bool_),
        early_outcomes={n: np.isin(early, OUTCOMES[n]).astype(np.float64) for n in OUTCOMES if setting.early},
        early_sanctioned=_flag(frame, by_then).astype(np.float64),
        dropped={
            "without_caseworker": int((~has_worker).sum()),
            "not_comparable": int((has_worker & ~kept).sum()),
        },
    )
    return take(arrays, kept)


def take(intakes: Intakes, kept: Bools) -> Intakes:
    """Return some of the persons, with cells and caseworkers coded anew."""
    return Intakes(
        cell=coded(intakes.cell[kept])[1],
        caseworker=coded(intakes.caseworker[kept])[1],
        sanctioned=intakes.sanctioned[kept],
        outcomes={name: values[kept] for name, values in intakes.outcomes.items()},
        characteristics=intakes.characteristics[kept],
        subgroups={name: values[kept] for name, values in intakes.subgroups.items()},
        levers={name: values[kept] for name, values in intakes.levers.items()},
        exempt=intakes.exempt[kept],
        no_show=intakes.no_show[kept],
        early_outcomes={name: values[kept] for name, values in intakes.early_outcomes.items()},
        early_sanctioned=intakes.early_sanctioned[kept],
        dropped=intakes.dropped,
    )


def comparable(intakes: Intakes, kept: Bools, smallest: int) -> Intakes:
    """Return those of `kept` whose caseworker can be compared among them."""
    return take(intakes, _comparable(intakes.cell, intakes.caseworker, kept, smallest))


def _comparable(cell: Ints, worker: Ints, kept: Bools, smallest: int) -> Bools:
    """Return who is left when caseworkers with few persons and cells with one caseworker go, until none does."""
    kept = kept.copy()
    while kept.any():
        pair = np.unique(np.stack([cell[kept], worker[kept]]), axis=1)
        in_cell = np.bincount(pair[0], minlength=int(cell.max()) + 1)
        caseload = np.bincount(worker[kept], minlength=int(worker.max()) + 1)
        size = np.bincount(cell[kept], minlength=int(cell.max()) + 1)
        left = kept & (caseload[worker] >= smallest) & (in_cell[cell] > 1) & (size[cell] > 2)
        if (left == kept).all():
            break
        kept = left
    return kept


def _text(frame: Any, name: str) -> Column:
    values = column(frame, name)
    return np.where(missing(values), "", values.astype(str))


def _flag(frame: Any, name: str) -> Bools:
    values = column(frame, name)
    unknown = int(missing(values).sum())
    if unknown:
        raise PanelError(f"intakes: {unknown:,} of {len(values):,} rows have no {name}; expected yes or no in each.")
    return values.astype(np.bool_)


def _number(frame: Any, name: str) -> Floats:
    values = column(frame, name)
    return np.where(missing(values), 0.0, values).astype(np.float64)


def _is_number(values: Column) -> bool:
    return values.dtype.kind in "iuf"


def _characteristics(frame: Any, names: tuple[str, ...]) -> Floats:
    """Return a column per value but the first of each code, and per number, with an indicator where it is unknown."""
    made: list[Floats] = []
    for name in names:
        values = column(frame, name)
        if _is_number(values):
            made += [_number(frame, name), missing(values).astype(np.float64)]
        else:
            labels, codes = coded(_text(frame, name))
            made += [(codes == code).astype(np.float64) for code in range(1, len(labels))]
    return np.column_stack(made) if made else np.empty((len(frame), 0))


def _subgroups(frame: Any, names: tuple[str, ...]) -> dict[str, Bools]:
    found = {}
    for name in names:
        labels, codes = coded(_text(frame, name))
        found.update({f"{name}: {label}": codes == code for code, label in enumerate(labels) if label != ""})
    return found
