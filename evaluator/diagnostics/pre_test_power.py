"""What the pre-test would have found: the drift it detects, and the bias of the headline when it does not.

Source: Roth (2022), American Economic Review: Insights 4(3), section II, for the run's own joint max|t| test.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from evaluator.diagnostics.credibility import PRE_TREND_AMBER
from evaluator.diagnostics.event_blocks import without_trends
from evaluator.inference.aggregation import aggregate
from evaluator.inference.bands import pre_trend_test
from evaluator.inference.joint import SEED, critical_values
from evaluator.inference.leave_one_out import averages
from evaluator.inference.offered import by_error
from evaluator.inference.rule import FEW, MANY
from evaluator.vocabulary import NEVER, Floats, NotEstimable, Panel, Sections

POWERS = (0.5, 0.8)
DRAWS = 10_000
"""Pairs of draws, each with its mirror image."""
UNMOVED = 1e-6
"""Share of a drift of one period that moves a number by so little is arithmetic: the estimator takes the drift out."""


@dataclass(frozen=True, slots=True)
class PreTestPower:
    """Linear drifts of the treated against the rest that the pre-test finds with the probabilities `power`.

    "Finds" is a p-value under `size`, the threshold of the credibility light. Drifts are upwards; downwards mirrors.
    """

    power: Floats  # (2,)
    drift: Floats  # (2,) per period, in the unit of the outcome
    bias: Floats  # (2,) of the headline under that drift
    bias_if_passed: Floats  # (2,) the same, given that the pre-test found nothing
    value: float  # the headline
    size: float
    event_times: tuple[int, ...]  # of the pre-test


@dataclass(frozen=True, slots=True)
class PreTest:
    """A pre-test as draws see it: errors of the headline and of P numbers, and how a drift of 1 per period moves them.

    Column 0 is the headline. The P numbers are in units of what the test allows them, so it passes when each of them is
    at most the root of chi2 / `freedom`, how far its estimated standard error is off. The errors of all numbers are off
    by the same quantile: where degrees of freedom are alike, that is the multivariate t of the test itself.
    """

    errors: Floats  # (D, 1 + P)
    drift: Floats  # (1 + P,)
    freedom: Floats  # (P,)

    def at(self, drift: float) -> tuple[float, float]:
        """Return the probability that the test finds `drift`, and the headline's mean error when it does not."""
        moved = self.errors + drift * self.drift
        passes = self._passes(np.abs(moved[:, 1:]))
        total = float(passes.sum())
        return 1 - total / passes.size, float(passes @ moved[:, 0]) / total if total > 0 else float("nan")

    def _passes(self, size: Floats) -> Floats:
        """Return the probability (D,) that numbers of `size` (D, P) pass.

        A number passes from that quantile on at which its chi2 / freedom is size**2; the last of them decides.
        """
        from scipy.special import chdtrc

        passes = np.ones(len(size))
        for freedom in np.unique(self.freedom):
            largest = size[:, self.freedom == freedom].max(axis=1)
            own = largest <= 1 if np.isinf(freedom) else chdtrc(freedom, freedom * largest**2)
            np.minimum(passes, own, out=passes)
        return passes


def pre_test(deviations: Floats, drift: Floats, critical: Floats, freedom: Floats) -> PreTest:
    """Return the test of columns 1 to P of `deviations` (G, 1 + P) at `critical` (P,) standard errors.

    `freedom` (P,) are the degrees of freedom of those errors.

    Errors are normal with the covariance of `deviations`, drawn in mirrored pairs at a fixed seed. `drift` (1 + P,).
    """
    allowed = np.append(1.0, np.sqrt((deviations[:, 1:] ** 2).sum(axis=0)) * critical)
    root = deviations / allowed
    if len(root) > MANY:
        size, axes = np.linalg.eigh(root.T @ root)
        root = (axes * np.sqrt(np.maximum(size, 0.0))) @ axes.T
    half = np.random.default_rng(SEED).standard_normal((DRAWS, len(root))) @ root
    return PreTest(np.vstack([half, -half]), drift / allowed, freedom)


