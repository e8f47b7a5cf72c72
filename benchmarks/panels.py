"""Panels of persons for the benchmarks, from our own generator: the effect is known, municipalities are unequal.

98 municipalities, 40 of them exposed from one of five dates, 24 periods. Covariates move the trend and the chance of
living in an exposed municipality, so that the estimate without them is off by a known kind of bias and the doubly
robust one is not. Written once to Parquet under build/benchmarks; every program reads the same file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path("build/benchmarks")
CLUSTERS, PERIODS, COVARIATES = 98, 24, 5
STARTS = (7, 10, 13, 16, 19)
EXPOSED = 40
SEED = 20_170_101
NAMES = tuple(f"x{k}" for k in range(1, COVARIATES + 1))
VERSION = 1  # raise it when the panels change, so that old files are not read


def path(persons: int) -> Path:
    """Return the file of the panel; write it first if it is not there."""
    target = FOLDER / f"persons_{persons}_v{VERSION}.parquet"
    if not target.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        partial = target.with_suffix(".partial")
        frame(persons).write_parquet(partial)
        partial.replace(target)
    return target


def frame(persons: int) -> Any:
    """Return the long polars frame of a panel, sorted by unit and period: whole numbers of 32 bits, floats of 64."""
    import polars as pl

    random = np.random.default_rng([SEED, persons])
    home, start, traits = _people(persons, random)
    period = np.arange(1, PERIODS + 1)
    since = period - start[:, None]
    outcome = random.standard_normal((persons, PERIODS)) + random.standard_normal((persons, 1))
    outcome += (0.2 * np.cumsum(random.standard_normal((CLUSTERS, PERIODS)), axis=1))[home]
    outcome += (traits @ np.full(COVARIATES, 0.05))[:, None] * (period / PERIODS)
    outcome += np.where((start > 0)[:, None] & (since >= 0), 1.0 + 0.05 * since, 0.0)
    long = {
        "unit": np.repeat(np.arange(persons, dtype=np.int32), PERIODS),
        "period": np.tile(period.astype(np.int32), persons),
        "cohort": np.repeat(start.astype(np.int32), PERIODS),
        "cluster": np.repeat(home.astype(np.int32), PERIODS),
        "outcome": outcome.ravel(),
    }
    return pl.DataFrame(long | {name: np.repeat(traits[:, k], PERIODS) for k, name in enumerate(NAMES)})


def _people(persons: int, random: Any) -> tuple[Any, Any, Any]:
    """Return each person's municipality, first exposed period (0: never) and covariates."""
    size = random.lognormal(0.0, 0.8, CLUSTERS)
    start = np.zeros(CLUSTERS, dtype=np.int64)
    start[random.permutation(CLUSTERS)[:EXPOSED]] = np.resize(STARTS, EXPOSED)
    home = random.choice(CLUSTERS, persons, p=size / size.sum())
    traits = random.standard_normal((persons, COVARIATES)) + 0.2 * (start[home] > 0)[:, None]
    return home, start[home], traits
