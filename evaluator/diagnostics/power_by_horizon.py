"""The effect that one treated cluster could show, by the number of periods after its start, before it has started.

What a false start gave to every cluster says how effects vary by chance; the test is `ferman_pinto`, the one that the
run offers whatever the size. Three things stand between the two, and each is taken from its theory, none is tuned:
the base of a false start is shorter than the true one's, false starts overlap, and the variance is known from so few
of them that an effect found in 80 per cent of cases at the estimated variance is found less often.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evaluator.diagnostics.detectable_effect import POWER
from evaluator.inference.floor import most_outcomes
from evaluator.vocabulary import Floats

DRAWS = 200
"""Worlds drawn, each with variances of its own."""
SHARES = np.sin(np.linspace(0, np.pi / 2, 65)) ** 2
"""Shares of the variance that falls with size, at which the likelihood is looked at: close where a part ends.

Critical values come within 2 per cent of the exact ones, on either side alike.
"""
HALVINGS = 14
"""Steps to an effect: found to a part in ten thousand of where it is sought."""
SEED = 20_170_101
MOST_MEMORY = 0.99
"""Highest autocorrelation in use: at 1 no change would have a variance; here changes vary as those of a random walk."""


@dataclass(frozen=True, slots=True)
class Span:
    """Which periods an effect compares: `after` from `start` on, with `before` that end `gap` ahead of it."""

    start: int
    before: int
    after: int
    gap: int = 0

    def contrast(self, periods: int) -> Floats:
        """Return the weight (T,) of each of `periods` periods in the difference of the two means."""
        out, last = np.zeros(periods), self.start - self.gap
        out[last - self.before : last] = -1 / self.before
        out[self.start : self.start + self.after] = 1 / self.after
        return out


@dataclass(frozen=True, slots=True)
class Trial:
    """A false start: the effect of each of M clusters, the treated one too, and the persons behind it."""

    span: Span
    effect: Floats  # (M,)
    persons: Floats  # (M,)


@dataclass(frozen=True, slots=True)
class Planned:
    """The true start: the periods that it will compare, the treated cluster's persons, and its donors' (D,)."""

    span: Span
    persons: float
    donors: Floats


@dataclass(frozen=True, slots=True)
class Prospect:
    """W worlds as false starts leave them possible: the treated cluster's error and the smallest effect rejected."""

    error: Floats  # (W,)
    critical: Floats  # (W,)
    chance: Floats  # effects of false starts in standard deviations, both signs, in order

    def power(self, effect: float) -> float:
        """Return the probability over all worlds that a true `effect` is found; its sign does not matter."""
        below = np.searchsorted(self.chance, (self.critical - effect) / self.error, side="right")
        under = np.searchsorted(self.chance, (-self.critical - effect) / self.error)
        return float(1 - (below - under).mean() / self.chance.size)

    def detectable(self, power: float = POWER) -> float:
        """Return the smallest effect that is found with probability `power`."""
        low, high = 0.0, float(self.critical.max())
        while self.power(high) < power:
            low, high = high, 2 * high
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            low, high = (middle, high) if self.power(middle) < power else (low, middle)
        return high


def prospect(trials: Sequence[Trial], planned: Planned, memory: float, level: float) -> Prospect | None:
    """Return the worlds of a design, from K false starts before it; None where no effect differs from 0.

    `memory` is the gaps' correlation from one period to the next. Under it every span has a variance in common units,
    by which effects of a false start are brought to the true one; and two spans have a correlation c, by which the K
    starts count as K^2 / sum c^2 independent ones, since squares of normal effects correlate by c^2.

    The variance a + b / persons is drawn from its posterior by the normal likelihood to that power (Jeffreys' prior of
    a share for that of b, 1 / scale for the scale), donors' effects from the standardised ones, and the test's critical
    value by its own fit with the treated effect in it. Power averaged over what is unknown is the expected power, or
    assurance, of O'Hagan, Stevens and Campbell (2005), Pharmaceutical Statistics 4(3); with a scale alone unknown it is
    the frequency of rejections over repeated plans. Powered likelihood: Pauli, Racugno and Ventura (2011), Statistica
    Sinica 21(1). Raises ValueError when the donors cannot reach the level.
    """
    if not (nth := most_outcomes(planned.donors.size, level)):
        raise ValueError(f"power_by_horizon: {planned.donors.size} donors cannot reach the level {level:g}.")
    ratio, worth = _alike([each.span for each in trials], planned.span, memory)
    effect = np.concatenate([np.sqrt(r) * each.effect for r, each in zip(ratio, trials, strict=True)])
    persons = np.concatenate([each.persons for each in trials])
    if not effect.any():
        return None
    rng, inverse = np.random.default_rng(SEED), 1 / persons
    law = _posterior(effect**2, inverse / inverse.mean(), worth / len(trials))
    share, scale = law.drawn(rng)
    chance = effect / np.sqrt(law.typical)
    chance = np.sort(np.concatenate([chance, -chance])) / np.sqrt((chance**2).mean())
    own, theirs = (
        np.sqrt(scale[:, None] * (1 + share[:, None] * (np.atleast_1d(1 / size) / inverse.mean() - 1)))
        for size in (planned.persons, planned.donors)
    )
    drawn = theirs * rng.choice(chance, size=theirs.shape)
    return Prospect(own[:, 0], _critical(np.abs(drawn), planned, nth), chance)


