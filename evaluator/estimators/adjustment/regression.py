"""Two-by-twos adjusted by regression; without covariates, the plain difference in differences.

For a period s, a cohort's mean outcome less what the regression of the comparison's outcome in s predicts at the mean
covariates of the cohort (in sections of its rows of both periods); an effect is the difference of two periods.

Source: Sant'Anna and Zhao (2020), J. Econometrics 219(1), equation 2.2 and the influence of its section 3.1; the
outcome regression of Heckman, Ichimura and Todd (1997). Checked against R DRDID in tests/golden.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from evaluator.errors import PanelError
from evaluator.estimators.adjustment.group_sums import GroupSums, Slices, group_sums, slices
from evaluator.estimators.adjustment.rows import Rows, inverse
from evaluator.estimators.contrasts import Contrasts, mean_by_cell
from evaluator.vocabulary import Bools, Floats, Ints

FURTHEST = 100.0
"""Comparison persons per effective one up to which a regression is carried to the treated's mean covariates."""
BATCH = 2**22
"""Numbers held at once when clusters are left out."""


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums by cohort, with any number of leading axes: E cohorts, P slices, K columns, O outcomes."""

    gram: Floats  # (..., E, P or 1, K, K)
    cross: Floats  # (..., E, P, K, O)
    here: Floats  # (..., E, P) clusters with persons


@dataclass(frozen=True, slots=True)
class TwoByTwos:
    """Q two-by-twos as indices, and U sets of cohorts they are compared with."""

    cohort: Ints  # (Q,)
    sets: Bools  # (U, E)
    set: Ints  # (Q,)
    plus: Ints  # (Q,) slice
    minus: Ints  # (Q,) slice, or -1

    def only(self, known: Bools) -> TwoByTwos:
        """Return the known two-by-twos."""
        return TwoByTwos(self.cohort[known], self.sets, self.set[known], self.plus[known], self.minus[known])


@dataclass(frozen=True, slots=True)
class Solved:
    """What the two-by-twos are made of, in front of Q the leading axes of the totals."""

    effect: Floats  # (..., Q, O), NaN where not estimable
    bread: Floats  # (..., U, P or 1, K, K) inverse cross products of the comparison
    beta: Floats  # (..., U, P, K, O)
    mean: Floats  # (..., E, P, O) of the cohorts' outcome
    typical: Floats  # (..., Q, K) mean covariates of the treated


def fit(rows: Rows, contrasts: Contrasts) -> tuple[Contrasts, Floats, Floats]:
    """Return the cells that have rows, their effects (C, O) and influence (G, C, O).

    Raises PanelError when the comparison rows of a two-by-two do not determine the regression.
    """
    at = slices(rows, contrasts)
    sums = group_sums(rows, at)
    totals = _totals(rows, sums)
    everything = _two_by_twos(contrasts, at)
    known = _known(everything, totals)
    kept, queries = contrasts.keep(known), everything.only(known)
    if not known.any():
        return kept, np.empty((0, len(rows.outcomes))), np.empty((rows.clusters, 0, len(rows.outcomes)))
    solved = _solved(totals, queries)
    lacking = int((~np.isfinite(solved.effect).all(axis=1)).sum())
    if lacking:
        raise PanelError(
            f"group_time: in {lacking:,} of {known.sum():,} two-by-twos the comparison does not determine "
            f"{rows.covariates.shape[1] - 1} covariates (fewer rows than covariates, or collinear); expected more. "
            "Leave out covariates, make periods longer or widen the comparison."
        )
    beyond = int((_reach(totals, queries, solved) > FURTHEST).sum())
    if beyond:
        raise PanelError(
            f"group_time: in {beyond:,} of {known.sum():,} two-by-twos treated and comparison do not overlap in "
            f"their covariates, so that under {1 / FURTHEST:.0%} of it would speak for them; expected comparison rows "
            "like the treated. Use fewer or coarser covariates."
        )
    share = 1.0 / np.bincount(kept.cell)[kept.cell]
    effect = mean_by_cell(solved.effect, kept.cell, np.ones(kept.cell.size, dtype=np.bool_))
    again = sums if isinstance(sums, list) else group_sums(rows, at)
    return kept, effect, _influence(rows, again, totals, _Linear(kept, queries, solved, share))


def effects_without_each_cluster(rows: Rows, contrasts: Contrasts) -> Floats:
    """Return the effects (G, C, O) without each cluster in turn, by subtraction; NaN as in `_refitted`."""
    at = slices(rows, contrasts)
    (sums,) = group_sums(rows, at, is_kept=True)
    totals, queries = _totals(rows, [sums]), _two_by_twos(contrasts, at)
    out = np.empty((rows.clusters, contrasts.cohort.size, len(rows.outcomes)))
    each = totals.gram.size + totals.cross.size + queries.set.size * rows.covariates.shape[1]
    step = max(1, BATCH // each)
    for start in range(0, rows.clusters, step):
        batch = np.flatnonzero((rows.cluster >= start) & (rows.cluster < start + step))
        left = _without(rows, sums, totals, (batch, start, min(step, rows.clusters - start)))
        out[start : start + step] = _refitted(left, queries, contrasts)
    return out


def effects_when_assigned(rows: Rows, contrasts: Contrasts, cohort: Ints) -> Floats:
    """Return the effects (S, C, O) had the clusters started by `cohort` (S, G), all among those of `contrasts`.

    The sums of a cluster stay as they are and only change sides. NaN as in `_refitted`.
    """
    at = slices(rows, contrasts)
    (sums,) = group_sums(rows, at, is_kept=True)
    queries, given = _two_by_twos(contrasts, at), (sums.gram, sums.cross, sums.here.astype(np.float64))
    out = np.empty((len(cohort), contrasts.cohort.size, len(rows.outcomes)))
    each = contrasts.cohorts.size * sum(part[0].size for part in given) + queries.set.size * rows.covariates.shape[1]
    step = max(1, BATCH // each)
    for start in range(0, len(cohort), step):
        joins = cohort[start : start + step, None, rows.cluster] == contrasts.cohorts[:, None]  # (S, E, groups)
        totals = Totals(*(np.tensordot(joins.astype(np.float64), part, axes=1) for part in given))
        out[start : start + step] = _refitted(totals, queries, contrasts)
    return out


def _refitted(totals: Totals, queries: TwoByTwos, contrasts: Contrasts) -> Floats:
    """Return the effects (..., C, O) that `fit` would find; NaN where a cell drops out, everywhere where it refuses."""
    solved, known = _solved(totals, queries), _known(queries, totals)
    is_lost = ~np.isfinite(solved.effect).all(axis=-1) | (_reach(totals, queries, solved) > FURTHEST)
    is_refused = np.any(known & is_lost, axis=-1, keepdims=True)
    effect = np.where(is_refused[..., None], np.nan, solved.effect)
    return mean_by_cell(effect, contrasts.cell, known)


def _two_by_twos(contrasts: Contrasts, at: Slices) -> TwoByTwos:
    sets, which = np.unique(contrasts.free, axis=0, return_inverse=True)
    cell = contrasts.cell
    return TwoByTwos(contrasts.cohort[cell], sets, which.ravel()[cell], at.of_plus, at.of_minus)


def _totals(rows: Rows, sums: Iterable[GroupSums]) -> Totals:
    """Return the sums of all clusters by cohort."""
    total: list[Floats] = []
    for part in sums:
        given = (part.gram, part.cross, part.here)
        total = total or [np.zeros((rows.cohorts.size, *values.shape[1:])) for values in given]
        for code, groups in _by_cohort(rows, part):
            for sum_of, values in zip(total, given, strict=True):
                sum_of[code] += values[groups].sum(axis=0)
    return Totals(*total)


def _by_cohort(rows: Rows, part: GroupSums) -> Iterator[tuple[int, slice]]:
    """Yield each cohort with its groups in `part`; groups are sorted by cohort."""
    cohort = rows.cohort[part.start : part.start + len(part.gram)]
    ends = np.searchsorted(cohort, np.arange(rows.cohorts.size + 1))
    for code in range(rows.cohorts.size):
        if ends[code] < ends[code + 1]:
            yield code, slice(int(ends[code]), int(ends[code + 1]))


def _without(rows: Rows, sums: GroupSums, totals: Totals, batch: tuple[Ints, int, int]) -> Totals:
    """Return the totals without each of some clusters: (groups of theirs, first of them, how many)."""
    groups, start, number = batch
    left = []
    for total, own in ((totals.gram, sums.gram), (totals.cross, sums.cross), (totals.here, sums.here)):
        part = np.repeat(total[None], number, axis=0)
        part[rows.cluster[groups] - start, rows.cohort[groups]] -= own[groups]
        left.append(part)
    return Totals(*left)


def _reach(totals: Totals, queries: TwoByTwos, solved: Solved) -> Floats:
    """Return how far a regression is carried (..., Q): the comparison's persons over those that effectively speak.

    A prediction at the treated's mean covariates is a weighted mean of the comparison, of effective size persons / (1 +
    d^2), d the Mahalanobis distance between the two means. 1 without covariates.
    """
    out = np.ones(solved.typical.shape[:-1])
    if solved.typical.shape[-1] == 1:
        return out
    persons = np.einsum("ue,...ep->...up", queries.sets.astype(np.float64), totals.gram[..., 0, 0])
    for at in (queries.plus, queries.minus):
        one = np.minimum(np.maximum(at, 0), persons.shape[-1] - 1)
        bread = solved.bread[..., queries.set, one, :, :]
        found = np.einsum("...qk,...qkl,...ql->...q", solved.typical, bread, solved.typical)
        out = np.where(at >= 0, np.maximum(out, found * persons[..., queries.set, one]), out)
    return out


def _known(queries: TwoByTwos, totals: Totals) -> Bools:
    """Return which two-by-twos (..., Q) have treated and comparison persons in all their slices."""
    others = np.einsum("ue,...ep->...up", queries.sets.astype(np.float64), totals.here)
    known = np.ones((*totals.here.shape[:-2], queries.set.size), dtype=np.bool_)
    for at in (queries.plus, queries.minus):
        found = (totals.here[..., queries.cohort, at] > 0.5) & (others[..., queries.set, at] > 0.5)
        known &= found | (at < 0)
    return known


def _solved(totals: Totals, queries: TwoByTwos) -> Solved:
    """Solve all regressions and put the two-by-twos together; NaN where rows are absent or collinear."""
    sets = queries.sets.astype(np.float64)
    bread = inverse(np.einsum("ue,...epkl->...upkl", sets, totals.gram))
    beta = bread @ np.einsum("ue,...epko->...upko", sets, totals.cross)
    persons = np.where(totals.here > 0.5, totals.gram[..., 0, 0], np.nan)
    mean = totals.cross[..., 0, :] / persons[..., None]
    typical = _pooled(totals.gram[..., 0, :], queries)
    typical = typical / np.where(typical[..., :1] > 0, typical[..., :1], np.nan)
    effect = np.zeros((*typical.shape[:-1], mean.shape[-1]))
    for at, sign in ((queries.plus, 1.0), (queries.minus, -1.0)):
        level = mean[..., queries.cohort, at, :]
        level -= np.einsum("...qk,...qko->...qo", typical, beta[..., queries.set, at, :, :])
        effect += sign * np.where((at >= 0)[:, None], level, 0.0)
    effect[..., queries.plus == queries.minus, :] = 0.0
    return Solved(effect, bread, beta, mean, typical)


def _pooled(values: Floats, queries: TwoByTwos) -> Floats:
    """Return the treated cohorts' sums (..., E, P or 1, K) over the slices of each two-by-two (..., Q, K)."""
    if values.shape[-2] == 1:
        return values[..., queries.cohort, 0, :]
    second = np.where((queries.minus >= 0)[:, None], values[..., queries.cohort, queries.minus, :], 0.0)
    return values[..., queries.cohort, queries.plus, :] + second


