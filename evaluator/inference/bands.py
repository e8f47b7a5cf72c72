"""Simultaneous bands and the pre-trend test: max|t| under the multivariate t with the leave-one-out correlation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from evaluator.errors import PanelError
from evaluator.inference import joint
from evaluator.inference.each_treated import placebos
from evaluator.inference.ferman_pinto import scores
from evaluator.inference.joint import critical_values, exceeds
from evaluator.inference.judged import MIN_DONORS, no_chance, too_few_donors
from evaluator.inference.leave_one_out import Replicates, averages
from evaluator.inference.offered import (
    few_compared,
    few_treated,
    is_base,
    mixed_clusters,
    no_cells,
    no_pre_periods,
    no_variation,
    rests_on_one,
    weak_base,
)
from evaluator.inference.placebo import donor_sets, known_donors
from evaluator.inference.rule import TIE, has_error
from evaluator.vocabulary import Bools, Floats, Ints, NotEstimable, Panel, Sections


@dataclass(frozen=True, slots=True)
class Numbers:
    """P numbers with what a joint statement about them needs."""

    labels: tuple[Any, ...]  # (P,)
    value: Floats  # (P,)
    deviations: Floats  # (G, P) columns whose cross products are the covariance
    treated: Ints  # (P,)
    freedom: Floats  # (P,) infinite for the normal law


@dataclass(frozen=True, slots=True)
class Band:
    """P numbers and a band that covers all of them at once with probability `level`; NaN where not estimable."""

    labels: tuple[Any, ...]  # (P,) outcomes or event times
    value: Floats
    se: Floats
    low: Floats
    high: Floats
    level: float
    critical: Floats  # (P,) value +- critical x se; larger where fewer degrees of freedom are behind the number
    treated: Ints  # (P,) treated clusters behind each number


@dataclass(frozen=True, slots=True)
class PreTrend:
    """The largest |t| over event times before the window of anticipation, and its p-value."""

    statistic: float
    p_value: float
    event_times: tuple[int, ...]
    method: str


def family_band(
    estimator: Any, outcomes: Mapping[str, Panel | Sections], kind: str = "simple", level: float = 0.95
) -> Band | NotEstimable:
    """Return a simultaneous band over the overall effects of several outcomes of the same clusters.

    Outcomes that sum to a constant are welcome: a singular correlation is normal here.
    """
    found = {}
    for name, data in outcomes.items():
        try:
            found[name] = averages(estimator, data, kind)
        except PanelError:
            return no_cells()
        if (weak := weak_base(estimator, found[name], 0)) is not None:
            return weak
    return band(family_numbers(outcomes, found), level)


def family_numbers(outcomes: Mapping[str, Panel | Sections], found: Mapping[str, Replicates]) -> Numbers:
    """Return the overall effects `found` of outcomes, their deviations aligned by the clusters' labels."""
    rows = {label: i for i, label in enumerate(sorted({c for name in found for c in _labels(outcomes[name])}))}
    deviations, freedom = np.zeros((len(rows), len(found))), np.empty(len(found))
    for column, (name, loo) in enumerate(found.items()):
        columns, degrees = loo.by_rule()
        deviations[[rows[label] for label in _labels(outcomes[name])], column] = columns[:, 0]
        freedom[column] = degrees[0]
    value = np.array([loo.value[0] for loo in found.values()])
    treated = np.array([loo.treated[0] for loo in found.values()], dtype=np.int64)
    return Numbers(tuple(found), value, deviations, treated, freedom)


def event_band(estimator: Any, panel: Panel | Sections, level: float = 0.95) -> Band | NotEstimable:
    """Return a simultaneous band over event times; those with under five treated clusters are NaN."""
    try:
        loo = averages(estimator, panel, "event")
    except PanelError:
        return no_cells()
    deviations, freedom = loo.by_rule()
    parts = Numbers(loo.aggregate.labels, loo.value[1:], deviations[:, 1:], loo.treated[1:], freedom[1:])
    return band(parts, level)


