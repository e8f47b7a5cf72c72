"""Clusters followed period by period without any effect, and an estimator that has no short cut."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from evaluator.vocabulary import NEVER, Fit, Sections


def noise(starts, clusters=40, periods=10, seed=6):
    """Return a cell of noise per cluster and period, persons as weights; `starts` are those of the first clusters."""
    rng = np.random.default_rng(seed)
    cohort = np.array([*starts, *[NEVER] * (clusters - len(starts))])
    cluster, period = (grid.ravel() for grid in np.mgrid[:clusters, :periods])
    return Sections(
        tuple(range(periods)), rng.normal(size=cluster.size), period, cohort[cluster], np.empty((cluster.size, 0)),
        cluster, rng.integers(5, 90, clusters).astype(float)[cluster], "share", clusters=tuple(range(clusters)),
    )  # fmt: skip


@dataclass(frozen=True)
class Stranger:
    """Another estimator: no short cut, the same numbers."""

    inner: Any

    def fit(self, panel) -> Fit:
        return self.inner.fit(panel)
