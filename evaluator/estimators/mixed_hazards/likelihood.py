"""The log-likelihood of mixed proportional hazards, its gradient and its Hessian, in closed form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluator.estimators.mixed_hazards.spells import Block, Interval, Spells
from evaluator.vocabulary import Floats

EXPONENT = 500.0
"""Largest exponent: a hazard that is tried far out is finite, and of no likelihood."""

SERIES = 1e-3
"""Hazard cumulated over an interval under which series are more exact than the formulas."""


@dataclass(frozen=True, slots=True)
class Point:
    """Parameters: coefficients, and a distribution of the heterogeneity over J mass points."""

    beta: Floats  # (P,) coefficients of all transitions, one after the other
    mu: Floats  # (J, K) log hazard levels
    share: Floats  # (J,) probabilities, summing to 1

    @property
    def vector(self) -> Floats:
        """Return beta, mu row by row, and log(share_j / share_1) for j > 1."""
        return np.concatenate([self.beta, self.mu.ravel(), np.log(self.share[1:] / self.share[0])])

    def moved(self, step: Floats) -> Point:
        """Return the point at `vector` + `step`."""
        found = self.vector + step
        p, size = len(self.beta), self.mu.size
        log_odds = np.concatenate([[0.0], found[p + size :]])
        share = np.exp(log_odds - log_sum(log_odds))
        return Point(found[:p], found[p : p + size].reshape(self.mu.shape), share)


@dataclass(frozen=True, slots=True)
class Slopes:
    """What Newton's method needs, summed over persons; D = P + J K + J - 1."""

    value: float  # log-likelihood
    gradient: Floats  # (D,)
    hessian: Floats  # (D, D)
    outer: Floats  # (D, D) sum of the outer products of the persons' scores


@dataclass(frozen=True, slots=True)
class Rates:
    """Hazards of a block that depend on beta alone."""

    row: Floats  # (rows, K) exposure x exp(x beta)
    total: Floats  # (n, K) the same, summed over a person's rows
    known: Floats  # (n,) x beta summed over transitions
    inside: Floats | None  # (E, K) exp(x beta) where at risk, in rows with a transition inside


def rates(spells: Spells, block: Block, beta: Floats) -> Rates:
    """Return the hazards of a block at unit heterogeneity."""
    parts = np.split(beta, np.cumsum(spells.widths)[:-1])
    designs = [block.designs[index] for index in spells.design_of]
    row = block.exposure * _exp(np.stack([x @ b for x, b in zip(designs, parts, strict=True)], axis=1))
    known = sum((total @ b for total, b in zip(block.total, parts, strict=True)), np.zeros(len(block.first)))
    inside = None
    if block.interval is not None:
        late = [block.interval.designs[index] for index in spells.design_of]
        inside = block.interval.at_risk * _exp(np.stack([x @ b for x, b in zip(late, parts, strict=True)], axis=1))
    return Rates(row, np.add.reduceat(row, block.first, axis=0), known, inside)


def log_given(block: Block, given: Rates, mu: Floats) -> Floats:
    """Return each person's log-likelihood (n, J) given each of the mass points `mu` (J, K).

    A row that is survived, or left at a known time, adds sum(y_k (x beta_k + mu_k)) - duration x H, H the sum of the
    hazards at risk; one in whose course the person left adds y'(x beta + mu) + log((1 - exp(-duration x H)) / H).
    """
    level = _exp(mu)
    found = given.known[:, None] + block.count @ mu.T - given.total @ level.T
    if block.interval is not None and given.inside is not None:
        term = _within(block.interval.duration[:, None] * (given.inside @ level.T))
        term += np.log(block.interval.duration)[:, None]
        found[block.interval.person[block.interval.starts]] += _by_person(block.interval, term)
    return found


