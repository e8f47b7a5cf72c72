"""Which inference is offered, and that each of its parts does what it says."""

from dataclasses import replace

import numpy as np
import pytest
from cluster_sections import Stranger
from scipy.stats import norm, t

from evaluator.estimators import GroupTime
from evaluator.inference import (
    aggregate,
    estimates,
    event_band,
    family_band,
    leave_one_cluster_out,
    placebos,
    pre_trend_test,
    randomisation,
)
from evaluator.inference.bands import critical_values
from evaluator.inference.ferman_pinto import p_value
from evaluator.inference.leave_one_out import refit_without_each_cluster
from evaluator.panel import select
from evaluator.vocabulary import NEVER, Estimate, NotEstimable, Placebos, Sections


def world(starts, clusters=60, periods=12, seed=1, effect=0.0):
    """Return cells of clusters x periods with persons as weights; `starts` are those of the first clusters."""
    rng = np.random.default_rng(seed)
    cohort = np.array([*starts, *[NEVER] * (clusters - len(starts))])
    cluster, period = (grid.ravel() for grid in np.mgrid[:clusters, :periods])
    sizes = rng.integers(5, 200, clusters).astype(float)
    shocks = rng.normal(size=cluster.size) + rng.normal(size=clusters)[cluster] + rng.normal(size=periods)[period]
    return Sections(
        periods=tuple(range(periods)),
        outcome=shocks + effect * (period >= cohort[cluster]),
        period=period,
        cohort=cohort[cluster],
        covariates=np.empty((cluster.size, 0)),
        cluster=cluster,
        weight=sizes[cluster],
        unit="share",
        clusters=tuple(f"{code:03d}" for code in range(clusters)),
    )


@pytest.mark.parametrize(
    ("treated", "clusters", "method"),
    [
        (120, 501, "influence_function"),
        (40, 500, "leave_one_cluster_out"),
        (40, 501, "leave_one_cluster_out"),
        (5, 80, "leave_one_cluster_out"),
        (4, 80, "ferman_pinto"),
        (1, 80, "ferman_pinto"),
    ],
)
def test_the_method_follows_the_count_of_treated_clusters(treated, clusters, method):
    data = world([6] * treated, clusters=clusters)
    found = estimates(GroupTime(), data, "simple").overall
    assert isinstance(found, Estimate)
    assert (found.method, found.treated_clusters, found.clusters) == (method, treated, clusters)
    assert found.low <= found.value <= found.high
    persons = np.bincount(
        data.cluster[(data.cohort == 6) & (data.period >= 6)],
        weights=data.weight[(data.cohort == 6) & (data.period >= 6)],
    )
    loo = leave_one_cluster_out(GroupTime(), data, "simple")
    if method == "ferman_pinto":
        assert found.se is None and found.freedom is None
    elif method == "influence_function":
        assert found.se == pytest.approx(loo.aggregate.se) and found.freedom is None
        np.testing.assert_allclose(found.high - found.value, norm.ppf(0.975) * found.se)
    else:
        effective = persons.sum() ** 2 / (persons**2).sum()
        assert found.se == pytest.approx(loo.errors()[0])
        assert found.freedom == pytest.approx(min(treated - 1, effective), abs=1e-6)
        np.testing.assert_allclose(found.high - found.value, t(found.freedom).ppf(0.975) * found.se)
        np.testing.assert_allclose(found.p_value, 2 * t(found.freedom).sf(abs(found.value) / found.se))
    treated_persons = data.weight[(data.cohort == 6) & (data.period >= 6)].sum()
    assert found.n == treated_persons


def test_clusters_are_counted_in_the_number_and_not_in_the_panel():
    data = world([4] * 6 + [9] * 2)
    found = estimates(GroupTime(), data, "event")
    counts = {
        label: (part.treated_clusters, part.method)
        for label, part in zip(found.labels, found.parts, strict=True)
        if isinstance(part, Estimate)
    }
    assert counts[2] == (8, "leave_one_cluster_out")
    assert counts[5] == (6, "leave_one_cluster_out")  # the late two are not observed so long after the start
    assert counts[-6] == (2, "ferman_pinto")  # the early six have no period so long before
    assert isinstance(found.overall, Estimate) and found.overall.treated_clusters == 8


@pytest.mark.parametrize("kind", ["simple", "event", "group", "calendar"])
@pytest.mark.parametrize("comparison", ["never", "not_yet"])
def test_the_short_cut_equals_refitting_without_each_cluster(kind, comparison):
    data = world([4] * 3 + [7] * 1 + [9] * 3, clusters=14)
    estimator = GroupTime(comparison, "universal", 1)
    one = leave_one_cluster_out(estimator, data, kind)
    two = leave_one_cluster_out(Stranger(estimator), data, kind)
    np.testing.assert_allclose(one.refits, two.refits, atol=1e-10)
    assert one.refits.shape == (14, 1 + len(one.aggregate.labels))


