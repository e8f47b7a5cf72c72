"""Weighted and doubly robust effects without each cluster in turn: exact refits, many at a time.

A refit's propensity model starts at that of all clusters and takes two or three Newton steps; sums that do not depend
on the propensity are had by subtraction.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from evaluator.estimators.adjustment import propensity
from evaluator.estimators.adjustment.designs import Arm, Design, Reader, designs, reader
from evaluator.estimators.adjustment.reweighting import Method, sample_of
from evaluator.estimators.adjustment.rows import Rows, inverse
from evaluator.estimators.contrasts import Contrasts, mean_by_cell
from evaluator.estimators.segments import BLOCK, products, runs
from evaluator.vocabulary import Bools, Floats, Ints

BATCH = 64
"""Clusters left out at a time."""
NOBODY = -1
"""In place of a cluster: the fit of all, which is also that without a cluster that has no rows in it."""


def effects_without_each_cluster(rows: Rows, contrasts: Contrasts, method: Method) -> Floats:
    """Return the effects (G, C, O) refitted without each cluster in turn, NaN where a refit has none.

    That is a cell of whose two-by-twos none has rows left, and every cell where `reweighting.fit` refuses: one
    two-by-two that has rows but cannot be adjusted is enough.
    """
    reads = reader(rows, contrasts)
    effect = np.full((rows.clusters, contrasts.cell.size, len(rows.outcomes)), np.nan)
    known = np.zeros(effect.shape[:2], dtype=np.bool_)
    for index in np.flatnonzero(contrasts.plus == contrasts.minus).tolist():
        cell = contrasts.cell[index]
        others = tuple(np.flatnonzero(contrasts.free[cell]).tolist())
        arms = _arms(reads, int(contrasts.cohort[cell]), others, (int(reads.at.of_plus[index]),))
        effect[:, index], known[:, index] = 0.0, _present(arms, rows.clusters)
    for design in designs(reads, contrasts):
        present = _present(_arms(reads, design.cohort, design.others, design.slices), rows.clusters)
        levels = _levels(reads, design, method, np.flatnonzero(present)) if present.any() else []
        for use in design.uses if levels else ():
            effect[:, use.two_by_two] = levels[0][:, use.plus]
            if use.minus is not None:
                effect[:, use.two_by_two] -= levels[-1][:, use.minus]
            known[:, use.two_by_two] = present
    effect[(known & ~np.isfinite(effect).all(axis=2)).any(axis=1)] = np.nan
    return mean_by_cell(effect, contrasts.cell, known)


def _arms(reads: Reader, cohort: int, others: tuple[int, ...], slices: tuple[int, ...]) -> list[tuple[Arm, Arm]]:
    """Return the treated and the comparison rows of each slice."""
    return [(reads.arm((cohort,), index), reads.arm(others, index)) for index in slices]


def _present(arms: list[tuple[Arm, Arm]], clusters: int) -> Bools:
    """Return the clusters (G,) without which every arm of every slice still has persons."""
    out = np.ones(clusters, dtype=np.bool_)
    for arm in (arm for pair in arms for arm in pair):
        has = np.bincount(arm.cluster, weights=arm.weight, minlength=clusters) > 0
        out &= has.sum() > has
    return out


def _levels(reads: Reader, design: Design, method: Method, asked: Ints) -> list[Floats]:
    """Return the contrasts (G, J) of a design's slices without each of the clusters `asked`, NaN for the others."""
    arms = [(reads.arm((design.cohort,), index), reads.arm(design.others, index)) for index in design.slices]
    is_efficient = method.is_doubly_robust and len(arms) > 1
    parts = [_part(reads, index, pair, is_efficient) for index, pair in zip(design.slices, arms, strict=True)]
    sample = sample_of(arms)
    touched = np.isin(asked, sample.cluster)
    whole = propensity.coefficients(sample, is_tilted=method.is_improved)
    out = [np.full((reads.rows.clusters, reads.columns(index)), np.nan) for index in design.slices]
    counted = (sample.weight > 0) & (sample.treated == 0)
    compared = _Sums(np.bincount(sample.cluster[counted], minlength=reads.rows.clusters).astype(np.float64))
    queue = np.append(asked[touched], NOBODY)
    for start in range(0, queue.size, BATCH):
        left = queue[start : start + BATCH]
        first = np.repeat(whole, left.size, axis=1)
        found = propensity.coefficients(sample, is_tilted=method.is_improved, start=first, left=left)
        treated = np.sum([part.treated.without(left) for part in parts], axis=0)
        typical = treated / treated[:, :1]
        weighed = [part.weighed(found, left) for part in parts]
        mass = np.sum([moment[:, 0] for moment, _ in weighed], axis=0)
        is_determined = compared.without(left) >= typical.shape[1]
        typical[~(is_determined & (mass > propensity.OVERLAP * treated[:, 0]))] = np.nan
        for levels, part, (moment, gram) in zip(out, parts, weighed, strict=True):
            level = part.of_treated(left, typical, is_efficient=is_efficient)
            level -= part.of_compared(_Refits(left, found, typical, moment, gram), method)
            levels[left[left != NOBODY]] = level[left != NOBODY]
            if left[-1] == NOBODY:
                levels[asked[~touched]] = level[-1]
    return out


