"""From a frame of persons over intervals to the rows of a duration model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from evaluator.errors import PanelError
from evaluator.estimators.mixed_hazards.spells import Rows, shared
from evaluator.vocabulary import Bools

NOT_A_TRANSITION = "none"


@dataclass(frozen=True, slots=True)
class Columns:
    """Names of columns of a frame with one row per person and interval."""

    person: str = "person_id"
    duration: str = "duration"  # length of the interval
    transition: str = "transition"  # what ended it; null or "none" where nothing did
    start: str | None = None  # time in the spell at which the interval begins; needed for a baseline
    state: str | None = None  # needed for risk sets
    spell: str | None = None  # number of the person's spell, where there are several


@dataclass(frozen=True, slots=True)
class Model:
    """Which columns move which transition. A hazard is exp(mu + x beta): no column may be a constant."""

    transitions: Mapping[str, tuple[str, ...]]  # transition to the columns of its hazard
    baseline: tuple[float, ...] = ()  # times at which the baseline hazards jump
    risk_sets: Mapping[str, tuple[str, ...]] | None = None  # state to the transitions possible in it; all when None
    is_interval: bool = False  # transitions are known to lie within their row, else at its end
    states: tuple[str, ...] = ()  # columns that are left out of the hazards in whose risk set they do not vary


def with_time_since(frame: Any, weeks: str, cuts: Sequence[float] = (0, 5, 13, 27), by: str | None = None) -> Any:
    """Return the polars frame with an indicator for each piece of the time since a treatment.

    `weeks` is null before the treatment. Columns are named `weeks`_0_4, ..., `weeks`_27_on; with `by` (the treatment's
    type, or a target group) there is one for each of its values.
    """
    import polars as pl

    ends = [*(f"{low:g}_{high - 1:g}" for low, high in pairwise(cuts)), f"{cuts[-1]:g}_on"]
    kinds = [None] if by is None else sorted(frame[by].drop_nulls().unique().to_list())
    kind_of = pl.lit(None) if by is None else pl.col(by)
    made = []
    for kind in kinds:
        for low, high, end in zip(cuts, (*cuts[1:], None), ends, strict=True):
            inside = pl.col(weeks) >= low if high is None else pl.col(weeks).is_between(low, high, closed="left")
            inside = inside if kind is None else inside & (kind_of == kind)
            name = f"{weeks}_{end}" if kind is None else f"{weeks}_{end}_{kind}"
            made.append(inside.fill_null(False).cast(pl.Float64).alias(name))
    return frame.with_columns(made)


def entered_late(frame: Any, columns: Columns) -> int:
    """Return how many spells of a polars or pandas frame are first seen after their beginning."""
    import polars as pl

    if columns.start is None:
        return 0
    table = frame if type(frame).__module__.startswith("polars") else pl.from_pandas(frame)
    spell = [columns.person, *([] if columns.spell is None else [columns.spell])]
    first = table.group_by(spell).agg(pl.col(columns.start).min())
    return int((first[columns.start] > 0).sum())


def rows_of(frame: Any, model: Model, columns: Columns) -> Rows:
    """Return the rows of a polars or pandas frame, cut at the baseline's jumps and collapsed where nothing changes.

    Rows of a person with the same state and columns are one row: exposures and transitions add up. Where a transition
    lies within its row, that row stays apart.

    Raises PanelError for a column that is absent, missing values, durations at or under 0, and transitions that are
    unknown or not possible in their state.
    """
    import polars as pl

    table = frame if type(frame).__module__.startswith("polars") else pl.from_pandas(frame)
    names = tuple(model.transitions)
    used = tuple(dict.fromkeys(name for group in model.transitions.values() for name in group))
    table = _checked(table, model, columns, used)
    if model.baseline:
        table = _cut(table, model, columns)
    pieces = tuple(f"from_{cut:g}" for cut in model.baseline)
    state = [] if columns.state is None else [columns.state]
    events = [(pl.col(columns.transition) == name).cast(pl.Float64).alias(f"event {name}") for name in names]
    table = table.with_columns(pl.col(columns.transition).fill_null(NOT_A_TRANSITION)).with_columns(events)
    apart = (
        pl.when(pl.col(columns.transition) != NOT_A_TRANSITION).then(pl.int_range(pl.len())).otherwise(-1)
        if model.is_interval
        else pl.lit(-1)
    ).alias("apart")
    sums = [pl.col(columns.duration).sum(), *(pl.col(f"event {name}").sum() for name in names)]
    table = table.group_by([columns.person, *state, *used, *pieces, apart]).agg(sums)
    table = table.sort([columns.person, *state, *used, *pieces, "apart"])
    at_risk = np.ones((len(table), len(names)), dtype=np.bool_)
    if model.risk_sets is not None and columns.state is not None:
        found = table[columns.state]
        for k, name in enumerate(names):
            at_risk[:, k] = found.is_in([s for s, possible in model.risk_sets.items() if name in possible]).to_numpy()
    lists, design_of = shared([(*_moving(table, model, n, at_risk[:, k]), *pieces) for k, n in enumerate(names)])
    return Rows(
        names,
        tuple(lists[index] for index in design_of),
        tuple(
            np.ascontiguousarray(table.select(each).to_numpy(), dtype=np.float64).reshape(len(table), len(each))
            for each in lists
        ),
        design_of,
        (table[columns.person].rank("dense").to_numpy() - 1).astype(np.int64),
        table[columns.duration].to_numpy().astype(np.float64),
        at_risk,
        table.select(f"event {name}" for name in names).to_numpy(),
        model.is_interval,
    )


def _moving(table: Any, model: Model, transition: str, at_risk: Bools) -> tuple[str, ...]:
    """Return the columns of a hazard without the states that are always, or never, those of the rows at risk."""
    return tuple(
        name
        for name in model.transitions[transition]
        if name not in model.states or table.filter(at_risk)[name].n_unique() > 1
    )


def _checked(table: Any, model: Model, columns: Columns, used: tuple[str, ...]) -> Any:
    """Return the columns that are needed, as numbers where they must be."""
    import polars as pl

    wanted = [columns.person, columns.duration, *used]
    wanted += [name for name in (columns.start, columns.state) if name is not None]
    if absent := [name for name in (*wanted, columns.transition) if name not in table.columns]:
        raise PanelError(f"spells: column '{absent[0]}' is absent; expected it in the frame. Check the names passed.")
    if (model.baseline and columns.start is None) or (model.risk_sets is not None and columns.state is None):
        raise PanelError(
            "spells: no start or state column is named; expected one for a baseline or risk sets. Name it."
        )
    for name in wanted:
        numeric = table[name].dtype.is_numeric() or table[name].dtype == pl.Boolean
        _refuse(
            0 if numeric or name in (columns.person, columns.state) else len(table),
            table,
            f"are text in '{name}'",
            "numbers",
        )
        _refuse(table[name].null_count(), table, f"have no '{name}'", "none missing")
    numbers = [pl.col(name).cast(pl.Float64) for name in (*used, columns.duration)]
    table = table.select(*dict.fromkeys(wanted), pl.col(columns.transition).cast(pl.String)).with_columns(numbers)
    for name in (*used, columns.duration):
        _refuse(int((~table[name].is_finite()).sum()), table, f"have a '{name}' that is not finite", "none")
    _refuse(int((table[columns.duration] <= 0).sum()), table, "have a duration at or under 0", "durations over 0")
    event = table[columns.transition].fill_null(NOT_A_TRANSITION)
    known = [*model.transitions, NOT_A_TRANSITION]
    _refuse(int((~event.is_in(known)).sum()), table, "end in an unknown transition", f"one of {', '.join(known)}")
    if model.risk_sets is not None:
        strange = ~table[str(columns.state)].is_in(list(model.risk_sets))
        _refuse(int(strange.sum()), table, "are in a state without a risk set", "none")
        possible = pl.lit(False)
        for state, names in model.risk_sets.items():
            possible = possible | (pl.col(str(columns.state)) == state) & pl.col(columns.transition).is_in(list(names))
        happened = pl.col(columns.transition).is_not_null() & (pl.col(columns.transition) != NOT_A_TRANSITION)
        wrong = table.select((happened & ~possible).sum()).item()
        _refuse(wrong, table, "end in a transition outside their risk set", "none")
    return table


def _refuse(wrong: int, table: Any, what: str, expected: str) -> None:
    if wrong:
        raise PanelError(
            f"spells: {wrong:,} of {len(table):,} rows {what}; expected {expected}. Mend the input and run again."
        )


def _cut(table: Any, model: Model, columns: Columns) -> Any:
    """Return the rows cut at the baseline's jumps, with an indicator for each piece after the first.

    Raises PanelError when a transition lies within a row that a jump falls into: it could be on either side.
    """
    import polars as pl

    start, duration, transition = str(columns.start), columns.duration, columns.transition
    for cut in model.baseline:
        crosses = (pl.col(start) < cut) & (pl.col(start) + pl.col(duration) > cut)
        long = table.filter(crosses)
        if model.is_interval:
            happened = long[transition].fill_null(NOT_A_TRANSITION) != NOT_A_TRANSITION
            _refuse(
                int(happened.sum()),
                table,
                f"have a transition and a jump of the baseline at {cut:g} inside",
                "jumps between rows",
            )
        before = long.with_columns((cut - pl.col(start)).alias(duration), pl.lit(None, pl.String).alias(transition))
        after = long.with_columns(
            (pl.col(start) + pl.col(duration) - cut).alias(duration), pl.lit(cut).cast(long[start].dtype).alias(start)
        )
        table = pl.concat([table.filter(~crosses), before.select(table.columns), after.select(table.columns)])
    ends = (*model.baseline[1:], float("inf"))
    return table.with_columns(
        ((pl.col(start) >= low) & (pl.col(start) < high)).cast(pl.Float64).alias(f"from_{low:g}")
        for low, high in zip(model.baseline, ends, strict=True)
    )
