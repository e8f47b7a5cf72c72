"""How far simulation error may carry a correct estimator: the limits of the Monte Carlo checks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluator.vocabulary import Floats

FALSE_ALARM = 0.001
"""Largest probability that an estimator that is exactly right fails any of the Monte Carlo checks (Bonferroni)."""
ERROR_SLACK = 0.05
"""Share by which an influence-based error may differ from the spread: it leaves out degrees of freedom."""
LARGEST_SIZE = 0.065
SMALLEST_COVERAGE = 0.935
MOST_REFUSED = 0.05


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of each of `checks` checks, so that all together raise a false alarm with probability FALSE_ALARM."""

    checks: int

    def bias(self, draws: int, numbers: int = 1) -> float:
        """Return how many simulation errors the largest of `numbers` mean errors may be from 0."""
        from scipy.stats import t

        return float(t.isf(FALSE_ALARM / self.checks / numbers / 2, draws - 1))

    def error_ratio(self, draws: int) -> tuple[float, float]:
        """Return the range of (mean standard error) / (standard deviation of the estimates)."""
        from scipy.stats import chi2

        share = FALSE_ALARM / self.checks / 2
        low, high = chi2.isf([share, 1 - share], draws - 1) / (draws - 1)
        return float((1 - ERROR_SLACK) / low**0.5), float((1 + ERROR_SLACK) / high**0.5)

    def at_most(self, share: float, draws: int) -> float:
        """Return the largest share of draws that chance makes of a probability of at most `share`."""
        from scipy.stats import binom

        return float(binom.isf(FALSE_ALARM / self.checks, draws, share)) / draws

    def at_least(self, share: float, draws: int) -> float:
        """Return the smallest share of draws that chance makes of a probability of at least `share`."""
        return 1 - self.at_most(1 - share, draws)


def simulation_errors(errors: Floats) -> Floats:
    """Return each column's mean over its simulation error; 0 where the column never differs from 0.

    A column that is off by the same amount in every draw is infinitely far.
    """
    mean, spread = errors.mean(axis=0), errors.std(axis=0, ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        away = np.abs(mean) / (spread / np.sqrt(len(errors)))
    return np.where(np.abs(mean) < 1e-12, 0.0, away)