def effective_exposure(block: Block, given: Rates, mu: Floats, weight: Floats) -> Floats:
    """Return the exposure (Q, K) whose line in the hazards touches the log-likelihood at `mu` (Q, K) from below.

    Summed over persons with weights (n, Q). The rows with a transition inside are convex in the hazard, so count /
    exposure is a step of a minorisation.
    """
    found: Floats = weight.T @ given.total
    inside = block.interval
    if inside is not None and given.inside is not None:
        hazard = given.inside * inside.duration[:, None]
        found -= (weight[inside.person] * _slope_within(hazard @ _exp(mu).T)).T @ hazard
    return found


def _by_person(inside: Interval, values: Floats) -> Floats:
    """Return the sums of values of rows (E, ...) over each person's; most have one."""
    if len(inside.starts) == len(inside.person):
        return values
    found: Floats = np.add.reduceat(values, inside.starts, axis=0)
    return found


def log_likelihood(spells: Spells, point: Point) -> float:
    """Return the sum over persons of log(sum_j share_j L_i(mu_j))."""
    log_share = np.log(point.share)
    return float(
        sum(
            log_sum(log_given(block, rates(spells, block, point.beta), point.mu) + log_share).sum()
            for block in spells.blocks
        )
    )


def slopes(spells: Spells, point: Point) -> Slopes:
    """Return log-likelihood, gradient and Hessian.

    With w_ij the probability of mass point j given the person's history and z_ij the gradient of log(share_j L_ij), the
    Hessian is sum_i [sum_j w_ij (d2 log(share_j L_ij) + z_ij z_ij') - (sum_j w_ij z_ij)(sum_j w_ij z_ij)'].
    Source: Louis (1982), J. Royal Statistical Society B 44(2).
    """
    made = [_slopes(spells, block, point) for block in spells.blocks]
    hessian = np.sum([one.hessian for one in made], axis=0)
    return Slopes(
        float(sum(one.value for one in made)),
        np.sum([one.gradient for one in made], axis=0),
        (hessian + hessian.T) / 2,
        np.sum([one.outer for one in made], axis=0),
    )


def _slopes(spells: Spells, block: Block, point: Point) -> Slopes:
    given = rates(spells, block, point.beta)
    joint = log_given(block, given, point.mu) + np.log(point.share)
    each = log_sum(joint)
    posterior = np.exp(joint - each[:, None])
    offsets = np.concatenate([[0], np.cumsum(spells.widths)])
    p, (J, K) = int(offsets[-1]), point.mu.shape
    size = p + J * K + J - 1
    designs = [block.designs[index] for index in spells.design_of]
    exposed = [
        np.add.reduceat(given.row[:, [k]] * design, block.first, axis=0) if design.shape[1] else block.total[k]
        for k, design in enumerate(designs)
    ]
    hessian, score = np.zeros((size, size)), np.zeros((len(each), size))
    odds = np.eye(J)[:, 1:] - point.share[1:]  # (J, J - 1) the gradient of log share_j
    level = _exp(point.mu)
    for j in range(J):
        at_mu = slice(p + j * K, p + (j + 1) * K)
        part = np.empty((len(each), p + K))
        for k in range(K):
            part[:, offsets[k] : offsets[k + 1]] = block.total[k] - level[j, k] * exposed[k]
        part[:, p:] = block.count - level[j] * given.total
        w = posterior[:, j]
        _add_interval(spells, block, given, level[j], w, part, hessian, at_mu)
        score[:, :p] += w[:, None] * part[:, :p]
        score[:, at_mu] = w[:, None] * part[:, p:]
        index = np.concatenate([np.arange(p), np.arange(at_mu.start, at_mu.stop)])
        hessian[np.ix_(index, index)] += (part * w[:, None]).T @ part
        cross = np.outer(w @ part, odds[j])
        hessian[index, p + J * K :] += cross
        hessian[p + J * K :, index] += cross.T
        hessian[p + J * K :, p + J * K :] += w.sum() * np.outer(odds[j], odds[j])
        for k in range(K):
            cut, place = slice(offsets[k], offsets[k + 1]), at_mu.start + k
            bend = level[j, k] * (w @ exposed[k])
            hessian[cut, place] -= bend
            hessian[place, cut] -= bend
            hessian[place, place] -= level[j, k] * (w @ given.total[:, k])
    score[:, p + J * K :] = posterior[:, 1:] - point.share[1:]
    mean_level = np.repeat(posterior @ level, block.length, axis=0)  # (rows, K)
    for k, design in enumerate(designs):
        cut = slice(offsets[k], offsets[k + 1])
        hessian[cut, cut] -= design.T @ (design * (given.row[:, k] * mean_level[:, k])[:, None])
    later = point.share[1:]
    hessian[p + J * K :, p + J * K :] -= len(each) * (np.diag(later) - np.outer(later, later))
    outer = score.T @ score
    return Slopes(float(each.sum()), score.sum(axis=0), hessian - outer, outer)


