"""Averages of cells by hand, their influence by differentiation, and what counts as noise."""

from dataclasses import replace

import numpy as np
import pytest

from evaluator.inference import aggregation
from evaluator.inference.aggregation import NOISE, aggregate, averaging, clustered, cohort_shares, noise, without_noise
from evaluator.vocabulary import NEVER, Cell, Fit, Panel, Sections

CELLS = tuple(Cell("x", *key) for key in [(2, 1, 1), (2, 2, 1), (2, 3, 1), (3, 1, 2), (3, 2, 2), (3, 3, 2)])
EFFECT = np.array([0.0, 1.0, 4.0, -2.0, 0.0, 7.0])


def data():
    """Return five clusters: two start in period 2 with 3 + 1 persons, one in 3 with 6, two never with 10."""
    cluster, period = (grid.ravel() for grid in np.mgrid[:5, :4])
    return Sections(
        (2000, 2001, 2002, 2003), np.linspace(-9.0, 8.0, 20), period, np.array([2, 2, 3, NEVER, NEVER])[cluster],
        np.empty((20, 0)), cluster, np.array([3.0, 1, 6, 4, 6])[cluster], "share",
    )  # fmt: skip


def fit(influence=None):
    return Fit(CELLS, EFFECT, np.zeros((5, 6)) if influence is None else influence, 20)


@pytest.mark.parametrize(
    ("kind", "overall", "labels", "parts"),
    [
        ("simple", (0.2 * 1 + 0.2 * 4 + 0.3 * 7) / 0.7, (), ()),
        ("event", ((0.2 * 1 + 0.3 * 7) / 0.5 + 4) / 2, (-2, -1, 0, 1), (-2, 0, (0.2 * 1 + 0.3 * 7) / 0.5, 4)),
        ("group", (0.2 * 2.5 + 0.3 * 7) / 0.5, (2002, 2003), (2.5, 7)),
        ("calendar", (1 + (0.2 * 4 + 0.3 * 7) / 0.5) / 2, (2002, 2003), (1, (0.2 * 4 + 0.3 * 7) / 0.5)),
    ],
)
def test_averages_by_hand(kind, overall, labels, parts):
    found = aggregate(fit(), data(), kind)
    assert found.labels == labels and found.kind == kind and found.scale == 20
    assert found.value == pytest.approx(overall)
    np.testing.assert_allclose(found.effect, parts)
    np.testing.assert_allclose(found.weights.sum(axis=1), 1)
    np.testing.assert_allclose(found.weights @ EFFECT, [overall, *parts], atol=1e-12)


@pytest.mark.parametrize("kept", [[0, 1, 2, 3, 4, 5], [2, 5, 0, 4]])  # with and without two cohorts in the first part
@pytest.mark.parametrize("kind", ["simple", "event", "group", "calendar"])
def test_the_influence_of_shares_is_their_derivative(kind, kept):
    step, base = 1e-6, data()
    given = Fit(tuple(CELLS[k] for k in kept), EFFECT[kept] + 0.5 * np.array(kept), np.zeros((5, len(kept))), 20)
    found = aggregate(given, base, kind)
    for cluster in range(5):
        more = replace(base, weight=base.weight * np.where(base.cluster == cluster, 1 + step, 1.0))
        again = aggregate(given, more, kind)
        slope = (np.append(again.value, again.effect) - np.append(found.value, found.effect)) / step
        np.testing.assert_allclose(found.influence[cluster] / found.scale, slope, atol=1e-5)
    np.testing.assert_allclose(found.influence.sum(axis=0), 0, atol=1e-12)


@pytest.mark.parametrize("kind", ["simple", "event", "group", "calendar"])
def test_the_influence_of_cells_is_averaged_by_the_weights_and_added(kind):
    own = np.random.default_rng(1).normal(size=(5, 6))
    found, still = aggregate(fit(own), data(), kind), aggregate(fit(), data(), kind)
    np.testing.assert_allclose(found.influence, own @ found.weights.T + still.influence, atol=1e-12)
    errors = np.sqrt((found.influence**2).sum(axis=0)) / 20
    np.testing.assert_allclose([found.se, *found.error], errors)


def test_a_number_that_nothing_moves_has_no_error():
    found = aggregate(fit(), data(), "event")
    at = found.labels.index(1)  # one cohort, no influence of its own
    assert np.isnan(found.error[at]) and not found.influence[:, 1 + at].any()
    assert np.isfinite(found.error[found.labels.index(0)])
    tiny = aggregate(fit(np.full((5, 6), 1e-14)), data(), "event")
    assert np.isnan(tiny.error[at]) and not tiny.influence[:, 1 + at].any()


def test_an_outcome_of_zeros_has_no_error():
    nothing = replace(data(), outcome=np.zeros(20))
    found = aggregate(replace(fit(), effect=np.zeros(6)), nothing, "event")
    assert np.isnan(found.se) and np.isnan(found.error).all() and found.value == 0


