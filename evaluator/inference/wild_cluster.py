"""The restricted wild cluster bootstrap of one coefficient of a linear regression, for comparison with other programs.

It is no way out for few treated clusters: with one of them the restricted form never rejects and the unrestricted one
rejects two thirds of the time, so it is refused below five, like every error.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluator.inference.dose import few_moving, no_own_path
from evaluator.inference.rule import DIGITS, TIE, has_error, size_of
from evaluator.vocabulary import Estimate, Floats, Ints, NotEstimable, Panel, Sections

METHOD = "wild_cluster_bootstrap"
DRAWS = 9_999
SEED = 20_170_101
WEBB_BELOW = 13
"""Clusters under which drawn weights take Webb's six values: two values give too few different samples."""
WEBB: Floats = np.array([-np.sqrt(1.5), -1.0, -np.sqrt(0.5), np.sqrt(0.5), 1.0, np.sqrt(1.5)])
SIGNS: Floats = np.array([-1.0, 1.0])
SINGULAR = 1e-10
"""Share of a column's variation under which what the others leave of it is none."""
DOUBLINGS = 40
"""Steps of the search for an end of the interval, the first half a standard error; beyond it there is no end."""


@dataclass(frozen=True, slots=True)
class Regression:
    """Cross products by cluster of outcome and K columns, of which the first has the coefficient in question."""

    cross: Floats  # (G, K, K)
    moment: Floats  # (G, K)


@dataclass(frozen=True, slots=True)
class WildCluster:
    """A coefficient, its p-value of no effect and the values not rejected; infinite ends say that all are kept."""

    value: float
    p_value: float
    low: float
    high: float
    draws: int
    is_enumerated: bool


def regression(outcome: Floats, columns: Floats, cluster: Ints, weight: Floats) -> Regression:
    """Return the cross products of rows (R,) by cluster 0..G-1, with `columns` (R, K) the one in question first.

    Fixed effects nested in clusters may be taken out of outcome and columns before: the result is the same.
    """
    order = np.argsort(cluster, kind="stable")
    ends = np.cumsum(np.bincount(cluster))[:-1]
    parts = [(columns[rows], weight[rows, None] * columns[rows], outcome[rows]) for rows in np.split(order, ends)]
    return Regression(np.array([x.T @ wx for x, wx, _ in parts]), np.array([wx.T @ y for _, wx, y in parts]))


def wild_cluster(given: Regression, level: float = 0.95, draws: int = DRAWS, seed: int = SEED) -> WildCluster:
    """Return p-value and interval of the first coefficient, null imposed (WCR, type C).

    Rademacher weights: all 2^G where these are at most `draws`, otherwise drawn (Webb's six values under 13 clusters).
    p is the share of |t*| >= |t|, ties counted: over all samples, or (1 + number) / (1 + draws). The interval holds
    the values with p over 1 - `level` around the estimate. Raises ValueError when the column is not identified.

    Source: Cameron, Gelbach and Miller (2008), Review of Economics and Statistics 90(3), section III; the form in
    cluster-level cross products is that of MacKinnon, Nielsen and Webb (2023), J. Applied Econometrics 38(5).
    """
    weights, is_enumerated = wild_weights(len(given.moment), draws, seed)
    test = _Test(given, weights, is_enumerated)
    low, high = (test.value - side * _reach(test, side, size_of(level)) for side in (1.0, -1.0))
    return WildCluster(test.value, test.p_value(test.value), low, high, len(weights), is_enumerated)


def wild_weights(clusters: int, draws: int, seed: int) -> tuple[Floats, bool]:
    """Return weights (B, G) and whether they are all there are; of samples that differ by sign alone one is kept."""
    if clusters < 64 and 2**clusters <= draws:
        bits = np.arange(2 ** (clusters - 1))[:, None] >> np.arange(clusters) & 1
        return SIGNS[1 - bits], True
    values = WEBB if clusters < WEBB_BELOW else SIGNS
    return values[np.random.default_rng(seed).integers(0, values.size, (draws, clusters))], False


class _Test:
    """The statistics of bootstrap samples at null values, given as distances from the estimate.

    Coefficients are linear in the distance and squared errors quadratic, so a null costs B operations and not B x G.
    """

    def __init__(self, given: Regression, weights: Floats, is_enumerated: bool) -> None:
        length = np.sqrt(np.diag(given.cross.sum(axis=0)))
        length = np.where(length > 0, length, 1.0)  # columns of one length, so that units decide no rank
        cross, moments = given.cross / (length[:, None] * length), given.moment / length
        total, moment = cross.sum(axis=0), moments.sum(axis=0)
        inverse = np.linalg.pinv(total, rcond=SINGULAR, hermitian=True)
        slope = np.linalg.pinv(total[1:, 1:], rcond=SINGULAR, hermitian=True) @ total[1:, 0]
        if total[0, 0] - total[0, 1:] @ slope <= SINGULAR:
            raise ValueError("wild_cluster: the other columns explain the first; expected variation of its own.")
        found = inverse @ moment
        residual = moments - cross @ found  # (G, K) scores at the estimate
        column = cross[:, :, 0] - cross[:, :, 1:] @ slope  # what they gain per unit of distance
        leverage = cross @ inverse[0] @ inverse
        self.value, self._unit, self._is_enumerated = float(found[0] / length[0]), float(length[0]), is_enumerated
        self.se = float(np.sqrt(((residual @ inverse[0]) ** 2).sum()) / length[0])
        self._at, own = _bootstrapped(residual, inverse[0], leverage, weights)
        self._per_unit, slopes = _bootstrapped(column, inverse[0], leverage, weights)
        self._squares = [np.einsum("bg,bg->b", one, two) for one, two in ((own, own), (own, slopes), (slopes, slopes))]

    def p_value(self, distance: float) -> float:
        """Return the share of bootstrap statistics at least as far out as the sample's, ties counted.

        The null is the estimate less `distance`, and the sample's statistic `distance` over its error.
        """
        scaled, (own, both, slopes) = distance * self._unit, self._squares
        coefficient = np.abs(self._at + scaled * self._per_unit)
        error = np.sqrt(np.maximum(own + 2 * scaled * both + scaled**2 * slopes, 0.0))
        beyond = int((coefficient * self.se >= abs(distance) * error * (1 - TIE)).sum())
        return beyond / error.size if self._is_enumerated else (1 + beyond) / (1 + error.size)