def drift_found(test: PreTest, power: float) -> float:
    """Return the drift per period that `test` finds with probability `power`; infinite where none moves it."""
    from scipy.optimize import brentq
    from scipy.special import chdtri

    moved = int(np.abs(test.drift[1:]).argmax())
    slope, freedom = abs(float(test.drift[1 + moved])), float(test.freedom[moved])
    if slope == 0:
        return float("inf")
    allowed = 1.0 if np.isinf(freedom) else float(np.sqrt(chdtri(freedom, 1 - power) / freedom))
    high = (allowed + float(np.abs(test.errors[:, 1 + moved]).max())) / slope  # found often enough at any error
    return float(brentq(lambda drift: test.at(drift)[0] - power, 0.0, high, xtol=1e-9 * high))


def pre_test_power(
    estimator: Any, panel: Panel | Sections, size: float = PRE_TREND_AMBER
) -> PreTestPower | NotEstimable:
    """Return the drift that the run's own pre-test finds, and the headline's bias under it with and without passing.

    The drift is put through the estimator itself: every treated cluster rises by one per period against those never
    exposed. Needs five treated clusters, event times before the window, and never-exposed clusters; refused where the
    estimator takes such a drift out.
    """
    if (other := without_trends(estimator)) is not None:
        return other
    found = pre_trend_test(estimator, panel)
    if isinstance(found, NotEstimable):
        return found
    headline = averages(estimator, panel, "simple")
    if headline.treated[0] < FEW:
        return NotEstimable(
            f"Kun {headline.treated[0]} kommuner med indsats; prøvens styrke kan ikke beregnes under {FEW}.",
            "Flere kommuner med indsats.",
        )
    if isinstance(refused := by_error(headline, 0, 0.95), NotEstimable):
        return refused
    if (panel.cohort != NEVER).all():
        return NotEstimable(
            "Alle kommuner får indsatsen, så en skæv tendens kan ikke regnes mod nogen uden.",
            "Kommuner uden indsats at sammenligne med.",
        )
    moved = _drift(estimator, panel, found.event_times)
    if not np.abs(moved[1:]).max() > UNMOVED:
        return NotEstimable(
            "Metoden trækker en fælles skæv tendens i indsatskommunerne fra, så prøven kan ikke finde den.",
            "Intet; kun tendenser, som metoden ikke selv fjerner, kan vælte tallet.",
        )
    events = averages(estimator, panel, "event")
    used = 1 + np.flatnonzero(np.isin(events.aggregate.labels, found.event_times))
    columns, freedom = (part[..., used] for part in events.by_rule())
    test = pre_test(
        np.column_stack([headline.by_rule()[0][:, 0], columns]),
        moved,
        critical_values(columns, freedom, 1 - size),
        freedom,
    )
    drift = np.array([drift_found(test, power) for power in POWERS])
    passed = np.array([test.at(each)[1] for each in drift])
    value = float(headline.value[0])
    return PreTestPower(np.array(POWERS), drift, drift * test.drift[0], passed, value, size, found.event_times)


def _drift(estimator: Any, panel: Panel | Sections, event_times: tuple[int, ...]) -> Floats:
    """Return how the headline and the effects at `event_times` move when the treated rise by one per period."""
    treated = (panel.cohort != NEVER).astype(np.float64)
    periods = np.arange(len(panel.periods), dtype=np.float64)
    if isinstance(panel, Sections):
        rising: Panel | Sections = replace(panel, outcome=treated * periods[panel.period])
    else:
        rising = replace(panel, outcome=treated[:, None] * periods)
    fit = estimator.fit(rising)
    events = aggregate(fit, rising, "event")
    table = dict(zip(events.labels, events.effect, strict=True))
    return np.array([aggregate(fit, rising, "simple").value, *(table[time] for time in event_times)])
