"""Two-by-twos adjusted by weighting and doubly robust.

Every such effect is a weighted sum of outcomes whose weights depend on the covariates alone. In a followed panel one
propensity model and one set of weights therefore serve all periods of a cohort and its comparison, and an effect is the
difference of two periods' sums. In repeated cross-sections the rows of both periods share the propensity model, and the
regressions are one per period.

Sources: Sant'Anna and Zhao (2020), J. Econometrics 219(1): weighting (normalised as Hajek's), the doubly robust
estimands for panels and (locally efficient) for repeated cross-sections, their improved estimators and influence
functions, sections 2 and 3. Checked against R DRDID in tests/golden.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluator.errors import PanelError
from evaluator.estimators.adjustment import propensity
from evaluator.estimators.adjustment.designs import Arm, Design, Reader, designs, reader
from evaluator.estimators.adjustment.propensity import Sample
from evaluator.estimators.adjustment.rows import Rows, inverse
from evaluator.estimators.contrasts import Contrasts
from evaluator.estimators.segments import BLOCK, products, runs
from evaluator.vocabulary import Floats, Ints


@dataclass(frozen=True, slots=True)
class Method:
    """Which weights. Doubly robust adds a regression of the comparison's outcome; improved chooses both models' fit so
    that neither leaves an estimation effect."""

    is_doubly_robust: bool
    is_improved: bool = False


@dataclass(frozen=True, slots=True)
class Pooled:
    """What the slices of a design share."""

    weight: Floats  # (n0,) odds-weighted weights of the comparison rows
    typical: Floats  # (K,) mean covariates of the treated
    centred: Floats  # (G, K) the treated rows' parts of that mean less the mean
    score: Floats  # (G, K) of the propensity model
    bread: Floats  # (K, K) its inverse information


@dataclass(frozen=True, slots=True)
class Level:
    """The adjusted contrast of J columns of outcomes in one slice, and its influence."""

    effect: Floats  # (J,)
    influence: Floats  # (G, J), not yet scaled by the number of rows


def fit(rows: Rows, contrasts: Contrasts, method: Method) -> tuple[Contrasts, Floats, Floats]:
    """Return the cells that have rows, their effects (C, O) and influence (G, C, O).

    Raises PanelError where treated and comparison do not overlap or a regression is not determined.
    """
    outcomes = len(rows.outcomes)
    kept = contrasts.keep(reader(rows, contrasts).known(contrasts))
    reads = reader(rows, kept)
    effect = np.zeros((kept.cohort.size, outcomes))
    influence = np.zeros((rows.clusters, kept.cohort.size, outcomes))
    share = 1.0 / np.bincount(kept.cell)[kept.cell] if kept.cell.size else np.empty(0)
    for design in designs(reads, kept):
        levels = _levels(reads, design, method)
        for use in design.uses:
            cell, part = kept.cell[use.two_by_two], share[use.two_by_two]
            sides = [(levels[0], use.plus, part)]
            if use.minus is not None:
                sides.append((levels[-1], use.minus, -part))
            for level, columns, sign in sides:
                effect[cell] += sign * level.effect[columns]
                influence[:, cell] += sign * level.influence[:, columns]
    influence *= rows.size
    return kept, effect, influence


def _levels(reads: Reader, design: Design, method: Method) -> list[Level]:
    """Return the contrasts of a design's slices."""
    arms = [(reads.arm((design.cohort,), index), reads.arm(design.others, index)) for index in design.slices]
    shared = _pooled(reads.rows.clusters, arms, method)
    levels, start = [], 0
    for index, (treated, compared) in zip(design.slices, arms, strict=True):
        stop = start + compared.weight.size
        own = Slice(reads, index, treated, compared, shared.weight[start:stop])
        levels.append(_level(own, shared, method, is_efficient=method.is_doubly_robust and len(arms) > 1))
        start = stop
    return levels


def sample_of(arms: list[tuple[Arm, Arm]]) -> Sample:
    """Return the rows of the propensity model that slices share, the treated first."""
    treated, compared = ([pair[side] for pair in arms] for side in (0, 1))
    parts = [*treated, *compared]
    exposed = [np.ones(arm.weight.size) for arm in treated] + [np.zeros(arm.weight.size) for arm in compared]
    return Sample(
        covariates=np.concatenate([arm.covariates for arm in parts]),
        treated=np.concatenate(exposed),
        weight=np.concatenate([arm.weight for arm in parts]),
        cluster=np.concatenate([arm.cluster for arm in parts]),
    )


def _pooled(clusters: int, arms: list[tuple[Arm, Arm]], method: Method) -> Pooled:
    sample = sample_of(arms)
    if (sample.weight * (1 - sample.treated) > 0).sum() < sample.covariates.shape[1]:
        raise undetermined(sample.covariates.shape[1])
    found = propensity.coefficients(sample, is_tilted=method.is_improved)
    treated = int(sample.treated.sum())
    x1, w1, own = sample.covariates[:treated], sample.weight[:treated], sample.cluster[:treated]
    odds = sample.weight[treated:] * propensity.odds(sample.covariates[treated:] @ found[:, 0])
    persons = float(w1.sum())
    if not odds.sum() > propensity.OVERLAP * persons:
        raise no_overlap(treated, odds.size)
    _, _, information = propensity.slopes(sample, found, is_tilted=method.is_improved)
    gap = propensity.residuals(sample, found, is_tilted=method.is_improved)
    typical = w1 @ x1 / persons
    return Pooled(
        weight=odds,
        typical=typical,
        centred=by_cluster((x1 - typical) * (w1 / persons)[:, None], own, clusters),
        score=by_cluster(sample.covariates * gap, sample.cluster, clusters),
        bread=inverse(information[0]),
    )


