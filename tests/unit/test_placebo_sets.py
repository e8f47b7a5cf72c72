"""With few donors a placebo test is no finer than the number of different assignments."""

import numpy as np
import pytest

from evaluator.estimators.group_time import GroupTime
from evaluator.inference.offered import estimates
from evaluator.inference.placebo import DRAWS, placebos
from evaluator.vocabulary import NEVER, NotEstimable, Sections


def _sections(donors: int, starts: tuple[int, ...], periods: int = 8) -> Sections:
    clusters = donors + len(starts)
    cluster, period = (part.ravel() for part in np.divmod(np.arange(clusters * periods), periods))
    own = np.array([*starts, *(NEVER,) * donors])
    return Sections(
        periods=tuple(range(periods)),
        outcome=np.random.default_rng(2).random(cluster.size),
        period=period,
        cohort=own[cluster],
        covariates=np.empty((cluster.size, 0)),
        cluster=cluster,
        weight=np.full(cluster.size, 20.0),
        unit="share",
        clusters=tuple(range(clusters)),
    )


@pytest.mark.parametrize(
    ("donors", "starts", "number"),
    [
        (3, (5,), 3),
        (3, (5, 5), 3),  # pairs of three
        (3, (5, 6), 6),  # ordered pairs of three
        (9, (5, 5), 36),
        (40, (5, 6), DRAWS),
        (2, (5, 6), 0),
    ],
)
def test_each_different_assignment_is_counted_once(donors: int, starts: tuple[int, ...], number: int) -> None:
    assert placebos(GroupTime(base="universal"), _sections(donors, starts), "simple").donors.shape[0] == number


def test_two_treated_and_three_donors_are_refused() -> None:
    found = estimates(GroupTime(base="universal"), _sections(3, (5, 6)), "simple").overall
    assert isinstance(found, NotEstimable)