def _alike(trials: Sequence[Span], true: Span, memory: float) -> tuple[Floats, float]:
    """Return the true span's variance over each trial's (K,), and how many independent trials they are worth."""
    spans = [*trials, true]
    periods = max(span.start + span.after for span in spans)
    lag = np.abs(np.subtract.outer(np.arange(periods), np.arange(periods)))
    contrast = np.array([span.contrast(periods) for span in spans])
    covariance = contrast @ (min(max(memory, 0.0), MOST_MEMORY) ** lag) @ contrast.T
    variance = covariance.diagonal()
    correlation = covariance[:-1, :-1] / np.sqrt(np.outer(variance[:-1], variance[:-1]))
    return variance[-1] / variance[:-1], len(trials) ** 2 / float((correlation**2).sum())


@dataclass(frozen=True, slots=True)
class _Posterior:
    """What M squared effects say of their variances, scale (1 + share (shape - 1))."""

    mass: Floats  # of each of SHARES
    mean: Floats  # scale at each of them
    freedom: float  # of the scale
    typical: Floats  # (M,) variances where the likelihood is highest

    def drawn(self, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Return DRAWS shares and scales."""
        at = rng.choice(SHARES.size, size=DRAWS, p=self.mass)
        return SHARES[at], self.mean[at] * self.freedom / rng.chisquare(self.freedom, DRAWS)


def _posterior(squares: Floats, shape: Floats, power: float) -> _Posterior:
    """Return the posterior by the normal likelihood to a power, the scale integrated out."""
    per = 1 + np.multiply.outer(SHARES, shape - 1)
    mean = (squares / per).mean(axis=1)
    support = -power / 2 * (squares.size * np.log(mean) + np.log(per).sum(axis=1))
    mass = np.exp(support - support.max())
    best = int(support.argmax())
    return _Posterior(mass / mass.sum(), mean, max(power * squares.size, 1.0), mean[best] * per[best])


def _critical(donors: Floats, planned: Planned, nth: int) -> Floats:
    """Return the smallest absolute effect that each world (W,) of donors' absolute effects (W, D) rejects.

    As `ferman_pinto` has it with one treated: the fit holds the treated effect, so that a large one of a small cluster
    widens the donors too.
    """
    inverse = 1 / np.append(planned.donors, planned.persons)
    per = 1 + np.multiply.outer(SHARES, inverse / inverse.mean() - 1)  # (SHARES, D + 1)
    theirs, own = per[:, :-1], per[:, -1]
    squares, fixed = donors**2 @ (1 / theirs).T, np.log(per).sum(axis=1)
    widened = np.sqrt(own[:, None] / theirs)  # (SHARES, D)

    def least(effect: Floats) -> Floats:
        best = (per.shape[1] * np.log(squares + effect[:, None] ** 2 / own) + fixed).argmin(axis=1)
        scaled = donors * widened[best]
        return np.asarray(np.partition(scaled, scaled.shape[1] - nth, axis=1)[:, scaled.shape[1] - nth])

    low, high = np.zeros(len(donors)), donors.max(axis=1) * widened.max() * 2
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        is_found = middle > least(middle)
        low, high = np.where(is_found, low, middle), np.where(is_found, middle, high)
    return high
