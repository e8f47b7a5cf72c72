"""A base of several periods: the mean of the cohorts before the window, by hand and with its influence."""

from dataclasses import replace

import numpy as np
import pytest

from evaluator.estimators.group_time import GroupTime
from evaluator.inference.leave_one_out import refit_without_each_cluster
from evaluator.panel import select
from evaluator.vocabulary import NEVER, Sections


def _sections(seed: int = 5, clusters: int = 9, periods: int = 8) -> Sections:
    """Return one row per cluster and period; clusters 0 to 2 start in period 5."""
    draw = np.random.default_rng(seed)
    cluster, period = (part.ravel() for part in np.divmod(np.arange(clusters * periods), periods))
    return Sections(
        periods=tuple(range(periods)),
        outcome=draw.random(cluster.size),
        period=period,
        cohort=np.where(cluster < 3, 5, NEVER),
        covariates=np.empty((cluster.size, 0)),
        cluster=cluster,
        weight=draw.integers(1, 30, cluster.size).astype(np.float64),
        unit="share",
        clusters=tuple(range(clusters)),
    )


def test_the_base_is_the_mean_of_its_periods_contrasts() -> None:
    data = _sections()
    fit = GroupTime(base="universal", anticipation=1, base_periods=3).fit(data)

    def contrast(period: int) -> float:
        means = []
        for treated in (True, False):
            rows = ((data.cohort != NEVER) == treated) & (data.period == period)
            means.append(np.average(data.outcome[rows], weights=data.weight[rows]))
        return float(means[0] - means[1])

    expected = contrast(6) - np.mean([contrast(period) for period in (1, 2, 3)])
    found = {(cell.period, cell.base): effect for cell, effect in zip(fit.cells, fit.effect, strict=True)}
    assert found[6, 3] == pytest.approx(expected, abs=1e-12)


def test_what_all_municipalities_share_in_a_month_cancels() -> None:
    data, method = _sections(), GroupTime(base="universal", anticipation=1, base_periods=3)
    shocked = replace(data, outcome=data.outcome + 0.3 * np.sin(3.0 * data.period))
    assert np.allclose(method.fit(shocked).effect, method.fit(data).effect, atol=1e-12)


def test_a_period_without_treated_persons_leaves_the_base() -> None:
    data, method = _sections(), GroupTime(base="universal", anticipation=1, base_periods=3)
    emptied = select(data, ~((data.period == 2) & (data.cohort != NEVER)))
    alone = select(data, data.period != 2)
    found, expected = (dict(zip(f.cells, f.effect, strict=True)) for f in map(method.fit, (emptied, alone)))
    assert all(found[cell] == pytest.approx(effect, abs=1e-12) for cell, effect in expected.items())


def test_a_short_panel_uses_the_periods_it_has() -> None:
    data = _sections()
    long, short = (GroupTime(base="universal", anticipation=1, base_periods=n).fit(data) for n in (4, 9))
    assert np.allclose(long.effect, short.effect, atol=1e-14)


def test_leaving_a_cluster_out_by_subtraction_equals_a_refit() -> None:
    data = _sections()
    method = GroupTime(base="universal", anticipation=1, base_periods=3)
    cells = method.fit(data).cells
    fast, slow = method.effects_without_each_cluster(data, cells), refit_without_each_cluster(method, data, cells, 9)
    assert np.allclose(fast, slow, atol=1e-12, equal_nan=True)


def test_the_influence_is_the_derivative_in_a_clusters_weight() -> None:
    data, method = _sections(), GroupTime(base="universal", anticipation=1, base_periods=3)
    fit, step = method.fit(data), 1e-6
    for cluster in (0, 4):
        heavier = np.where(data.cluster == cluster, data.weight * (1 + step), data.weight)
        slope = (method.fit(replace(data, weight=heavier)).effect - fit.effect) / step
        assert np.allclose(slope, fit.influence[cluster] / fit.scale, atol=1e-5)


@pytest.mark.parametrize("base", ["varying"])
def test_a_varying_base_is_one_period(base: str) -> None:
    with pytest.raises(ValueError, match="universal base"):
        GroupTime(base=base, base_periods=2)
