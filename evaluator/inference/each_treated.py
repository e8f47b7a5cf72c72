"""Few treated clusters one by one: each alone against the never exposed, and every donor in its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from evaluator.errors import PanelError
from evaluator.inference.aggregation import Aggregate, aggregate, noise, without_noise
from evaluator.inference.placebo import cohort_of_cluster, effects_by_assignment
from evaluator.inference.support import arms_of, persons
from evaluator.panel import select
from evaluator.vocabulary import NEVER, Cell, Floats, Ints, Panel, Placebos, Sections


@dataclass(frozen=True, slots=True)
class EachTreated:
    """J treated clusters behind P numbers: each one's placebos of the numbers, and its share in them."""

    treated: tuple[Placebos, ...]  # J, whose effects sum by `share` to the numbers; NaN where one has none alone
    share: Floats  # (J, P), columns that sum to 1, or to 0 where a number is absent

    def behind(self, column: int) -> tuple[list[Placebos], Floats]:
        """Return the placebos and the shares of the clusters that have a share in a number."""
        has = np.flatnonzero(self.share[:, column] > 0)
        return [self.treated[at] for at in has], self.share[has, column]

    def is_known(self, column: int) -> bool:
        """Return whether a number has treated clusters, and each of them an effect of its own."""
        treated, _ = self.behind(column)
        return bool(treated) and all(np.isfinite(each.effect[column]) for each in treated)


class OneByOne:
    """Each treated cluster's and each donor's effects, fitted once and averaged into the numbers of any cohorts.

    A number averages a cohort's effects over periods by the weights that it gives them; a cluster's or a donor's effect
    on it averages their own by the same weights. So the effects of all treated clusters, by their shares, are the
    number, but for what they share: persons who move between them over time, and their part in each other's comparison.
    That remainder is added to all alike. The other treated are left out while one is fitted or a donor stands in, so
    a constant taken from the treated outcome moves no donor's effect.
    """

    def __init__(self, estimator: Any, panel: Panel | Sections) -> None:
        self._estimator, self._panel = estimator, panel
        self._pool = select(panel, panel.cohort == NEVER)
        self._noise = noise(self._pool)
        self._sizes: Floats = np.bincount(self._pool.cluster, weights=self._pool.weight).astype(np.float64)
        self._alone: dict[tuple[int, int], Floats] = {}
        self._donors: dict[int, Floats] = {}

    def of(self, kind: str, starts: Ints, labels: Sequence[Any] | None = None) -> EachTreated:
        """Return the placebos of the cohorts `starts` at `labels`, of which None is the overall; all without labels.

        Without any treated when nothing can be estimated. Raises PanelError when a cluster has persons of several
        starts.
        """
        panel, rows = self._panel, np.isin(self._panel.cohort, starts) | (self._panel.cohort == NEVER)
        chosen = select(panel, rows)
        own = cohort_of_cluster(chosen)
        try:
            fit = self._estimator.fit(chosen)
        except PanelError:
            return EachTreated((), np.empty((0, len(labels or [None]))))
        whole = aggregate(fit, chosen, kind)
        at = {None: 0, **{label: 1 + place for place, label in enumerate(whole.labels)}}
        found = np.array([at.get(name, -1) for name in (at if labels is None else labels)])
        value = np.concatenate([[whole.value], whole.effect, [np.nan]])[found]
        treated, number = np.flatnonzero(own != NEVER), np.unique(panel.cluster[rows])
        weights = self._weights(chosen, fit.cells, whole)[treated][:, found]  # (J, P, T)
        share, size = weights.sum(axis=2), np.bincount(chosen.cluster, weights=chosen.weight)
        made = []
        for cluster in treated.tolist():
            start = int(own[cluster])
            of_start = weights[own[treated] == start].sum(axis=0)  # alike for all that start together
            effect = averaged(self._of_one(int(number[cluster]), start)[None], of_start)[0]
            donors = without_noise(averaged(self._of_donors(start), of_start), self._noise)
            made.append(Placebos(effect, donors, self._sizes, float(size[cluster])))
        total = share.sum(axis=0)
        share = np.divide(share, total, out=np.zeros(share.shape), where=total > 0)
        return EachTreated(_with_remainder(made, share, value), share)

    def _weights(self, chosen: Panel | Sections, cells: tuple[Cell, ...], whole: Aggregate) -> Floats:
        """Return what each cluster's effect in each period weighs in each number (G, P + 1, T); in the last nothing."""
        support = persons(arms_of(self._estimator, chosen)[0])
        out = np.zeros((support.clusters, len(whole.weights) + 1, len(chosen.periods)))
        table = support.per_person(whole.weights, cells)
        for row, (cluster, cohort) in enumerate(zip(support.cluster, support.cohort, strict=True)):
            out[cluster, :-1] += table[:, cohort] * support.weight[row]
        return out

    def _of_one(self, cluster: int, start: int) -> Floats:
        """Return a treated cluster's effects by period (T,), NaN without a cell; all of them where it has none."""
        if (cluster, start) not in self._alone:
            panel = self._panel
            alone = select(panel, (panel.cohort == NEVER) | ((panel.cluster == cluster) & (panel.cohort == start)))
            try:
                fit = self._estimator.fit(alone)
                effects = by_period(fit.cells, fit.effect[None], len(panel.periods))[0]
            except PanelError:
                effects = np.full(len(panel.periods), np.nan)
            self._alone[cluster, start] = effects
        return self._alone[cluster, start]

    def _of_donors(self, start: int) -> Floats:
        """Return the effects by period (D, T) of every donor at a start."""
        if start not in self._donors:
            count, periods = int(self._pool.cluster.max(initial=-1)) + 1, len(self._panel.periods)
            cohort = np.where(np.eye(count, dtype=np.bool_), start, NEVER)
            made = effects_by_assignment(self._estimator, self._pool, cohort)
            found = [by_period(cells, effects, periods) for cells, effects in made]
            self._donors[start] = np.concatenate(found) if found else np.empty((0, periods))
        return self._donors[start]


def placebos(estimator: Any, panel: Panel | Sections, kind: str) -> EachTreated:
    """Return each treated cluster's placebos of all numbers (P = 1 + K, the overall first); raises as `OneByOne`."""
    starts = np.unique(panel.cohort[panel.cohort != NEVER])
    return OneByOne(estimator, panel).of(kind, starts)


def by_period(cells: tuple[Cell, ...], effects: Floats, periods: int) -> Floats:
    """Return the effects (S, C) of one cohort's cells by period (S, T), the mean of those known; NaN without any."""
    at = np.array([cell.period for cell in cells], dtype=np.int64)
    member = (at[:, None] == np.arange(periods)).astype(np.float64)
    return _ratio(np.nan_to_num(effects) @ member, np.isfinite(effects) @ member)


def averaged(effects: Floats, weights: Floats) -> Floats:
    """Return the averages (S, P) of the known effects (S, T) by weights over periods (P, T); NaN without any."""
    return _ratio(np.nan_to_num(effects) @ weights.T, np.isfinite(effects) @ weights.T)


def _ratio(above: Floats, below: Floats) -> Floats:
    return np.divide(above, below, out=np.full(above.shape, np.nan), where=below > 0)


def _with_remainder(made: Sequence[Placebos], share: Floats, value: Floats) -> tuple[Placebos, ...]:
    """Return the placebos with what `value` (P,) is over the shares' sum of effects added to every effect."""
    if not made:
        return ()
    effects = np.array([each.effect for each in made])
    summed = np.where(share > 0, share * effects, 0.0).sum(axis=0)
    return tuple(replace(each, effect=each.effect + (value - summed)) for each in made)