@dataclass(frozen=True, slots=True)
class _Sums:
    """Sums by cluster, to be subtracted from their total."""

    own: Floats  # (G, ...)

    def without(self, left: Ints) -> Floats:
        """Return the sums (B, ...) without each of some clusters."""
        own = np.where((left == NOBODY).reshape(-1, *[1] * (self.own.ndim - 1)), 0.0, self.own[left])
        return np.asarray(self.own.sum(axis=0) - own)


@dataclass(frozen=True, slots=True)
class _Refits:
    """B refits: the cluster left out, the propensity's coefficients and sums over the odds-weighted comparison."""

    left: Ints  # (B,)
    found: Floats  # (K, B)
    typical: Floats  # (B, K) mean covariates of the treated; NaN without overlap
    moment: Floats  # (B, K) of the covariates
    gram: Floats  # (B, K, K) of their cross products


@dataclass(frozen=True, slots=True)
class _Part:
    """One slice of a design and what is had from it by subtraction."""

    reads: Reader
    index: int
    compared: Arm
    treated: _Sums  # (G, K) weight x covariates of the treated
    treated_gram: _Sums  # (G, k, k) and their cross products, k = K with a regression of the treated, else 1
    treated_cross: _Sums  # (G, k, J) with the outcome
    gram: _Sums  # (G, K, K) of the comparison

    def odds(self, at: slice, found: Floats, left: Ints) -> Floats:
        """Return the odds-weighted weights (n, B) of some comparison rows in each refit."""
        arm = self.compared
        weight = np.where(arm.cluster[at, None] == left, 0.0, arm.weight[at, None])
        return np.asarray(weight * propensity.odds(arm.covariates[at] @ found))

    def weighed(self, found: Floats, left: Ints) -> tuple[Floats, Floats]:
        """Return the comparison's odds-weighted sums (B, K) of covariates and (B, K, K) of their cross products."""
        columns = found.shape[0]
        moment, gram = np.zeros((left.size, columns)), np.zeros((left.size, columns * columns))
        for at in _blocks(self.compared.at.size, left.size):
            x, weight = self.compared.covariates[at], self.odds(at, found, left)
            moment += weight.T @ x
            gram += weight.T @ (x[:, :, None] * x[:, None, :]).reshape(len(x), -1)
        return moment, gram.reshape(left.size, columns, columns)

    def of_treated(self, left: Ints, typical: Floats, *, is_efficient: bool) -> Floats:
        """Return the treated cohort's part (B, J) of the contrast."""
        delta = inverse(self.treated_gram.without(left)) @ self.treated_cross.without(left)
        if not is_efficient:
            return np.where(np.isfinite(typical[:, :1]), delta[:, 0], np.nan)
        return np.einsum("bk,bkj->bj", typical, delta)

    def of_compared(self, refits: _Refits, method: Method) -> Floats:
        """Return the comparison's part (B, J): its outcomes with the weights of `reweighting`."""
        mass = refits.moment[:, :1]
        mass = np.where(mass > 0, mass, np.nan)
        hajek = 0.0 if method.is_improved else 1.0 / mass.T
        slope = np.zeros(refits.typical.shape)
        if method.is_doubly_robust:
            bread = inverse(refits.gram if method.is_improved else self.gram.without(refits.left))
            gap = refits.typical if method.is_improved else refits.typical - refits.moment / mass
            slope = np.einsum("bkl,bl->bk", bread, gap)
        out = np.zeros((refits.left.size, self.reads.columns(self.index)))
        arm = self.compared
        for at in _blocks(arm.at.size, refits.left.size):
            weight = self.odds(at, refits.found, refits.left)
            base = weight
            if not method.is_improved:
                base = np.where(arm.cluster[at, None] == refits.left, 0.0, arm.weight[at, None])
            lean = weight * hajek + base * (arm.covariates[at] @ slope.T)
            out += lean.T @ self.reads.outcome(arm.at[at], self.index)
        return out


def _part(reads: Reader, index: int, arms: tuple[Arm, Arm], is_efficient: bool) -> _Part:
    treated, compared = arms
    clusters, columns = reads.rows.clusters, treated.covariates.shape[1]
    regressors = treated.covariates[:, : columns if is_efficient else 1]
    cross = np.zeros((clusters, regressors.shape[1], reads.columns(index)))
    for at in _blocks(treated.at.size, 1):
        part = Arm(treated.at[at], regressors[at], treated.weight[at], treated.cluster[at])
        cross += _products(part, reads.outcome(part.at, index), clusters)
    ones = Arm(treated.at, np.ones((treated.at.size, 1)), treated.weight, treated.cluster)
    return _Part(
        reads=reads,
        index=index,
        compared=compared,
        treated=_Sums(_products(ones, treated.covariates, clusters)[:, 0]),
        treated_gram=_Sums(_products(replace(treated, covariates=regressors), regressors, clusters)),
        treated_cross=_Sums(cross),
        gram=_Sums(_products(compared, compared.covariates, clusters)),
    )


def _products(arm: Arm, values: Floats, clusters: int) -> Floats:
    """Return sums by cluster (G, K, p) of weight x covariates x values (n, p)."""
    first = runs(arm.cluster)
    out = np.zeros((clusters, arm.covariates.shape[1], values.shape[1]))
    np.add.at(out, arm.cluster[first], products(arm.covariates * arm.weight[:, None], values, first))
    return out


def _blocks(rows: int, refits: int) -> Iterator[slice]:
    step = max(256, 16 * BLOCK // refits)
    for start in range(0, rows, step):
        yield slice(start, start + step)
