"""Adjusted effects on drawn worlds with a known effect: what each adjustment needs, and that it needs it."""

import numpy as np
import pytest

from evaluator.estimators import GroupTime
from evaluator.vocabulary import NEVER, Panel, Sections

EFFECT, DRAWS, UNITS = 1.0, 60, 1_500
RIGHT = 3.5  # standard errors of the mean over the draws


def odds_and_slopes(rng, hidden, units):
    """Return covariates as the estimator sees them, who is treated, and how the outcome grows with what it does not.

    `hidden` names the models that depend on the square of the covariate, which the estimator is not given.
    """
    x = rng.normal(size=units)
    square = (x**2 - 1) / np.sqrt(2)
    share = 1 / (1 + np.exp(-(0.7 * (square if "propensity" in hidden else x) - 0.5)))
    return x[:, None], rng.random(units) < share, (square if "outcome" in hidden else x)


def panel(rng, hidden):
    covariates, treated, growth = odds_and_slopes(rng, hidden, UNITS)
    level = 3.0 * rng.normal(size=UNITS)
    before = level + rng.normal(size=UNITS)
    after = level + growth + EFFECT * treated + rng.normal(size=UNITS)
    return Panel(
        periods=(0, 1),
        outcome=np.column_stack([before, after]),
        observed=np.ones((UNITS, 2), dtype=bool),
        cohort=np.where(treated, 1, NEVER),
        exposure=None,
        covariates=covariates,
        cluster=np.arange(UNITS),
        weight=np.ones(UNITS),
        unit="y",
    )


def sections(rng, hidden):
    covariates, treated, growth = odds_and_slopes(rng, hidden, 2 * UNITS)
    later = rng.random(2 * UNITS) < 0.5
    outcome = treated + later * (growth + EFFECT * treated) + rng.normal(size=later.size)
    return Sections(
        periods=(0, 1),
        outcome=outcome,
        period=later.astype(np.int64),
        cohort=np.where(treated, 1, NEVER),
        covariates=covariates,
        cluster=np.arange(later.size),
        weight=np.ones(later.size),
        unit="y",
    )


def drawn(world, hidden, **choices):
    """Return the bias in standard errors of its mean, and the mean reported error over the actual spread."""
    rng, found, errors = np.random.default_rng(11), [], []
    for _ in range(DRAWS):
        fit = GroupTime(**choices).fit(world(rng, hidden))
        found.append(fit.effect[0])
        errors.append(np.sqrt((fit.influence[:, 0] ** 2).sum()) / fit.scale)
    spread = np.std(found, ddof=1)
    return (np.mean(found) - EFFECT) / (spread / np.sqrt(DRAWS)), np.mean(errors) / spread


@pytest.mark.parametrize("world", [panel, sections])
@pytest.mark.parametrize("variant", ["traditional", "improved"])
@pytest.mark.parametrize("hidden", [(), ("outcome",), ("propensity",)], ids=["neither", "outcome", "propensity"])
def test_doubly_robust_is_right_when_either_model_is(world, variant, hidden):
    bias, error = drawn(world, hidden, adjustment="doubly_robust", variant=variant)
    assert abs(bias) < RIGHT
    assert 0.75 < error < 1.3


@pytest.mark.parametrize("world", [panel, sections])
@pytest.mark.parametrize(
    ("adjustment", "hidden"),
    [
        ("none", ()),
        ("weighting", ("propensity",)),
        ("regression", ("outcome", "propensity")),
        ("doubly_robust", ("outcome", "propensity")),
    ],
)
def test_an_adjustment_whose_models_are_wrong_is_seen_to_fail(world, adjustment, hidden):
    both = ("outcome", "propensity") if adjustment == "weighting" else hidden
    bias, _ = drawn(world, both, adjustment=adjustment)
    assert abs(bias) > 2 * RIGHT


@pytest.mark.parametrize("world", [panel, sections])
@pytest.mark.parametrize(("adjustment", "hidden"), [("weighting", ("outcome",)), ("regression", ("propensity",))])
def test_weighting_needs_the_propensity_and_regression_the_outcome(world, adjustment, hidden):
    bias, error = drawn(world, hidden, adjustment=adjustment)
    assert abs(bias) < RIGHT
    assert 0.75 < error < 1.3
