"""The floor: group-time effects in plain numpy, as fast as straightforward code gets, with no validation at all.

It believes whatever it is given: a long frame sorted by unit and period, no gaps, no missing numbers, cohorts and
clusters that never move. What it saves by that is what an engine pays for being safe. The tricks are three: the frame
sorted this way is a units x periods matrix without a copy; influence is linear in the outcome, so only sums by cluster
are ever kept; and people are summed in blocks that fit the processor's cache. With covariates, never-exposed units are
the comparison of every cell, so that one regression and one propensity per cohort serve all its periods.

Sources: Callaway and Sant'Anna (2021), J. Econometrics 225(2), Theorem 1; Sant'Anna and Zhao (2020), J. Econometrics
219(1), the traditional doubly robust estimator for panels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
BLOCK = 4096  # people at a time
NEVER = 0


@dataclass(frozen=True, slots=True)
class Floor:
    """The simple average and the event times with clustered errors, and the half width of a uniform band."""

    simple: float
    simple_se: float
    event_times: Array  # (K,)
    event: Array  # (K,)
    event_se: Array  # (K,)
    critical: float  # max|t| over event times, 95 %; NaN without draws


@dataclass(frozen=True, slots=True)
class _People:
    """The long frame as arrays, one row per person."""

    outcome: Array  # (N, T)
    cohort: Array  # (N,) index of the first exposed period, -1 for never
    cluster: Array  # (N,) 0..G-1
    design: Array  # (N, 1 + K) a constant and the covariates
    clusters: int

    def rows(self, cohort: int) -> Array:
        return np.flatnonzero(self.cohort == cohort)

    def sums(self, rows: Array, columns: Array) -> Array:
        """Return sums by cluster (J, G, T) of the outcome times each of `columns` (n, J)."""
        periods = self.outcome.shape[1]
        size = self.clusters * periods
        out = np.zeros((columns.shape[1], size))
        for at in range(0, rows.size, BLOCK):
            part = rows[at : at + BLOCK]
            values = self.outcome[part]
            slot = (self.cluster[part, None] * periods + np.arange(periods)).ravel()
            for j, column in enumerate(columns[at : at + BLOCK].T):
                out[j] += np.bincount(slot, (values * column[:, None]).ravel(), size)
        return out.reshape(columns.shape[1], self.clusters, periods)

    def crossed(self, rows: Array, columns: Array) -> Array:
        """Return columns' (J, n) times outcome (n, T)."""
        out = np.zeros((columns.shape[1], self.outcome.shape[1]))
        for at in range(0, rows.size, BLOCK):
            out += columns[at : at + BLOCK].T @ self.outcome[rows[at : at + BLOCK]]
        return out

    def counted(self, rows: Array, column: Array | None = None) -> Array:
        return np.bincount(self.cluster[rows], column, self.clusters)


def floor(frame: Any, covariates: Sequence[str] = (), draws: int = 0, seed: int = 1, universal: bool = False) -> Floor:
    """Return averages of all ATT(g, t) against the never exposed, without covariates or doubly robust with them.

    `frame` is a polars frame with unit, period (consecutive whole numbers), cohort (first exposed period, 0 for never),
    cluster (0..G-1, all in use) and outcome. The base varies: the period before, and the last before the start.
    """
    people = _laid_out(frame, covariates)
    cohorts = np.unique(people.cohort[people.cohort > 0])
    parts = _adjusted(people, cohorts) if covariates else _plain(people, cohorts)
    return _averaged(people, cohorts, parts, universal, draws, seed)


def _laid_out(frame: Any, covariates: Sequence[str]) -> _People:
    unit = frame["unit"]
    periods = int(unit.search_sorted(unit[0], side="right"))
    first = frame.select("cohort", "cluster", *covariates).gather_every(periods)
    cohort, cluster = first["cohort"].to_numpy(), first["cluster"].to_numpy()
    start = np.where(cohort == NEVER, -1, cohort - frame["period"][0])
    design = np.column_stack([np.ones(start.size), *(first[name].to_numpy() for name in covariates)])
    outcome = frame["outcome"].to_numpy().reshape(-1, periods)
    return _People(outcome, start, cluster, design, int(cluster.max()) + 1)


def _plain(people: _People, cohorts: Array) -> list[tuple[Array, Array]]:
    """Return, for each cohort, the contrast of levels (T,) with the never exposed and its influence (G, T)."""
    means = {int(g): _mean(people, people.rows(g)) for g in (-1, *cohorts)}
    others, influence = means[-1]
    return [(means[int(g)][0] - others, means[int(g)][1] - influence) for g in cohorts]


def _mean(people: _People, rows: Array) -> tuple[Array, Array]:
    sums = people.sums(rows, np.ones((rows.size, 1)))[0]
    mean = sums.sum(axis=0) / rows.size
    return mean, (sums - np.outer(people.counted(rows), mean)) / rows.size


