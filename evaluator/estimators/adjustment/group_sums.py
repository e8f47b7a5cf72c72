"""Cross products by cluster and cohort: all that a regression and its influence need from the rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from evaluator.estimators.adjustment.rows import Rows
from evaluator.estimators.contrasts import Contrasts
from evaluator.estimators.segments import blocks, products, runs
from evaluator.vocabulary import Bools, Floats, Ints, Panel, Sections

BUDGET = 2**24
"""Numbers held at once: with persons as clusters the sums are made again in parts instead of being kept."""


@dataclass(frozen=True, slots=True)
class Slices:
    """Where the P regressions of the Q two-by-twos are: one per period, or one per pair of periods in a gapped panel.

    A unit of a panel with gaps enters a two-by-two when it is observed in both periods, with its gain.
    """

    plus: Ints  # (P,) period
    minus: Ints  # (P,) base period of the gain, -1 where the outcome itself is regressed
    of_plus: Ints  # (Q,) slice of a two-by-two's period (or pair)
    of_minus: Ints  # (Q,) slice of its base period, -1 where the slice is a pair


@dataclass(frozen=True, slots=True)
class GroupSums:
    """Sums of the groups `start` to `start + M` of rows that share cluster and cohort.

    P slices, K columns of covariates, O outcomes. In a panel without gaps the cross products are the same in all
    periods and kept once.
    """

    start: int
    gram: Floats  # (M, P or 1, K, K) sum of weight x covariates x covariates'
    cross: Floats  # (M, P, K, O) sum of weight x covariates x outcome
    here: Bools  # (M, P) where the group has persons


def slices(rows: Rows, contrasts: Contrasts) -> Slices:
    """Return the slices that the two-by-twos need."""
    if not rows.has_gaps:
        every = np.arange(rows.periods)
        return Slices(every, np.full(every.size, -1), contrasts.plus, contrasts.minus)
    pairs, of_plus = np.unique(contrasts.plus * rows.periods + contrasts.minus, return_inverse=True)
    return Slices(pairs // rows.periods, pairs % rows.periods, of_plus, np.full(of_plus.size, -1))


def group_sums(rows: Rows, at: Slices, *, is_kept: bool = False) -> list[GroupSums] | Iterator[GroupSums]:
    """Return the sums of all groups in one part where they are small or to be kept; else parts made one by one."""
    columns = rows.covariates.shape[1]
    each = at.plus.size * columns * (columns + len(rows.outcomes))
    step = rows.first.size if is_kept else max(1, BUDGET // each)
    parts = ((start, min(start + step, rows.first.size)) for start in range(0, rows.first.size, step))
    made = (_sums(rows, at, start, stop) for start, stop in parts)
    return list(made) if step >= rows.first.size else made


def _sums(rows: Rows, at: Slices, start: int, stop: int) -> GroupSums:
    columns, number, outcomes = rows.covariates.shape[1], at.plus.size, len(rows.outcomes)
    is_once = isinstance(rows.data, Panel) and not rows.has_gaps
    gram = np.zeros((stop - start, 1 if is_once else number, columns, columns))
    cross = np.zeros((stop - start, number, columns, outcomes))
    first = np.append(rows.first, rows.size)
    for low, high in blocks(rows.first[start:stop], int(first[stop])):
        low, high = start + low, start + high
        begin, end = int(first[low]), int(first[high])
        x, y = rows.covariates[begin:end], rows.outcome(slice(begin, end))
        weighted = x * rows.weight[begin:end, None]
        here = slice(low - start, high - start)
        runs_of = first[low:high] - begin
        if isinstance(rows.data, Sections):
            _add_sections(rows, begin, (x, weighted, y), (gram[here], cross[here], runs_of))
        elif is_once:
            gram[here, 0] = products(weighted, x, runs_of)
            by_period = products(weighted, y, runs_of).reshape(high - low, columns, outcomes, number)
            cross[here] = by_period.transpose(0, 3, 1, 2)
        else:
            _add_pairs(rows, begin, at, (x, weighted, y), (gram[here], cross[here], runs_of))
    present = np.asarray(gram[..., 0, 0] > 0)
    return GroupSums(start, gram, cross, np.broadcast_to(present, (stop - start, number)))


def _add_sections(
    rows: Rows, begin: int, values: tuple[Floats, Floats, Floats], into: tuple[Floats, Floats, Ints]
) -> None:
    """Add the sums of sections' rows from `begin` on: a group's rows are sorted by period."""
    x, weighted, y = values
    gram, cross, runs_of = into
    group = np.repeat(np.arange(runs_of.size), np.diff(np.append(runs_of, len(x))))
    assert isinstance(rows.data, Sections)
    period = rows.data.period[rows.order[begin : begin + len(x)]]
    starts = runs(group, period)
    found = products(weighted, np.hstack([x, y]), starts)
    gram[group[starts], period[starts]] = found[:, :, : x.shape[1]]
    cross[group[starts], period[starts]] = found[:, :, x.shape[1] :]


def _add_pairs(
    rows: Rows, begin: int, at: Slices, values: tuple[Floats, Floats, Floats], into: tuple[Floats, Floats, Ints]
) -> None:
    """Add the sums of gains of rows from `begin` on, of the units observed in both periods of a pair."""
    x, weighted, y = values
    gram, cross, runs_of = into
    assert isinstance(rows.data, Panel)
    observed = rows.data.observed[rows.order[begin : begin + len(x)]]
    y = np.where(observed[:, None], y.reshape(len(y), -1, rows.periods), 0.0)  # what stands in other cells is no number
    for index, (plus, minus) in enumerate(zip(at.plus, at.minus, strict=True)):
        both = observed[:, plus] & observed[:, minus]
        found = products(weighted * both[:, None], np.hstack([x, y[:, :, plus] - y[:, :, minus]]), runs_of)
        gram[:, index], cross[:, index] = found[:, :, : x.shape[1]], found[:, :, x.shape[1] :]