def _bootstrapped(scores: Floats, row: Floats, leverage: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Return the bootstrap coefficients (B,) less the null, and their residual scores (B, G)."""
    own = scores @ row
    return weights @ own, weights * own - weights @ (scores @ leverage.T)


def _reach(test: _Test, side: float, size: float) -> float:
    """Return the distance on one side of the estimate at which p falls to `size` or less; infinite without one."""
    kept, lost = 0.0, 0.5 * test.se
    for _ in range(DOUBLINGS):
        if test.p_value(side * lost) <= size:
            break
        kept, lost = lost, 2 * lost
    else:
        return float("inf")
    while lost - kept > 0.1 * 10**-DIGITS * test.se:
        middle = (kept + lost) / 2
        kept, lost = (middle, lost) if test.p_value(side * middle) > size else (kept, middle)
    return lost


def wild_cluster_estimate(
    data: Panel | Sections, level: float = 0.95, draws: int = DRAWS, seed: int = SEED
) -> Estimate | NotEstimable:
    """Return the two-way fixed-effects coefficient of the exposure with the bootstrap's p-value and interval.

    Of `exposure` where the panel has one, otherwise of being exposed (from the cohort's first period on); fixed effects
    of units (clusters in sections) and periods, persons as weights. For comparison: with growing effects and several
    starts the coefficient is no average of effects. Holds rows x periods in memory.
    """
    rows = _rows(data)
    moved = np.abs(rows.columns[:, 0]) > SINGULAR * np.abs(rows.exposure).max(initial=0.0)
    treated, clusters = int(np.unique(rows.cluster[moved]).size), int(data.cluster.max()) + 1
    if not has_error(treated):
        return few_moving(treated)
    try:
        found = wild_cluster(regression(rows.outcome, rows.columns, rows.cluster, rows.weight), level, draws, seed)
    except ValueError:
        return no_own_path()
    if not np.isfinite([found.low, found.high]).all():
        return no_end()
    persons = round(float(data.weight[np.unique(rows.source[moved])].sum()))
    return Estimate(found.value, None, found.low, found.high, level, persons, clusters, treated, METHOD, found.p_value)


@dataclass(frozen=True, slots=True)
class _Rows:
    """R observed rows, outcome and columns (exposure, periods) less their weighted means by unit."""

    source: Ints  # (R,) the row of the data
    exposure: Floats  # (R,) as it is
    outcome: Floats  # (R,)
    columns: Floats  # (R, 1 + T)
    cluster: Ints
    weight: Floats


def _rows(data: Panel | Sections) -> _Rows:
    if isinstance(data, Sections):
        source, period, unit = np.arange(data.period.size), data.period, data.cluster
        exposure, outcome = (period >= data.cohort).astype(np.float64), data.outcome
    else:
        dose = data.exposure
        source, period = np.nonzero(data.observed if dose is None else data.observed & np.isfinite(dose))
        exposure = (period >= data.cohort[source]).astype(np.float64) if dose is None else dose[source, period]
        unit, outcome = source, data.outcome[source, period]
    weight = data.weight[source]
    periods = (period[:, None] == np.unique(period)).astype(np.float64)
    within = _within(np.column_stack([outcome, exposure, periods]), unit, weight)
    return _Rows(source, exposure, within[:, 0], within[:, 1:], data.cluster[source], weight)


def _within(values: Floats, unit: Ints, weight: Floats) -> Floats:
    """Return `values` (R, K) less their weighted mean in each unit."""
    mass = np.bincount(unit, weights=weight)
    out = np.empty(values.shape)
    for column in range(values.shape[1]):
        total = np.bincount(unit, weights=weight * values[:, column])
        out[:, column] = values[:, column] - np.divide(total, mass, out=np.zeros(mass.size), where=mass > 0)[unit]
    return out


def no_end() -> NotEstimable:
    """Return the refusal for an interval without an end: the bootstrap cannot reject any value."""
    return NotEstimable(
        "Metoden kan ikke afvise nogen størrelse af effekten, så intervallet har ingen ende.",
        "Flere kommuner med indsats.",
    )
