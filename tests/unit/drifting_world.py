"""A small world of entry cohorts whose treated clusters may drift away from the others."""

import numpy as np

from evaluator.vocabulary import NEVER, Sections


def world(
    seed: int = 1,
    *,
    drift: float = 0.0,
    effect: float = 0.0,
    treated: int = 12,
    noise: float = 0.3,
    starts: tuple[int, ...] = (20, 22),
    periods: int = 32,
) -> Sections:
    """Return 40 clusters of unequal size; `drift` is what the treated gain on the others in a period."""
    draw = np.random.default_rng(seed)
    clusters = 40
    cohort = np.full(clusters, NEVER)
    cohort[:treated] = np.resize(starts, treated)
    time = np.arange(periods)
    shocks = noise * draw.normal(size=(clusters, periods)) + draw.normal(size=(clusters, 1))
    outcome = shocks + effect * (time >= cohort[:, None]) + drift * time * (cohort != NEVER)[:, None]
    rows = np.repeat(np.arange(clusters), periods)
    return Sections(
        periods=tuple(range(periods)),
        outcome=outcome.ravel(),
        period=np.tile(time, clusters),
        cohort=cohort[rows],
        covariates=np.empty((rows.size, 0)),
        cluster=rows,
        weight=draw.integers(5, 60, clusters)[rows].astype(np.float64),
        unit="share",
        clusters=tuple(range(clusters)),
    )