def pre_trend_test(estimator: Any, panel: Panel | Sections) -> PreTrend | NotEstimable:
    """Test that all effects before the window of anticipation are zero, by max|t|.

    Partly exposed event times (from minus `anticipation` on) and the base itself are never used, nor event times with
    under five treated clusters. With under five in all, the p-value is the rank among placebos.
    """
    try:
        loo = averages(estimator, panel, "event")
    except PanelError:
        return no_cells()
    times = np.array(loo.aggregate.labels, dtype=np.int64)
    before = times < -getattr(estimator, "anticipation", 0)
    before &= np.array([not is_base(loo, row) for row in range(1, loo.value.size)], dtype=np.bool_)
    if not before.any():
        return weak_base(estimator, loo, 0) or no_pre_periods()
    if not has_error(loo.treated[0]):
        few = int(loo.treated[0])
        return _randomised_pre_trend(estimator, panel, times, before) if loo.is_alike[0] else few_treated(few)
    deviations, freedom = (part[..., 1:] for part in loo.by_rule())
    used = before & has_error(loo.treated[1:]) & usable(deviations)
    if not used.any():
        return _unusable(loo.value[1:][before], deviations[:, before], loo.treated[1:][before])
    errors = np.sqrt((deviations[:, used] ** 2).sum(axis=0))
    ratios, largest = np.abs(loo.value[1:][used] / errors), joint.scores(deviations[:, used]).max(axis=1)
    p = min(exceeds(largest, point, degrees) for point, degrees in zip(ratios, freedom[used], strict=True))
    return PreTrend(float(ratios.max()), p, tuple(int(t) for t in times[used]), "leave_one_cluster_out")


def _randomised_pre_trend(
    estimator: Any, panel: Panel | Sections, times: Ints, before: Bools
) -> PreTrend | NotEstimable:
    """Rank the treated clusters' largest scaled effect at the event times `before` among that of sets of donors.

    Each of a set stands in for one treated cluster, at its size by `ferman_pinto` under no effect. An event time at
    which all donors' effects are 0 has no scale and is not used.
    """
    try:
        found = placebos(estimator, panel, "event")
    except PanelError:
        return mixed_clusters()
    columns = [int(c) for c in np.flatnonzero(before) + 1 if found.is_known(int(c))]
    donors = int(np.any([known_donors(each, c) for c in columns for each in found.behind(c)[0]], axis=0).sum())
    if donors < MIN_DONORS:
        return too_few_donors(donors)
    sets = np.array(donor_sets(found.treated[0].size.size, np.arange(len(found.treated))))
    own, others, used = [], [], []
    for column in columns:
        treated, share = found.behind(column)
        if not all(each.donors[known_donors(each, column), column].any() for each in treated):
            continue
        score, theirs = scores(treated, share, sets[:, found.share[:, column] > 0], column=column)
        used.append(int(times[column - 1]))
        own.append(score)
        others.append(theirs)
    if not used:
        return no_chance()
    largest = np.max(others, axis=0)
    largest = largest[np.isfinite(largest)]
    p = (1 + int((largest >= max(own) * (1 - TIE)).sum())) / (1 + largest.size)
    return PreTrend(float(max(own)), p, tuple(used), "randomisation")


def _labels(data: Panel | Sections) -> tuple[Any, ...]:
    labels = data.clusters if isinstance(data, Sections) else ()
    return labels or tuple(range(int(data.cluster.max()) + 1))


def usable(deviations: Floats) -> Bools:
    """Return which columns have a finite, positive length."""
    return np.asarray(np.isfinite(deviations).all(axis=0) & deviations.any(axis=0), dtype=np.bool_)


def _unusable(value: Floats, deviations: Floats, treated: Ints) -> NotEstimable:
    """Return why none of the numbers has an error.

    Few treated clusters, no variation, few compared (no deviation is known), or a refit that is not determined.
    """
    enough = has_error(treated)
    if not enough.any():
        return few_treated(int(treated.max(initial=0)))
    known = np.isfinite(deviations).all(axis=0) & enough
    if known.any():
        return no_variation(float(np.abs(value[known]).max()))
    return rests_on_one() if np.isfinite(deviations[:, enough]).any() else few_compared()


def band(numbers: Numbers, level: float = 0.95) -> Band | NotEstimable:
    """Return the simultaneous band over those of P numbers that may have an error, each at its own freedom."""
    value, treated, deviations = numbers.value, numbers.treated, numbers.deviations
    used = has_error(treated) & usable(deviations)
    if not used.any():
        return _unusable(value, deviations, treated)
    se = np.full(value.size, np.nan)
    se[used] = np.sqrt((deviations[:, used] ** 2).sum(axis=0))
    critical = np.full(value.size, np.nan)
    critical[used] = critical_values(deviations[:, used], numbers.freedom[used], level)
    return Band(numbers.labels, value, se, value - critical * se, value + critical * se, level, critical, treated)