def _add_interval(
    spells: Spells, block: Block, given: Rates, level: Floats, w: Floats, part: Floats, hessian: Floats, at_mu: slice
) -> None:
    """Add the rows with a transition inside to the scores `part` (n, P + K) and to the Hessian, for one mass point."""
    inside: Interval | None = block.interval
    if inside is None or given.inside is None:
        return
    offsets = np.concatenate([[0], np.cumsum(spells.widths)])
    p, K = int(offsets[-1]), len(level)
    hazard = given.inside * level * inside.duration[:, None]  # (E, K) cumulated over the row
    total = hazard.sum(axis=1)
    slope, bend = _slope_within(total), _bend_within(total)
    weight = w[inside.person]
    designs = [inside.designs[index] for index in spells.design_of]
    own = inside.person[inside.starts]
    for k in range(K):
        first = slope * hazard[:, k]
        part[own, offsets[k] : offsets[k + 1]] += _by_person(inside, first[:, None] * designs[k])
        part[own, p + k] += _by_person(inside, first)
        for m in range(K):
            second = weight * (bend * hazard[:, k] * hazard[:, m] + (first if k == m else 0.0))
            rows, columns = slice(offsets[k], offsets[k + 1]), slice(offsets[m], offsets[m + 1])
            hessian[rows, columns] += designs[k].T @ (designs[m] * second[:, None])
            hessian[rows, at_mu.start + m] += designs[k].T @ second
            hessian[at_mu.start + m, rows] += designs[k].T @ second
            hessian[at_mu.start + k, at_mu.start + m] += second.sum()


def _within(total: Floats) -> Floats:
    """Return log((1 - exp(-t)) / t), from its series where t is small."""
    small, safe = total < SERIES, np.maximum(total, SERIES)
    found: Floats = np.where(small, -total / 2 + total**2 / 24, np.log(-np.expm1(-safe)) - np.log(safe))
    return found


def _slope_within(total: Floats) -> Floats:
    """Return the derivative of `_within`: 1 / (exp(t) - 1) - 1 / t."""
    safe = np.maximum(total, SERIES)
    found: Floats = np.where(total < SERIES, -0.5 + total / 12, 1 / np.expm1(np.minimum(safe, EXPONENT)) - 1 / safe)
    return found


def _bend_within(total: Floats) -> Floats:
    """Return the second derivative of `_within`: 1 / t^2 - exp(-t) / (1 - exp(-t))^2."""
    safe = np.maximum(total, SERIES)
    left = np.exp(-np.minimum(safe, EXPONENT)) / np.expm1(-safe) ** 2
    found: Floats = np.where(total < SERIES, 1 / 12 - total**2 / 240, 1 / safe**2 - left)
    return found


def log_sum(values: Floats) -> Floats:
    """Return log(sum(exp(values))) over the last axis."""
    top = values.max(axis=-1, keepdims=True)
    found: Floats = np.log(np.exp(values - top).sum(axis=-1)) + top[..., 0]
    return found


def _exp(exponent: Floats) -> Floats:
    found: Floats = np.exp(np.minimum(exponent, EXPONENT))
    return found
