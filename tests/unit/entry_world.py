"""A small world of entry cohorts: municipalities, periods and strata of two traits, with one municipality treated."""

from __future__ import annotations

import numpy as np

from evaluator.vocabulary import NEVER, Sections

START, PERIODS = 6, 9
TRAITS = np.array([[a == 1, a == 2, b] for a in range(3) for b in range(2)], dtype=np.float64)  # (6, 3)
JOB = 0.2 + TRAITS @ [0.10, 0.20, 0.15]


def cohorts(seed=0, clusters=30, persons=120, effect=0.0, drift=0.0, noise=0.0, start=START):
    """Return entry cohorts of which the first municipality starts at `start` and draws in easier people from then on.

    `drift` moves that share of its entrants to the easiest stratum. Chances of a job are exact: no draw of outcomes.
    """
    rng = np.random.default_rng(seed)
    mix = rng.dirichlet(np.full(6, 12.0), size=clusters)
    level, common = rng.normal(0, 0.03, clusters), rng.normal(0, 0.03, PERIODS)
    rows = []
    for cluster in range(clusters):
        for period in range(PERIODS):
            share = mix[cluster]
            if cluster == 0 and period >= start:
                share = (1 - drift) * share + drift * np.eye(6)[5]
            counts = rng.multinomial(persons, share)
            shock = level[cluster] + common[period] + noise * rng.normal()
            shock += effect * (cluster == 0 and period >= start)
            rows += [(cluster, period, m, counts[m], JOB[m] + shock) for m in np.flatnonzero(counts)]
    cluster, period, stratum, weight, outcome = (np.array(part) for part in zip(*rows, strict=True))
    return Sections(
        periods=tuple(range(PERIODS)),
        outcome=outcome.astype(np.float64),
        period=period,
        cohort=np.where(cluster == 0, start, NEVER),
        covariates=TRAITS[stratum],
        cluster=cluster,
        weight=weight.astype(np.float64),
        unit="job",
        clusters=tuple(f"{code:03d}" for code in range(clusters)),
    )
