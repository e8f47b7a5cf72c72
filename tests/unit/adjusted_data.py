"""Small data with covariates for the tests of adjusted group-time effects: followed, with gaps, and sections."""

from dataclasses import replace

import numpy as np

from evaluator.estimators import GroupTime
from evaluator.vocabulary import NEVER, Panel, Sections

PERIODS, CLUSTERS = 4, 24
METHODS = {
    "none": {},
    "regression": {"adjustment": "regression"},
    "weighting": {"adjustment": "weighting"},
    "traditional": {"adjustment": "doubly_robust"},
    "improved": {"adjustment": "doubly_robust", "variant": "improved"},
}
CALENDARS = {
    "never-varying": {},
    "not_yet-varying": {"comparison": "not_yet"},
    "not_yet-universal": {"comparison": "not_yet", "base": "universal"},
    "never-three": {"base": "universal", "base_periods": 3},
}


def estimator(method, calendar="never-varying", **extra):
    return GroupTime(**METHODS[method], **CALENDARS[calendar], **extra)


def followed(units=200, seed=1):
    rng = np.random.default_rng(seed)
    covariates = rng.normal(size=(units, 2))
    cohort = rng.choice([2, 3, NEVER], units, p=[0.25, 0.25, 0.5])
    cohort = np.where(rng.random(units) < 0.3 / (1 + np.exp(-covariates[:, 0])), 2, cohort)
    outcome = rng.normal(size=(units, PERIODS)) + covariates[:, :1] * np.arange(PERIODS) + covariates[:, :1] ** 2
    return Panel(
        periods=tuple(range(PERIODS)),
        outcome=outcome,
        observed=np.ones(outcome.shape, dtype=bool),
        cohort=cohort,
        exposure=None,
        covariates=covariates,
        cluster=np.append(np.arange(CLUSTERS), rng.integers(0, CLUSTERS, units - CLUSTERS)),
        weight=rng.integers(1, 5, units).astype(float),
        unit="share",
    )


def gapped():
    panel = followed()
    observed = np.random.default_rng(2).random(panel.outcome.shape) > 0.15
    return replace(panel, outcome=np.where(observed, panel.outcome, np.nan), observed=observed)


def sections(rows=500, seed=3):
    rng = np.random.default_rng(seed)
    period = rng.integers(0, PERIODS, rows)
    covariates = rng.normal(size=(rows, 2)) + 0.2 * period[:, None]  # people who enter change over time
    starts = np.array([2, 3, NEVER, NEVER])[np.arange(CLUSTERS) % 4]
    cluster = np.append(np.arange(CLUSTERS), rng.integers(0, CLUSTERS, rows - CLUSTERS))
    return Sections(
        periods=tuple(range(PERIODS)),
        outcome=rng.normal(size=rows) + covariates[:, 0] * (1 + period),
        period=period,
        cohort=starts[cluster],
        covariates=covariates,
        cluster=cluster,
        weight=rng.integers(1, 5, rows).astype(float),
        unit="share",
    )


DATA = {"followed": followed, "gapped": gapped, "sections": sections}


def rows(data, index):
    """Return the data of some rows, any number of times each."""
    names = ["outcome", "cohort", "covariates", "cluster", "weight"]
    names.append("period" if isinstance(data, Sections) else "observed")
    return replace(data, **{name: getattr(data, name)[index] for name in names})
