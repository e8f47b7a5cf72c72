"""The restricted wild cluster bootstrap: against two peers, against regressions one by one, and its refusals."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from evaluator.inference.wild_cluster import (
    DRAWS,
    WEBB,
    regression,
    wild_cluster,
    wild_cluster_estimate,
    wild_weights,
)
from evaluator.vocabulary import NEVER, Estimate, NotEstimable, Panel, Sections

# wildboottest 0.3.2 (type 11, null imposed) and diff-diff 3.13.0: samples of 1,024 with a larger |t| at each null.
# Both leave ties out; the sample itself and its mirror image are always ties, so ours counts two more.
PEERS = {-1.0: 0, -0.5: 0, -0.25: 2, 0.0: 90, 0.25: 842, 0.5: 194, 0.75: 16, 1.0: 4, 1.5: 0}


def rows(clusters=10):
    i = np.arange(80)
    cluster = i % clusters
    own = ((cluster < 5) & (i // 10 > 3)) * (1 + 0.1 * (i % 3))
    columns = np.column_stack([own, np.ones(80), np.cos(i), (i // 10) / 8])
    return 0.4 * own + np.sin(1.7 * i) + np.sin(3.1 * cluster) + 0.2 * np.cos(i), columns, cluster


def by_hand(outcome, columns, cluster, weight, null, flips=None):
    """Return |t| of the sample and of all 2^G (or the given) samples, each by regressions of its own."""
    root = np.sqrt(weight)
    y, x = outcome * root, columns * root[:, None]
    rest = np.linalg.lstsq(x[:, 1:], y - null * x[:, 0], rcond=None)[0]
    fitted = null * x[:, 0] + x[:, 1:] @ rest
    row = np.linalg.inv(x.T @ x)[0]

    def statistic(values):
        found = np.linalg.lstsq(x, values, rcond=None)[0]
        score = (values - x @ found) * (x @ row)
        return abs(found[0] - null) / np.sqrt(sum(score[cluster == g].sum() ** 2 for g in range(cluster.max() + 1)))

    flips = product([-1, 1], repeat=int(cluster.max()) + 1) if flips is None else flips
    return statistic(y), np.array([statistic(fitted + np.array(flip)[cluster] * (y - fitted)) for flip in flips])


@pytest.mark.parametrize(("null", "larger"), PEERS.items())
def test_the_enumerated_p_value_equals_two_peers(null, larger):
    outcome, columns, cluster = rows()
    found = wild_cluster(regression(outcome - null * columns[:, 0], columns, cluster, np.ones(80)))
    assert (found.is_enumerated, found.draws) == (True, 512)  # of two mirror images one is kept
    assert found.p_value == pytest.approx((larger + 2) / 1024, abs=1e-10)


@pytest.mark.parametrize("is_weighted", [False, True])
def test_every_sample_equals_a_regression_of_its_own(is_weighted):
    outcome, columns, cluster = rows(6)
    weight = 1.0 + np.arange(80) % 4 if is_weighted else np.ones(80)
    given = regression(outcome, columns, cluster, weight)
    found = wild_cluster(given, level=0.8125)  # 12 of 64 samples are rejected, and 14 are not
    own, others = by_hand(outcome, columns, cluster, weight, 0.0)
    assert found.p_value == pytest.approx(np.mean(others >= own * (1 - 1e-8)), abs=1e-12)
    root = np.sqrt(weight)
    coefficient = np.linalg.lstsq(columns * root[:, None], outcome * root, rcond=None)[0][0]
    assert found.value == pytest.approx(coefficient, abs=1e-12)
    for end, outwards in ((found.low, -1e-5), (found.high, 1e-5)):
        inside, outside = (by_hand(outcome, columns, cluster, weight, end + step) for step in (-outwards, outwards))
        assert np.mean(inside[1] >= inside[0] * (1 - 1e-8)) > 12 / 64 >= np.mean(outside[1] >= outside[0] * (1 - 1e-8))


def test_the_interval_moves_with_the_outcome_and_is_the_same_far_from_zero():
    outcome, columns, cluster = rows()
    near = wild_cluster(regression(outcome, columns, cluster, np.ones(80)))
    far = wild_cluster(regression(outcome + 1e5 * columns[:, 0], columns, cluster, np.ones(80)))
    np.testing.assert_allclose([far.low - 1e5, far.high - 1e5], [near.low, near.high], atol=1e-6)
    assert near.low < near.value < near.high and near.p_value > 0.05 and near.low < 0 < near.high
    assert far.p_value == 2 / 1024


@pytest.mark.parametrize("scale", [1e-7, 1e7])
def test_the_unit_of_the_column_decides_nothing(scale):
    outcome, columns, cluster = rows()
    one = wild_cluster(regression(outcome, columns, cluster, np.ones(80)))
    two = wild_cluster(regression(outcome, columns * [scale, 1, 1, 1], cluster, np.ones(80)))
    np.testing.assert_allclose(
        [two.value * scale, two.low * scale, two.high * scale], [one.value, one.low, one.high], atol=1e-6
    )
    assert one.p_value == two.p_value


def test_fixed_effects_nested_in_clusters_may_be_taken_out_before():
    outcome, columns, cluster = rows()
    dummies = (cluster[:, None] == np.arange(10)).astype(float)
    full = wild_cluster(regression(outcome, np.column_stack([columns, dummies]), cluster, np.ones(80)))
    less = [
        v - dummies @ (dummies.T @ v / 8) if v.ndim == 1 else v - dummies @ (dummies.T @ v) / 8
        for v in (outcome, columns)
    ]
    within = wild_cluster(regression(*less, cluster, np.ones(80)))
    np.testing.assert_allclose(
        [full.value, full.p_value, full.low, full.high],
        [within.value, within.p_value, within.low, within.high],
        atol=1e-6,
    )


@pytest.mark.parametrize(
    ("clusters", "draws", "enumerated", "samples", "values"),
    [
        (3, 8, True, 4, [-1, 1]),
        (3, 7, False, 7, WEBB),
        (12, 4095, False, 4095, WEBB),
        (12, 4096, True, 2048, [-1, 1]),
        (13, 500, False, 500, [-1, 1]),
        (64, DRAWS, False, DRAWS, [-1, 1]),
        (98, 20, False, 20, [-1, 1]),
    ],
)
def test_weights_are_enumerated_where_they_can_be(clusters, draws, enumerated, samples, values):
    weights, is_enumerated = wild_weights(clusters, draws, seed=1)
    assert (is_enumerated, weights.shape) == (enumerated, (samples, clusters))
    np.testing.assert_allclose(np.unique(weights), np.unique(values))
    if enumerated:
        both = np.vstack([weights, -weights])
        assert len(np.unique(both, axis=0)) == 2**clusters


def test_webbs_six_values_have_mean_zero_and_variance_one():
    drawn = np.unique(wild_weights(8, 200, seed=1)[0])
    np.testing.assert_allclose(drawn**2, [1.5, 1, 0.5, 0.5, 1, 1.5])
    np.testing.assert_allclose([drawn.mean(), (drawn**2).mean(), (drawn**4).mean()], [0, 1, 7 / 6], atol=1e-12)


def test_drawn_weights_give_one_and_the_same_p_value_near_the_enumerated_one():
    given = regression(*rows(), np.ones(80))
    one, again, other = (wild_cluster(given, draws=1000, seed=seed) for seed in (3, 3, 4))
    assert one == again != other and not one.is_enumerated and one.draws == 1000
    assert wild_cluster(given, draws=1000) == wild_cluster(given, draws=1000, seed=20_170_101)
    drawn, _ = wild_weights(10, 1000, 3)
    own, others = by_hand(*rows(), np.ones(80), 0.0, drawn)
    assert one.p_value == (1 + (others >= own).sum()) / 1001 == pytest.approx(92 / 1024, abs=0.04)


def test_a_column_without_variation_of_its_own_is_refused():
    outcome, columns, cluster = rows()
    columns[:, 0] = columns[:, 2] - 2 * columns[:, 3]
    with pytest.raises(ValueError, match="the other columns explain the first"):
        wild_cluster(regression(outcome, columns, cluster, np.ones(80)))


def test_a_null_effect_is_found_at_the_level():
    rng = np.random.default_rng(7)
    _, columns, cluster = rows(10)
    found = [
        wild_cluster(
            regression(rng.normal(size=80) + rng.normal(size=10)[cluster], columns, cluster, np.ones(80)), draws=199
        ).p_value
        <= 0.1
        for _ in range(200)
    ]
    assert 0.05 < np.mean(found) < 0.16


def panel(treated=6, units=14, periods=8, seed=2):
    rng = np.random.default_rng(seed)
    cohort = np.where(np.arange(units) < treated, 4 + np.arange(units) % 2, NEVER)
    outcome = (
        rng.normal(size=(units, periods)) + rng.normal(size=(units, 1)) + 2.0 * (np.arange(periods) >= cohort[:, None])
    )
    return Panel(
        tuple(range(periods)), outcome, np.ones((units, periods), dtype=bool), cohort, None, np.empty((units, 0)),
        np.arange(units), 1.0 + np.arange(units), "share",
    )  # fmt: skip


def sections(data):
    unit, period = (grid.ravel() for grid in np.indices(data.outcome.shape))
    return Sections(
        data.periods, data.outcome.ravel(), period, data.cohort[unit], np.empty((unit.size, 0)), data.cluster[unit],
        data.weight[unit], "share",
    )  # fmt: skip


def test_the_estimate_is_that_of_two_way_dummies():
    data = panel()
    unit, period = (grid.ravel() for grid in np.indices(data.outcome.shape))
    exposed = (period >= data.cohort[unit]).astype(float)
    dummies = [unit[:, None] == np.arange(1, 14), period[:, None] == np.arange(8)]
    given = regression(data.outcome.ravel(), np.column_stack([exposed, *dummies]), unit, data.weight[unit])
    expected, found = wild_cluster(given), wild_cluster_estimate(data)
    assert isinstance(found, Estimate) and found.se is None and found.method == "wild_cluster_bootstrap"
    np.testing.assert_allclose(
        [found.value, found.p_value, found.low, found.high],
        [expected.value, expected.p_value, expected.low, expected.high],
        atol=1e-6,
    )
    assert (found.n, found.clusters, found.treated_clusters, found.level) == (21, 14, 6, 0.95)  # 1 + ... + 6 persons
    in_sections = wild_cluster_estimate(sections(data))
    np.testing.assert_allclose([in_sections.value, in_sections.low], [found.value, found.low], atol=1e-6)
    assert in_sections.p_value == found.p_value and in_sections.treated_clusters == 6


def test_a_dose_is_taken_as_it_is_and_unobserved_cells_do_not_count():
    data = panel()
    rng = np.random.default_rng(9)
    dose = rng.normal(size=data.outcome.shape)
    seen = np.ones_like(data.observed)
    seen[3, 2] = seen[7, 5] = False
    holed = replace(data, outcome=np.where(seen, data.outcome, np.nan), observed=seen, exposure=dose)
    unit, period = np.nonzero(seen)
    dummies = [unit[:, None] == np.arange(1, 14), period[:, None] == np.arange(8)]
    given = regression(data.outcome[seen], np.column_stack([dose[seen], *dummies]), unit, data.weight[unit])
    with np.errstate(all="raise"):
        expected, found = wild_cluster(given), wild_cluster_estimate(holed)
    np.testing.assert_allclose(
        [found.value, found.p_value, found.low], [expected.value, expected.p_value, expected.low], atol=1e-6
    )
    assert found.treated_clusters == 14 and found.n == data.weight.sum()
    unknown = wild_cluster_estimate(
        replace(holed, observed=np.ones_like(seen), outcome=data.outcome, exposure=np.where(seen, dose, np.nan))
    )
    assert unknown == found


@pytest.mark.parametrize(("treated", "is_estimated"), [(0, False), (1, False), (4, False), (5, True)])
def test_under_five_treated_clusters_it_is_refused(treated, is_estimated):
    found = wild_cluster_estimate(panel(treated))
    assert isinstance(found, Estimate) == is_estimated
    if not is_estimated:
        assert f"kun i {treated} kommuner" in found.reason and "mindst 5" in found.reason


def test_an_exposure_on_the_common_path_is_refused():
    data = panel()
    common = np.tile(np.arange(8.0), (14, 1))
    found = wild_cluster_estimate(replace(data, exposure=common))
    assert isinstance(found, NotEstimable) and "ikke forskelligt" in found.reason


def test_an_interval_without_an_end_is_refused():
    data = panel(treated=5, units=6)
    found = wild_cluster_estimate(data, level=0.99)  # 2 of 64 samples are over 1 per cent at any null
    assert isinstance(found, NotEstimable) and "ingen ende" in found.reason
