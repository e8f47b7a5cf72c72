"""How large an effect must be to be found, from effects measured where there was none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evaluator.inference.rule import FEW, freedom
from evaluator.vocabulary import Floats

POWER = 0.80


@dataclass(frozen=True, slots=True)
class Placebo:
    """Effects of false starts, and what stood behind each: D draws."""

    effect: Floats  # (D,)
    concentration: Floats  # (D,) sum over treated clusters of the squared share of each
    persons: Floats  # (D,) treated persons behind the effect


@dataclass(frozen=True, slots=True)
class Arms:
    """The clusters behind a number, in either arm, by their shares in it."""

    treated: Floats  # (T,) above 0
    compared: Floats  # (J,) above 0

    @property
    def freedom(self) -> float:
        """The degrees of freedom that the run will count: those of the smaller side."""
        return float(min(freedom(side[:, None])[0] for side in (self.treated, self.compared)))


@dataclass(frozen=True, slots=True)
class Chance:
    """The law of the design's own estimate when nothing happens, and the test that would be run on it.

    `effect` are the placebos as they would be with the design's concentration and persons. Below five treated clusters
    the test is the rank among placebos and `freedom` is infinite, with `critical` in the unit of the outcome; from five
    it is |estimate| > critical x error with an error of `freedom` degrees of freedom around `error`.
    """

    effect: Floats  # (D,)
    error: float
    critical: float
    freedom: float

    def power(self, effect: float) -> float:
        """Return the probability that a true `effect` is found; draws count with both signs."""
        from scipy.special import chdtr

        moved = np.abs(np.concatenate([self.effect, -self.effect]) + effect)
        if np.isinf(self.freedom):
            return float((moved > self.critical).mean())
        return float(chdtr(self.freedom, self.freedom * (moved / (self.critical * self.error)) ** 2).mean())

    def detectable(self, power: float = POWER) -> float:
        """Return the smallest effect that is found with probability `power`."""
        low, high = 0.0, self.error
        while self.power(high) < power:
            low, high = high, 2 * high
        while high - low > 1e-6 * self.error:
            middle = (low + high) / 2
            low, high = (middle, high) if self.power(middle) < power else (low, middle)
        return high


def effective(share: Floats) -> float:
    """Return the number of equal clusters with the information of clusters with these shares (Kish 1965)."""
    return float(share.sum() ** 2 / (share**2).sum())


def chance(placebo: Placebo, arms: Arms, persons: float, level: float) -> Chance | None:
    """Return the law for a design with these arms and `persons` treated in all.

    An effect's variance is a x concentration + b / persons, a and b at least 0 by least squares of the squared
    placebos: with one treated cluster this is Ferman and Pinto (2019), Review of Economics and Statistics 101(3),
    section 3. None when the placebos do not vary.
    """
    from scipy.optimize import nnls
    from scipy.special import stdtrit

    design = np.column_stack([placebo.concentration, 1 / placebo.persons])
    size = np.sqrt((design**2).sum(axis=0))
    if not placebo.effect.any():
        return None
    parts, _ = nnls(design / size, placebo.effect**2)
    variance = design @ (parts / size)
    own = float(np.array([1 / effective(arms.treated), 1 / persons]) @ (parts / size))
    scaled = placebo.effect * np.sqrt(own / variance)
    error = float(np.sqrt(own))
    if arms.treated.size < FEW:
        return Chance(scaled, error, float(np.quantile(np.abs(scaled), level)), np.inf)
    return Chance(scaled, error, float(stdtrit(arms.freedom, (1 + level) / 2)), arms.freedom)


@dataclass(frozen=True, slots=True)
class History:
    """J clusters over T periods without any effect, the first `before` of them the base."""

    outcome: Floats  # (J, T)
    persons: Floats  # (J,)
    before: int


def by_formula(history: History, arms: Arms, level: float) -> float:
    """Return the detectable effect by the serial-correlation-robust formula, in the unit of the outcome.

    Fixed effects of clusters cancel in the covariances. A cluster counts in them by its persons squared, as it does in
    the variance of a mean over persons, so that the smallest are not taken for typical. An arm counts by its effective
    number of clusters. The degrees of freedom are those of the run, and of the J clusters below five treated.
    Source: Burlig, Preonas and Woerman (2020), Journal of Development Economics 144, the formula for any serial
    correlation.
    """
    from scipy.special import stdtrit

    before, periods = history.before, history.outcome.shape[1]
    covariance = np.cov(history.outcome, rowvar=False, aweights=history.persons**2)
    after = periods - before
    first, last = np.arange(periods) < before, np.arange(periods) >= before
    variance = np.trace(covariance) / periods
    within_first, within_last = _between(covariance[np.ix_(first, first)]), _between(covariance[np.ix_(last, last)])
    across = float(covariance[np.ix_(first, last)].mean())
    change = (before + after) / (before * after) * variance
    change += (before - 1) / before * within_first + (after - 1) / after * within_last - 2 * across
    error = np.sqrt(max(change, 0.0) * (1 / effective(arms.treated) + 1 / effective(arms.compared)))
    degrees = len(history.outcome) - 1.0 if arms.treated.size < FEW else arms.freedom
    return float((stdtrit(degrees, (1 + level) / 2) + stdtrit(degrees, POWER)) * error)


def _between(covariance: Floats) -> float:
    """Return the mean covariance of different periods; 0 with one period."""
    number = len(covariance)
    return 0.0 if number == 1 else float((covariance.sum() - np.trace(covariance)) / (number * (number - 1)))
