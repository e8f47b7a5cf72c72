"""Randomisation inference over clusters: every donor takes the treated one's start in turn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, count, islice
from math import factorial, perm, prod
from typing import Any

import numpy as np

from evaluator.errors import PanelError
from evaluator.inference.aggregation import aggregate, averaging, cohort_shares, noise, without_noise
from evaluator.inference.rule import TIE, size_of
from evaluator.vocabulary import NEVER, Bools, Cell, Floats, Ints, Panel, Placebos, Sections

DRAWS = 499
"""Sets of donors drawn when more than one cluster is treated."""
SEED = 20_170_101


@dataclass(frozen=True, slots=True)
class Randomisation:
    """Where the treated unit stands among itself and its donors, and the effects that are not rejected."""

    value: float
    rank: int  # from below, 1 = lowest
    of: int  # donors and the treated one
    p_below: float  # share with a score at or under the treated one's
    p_two_sided: float  # share with an absolute score at or over it
    low: float
    high: float


def when_assigned(estimator: Any, pool: Panel | Sections, kind: str, cohort: Ints, labels: Sequence[Any]) -> Floats:
    """Return the numbers (S, P) at `labels` had the pool's clusters started by `cohort` (S, G).

    An estimator that offers `effects_when_assigned(panel, cohort)` is asked once instead of being refitted S times.
    """
    try:
        made = _made(estimator, pool, cohort)
    except PanelError:
        return np.full((len(cohort), len(labels)), np.nan)
    if made is None:
        return np.array([_numbers(estimator, replace(pool, cohort=c[pool.cluster]), kind, labels) for c in cohort])
    cells, effects = made
    cohorts = np.unique(cohort)
    plan = averaging(cells, pool.periods, cohorts, kind)
    mass = cohort_shares(pool)[1].sum(axis=1)
    shares = (cohort[:, :, None] == cohorts).astype(np.float64).transpose(0, 2, 1) @ mass  # (S, E)
    found = plan.averages(effects, shares)
    where = {None: 0, **{label: 1 + at for at, label in enumerate(plan.labels)}}
    absent = np.full((len(found), 1), np.nan)
    return without_noise(np.hstack([found, absent]), noise(pool))[:, [where.get(label, -1) for label in labels]]


def effects_by_assignment(
    estimator: Any, pool: Panel | Sections, cohort: Ints
) -> Iterator[tuple[tuple[Cell, ...], Floats]]:
    """Yield cells and effects (S', C) had the pool's clusters started by `cohort` (S, G), in order.

    All at once where the estimator offers `effects_when_assigned`, else one at a time; no cells where one cannot be
    fitted.
    """
    nothing: tuple[Cell, ...] = ()
    try:
        made = _made(estimator, pool, cohort)
    except PanelError:
        yield nothing, np.empty((len(cohort), 0))
        return
    if made is not None:
        yield made
        return
    for each in cohort:
        try:
            fit = estimator.fit(replace(pool, cohort=each[pool.cluster]))
        except PanelError:
            yield nothing, np.empty((1, 0))
            continue
        yield fit.cells, fit.effect[None]


def _made(estimator: Any, pool: Panel | Sections, cohort: Ints) -> tuple[tuple[Cell, ...], Floats] | None:
    """Return cells and effects (S, C) by the estimator's own short cut, None where it has none for this."""
    if len(cohort) == 0 or not hasattr(estimator, "effects_when_assigned"):
        return None
    found: tuple[tuple[Cell, ...], Floats] | None = estimator.effects_when_assigned(pool, cohort)
    return found


def cohort_of_cluster(panel: Panel | Sections) -> Ints:
    """Return the cohort of each cluster (G,); PanelError when a cluster has several, for which nobody can stand in."""
    out = np.full(int(panel.cluster.max()) + 1, NEVER, dtype=np.int64)
    out[panel.cluster] = panel.cohort
    if mixed := np.unique(panel.cluster[panel.cohort != out[panel.cluster]]).size:
        raise PanelError(
            f"placebos: {mixed} of {out.size} clusters have persons of several starts; expected one start per cluster. "
            "Treat whole clusters, or let smaller units be the clusters."
        )
    return out


def donor_sets(donors: int, starts: Ints) -> list[Ints]:
    """Return who stands in for the treated with these starts: every assignment, or DRAWS different ones at random.

    Different assignments are counted, never draws: with few donors a test must not look finer than it is.
    """
    treated = starts.size
    if donors <= treated:
        return []
    places = [np.flatnonzero(starts == start) for start in np.unique(starts)]
    if perm(donors, treated) // prod(factorial(place.size) for place in places) <= DRAWS:
        return list(_every(range(donors), places, treated))
    rng = np.random.default_rng(SEED)
    return list(islice(different((rng.permutation(donors)[:treated] for _ in count()), starts), DRAWS))


def _every(free: Iterable[int], places: list[Ints], treated: int) -> Iterator[Ints]:
    """Yield every way to give the `free` donors the places of each start, as members in the order of the places."""
    if not places:
        yield np.zeros(treated, dtype=np.int64)
        return
    for chosen in combinations(free, places[0].size):
        for members in _every([donor for donor in free if donor not in chosen], places[1:], treated):
            members[places[0]] = chosen
            yield members


def different(assignments: Iterable[Ints], starts: Ints) -> Iterator[Ints]:
    """Yield the assignments (members in the order of `starts`) that are not the same as one before them."""
    seen = set()
    for members in assignments:
        key = tuple(sorted(zip(starts.tolist(), members.tolist(), strict=True)))
        if key not in seen:
            seen.add(key)
            yield members


def _numbers(estimator: Any, panel: Panel | Sections, kind: str, labels: Sequence[Any]) -> Floats:
    """Return the numbers at `labels` (None among them is the overall), NaN where one is absent."""
    try:
        found = aggregate(estimator.fit(panel), panel, kind)
    except PanelError:
        return np.full(len(labels), np.nan)
    table = {None: found.value, **dict(zip(found.labels, found.effect, strict=True))}
    return np.array([table.get(name, np.nan) for name in labels])


def known_donors(placebos: Placebos, column: int = 0) -> Bools:
    """Return which donors (D,) have a number in `column` and persons behind it."""
    return np.asarray(np.isfinite(placebos.donors[:, column]) & (placebos.size > 0), dtype=np.bool_)


def randomisation(
    placebos: Placebos, *, column: int = 0, donors_see_treated: bool = False, level: float = 0.95
) -> Randomisation:
    """Rank the treated effect among the donors' as they are, and invert the two-sided test.

    With `donors_see_treated` the treated one is among each donor's comparison, so taking an effect x from it moves
    every donor's by x / D; every effect is then recomputed. The interval spans all effects whose p is over 1 - `level`.
    It minds no size: `ferman_pinto` does.

    An interval of one point says that too few donors differ from 0 for any other effect to be kept. Raises ValueError
    without a finite effect, a known donor, or persons behind the treated one.
    """
    effect, known = float(placebos.effect[column]), known_donors(placebos, column)
    if not (np.isfinite(effect) and known.any() and placebos.treated_size > 0):
        raise ValueError(
            f"randomisation: the effect is {effect}, of {placebos.treated_size:g} persons, with {known.sum()} known "
            "donors; expected a number with persons behind it and at least one donor."
        )
    donors = placebos.donors[known, column]
    leak = 1 / donors.size if donors_see_treated else 0.0
    of = donors.size + 1
    low, high = _inverted(effect, donors, leak, size_of(level))
    return Randomisation(
        value=effect,
        rank=1 + int((donors < effect).sum()),
        of=of,
        p_below=(1 + int((donors <= effect + TIE * abs(effect)).sum())) / of,
        p_two_sided=(1 + int((np.abs(donors) >= abs(effect) * (1 - TIE)).sum())) / of,
        low=low,
        high=high,
    )


def _inverted(own: float, others: Floats, leak: float, size: float) -> tuple[float, float]:
    """Return the hull of x where the share of |others + leak x| >= |own - x| is over `size`, at breakpoints.

    At x = own the share is 1, so the hull always holds it.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        points = np.concatenate([(own - others) / (1 + leak), (own + others) / (1 - leak)])
    points = np.unique(points[np.isfinite(points)])
    ends = np.concatenate([[points[0] - 1], (points[1:] + points[:-1]) / 2, [points[-1] + 1]])
    beyond = np.abs(others + leak * ends[:, None]) >= np.abs(own - ends)[:, None]
    kept = np.flatnonzero((1 + beyond.sum(axis=1)) / (others.size + 1) > size)
    edges = np.concatenate([[-np.inf], points, [np.inf]])
    if kept.size == 0:
        return own, own
    return min(float(edges[kept[0]]), own), max(float(edges[kept[-1] + 1]), own)
