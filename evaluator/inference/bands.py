"""Simultaneous bands and the pre-trend test: max|t| under the multivariate t with the leave-one-out correlation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from evaluator.errors import PanelError
from evaluator.inference.leave_one_out import averages
from evaluator.inference.offered import (
    MIN_DONORS,
    few_treated,
    is_base,
    no_cells,
    no_chance,
    no_pre_periods,
    no_variation,
    one_comparison,
    too_few_donors,
    weak_base,
)
from evaluator.inference.placebo import known_donors, placebos, spread
from evaluator.inference.rule import DIGITS, has_error
from evaluator.vocabulary import Bools, Floats, Ints, NotEstimable, Panel, Sections

DRAWS = 20_000
SEED = 20_170_101


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
    names, columns, degrees = tuple(outcomes), [], []
    rows = {label: i for i, label in enumerate(sorted({c for d in outcomes.values() for c in _labels(d)}))}
    values, treated = np.empty(len(names)), np.empty(len(names), dtype=np.int64)
    for index, name in enumerate(names):
        try:
            loo = averages(estimator, outcomes[name], kind)
        except PanelError:
            return no_cells()
        if (weak := weak_base(estimator, loo, 0)) is not None:
            return weak
        column = np.zeros(len(rows))
        deviations, freedom = loo.by_rule()
        column[[rows[label] for label in _labels(outcomes[name])]] = deviations[:, 0]
        columns.append(column)
        degrees.append(freedom[0])
        values[index], treated[index] = loo.value[0], loo.treated[0]
    return band(Numbers(names, values, np.column_stack(columns), treated, np.array(degrees)), level)


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
        return _randomised_pre_trend(estimator, panel, times, before)
    deviations, freedom = (part[..., 1:] for part in loo.by_rule())
    used = before & has_error(loo.treated[1:]) & _usable(deviations)
    if not used.any():
        return _unusable(loo.value[1:][before], deviations[:, before], loo.treated[1:][before])
    errors = np.sqrt((deviations[:, used] ** 2).sum(axis=0))
    ratios, largest = np.abs(loo.value[1:][used] / errors), _largest(deviations[:, used])
    p = min(_exceeds(largest, point, degrees) for point, degrees in zip(ratios, freedom[used], strict=True))
    return PreTrend(float(ratios.max()), p, tuple(int(t) for t in times[used]), "leave_one_cluster_out")


def _randomised_pre_trend(
    estimator: Any, panel: Panel | Sections, times: Ints, before: Bools
) -> PreTrend | NotEstimable:
    """Rank the treated clusters' largest scaled effect at the event times `before` among the donors'.

    An event time at which all donors' effects are 0 has no scale and is not used.
    """
    found = placebos(estimator, panel, "event")
    columns = [int(c) for c in np.flatnonzero(before) + 1 if np.isfinite(found.effect[c])]
    known = np.array([known_donors(found, c) for c in columns], dtype=np.bool_).reshape(len(columns), found.size.size)
    donors = int(known.any(axis=0).sum())
    if donors < MIN_DONORS:
        return too_few_donors(donors)
    own, others, used = [], [], []
    for column, there in zip(columns, known, strict=True):
        a, b = spread(found, column)
        if a + b == 0:
            continue
        used.append(int(times[column - 1]))
        own.append(abs(found.effect[column]) / np.sqrt(a + b / found.treated_size))
        score = np.full(there.size, -np.inf)  # a donor without the event time cannot have its largest there
        score[there] = np.abs(found.donors[there, column]) / np.sqrt(a + b / found.size[there])
        others.append(score)
    if not used:
        return no_chance()
    largest = np.max(others, axis=0)[known.any(axis=0)]
    p = (1 + int((largest >= max(own)).sum())) / (1 + largest.size)
    return PreTrend(float(max(own)), p, tuple(used), "randomisation")


def _labels(data: Panel | Sections) -> tuple[Any, ...]:
    labels = data.clusters if isinstance(data, Sections) else ()
    return labels or tuple(range(int(data.cluster.max()) + 1))


def _usable(deviations: Floats) -> Any:
    """Return which columns have a finite, positive length."""
    return np.isfinite(deviations).all(axis=0) & deviations.any(axis=0)


def _unusable(value: Floats, deviations: Floats, treated: Ints) -> NotEstimable:
    """Return why none of the numbers has an error: few treated clusters, no variation, or a lone comparison."""
    enough = has_error(treated)
    if not enough.any():
        return few_treated(int(treated.max(initial=0)))
    known = np.isfinite(deviations).all(axis=0) & enough
    return no_variation(float(np.abs(value[known]).max())) if known.any() else one_comparison()


def band(numbers: Numbers, level: float = 0.95) -> Band | NotEstimable:
    """Return the simultaneous band over those of P numbers that may have an error, each at its own freedom."""
    value, treated, deviations = numbers.value, numbers.treated, numbers.deviations
    used = has_error(treated) & _usable(deviations)
    if not used.any():
        return _unusable(value, deviations, treated)
    se = np.full(value.size, np.nan)
    se[used] = np.sqrt((deviations[:, used] ** 2).sum(axis=0))
    critical = np.full(value.size, np.nan)
    critical[used] = critical_values(deviations[:, used], numbers.freedom[used], level)
    return Band(numbers.labels, value, se, value - critical * se, value + critical * se, level, critical, treated)


def critical_values(deviations: Floats, freedom: Floats, level: float) -> Floats:
    """Return (P,) the `level` points of max|t| under multivariate t's with the correlation of `deviations` (G, P).

    Each column has the point of its own degrees of freedom (P,). Normal draws over clusters times the columns have that
    correlation, singular or not, without a decomposition whose sign or order could differ between machines. The
    chi-square divisor is integrated exactly.
    """
    largest = _largest(deviations)
    points = {degrees: _point(largest, degrees, 1 - level) for degrees in np.unique(freedom)}
    return np.array([points[degrees] for degrees in freedom])


def _point(largest: Floats, freedom: float, size: float) -> float:
    """Return the point that max|t| exceeds with probability `size`."""
    from scipy.optimize import brentq
    from scipy.stats import t

    if np.isinf(freedom):
        beyond = int(np.floor(size * largest.size + 0.5))
        return round(float(np.sort(largest)[largest.size - 1 - beyond]), DIGITS)
    low, high = 0.5 * t(freedom).ppf(1 - size / 2), 2 * t(freedom).ppf(1 - size / largest.size)
    found = brentq(lambda point: _exceeds(largest, point, freedom) - size, low, high, xtol=0.01 * 10**-DIGITS)
    return round(float(found), DIGITS)


def _largest(deviations: Floats) -> Floats:
    """Return draws of max|z| over columns, z normal with their correlation."""
    unit = deviations / np.sqrt((deviations**2).sum(axis=0))
    draws = np.random.default_rng(SEED).standard_normal((DRAWS, unit.shape[0]))
    return np.abs(draws @ unit).max(axis=1)


def _exceeds(largest: Floats, point: float, freedom: float) -> float:
    """Return the probability that max|z| / sqrt(chi2 / freedom) is over `point`."""
    from scipy.special import chdtr

    if point <= 0:
        return 1.0
    if np.isinf(freedom):
        return float((largest > point).mean())
    return float(chdtr(freedom, freedom * (largest / point) ** 2).mean())
