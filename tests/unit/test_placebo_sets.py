"""With few donors a placebo test is no finer than the number of different assignments."""

from dataclasses import replace

import numpy as np
import pytest
from cluster_sections import Stranger

from evaluator.errors import PanelError
from evaluator.estimators.group_time import GroupTime
from evaluator.inference.bands import pre_trend_test
from evaluator.inference.each_treated import EachTreated, placebos
from evaluator.inference.offered import estimates, mixed_clusters
from evaluator.inference.placebo import DRAWS, donor_sets, when_assigned
from evaluator.panel import select
from evaluator.vocabulary import NEVER, NotEstimable, Panel, Sections


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
        (8, (5, 5, 6), 168),  # a pair and one more
        (9, (6, 5, 6), 252),  # 504 orders of three
        (12, (5, 5, 6), DRAWS),
        (40, (5, 6), DRAWS),
        (2, (5, 6), 0),
    ],
)
def test_each_different_assignment_is_counted_once(donors: int, starts: tuple[int, ...], number: int) -> None:
    found = donor_sets(donors, np.array(starts))
    assert len(found) == number
    assert len({tuple(sorted(zip(starts, members.tolist(), strict=True))) for members in found}) == number


def test_sets_of_donors_are_drawn_once_and_for_all():
    starts = np.array([6, 6, 7])
    found = donor_sets(37, starts)
    np.testing.assert_array_equal(found, donor_sets(37, starts))
    rng, drawn = np.random.default_rng(20_170_101), {}
    while len(drawn) < DRAWS:
        a, b, c = rng.permutation(37)[:3]
        drawn.setdefault((frozenset((a, b)), c), (a, b, c))
    np.testing.assert_array_equal(found, list(drawn.values()))


def _alike(one: EachTreated, two: EachTreated) -> None:
    np.testing.assert_allclose(one.share, two.share)
    for ours, theirs in zip(one.treated, two.treated, strict=True):
        np.testing.assert_allclose(ours.donors, theirs.donors, atol=1e-8)
        np.testing.assert_allclose(ours.effect, theirs.effect)
        np.testing.assert_array_equal(ours.size, theirs.size)


@pytest.mark.parametrize("kind", ["simple", "event", "group", "calendar"])
@pytest.mark.parametrize(
    "estimator",
    [
        GroupTime(),
        GroupTime("not_yet", "universal", 1, 2),
        GroupTime(anticipation=4),
        GroupTime(adjustment="regression"),
    ],
)
def test_the_short_cut_equals_refitting_every_set(kind, estimator) -> None:
    data = _sections(7, (5, 6))
    rng = np.random.default_rng(3)
    data = replace(
        data,
        outcome=1e3 * data.outcome,
        weight=rng.integers(1, 50, data.weight.size).astype(float),
        covariates=rng.normal(size=(data.weight.size, 1)),
    )
    holed = select(
        data, ~((data.period == 3) & np.isin(data.cluster, [2, 3, 4])) & ~((data.period > 5) & (data.cluster == 5))
    )
    _alike(*(placebos(method, holed, kind) for method in (estimator, Stranger(estimator))))
    cohort = np.full((42, 7), NEVER)
    for row, members in zip(cohort, donor_sets(7, np.array([5, 6])), strict=True):
        row[members] = [5, 6]
    pool, labels = select(holed, holed.cohort == NEVER), [None, 0, 5, 6, 7]
    sets = [when_assigned(method, pool, kind, cohort, labels) for method in (estimator, Stranger(estimator))]
    np.testing.assert_allclose(*sets, atol=1e-8)
    assert np.isfinite(sets[0][:, 0]).mean() > 0.9


def test_an_adjustment_that_must_be_fitted_again_has_no_short_cut() -> None:
    data = _sections(4, (5,))
    names = ("outcome", "period", "cohort", "cluster", "weight")
    covariates = np.random.default_rng(3).normal(size=(6 * data.weight.size, 1))
    data = replace(data, covariates=covariates, **{name: np.tile(getattr(data, name), 6) for name in names})
    found = placebos(GroupTime(adjustment="weighting"), data, "simple")
    (own,) = found.treated
    assert own.donors.shape == (4, 1) and np.isfinite(own.donors).all()


@pytest.mark.parametrize("estimator", [GroupTime(), GroupTime(base="universal")])
def test_the_short_cut_equals_refitting_a_followed_panel(estimator) -> None:
    rng = np.random.default_rng(5)
    cohort, cluster = np.array([4, 4, 5, *[NEVER] * 9]), np.arange(12) % 6  # units of a cluster share its start
    cohort = cohort[:6][cluster]
    seen = rng.random((12, 7)) > 0.1
    data = Panel(
        tuple(range(7)), np.where(seen, rng.normal(size=(12, 7)), np.nan), seen, cohort, None, np.empty((12, 0)),
        cluster, rng.integers(1, 9, 12).astype(float), "share",
    )  # fmt: skip
    _alike(*(placebos(method, data, "event") for method in (estimator, Stranger(estimator))))


def test_nobody_stands_in_for_clusters_of_treated_and_untreated() -> None:
    treated, periods = 4, 8
    cluster = np.repeat(np.arange(30), 2)
    cohort = np.where((np.arange(60) % 2 == 0) & (cluster < treated), 4, NEVER)
    data = Panel(
        tuple(range(periods)), np.random.default_rng(1).normal(size=(60, periods)),
        np.ones((60, periods), dtype=bool), cohort, None, np.empty((60, 0)), cluster, np.ones(60), "share",
    )  # fmt: skip
    with pytest.raises(PanelError, match="4 of 30 clusters"):
        placebos(GroupTime(), data, "simple")
    refused = estimates(GroupTime(), data, "simple").overall
    assert refused == pre_trend_test(GroupTime(), data) == mixed_clusters()
    assert "hver sin start eller uden" in refused.reason


def test_two_treated_and_three_donors_are_refused() -> None:
    found = estimates(GroupTime(base="universal"), _sections(3, (5, 6)), "simple").overall
    assert isinstance(found, NotEstimable)