def no_overlap(treated: int, compared: int) -> PanelError:
    """Return why the comparison says nothing about the treated."""
    return PanelError(
        f"group_time: {treated:,} treated and {compared:,} comparison rows do not overlap in their covariates "
        f"(propensities of {propensity.TRIMMED:g} or more, or none that can be fitted); expected comparison rows that "
        "could have been treated. Use fewer or coarser covariates."
    )


@dataclass(frozen=True, slots=True)
class Slice:
    """One slice of a design: its rows and the odds-weighted weights of its comparison rows."""

    reads: Reader
    index: int
    treated: Arm
    compared: Arm
    weight: Floats  # (n0,)

    def sums(self, arm: Arm, lean: Floats, *others: Floats) -> tuple[Floats, ...]:
        """Return the outcome summed with weights `lean` (n,) by cluster (G, J), and the covariates' cross products with
        it (K, J) at each of the other weights."""
        width = self.reads.columns(self.index)
        clustered = np.zeros((self.reads.rows.clusters, width))
        crossed = [np.zeros((arm.covariates.shape[1], width)) for _ in others]
        for start in range(0, arm.at.size, BLOCK):
            part = slice(start, start + BLOCK)
            outcome = self.reads.outcome(arm.at[part], self.index)
            for total, weight in zip(crossed, others, strict=True):
                total += (arm.covariates[part] * weight[part, None]).T @ outcome
            first = runs(arm.cluster[part])
            np.add.at(clustered, arm.cluster[part][first], products(lean[part, None], outcome, first)[:, 0])
        return clustered, *crossed


def _level(own: Slice, shared: Pooled, method: Method, *, is_efficient: bool) -> Level:
    """Return the contrast of one slice: what the regressions say of the treated, less weighted residuals.

    The influence is the exact derivative: of the outcomes' weights, of both regressions and of the propensity.
    """
    clusters = own.reads.rows.clusters
    x0, r, columns = own.compared.covariates, own.weight, own.compared.covariates.shape[1]
    mass = r.sum()
    if not mass > 0:
        raise no_overlap(own.treated.weight.size, own.compared.weight.size)
    base = r if method.is_improved else own.compared.weight
    hajek = np.zeros(r.size) if method.is_improved else r / mass
    slope = np.zeros(columns)
    if method.is_doubly_robust:
        bread = determined(inverse((x0 * base[:, None]).T @ x0))
        slope = bread @ (shared.typical - hajek @ x0)
    lean = hajek + base * (x0 @ slope)
    moved = lean if method.is_improved else hajek  # the weights that move with the propensity
    clustered, of_moved, of_base = own.sums(own.compared, lean, moved, base)
    beta = bread @ of_base if method.is_doubly_robust else np.zeros_like(of_base)
    residual = of_moved - (x0 * moved[:, None]).T @ x0 @ beta
    level, influence = _of_treated(own, shared, beta, is_efficient=is_efficient)
    influence -= clustered - by_cluster(x0 * lean[:, None], own.compared.cluster, clusters) @ beta
    if not method.is_improved:
        influence += by_cluster(hajek[:, None], own.compared.cluster, clusters) * residual[0]
        residual = residual - np.outer(moved @ x0, residual[0])
    influence -= shared.score @ (shared.bread @ residual)
    return Level(level - clustered.sum(axis=0), influence)


def _of_treated(own: Slice, shared: Pooled, beta: Floats, *, is_efficient: bool) -> tuple[Floats, Floats]:
    """Return the treated cohort's part of a contrast (J,) and its influence (G, J).

    Its mean outcome; in sections, doubly robust, what its own regression predicts for the treated of both periods.
    """
    clusters = own.reads.rows.clusters
    x1, w1 = own.treated.covariates, own.treated.weight
    lean = w1 / w1.sum()
    if is_efficient:
        bread = determined(inverse((x1 * w1[:, None]).T @ x1))
        lean = w1 * (x1 @ (bread @ shared.typical))
    delta = np.zeros_like(beta)
    if is_efficient:
        clustered, crossed = own.sums(own.treated, lean, w1)
        delta = bread @ crossed
    else:
        (clustered,) = own.sums(own.treated, lean)
        delta[0] = clustered.sum(axis=0)
    influence = clustered - by_cluster(x1 * lean[:, None], own.treated.cluster, clusters) @ delta
    influence += shared.centred @ (delta - beta)
    return clustered.sum(axis=0), influence


def determined(bread: Floats) -> Floats:
    """Return an inverse, or raise PanelError when there is none."""
    if np.isfinite(bread).all():
        return bread
    raise undetermined(bread.shape[-1])


def undetermined(columns: int) -> PanelError:
    """Return why a model cannot be fitted."""
    return PanelError(
        f"group_time: the rows of a two-by-two do not determine {columns - 1} covariates (fewer rows than covariates, "
        "or collinear); expected more. Leave out covariates, make periods longer or widen the comparison."
    )


def by_cluster(values: Floats, cluster: Ints, clusters: int) -> Floats:
    """Return values (n, p) summed to clusters (G, p); rows come in runs of a cluster."""
    out = np.zeros((clusters, values.shape[1]))
    if len(values):
        first = runs(cluster)
        np.add.at(out, cluster[first], np.add.reduceat(values, first, axis=0))
    return out