@dataclass(frozen=True, slots=True)
class _Linear:
    """Influence as a linear function of a group's sums: the same coefficients for all groups of a cohort and a role."""

    contrasts: Contrasts
    queries: TwoByTwos
    solved: Solved
    share: Floats  # (Q,) of a two-by-two in its cell

    def treated(self, totals: Totals) -> tuple[Floats, Floats]:
        """Return what treated rows' sums of the outcome (P, C) and of covariates (P or 1, K, C, O) are multiplied by.

        The outcome less its mean, in the slices; and the covariates less their mean, in the rows of both, times the
        difference of the regressions.
        """
        q, s = self.queries, self.solved
        cells, outcomes = self.contrasts.cohort.size, s.beta.shape[-1]
        of_outcome = np.zeros((totals.here.shape[-1], cells))
        of_covariates = np.zeros((totals.gram.shape[1], s.typical.shape[-1], cells, outcomes))
        gap = self._beta(q.plus) - np.where((q.minus >= 0)[:, None, None], self._beta(q.minus), 0.0)
        gap[:, 0] -= np.einsum("qk,qko->qo", s.typical, gap)  # the constant is 1, so this centres the covariates
        pooled = self.share / _pooled(totals.gram[..., 0, :], q)[:, 0]
        for at, sign in ((q.plus, 1.0), (q.minus, -1.0)):
            used = at >= 0
            cell, slot, where = self.contrasts.cell[used], at[used], self._where(at[used], totals)
            own = totals.gram[q.cohort[used], where, 0, 0]
            per_person = sign * self.share[used] / own
            np.add.at(of_outcome, (slot, cell), per_person)
            np.add.at(of_covariates[:, 0], (where, cell), -per_person[:, None] * s.mean[q.cohort[used], slot])
            if sign > 0 or totals.gram.shape[1] > 1:
                part = -pooled[used, None, None] * gap[used]
                for k in range(part.shape[1]):
                    np.add.at(of_covariates[:, k], (where, cell), part[:, k])
        return of_outcome, of_covariates

    def compared(self, totals: Totals) -> tuple[Floats, Floats]:
        """Return what comparison rows' cross products with the outcome (P, K, C) and each other (P, K, K, C, O) get."""
        q, s = self.queries, self.solved
        cells, columns, outcomes = self.contrasts.cohort.size, s.typical.shape[-1], s.beta.shape[-1]
        of_cross = np.zeros((totals.here.shape[-1], cells, columns))
        of_gram = np.zeros((totals.gram.shape[1], cells, columns, columns, outcomes))
        for at, sign in ((q.plus, -1.0), (q.minus, 1.0)):
            used = at >= 0
            cell, slot, where = self.contrasts.cell[used], at[used], self._where(at[used], totals)
            bread = s.bread[q.set[used], where]
            slope = sign * self.share[used, None] * np.einsum("qkl,ql->qk", bread, s.typical[used])
            np.add.at(of_cross, (slot, cell), slope)
            np.add.at(of_gram, (where, cell), -slope[:, :, None, None] * self._beta(at)[used][:, None])
        return of_cross.transpose(0, 2, 1), of_gram.transpose(0, 2, 3, 1, 4)

    def _beta(self, at: Ints) -> Floats:
        return self.solved.beta[self.queries.set, at]

    @staticmethod
    def _where(at: Ints, totals: Totals) -> Ints:
        """Return the slices' place among the cross products, which a panel without gaps keeps once."""
        return at if totals.gram.shape[1] > 1 else np.zeros_like(at)