def test_effects_of_the_last_bits_are_exact_zeros():
    small = NOISE * 9.0  # of the largest outcome
    near = replace(fit(), effect=EFFECT + np.array([small, 0, 0, 0.0, -small, 0]))
    found = aggregate(near, data(), "event")
    assert found.effect[found.labels.index(-1)] == 0.0
    far = replace(fit(), effect=EFFECT + np.array([3 * small, 0, 0, 0.0, 3 * small, 0]))
    assert aggregate(far, data(), "event").effect[found.labels.index(-1)] == pytest.approx(3 * small)


def test_a_kind_that_is_not_known_is_refused():
    with pytest.raises(ValueError, match="kind 'dynamic' is unknown"):
        aggregate(fit(), data(), "dynamic")


def test_averages_of_what_is_left_use_new_shares():
    plan = averaging(CELLS, data().periods, np.array([2, 3, NEVER]), "event")
    without = np.where([cell.cohort == 3 for cell in CELLS], np.nan, EFFECT)
    np.testing.assert_allclose(plan.averages(without, np.array([0.4, 0.0, 0.6])), [2.5, np.nan, 0.0, 1.0, 4.0])
    simple = averaging(CELLS, data().periods, np.array([2, 3, NEVER]), "simple")
    np.testing.assert_allclose(simple.averages(without, np.array([0.4, 0.1, 0.5])), [2.5])
    np.testing.assert_allclose(simple.averages(EFFECT, np.array([0.1, 0.2, 0.7])), [(0.1 * 5 + 0.2 * 7) / 0.4])
    assert np.isnan(simple.averages(np.full(6, np.nan), np.array([0.4, 0.1, 0.5])))
    group = averaging(CELLS, data().periods, np.array([2, 3, NEVER]), "group")
    np.testing.assert_allclose(group.averages(without, np.array([0.4, 0.1, 0.5])), [2.5, 2.5, np.nan])
    assert np.isnan(group.averages(np.full(6, np.nan), np.array([0.4, 0.1, 0.5]))).all()


def test_cohort_shares_by_hand():
    cohorts, share = cohort_shares(data())
    assert cohorts.tolist() == [2, 3, NEVER]
    np.testing.assert_allclose(share, np.array([[3, 0, 0], [1, 0, 0], [0, 6, 0], [0, 0, 4], [0, 0, 6]]) / 20)
    only = data()
    treated = replace(
        only, **{n: getattr(only, n)[only.cohort < 3] for n in ("outcome", "period", "cohort", "cluster", "weight")}
    )
    assert cohort_shares(treated)[0].tolist() == [2]


def followed(outcome, observed=None):
    units, periods = outcome.shape
    seen = np.ones(outcome.shape, dtype=bool) if observed is None else observed
    return Panel(
        tuple(range(periods)), outcome, seen, np.array([1, 1, NEVER])[:units], None, np.empty((units, 0)),
        np.array([0, 1, 1])[:units], np.array([2.0, 1, 1])[:units], "share",
    )  # fmt: skip


def test_a_followed_person_counts_once_per_observed_period_and_clusters_may_be_mixed():
    seen = np.array([[True, True], [True, False], [True, True]])
    cohorts, share = cohort_shares(followed(np.zeros((3, 2)), seen))
    assert cohorts.tolist() == [1, NEVER]
    np.testing.assert_allclose(share, np.array([[4, 0], [1, 2]]) / 7)


@pytest.mark.parametrize("block", [1, 5, 2**16])
def test_noise_is_a_share_of_the_largest_observed_outcome(monkeypatch, block):
    monkeypatch.setattr(aggregation, "BLOCK", block)
    values = np.array([[1.0, -8.0], [3.0, 2.0], [0.0, 4.0]])
    assert noise(followed(values)) == 8 * NOISE == 8e-12
    assert noise(followed(-values)) == 8 * NOISE
    seen = np.array([[True, False], [True, True], [True, True]])
    assert noise(followed(values, seen)) == 4 * NOISE
    assert noise(followed(np.where(seen, values, np.nan), seen)) == 4 * NOISE
    assert noise(followed(np.zeros((3, 2)))) == 0.0
    assert noise(followed(values / 64)) == noise(followed(-values / 64)) == NOISE / 8
    assert noise(followed(np.full((3, 2), -2.0))) == 2 * NOISE
    assert noise(data()) == 9 * NOISE
    np.testing.assert_array_equal(without_noise(np.array([0.5, -0.5, 0.6, -0.6]), 0.5), [0, 0, 0.6, -0.6])


def test_influence_by_row_is_summed_to_clusters():
    cluster = np.array([1, 0, 1, 2])
    np.testing.assert_array_equal(clustered(np.arange(8.0).reshape(4, 2), cluster), [[2, 3], [4, 6], [6, 7]])
    own = np.arange(6.0).reshape(3, 2)
    np.testing.assert_array_equal(clustered(own, cluster), own)
    with pytest.raises(ValueError, match=r"2 rows; expected 3 \(clusters\) or 4"):
        clustered(np.zeros((2, 2)), cluster)


def test_an_average_sums_influence_that_comes_by_row():
    by_row = np.random.default_rng(3).normal(size=(20, 6))
    whole = aggregate(fit(by_row), data(), "event")
    summed = aggregate(fit(clustered(by_row, data().cluster)), data(), "event")
    np.testing.assert_allclose(whole.influence, summed.influence, atol=1e-12)