@pytest.mark.parametrize("kind", ["simple", "event", "group", "calendar"])
def test_a_refit_averages_by_the_shares_of_those_who_are_left(kind):
    data = world([4] * 3 + [7] * 2 + [9] * 3, clusters=14)
    loo = leave_one_cluster_out(GroupTime("not_yet"), data, kind)
    for cluster in range(14):
        rest = select(data, data.cluster != cluster)
        again = aggregate(GroupTime("not_yet").fit(rest), rest, kind)
        np.testing.assert_allclose(loo.refits[cluster], [again.value, *again.effect], atol=1e-10)


@pytest.mark.parametrize(("compared", "is_published"), [(4, False), (5, True)])
def test_five_clusters_must_be_compared(compared, is_published):
    data = world([6] * 8, clusters=8 + compared)
    found, band = estimates(GroupTime(), data, "simple").overall, event_band(GroupTime(), data)
    assert isinstance(found, Estimate) == is_published
    assert isinstance(band, NotEstimable) != is_published


def test_a_cohort_that_leaves_with_its_cluster_drops_out_and_shares_are_recomputed():
    data = world([4, 7, 7, 7], clusters=30)
    loo = leave_one_cluster_out(GroupTime(), data, "group")
    assert np.isnan(loo.refits[0, 1]) and np.isfinite(loo.refits[0, 0])
    np.testing.assert_allclose(loo.refits[0, 0], loo.refits[0, 2])
    cells = GroupTime().fit(data).cells
    assert np.isnan(refit_without_each_cluster(GroupTime(), data, cells, 30)[0]).any()


def test_the_share_of_cohorts_has_influence_of_its_own():
    data = world([4] * 6 + [7] * 6, effect=1.0)
    fit = GroupTime().fit(data)
    whole = aggregate(fit, data, "simple")
    fixed = np.sqrt(((fit.influence @ whole.weights[0]) ** 2).sum()) / fit.scale
    assert abs(whole.se - fixed) > 1e-6
    np.testing.assert_allclose(whole.weights.sum(axis=1), 1)


@pytest.mark.parametrize(
    ("data", "estimator", "word"),
    [
        (world([1] * 6), GroupTime(), "1 periode før"),
        (world([4] * 6), GroupTime(anticipation=3), "1 periode før"),
        (world([6] * 10, clusters=10), GroupTime(), "sammenligne"),
        (world([6], clusters=19), GroupTime(), "sammenligningskommuner"),
    ],
)
def test_a_design_that_cannot_answer_is_refused_with_reason_and_remedy(data, estimator, word):
    found = estimates(estimator, data, "simple").overall
    assert isinstance(found, NotEstimable)
    assert word in found.reason and found.what_would_help


def test_nineteen_donors_are_enough_and_the_smallest_p_value_is_one_in_twenty():
    found = estimates(GroupTime(), world([6], clusters=20, effect=100.0), "simple").overall
    assert isinstance(found, Estimate)
    assert found.p_value == 0.05


def test_the_base_of_a_universal_event_study_is_not_an_estimate():
    found = estimates(GroupTime(base="universal"), world([6] * 8), "event")
    assert [isinstance(part, NotEstimable) for part in found.parts] == [label == -1 for label in found.labels]


def test_the_band_of_one_number_is_its_t_interval():
    data = world([6] * 12)
    single = estimates(GroupTime(), data, "simple").overall
    band = family_band(GroupTime(), {"job": data})
    np.testing.assert_allclose([band.low[0], band.high[0]], [single.low, single.high], rtol=0.01)


def test_a_band_over_end_states_that_sum_to_a_constant_is_stable_and_wider():
    names = ("job", "education", "benefit")
    parts = {name: world([6] * 12, seed=seed) for seed, name in enumerate(names)}
    total = sum(data.outcome for data in parts.values())
    parts["self_support"] = replace(parts["job"], outcome=1 - total)
    parts = {name: replace(data, weight=parts["job"].weight) for name, data in parts.items()}
    one, two = family_band(GroupTime(), parts), family_band(GroupTime(), parts)
    np.testing.assert_array_equal(one.low, two.low)
    np.testing.assert_allclose(one.value.sum(), 0, atol=1e-12)
    assert t(11).ppf(0.975) < one.critical[0] < t(11).ppf(1 - 0.025 / 4) + 0.02


@pytest.mark.parametrize(("freedom", "count"), [(4, 1), (14, 1), (14, 8), (np.inf, 8)])
def test_critical_values_of_independent_numbers_are_known(freedom, count):
    got = critical_values(np.eye(count), np.full(count, float(freedom)), 0.95)[0]
    draws = np.abs(np.random.default_rng(5).standard_normal((400_000, count))).max(axis=1)
    if np.isfinite(freedom):
        draws /= np.sqrt(np.random.default_rng(6).chisquare(freedom, draws.size) / freedom)
    np.testing.assert_allclose(got, np.quantile(draws, 0.95), rtol=0.015)