def _influence(rows: Rows, sums: Iterable[GroupSums], totals: Totals, linear: _Linear) -> Floats:
    """Return the influence of every cell summed to clusters (G, C, O), scaled by the number of rows."""
    cohort, free = linear.contrasts.cohort, linear.contrasts.free
    of_outcome, of_covariates = linear.treated(totals)
    of_cross, of_gram = linear.compared(totals)
    outcomes = len(rows.outcomes)
    out = np.zeros((rows.clusters, cohort.size, outcomes))
    for part in sums:
        for code, groups in _by_cohort(rows, part):
            own, others = np.flatnonzero(cohort == code), np.flatnonzero(free[:, code])
            at = rows.cluster[part.start + groups.start : part.start + groups.stop]
            gram, cross = part.gram[groups], part.cross[groups]
            for o in range(outcomes):
                found = cross[:, :, 0, o] @ of_outcome[:, own]
                found += _times(gram[:, :, 0], of_covariates[..., own, o])
                out[at[:, None], own, o] += found
                found = _times(cross[..., o], of_cross[..., others]) + _times(gram, of_gram[..., others, o])
                out[at[:, None], others, o] += found
    return out * rows.size


def _times(values: Floats, coefficients: Floats) -> Floats:
    """Return values (M, ...) times coefficients (..., C), summed over all but the ends."""
    return np.asarray(np.tensordot(values, coefficients, axes=values.ndim - 1))
