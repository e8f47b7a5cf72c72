"""Which share has left by each exit: Aalen-Johansen, with pointwise intervals."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from evaluator.estimators.exits.risk_table import RiskTable, risk_table
from evaluator.vocabulary import Floats


@dataclass(frozen=True, slots=True)
class CumulativeIncidence:
    """Shares that have left by each of E exits at T times; with `survival` they sum to one."""

    table: RiskTable
    share: Floats  # (T, E)
    survival: Floats  # (T,) still in the spell
    variance: Floats  # (T, E)
    low: Floats  # (T, E), NaN before the first exit of the kind
    high: Floats  # (T, E)
    level: float

    def at(self, time: float) -> tuple[Floats, Floats, Floats]:
        """Return share, low and high (E,) at a time: those of the last time at or before it, NaN before the first."""
        place = int(np.searchsorted(self.table.time, time, side="right")) - 1
        if place < 0:
            none = np.zeros(self.share.shape[1])
            return none, none + np.nan, none + np.nan
        return self.share[place], self.low[place], self.high[place]


def cumulative_incidence(
    duration: Any, exit_code: Any, *, exits: int, entry: Any = None, level: float = 0.95
) -> CumulativeIncidence:
    """Return the Aalen-Johansen estimate F_k(t) = sum_{s <= t} S(s-) d_k(s) / n(s), for all exits at once.

    Variance by the delta method (Greenwood's, for F), var F(t) = sum_{s <= t} [(F(t) - F(s))^2 d / (n (n - d)) +
    S(s-)^2 d_k (n - d_k) / n^3 - 2 (F(t) - F(s)) S(s-) d_k / n^2], with d exits of any kind; its square in F(t) is
    written out, so that time is linear in spells. Intervals are made on log(-log F). Spells are taken as independent.
    Left truncation as in `risk_table`. Raises as that.
    Source: Collett (2015), Modelling Survival Data in Medical Research, section 12.3; equal to lifelines 0.30.0 where
    that breaks no ties, and to R survival 3.5 in tests/golden/test_exits.py.
    """
    table = risk_table(duration, exit_code, exits=exits, entry=entry)
    n, d_k = np.maximum(table.at_risk, 1.0)[:, None], table.exits
    d = d_k.sum(axis=1, keepdims=True)
    survival = np.cumprod(1 - d / n, axis=0)
    before = np.vstack([np.ones((1, 1)), survival[:-1]])
    share = np.cumsum(before * d_k / n, axis=0)
    all_gone = d >= n
    greenwood = np.where(all_gone, 0.0, d / (n * np.where(all_gone, 1.0, n - d)))
    own, cross = before**2 * d_k * (n - d_k) / n**3, before * d_k / n**2
    square, line = np.cumsum(greenwood, axis=0), np.cumsum(greenwood * share + cross, axis=0)
    rest = np.cumsum(greenwood * share**2 + own + 2 * share * cross, axis=0)
    variance = np.maximum(share**2 * square - 2 * share * line + rest, 0.0)
    low, high = log_log_interval(share, variance, level)
    return CumulativeIncidence(table, share, survival[:, 0], variance, low, high, level)


def log_log_interval(share: Floats, variance: Floats, level: float) -> tuple[Floats, Floats]:
    """Return limits made on log(-log F), which stay between 0 and 1; NaN where the share is 0 or 1."""
    inside = (share > 0) & (share < 1)
    safe = np.where(inside, share, 0.5)
    reach = NormalDist().inv_cdf((1 + level) / 2) * np.sqrt(variance) / (safe * np.abs(np.log(safe)))
    middle = np.log(-np.log(safe))
    low, high = (np.where(inside, np.exp(-np.exp(middle + sign * reach)), np.nan) for sign in (1, -1))
    return low, high
