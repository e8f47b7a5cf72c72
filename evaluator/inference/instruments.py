"""Strength of an instrument and the values it does not reject, clustered, for one instrument and one treatment."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluator.inference.rule import DIGITS, freedom
from evaluator.vocabulary import Floats, Ints

METHOD = "anderson_rubin"


@dataclass(frozen=True, slots=True)
class Slope:
    """A coefficient on the instrument with what leaving out each cluster moves it by, as deviations (G,)."""

    value: float
    deviations: Floats

    @property
    def se(self) -> float:
        return float(np.sqrt(self.deviations @ self.deviations))


@dataclass(frozen=True, slots=True)
class NotRejected:
    """The values of an effect that the data do not reject: `low` to `high`, or all but what lies between them.

    `kind` is "interval"; "rays": up to `low` and from `high` on; or "line": every value, the ends are infinite.
    """

    kind: str
    low: float
    high: float

    def holds(self, value: float) -> bool:
        """Return whether a value is among them."""
        if self.kind == "rays":
            return value <= self.low or value >= self.high
        return self.low <= value <= self.high


class ClusteredInstrument:
    """One instrument (N,) with mean zero in every cell (N,), and the cluster (N,) of each person.

    Errors leave out one cluster at a time, cell means taken anew, the instrument itself held. t has the effective
    number of clusters, each counted by its share of the instrument's variation, as freedom (`rule.freedom`).
    """

    def __init__(self, instrument: Floats, cell: Ints, cluster: Ints, level: float = 0.95) -> None:
        self.instrument, self.cell, self.cluster, self.level = instrument, cell, cluster, level
        self.clusters = int(cluster.max()) + 1
        pair, self._pair = np.unique(cluster * (int(cell.max()) + 1) + cell, return_inverse=True)
        self._pair_cluster = pair // (int(cell.max()) + 1)
        size = np.bincount(cell)[pair % (int(cell.max()) + 1)]
        others = size - np.bincount(self._pair)
        self._in_pair = np.bincount(self._pair, weights=instrument)
        self._per_other = np.divide(self._in_pair, others, out=np.zeros(others.size), where=others > 0)
        self._total = float(instrument @ instrument)
        own = _sums(cluster, instrument**2, self.clusters)
        self._left = self._total - own - self._by_cluster(self._in_pair * self._per_other)
        self.freedom = float(freedom(own[:, None])[0])

    def slope(self, within: Floats) -> Slope:
        """Return the coefficient of values (N,), cell means out, on the instrument, and its deviations.

        Without cluster g a cell's means are those of its others, whose sums are minus the cluster's: so no refit is
        needed. Source: MacKinnon, Nielsen and Webb (2023), J. Applied Econometrics 38(5), CRV3.
        """
        value = float(self.instrument @ within) / self._total
        of_pairs = self._per_other * _sums(self._pair, within, self._per_other.size)
        score = _sums(self.cluster, self.instrument * within, self.clusters) + self._by_cluster(of_pairs)
        refits = (value * self._total - score) / self._left
        return Slope(value, np.sqrt((self.clusters - 1) / self.clusters) * (refits - value))

    def _by_cluster(self, of_pairs: Floats) -> Floats:
        return _sums(self._pair_cluster, of_pairs, self.clusters)

    def p_value(self, slope: Slope, *, is_above: bool | None = None) -> float:
        """Return the p-value of no slope: two-sided, or against a slope that is above (or below) zero."""
        from scipy.stats import t

        ratio = slope.value / slope.se if slope.se > 0 else 0.0
        if is_above is None:
            return float(2 * t.sf(abs(ratio), self.freedom))
        return float(t.sf(ratio if is_above else -ratio, self.freedom))

    def effective_f(self, first: Slope) -> float:
        """Return the effective F of a first stage.

        With one instrument it is the square of the clustered t. Source: Montiel Olea and Pflueger (2013), J. Business
        and Economic Statistics 31(3), equation (15) at K = 1.
        """
        return (first.value / first.se) ** 2 if first.se > 0 else np.inf

    def not_rejected(self, first: Slope, reduced: Slope) -> NotRejected:
        """Return the effects b for which reduced - b first is no further from zero than its error allows.

        Both sides are quadratic in b, so the ends are exact; valid at any strength of the instrument, and without an
        end when the first stage itself is not told from zero. Source: Anderson and Rubin (1949), Annals of Mathematical
        Statistics 20(1); the cases are those of Dufour and Taamouti (2005), Econometrica 73(4).
        """
        from scipy.stats import t

        reach = round(float(t.ppf((1 + self.level) / 2, self.freedom)), DIGITS) ** 2
        one, two = first.deviations, reduced.deviations
        square = first.value**2 - reach * float(one @ one)
        half = first.value * reduced.value - reach * float(one @ two)
        level = reduced.value**2 - reach * float(two @ two)
        discriminant = half**2 - square * level
        if square > 0:
            ends = half / square + np.sqrt(max(discriminant, 0.0)) / square * np.array([-1.0, 1.0])
            return NotRejected("interval", float(ends[0]), float(ends[1]))
        if square < 0 and discriminant > 0:
            ends = half / square + np.sqrt(discriminant) / abs(square) * np.array([-1.0, 1.0])
            return NotRejected("rays", float(ends[0]), float(ends[1]))
        return NotRejected("line", -np.inf, np.inf)

    def error(self, first: Slope, reduced: Slope) -> float:
        """Return the standard error of reduced / first, by the delta method."""
        moved = reduced.deviations - reduced.value / first.value * first.deviations
        return float(np.sqrt(moved @ moved)) / abs(first.value)


def _sums(code: Ints, values: Floats, codes: int) -> Floats:
    return np.asarray(np.bincount(code, weights=values, minlength=codes), dtype=np.float64)
