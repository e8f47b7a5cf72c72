"""Panels with known effects for the tests of the estimators; the same seed gives the same numbers on any machine."""

from dataclasses import replace

import numpy as np

from evaluator.vocabulary import NEVER, Panel, Sections


def panel_of(outcome, cohort, *, weight=None, cluster=None, covariates=None, observed=None):
    outcome, cohort = np.asarray(outcome, dtype=np.float64), np.asarray(cohort, dtype=np.int64)
    n = cohort.size
    return Panel(
        periods=tuple(range(outcome.shape[1])),
        outcome=outcome,
        observed=np.ones(outcome.shape, dtype=bool) if observed is None else np.asarray(observed),
        cohort=cohort,
        exposure=None,
        covariates=np.empty((n, 0)) if covariates is None else np.asarray(covariates, dtype=np.float64),
        cluster=np.arange(n) if cluster is None else np.asarray(cluster, dtype=np.int64),
        weight=np.ones(n) if weight is None else np.asarray(weight, dtype=np.float64),
        unit="share",
    )


def since(cohort, periods):
    """Return periods since the start (N, T), -periods for the never exposed."""
    return np.where(cohort == NEVER, -periods, np.arange(periods)[:, None] - cohort).T


def staggered(seed, units=150, periods=8, starts=(3, 5, 6, NEVER), growth=0.5, effect=1.0, early=0.0):
    """Return a panel and its true effects (N, T): `effect` at the start, `growth` a period, `early` just before.

    Levels differ between cohorts, noise is an AR(1) of .5; the covariate (N, 1) marks about half the units and moves
    nothing.
    """
    rng = np.random.default_rng(seed)
    cohort = np.resize(np.array(starts, dtype=np.int64), units)
    marker = rng.integers(0, 2, size=(units, 1)).astype(np.float64)
    time = since(cohort, periods)
    truth = np.where(time >= 0, effect + growth * time, np.where(time == -1, early, 0.0))
    noise = rng.normal(size=(units, periods))
    for period in range(1, periods):
        noise[:, period] += 0.5 * noise[:, period - 1]
    level = rng.normal(size=(units, 1)) + (cohort != NEVER)[:, None]
    outcome = level + rng.normal(size=(1, periods)) + noise + truth
    return panel_of(outcome, cohort, covariates=marker), truth


def with_gaps(panel, seed, share=0.1):
    """Return the panel with that share of its cells unobserved."""
    observed = np.random.default_rng(seed).random(panel.outcome.shape) > share
    return replace(panel, observed=observed, outcome=np.where(observed, panel.outcome, np.nan))


def sections_of(panel, seed):
    """Return the panel's cells as sections in shuffled order, with persons that differ from period to period."""
    rng = np.random.default_rng(seed)
    rows, period = np.nonzero(panel.observed)
    order = rng.permutation(rows.size)
    rows, period = rows[order], period[order]
    return Sections(
        periods=panel.periods,
        outcome=panel.outcome[rows, period],
        period=period.astype(np.int64),
        cohort=panel.cohort[rows],
        covariates=panel.covariates[rows],
        cluster=panel.cluster[rows],
        weight=rng.integers(1, 40, rows.size).astype(np.float64),
        unit=panel.unit,
    )


def errors(fit):
    return np.sqrt((fit.influence**2).sum(axis=0)) / fit.scale


def mean_truth(fit, panel, truth):
    """Return the true effect of each cell: the mean over the cohort's rows in its period."""
    return np.array([truth[panel.cohort == cell.cohort, cell.period].mean() for cell in fit.cells])


def in_clusters(panel, starts=4, size=3):
    """Return the panel with `size` units of one cohort to a cluster; `staggered` deals cohorts to units in turn."""
    unit = np.arange(panel.cohort.size)
    cluster = unit // (starts * size) * starts + unit % starts
    return replace(panel, cluster=np.unique(cluster, return_inverse=True)[1].astype(np.int64))


def weighted(seed):
    """Return a small panel in clusters of two whose units weigh 1 to 19."""
    panel = in_clusters(staggered(seed, units=48)[0], size=2)
    return replace(panel, weight=np.random.default_rng(seed + 1).integers(1, 20, 48).astype(np.float64))


def weighted_worlds(seed):
    """Return that panel whole, with a fifth of its cells unobserved, and as sections."""
    panel = weighted(seed)
    return {"complete": panel, "gaps": with_gaps(panel, seed + 2, 0.2), "sections": sections_of(panel, seed + 3)}


def long(data):
    """Return unit, period, cohort, cluster, weight and outcome of every row; in sections the unit is the cluster."""
    if isinstance(data, Sections):
        return data.cluster, data.period, data.cohort, data.cluster, data.weight, data.outcome
    row, period = np.nonzero(data.observed)
    return row, period, data.cohort[row], data.cluster[row], data.weight[row], data.outcome[row, period]


def dummies(codes):
    return (codes[:, None] == np.unique(codes)).astype(np.float64)


def regression(design, outcome, weight, cluster):
    """Return coefficients and cluster-robust errors without small-sample factors, by dense least squares."""
    root = np.sqrt(weight)[:, None]
    gram = np.linalg.pinv((design * root).T @ (design * root))
    coefficient = gram @ (design * root).T @ (outcome * root[:, 0])
    scores = design * (weight * (outcome - design @ coefficient))[:, None]
    summed = dummies(cluster).T @ scores @ gram
    return coefficient, np.sqrt((summed**2).sum(axis=0))


def simulated(estimator, draws, truth_of=mean_truth, **world):
    """Return errors in standard errors (draws, C) and raw errors (draws, C) of `estimator` in a `staggered` world."""
    found = []
    for seed in range(draws):
        panel, truth = staggered(seed, **world)
        fit = estimator.fit(panel)
        off, error = fit.effect - truth_of(fit, panel, truth), errors(fit)
        found.append((np.divide(off, error, out=np.zeros(off.size), where=error > 0), off))
    scaled, off = (np.array(part) for part in zip(*found, strict=True))
    return scaled, off


def assert_recovers(scaled, off):
    """Bias in every cell, and the coverage of 95 % intervals overall, are within simulation error."""
    moving = off.std(axis=0) > 0
    scaled, off = scaled[:, moving], off[:, moving]
    away = off.mean(axis=0) / (off.std(axis=0, ddof=1) / np.sqrt(len(off)))
    assert np.abs(away).max() < 4
    assert abs((np.abs(scaled) < 1.96).mean() - 0.95) < 3 * np.sqrt(0.95 * 0.05 / len(off))