def _adjusted(people: _People, cohorts: Array) -> list[tuple[Array, Array]]:
    """Return the same, doubly robust. Linear in the outcome, so a gain is a difference of two columns."""
    never = people.rows(-1)
    design = people.design[never]
    bread = np.linalg.inv(design.T @ design)
    beta = bread @ people.crossed(never, design)  # (1 + K, T)
    fits = [_propensity(people, people.rows(g), never) for g in cohorts]
    typical = [people.design[people.rows(g)].mean(axis=0) for g in cohorts]
    odds = [fit[0] / fit[0].sum() for fit in fits]
    lean = np.column_stack([w + design @ (bread @ (m - w @ design)) for w, m in zip(odds, typical, strict=True)])
    control = people.sums(never, lean)
    weights = np.column_stack(odds)
    parts = []
    for index, cohort in enumerate(cohorts):
        rows = people.rows(cohort)
        control_sum = control[index] - _moments(people, never, lean[:, index]) @ beta
        weighted = design * weights[:, [index]]
        level = people.crossed(never, weighted) - weighted.T @ design @ beta  # (1 + K, T); row 0: weighted residual
        slope = level - np.outer(weighted.sum(axis=0), level[0])
        own = people.sums(rows, np.ones((rows.size, 1)))[0]
        own = (own - _moments(people, rows) @ beta) / rows.size
        treated = own.sum(axis=0)
        influence = own - np.outer(people.counted(rows) / rows.size, treated) - control_sum
        influence += np.outer(people.counted(never, weights[:, index]), level[0]) - fits[index][1] @ slope
        parts.append((treated - level[0], influence))
    return parts


def _moments(people: _People, rows: Array, column: Array | None = None) -> Array:
    """Return sums by cluster (G, 1 + K) of the covariates, times `column` (n,)."""
    values = people.design[rows] if column is None else people.design[rows] * column[:, None]
    return np.column_stack([people.counted(rows, value) for value in values.T])


def _propensity(people: _People, treated: Array, never: Array) -> tuple[Array, Array]:
    """Return the odds of the never exposed (n,) and the influence of the coefficients by cluster (G, 1 + K)."""
    rows = np.concatenate([treated, never])
    design = people.design[rows]
    exposed = np.zeros(rows.size)
    exposed[: treated.size] = 1.0
    beta = np.zeros(design.shape[1])
    for _ in range(25):
        share = 1 / (1 + np.exp(-(design @ beta)))
        gap = exposed - share
        inverse = np.linalg.inv((design * (share * (1 - share))[:, None]).T @ design)
        step = inverse @ (design.T @ gap)
        beta += step
        if np.abs(step).max() < 1e-10:
            break
    share = 1 / (1 + np.exp(-(design @ beta)))
    gap = exposed - share
    scores = np.column_stack([people.counted(rows, gap * column) for column in design.T])
    share = share[treated.size :]
    return share / (1 - share), scores @ inverse


def _averaged(
    people: _People, cohorts: Array, parts: list[tuple[Array, Array]], universal: bool, draws: int, seed: int
) -> Floor:
    """Average over cells with the influence of the cohorts' estimated shares."""
    total = people.cohort.size
    periods = np.arange(people.outcome.shape[1])
    masses = [people.counted(people.rows(g)) / total for g in cohorts]
    cells, effect, influence, share = [], [], [], []
    for g, (level, spread), mass in zip(cohorts, parts, masses, strict=True):
        at = periods if universal else periods[1:]
        base = np.where((at >= g) | universal, g - 1, at - 1)
        cells += [int(t - g) for t in at]
        effect.append(level[at] - level[base])
        influence.append(spread[:, at] - spread[:, base])
        share += [mass - people.counted(np.arange(total)) / total * mass.sum()] * at.size
    event, effects, weight = np.array(cells), np.concatenate(effect), np.column_stack(share)
    share_of = np.repeat([mass.sum() for mass in masses], periods.size - (not universal))
    spreads = np.column_stack(influence)

    def mean(used: Array) -> tuple[float, Array]:
        value = float(np.average(effects[used], weights=share_of[used]))
        own = spreads[:, used] @ (share_of[used] / share_of[used].sum())
        return value, own + weight[:, used] @ (effects[used] - value) / share_of[used].sum()

    simple, of_simple = mean(event >= 0)
    times = np.unique(event)
    found = [mean(event == time) for time in times]
    of_event = np.column_stack([part for _, part in found])
    errors = np.sqrt((of_event**2).sum(axis=0))
    critical = _critical(of_event[:, errors > 0] / errors[errors > 0], draws, seed) if draws else float("nan")
    return Floor(simple, float(np.linalg.norm(of_simple)), times, np.array([v for v, _ in found]), errors, critical)


def _critical(standardised: Array, draws: int, seed: int) -> float:
    signs = np.random.default_rng(seed).integers(0, 2, (draws, standardised.shape[0])) * 2.0 - 1.0
    return float(np.quantile(np.abs(signs @ standardised).max(axis=1), 0.95))