def test_clusters_are_matched_by_name_between_outcomes():
    data = world([6] * 12)
    without_one = data.cluster != 40
    short = replace(
        data,
        **{n: getattr(data, n)[without_one] for n in ("outcome", "period", "cohort", "covariates", "weight")},
        cluster=np.where(data.cluster > 40, data.cluster - 1, data.cluster)[without_one],
        clusters=tuple(name for name in data.clusters if name != "040"),
    )
    band = family_band(GroupTime(), {"job": data, "education": short})
    assert np.isfinite(band.low).all()


def test_an_event_band_leaves_out_times_with_under_five_clusters():
    band = event_band(GroupTime(base="universal"), world([4] * 6 + [9] * 2))
    by_time = dict(zip(band.labels, band.low, strict=True))
    assert np.isnan(by_time[-6]) and np.isnan(by_time[-1]) and np.isfinite(by_time[3])


@pytest.mark.parametrize("treated", [12, 1])
def test_the_pre_trend_test_never_uses_partly_exposed_cohorts(treated):
    data = world([8] * treated)
    window = (data.period >= 6) & (data.cohort == 8)
    estimator = GroupTime(base="universal", anticipation=2)
    calm = pre_trend_test(estimator, data)
    loud = pre_trend_test(estimator, replace(data, outcome=data.outcome + 1000.0 * window))
    assert calm.event_times == (-8, -7, -6, -5, -4)
    np.testing.assert_allclose([loud.statistic, loud.p_value], [calm.statistic, calm.p_value], rtol=1e-6)
    drift = np.where(data.cohort == 8, data.period * 20.0, 0.0)
    assert pre_trend_test(estimator, replace(data, outcome=data.outcome + drift)).p_value < 0.05


def test_each_donor_takes_the_start_with_the_treated_left_out():
    data = world([6], clusters=25)
    (found,) = placebos(GroupTime(), data, "simple").treated
    moved = replace(data, outcome=data.outcome + 50.0 * ((data.cohort == 6) & (data.period >= 6)))
    (again,) = placebos(GroupTime(), moved, "simple").treated
    assert found.donors.shape == (24, 1)
    np.testing.assert_allclose(again.donors, found.donors, atol=1e-9)
    np.testing.assert_allclose(again.effect, found.effect + 50)
    np.testing.assert_allclose(found.effect[0], aggregate(GroupTime().fit(data), data, "simple").value)
    np.testing.assert_allclose(found.size, data.weight.reshape(25, -1).sum(axis=1)[1:])


def made(effect, donors, size=None, treated_size=100.0):
    donors = np.asarray(donors, dtype=float)
    size = np.full(donors.size, 100.0) if size is None else np.asarray(size, dtype=float)
    return Placebos(np.array([effect]), donors[:, None], size, treated_size)


@pytest.mark.parametrize(
    ("effect", "rank", "below", "two_sided"), [(-3.0, 1, 0.2, 0.2), (0.5, 3, 0.6, 0.8), (2.0, 4, 1.0, 0.4)]
)
def test_ranks_by_hand_with_ties_counted_against_the_treated(effect, rank, below, two_sided):
    found = randomisation(made(effect, [-1.0, 0.0, 1.0, 2.0]))
    assert (found.rank, found.p_below, found.p_two_sided) == (rank, below, two_sided)


@pytest.mark.parametrize("see", [False, True])
def test_the_interval_holds_exactly_what_the_test_does_not_reject(see):
    rng = np.random.default_rng(3)
    base = made(0.7, rng.normal(size=60) * 0.4, rng.integers(20, 900, 60), 55.0)
    found = randomisation(base, donors_see_treated=see)
    for point in np.linspace(found.low - 0.5, found.high + 0.5, 501):
        shifted = base.donors[:, 0] + (point / 60 if see else 0)
        p = (1 + (np.abs(shifted) >= abs(0.7 - point)).sum()) / 61
        assert (p > 0.05) == (found.low <= point <= found.high)


def test_a_small_treated_municipality_is_not_found_by_its_noise():
    rng = np.random.default_rng(8)
    size = rng.integers(100, 2000, 90).astype(float)
    plain, scaled = 0, 0
    for _ in range(300):
        donors = rng.normal(size=90) * np.sqrt(20 / size)
        base = made(rng.normal() * np.sqrt(20 / 40), donors, size, 40.0)
        plain += randomisation(base).p_two_sided <= 0.05
        scaled += p_value([base], 0.0) <= 0.05
    assert plain / 300 > 0.3 and 0.01 < scaled / 300 < 0.08
