"""One treated unit among donors who share its factors: panels with a known effect for the tests of weighted paths."""

import numpy as np

from evaluator.estimators.weighted_paths import contrasts_of
from evaluator.vocabulary import NEVER, Panel

EFFECT = 2.0


def panel(outcome, starts=None, *, weight=None, covariates=None):
    """Return the panel of `outcome` (N, T) where unit i starts in period `starts[i]`; units are named u0, u1, ..."""
    rows, periods = outcome.shape
    cohort = np.full(rows, NEVER)
    for unit, start in (starts or {}).items():
        cohort[unit] = start
    return Panel(
        periods=tuple(range(periods)),
        outcome=outcome,
        observed=np.ones(outcome.shape, dtype=bool),
        cohort=cohort,
        exposure=None,
        covariates=np.empty((rows, 0)) if covariates is None else covariates,
        cluster=np.arange(rows),
        weight=np.ones(rows) if weight is None else weight,
        unit="y",
        units=tuple(f"u{row}" for row in range(rows)),
    )


def factors(seed, *, units=30, periods=40, start=30, noise=0.1, level=0.0, loading=0.8):
    """Return outcomes (N, T) with unit levels, common shocks and one trending factor; unit 0 gains EFFECT from `start`.

    Donors' loadings lie between 0 and 1; `loading` and `level` are those of the treated unit.
    """
    random = np.random.default_rng(seed)
    trend = np.cumsum(0.3 + random.normal(size=periods))
    load = random.uniform(size=units)
    own = random.normal(size=units)
    load[0], own[0] = loading, level
    outcome = own[:, None] + random.normal(size=periods) + np.outer(load, trend)
    outcome += noise * random.normal(size=(units, periods))
    outcome[0, start:] += EFFECT
    return outcome


def effect(estimator, outcome, start=30, **more):
    """Return the effect of unit 0 alone, without its placebos."""
    contrast = contrasts_of(estimator, panel(outcome, {0: start}, **more))[0]
    return float(estimator.match(contrast).gap[start:].mean())
