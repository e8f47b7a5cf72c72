"""Pre-trends of few treated by hand, and numbers of several outcomes put together by cluster."""

import numpy as np
import pytest
from cluster_sections import noise

from evaluator.estimators import GroupTime
from evaluator.inference import (
    aggregate,
    estimates,
    event_band,
    leave_one_cluster_out,
    placebos,
    pre_trend_test,
)
from evaluator.inference.bands import Numbers, band, family_numbers, usable
from evaluator.inference.ferman_pinto import variance_of_size
from evaluator.inference.judged import too_few_donors
from evaluator.inference.placebo import donor_sets, known_donors
from evaluator.panel import select
from evaluator.vocabulary import Estimate, NotEstimable


@pytest.mark.parametrize("starts", [[6], [6, 6]])
def test_the_pre_trend_of_few_treated_is_the_largest_scaled_effect_by_hand(starts):
    data, estimator = noise(starts, clusters=30), GroupTime()
    data = select(data, ~((data.cluster == 12) & (data.period == 3)))  # it has nobody at two of the early event times
    found, made = pre_trend_test(estimator, data), placebos(estimator, data, "event")
    whole = aggregate(estimator.fit(data), data, "event")
    early = [1 + at for at, time in enumerate(whole.labels) if time < 0]
    count, own, others = len(starts), [], []
    sets = donor_sets(30 - count, np.arange(count))
    for column in early:
        share, effects = made.share[:, column], np.array([each.effect[column] for each in made.treated])
        assert share @ effects == pytest.approx(whole.effect[column - 1])
        first = made.treated[0]  # all started together
        there = known_donors(first, column)
        squares = np.append(first.donors[there, column], effects) ** 2
        sizes = np.array([each.treated_size for each in made.treated])
        a, b = variance_of_size(squares, np.append(first.size[there], sizes))
        mine, theirs = a + b / sizes, a + b / first.size
        error = np.sqrt(share**2 @ mine)
        own.append(abs(share @ effects) / error)
        mean_error = theirs[there].mean() / there.sum()
        wider = np.sqrt(1 + mean_error * (1 - share @ share) / error**2)
        unit = np.where(there, first.donors[:, column] / np.sqrt(theirs), np.nan)
        sums = np.array([(share * np.sqrt(mine)) @ unit[members] for members in sets])
        others.append(np.where(np.isnan(sums), -np.inf, np.abs(sums) * wider / error))
    assert len(sets) == (29 if count == 1 else 499)
    largest = np.max(others, axis=0)
    assert np.isfinite(largest).all()
    assert found.event_times == tuple(whole.labels[column - 1] for column in early) and found.method == "randomisation"
    assert found.statistic == pytest.approx(max(own))
    assert found.p_value == pytest.approx((1 + (largest >= max(own)).sum()) / (1 + largest.size))


def test_sets_of_few_donors_are_no_more_placebos_than_donors():
    data = noise([6] * 3, clusters=9)  # 20 sets of 3 among 6
    assert pre_trend_test(GroupTime(), data) == too_few_donors(6) == estimates(GroupTime(), data, "simple").overall
    assert pre_trend_test(GroupTime(), noise([6] * 3, clusters=21)) == too_few_donors(18)
    assert not isinstance(pre_trend_test(GroupTime(), noise([6] * 3, clusters=22)), NotEstimable)


def test_the_pre_trend_rests_on_all_treated_also_when_the_first_event_time_has_few():
    data = noise([5] * 6 + [9] * 2)
    loo = leave_one_cluster_out(GroupTime(), data, "event")
    found = pre_trend_test(GroupTime(), data)
    assert loo.treated[0] == 8 and loo.treated[1] == 2
    assert found.method == "leave_one_cluster_out"
    assert found.event_times == (-4, -3, -2, -1)  # those of the two that started late have no error


def test_outcomes_with_other_clusters_are_put_together_by_their_labels():
    whole = noise([6] * 8)
    part = select(whole, whole.cluster != 11)
    found = {name: leave_one_cluster_out(GroupTime(), data, "simple") for name, data in (("a", whole), ("b", part))}
    numbers = family_numbers({"a": whole, "b": part}, found)
    assert numbers.deviations.shape == (40, 2) and numbers.deviations[11, 1] == 0
    np.testing.assert_array_equal(numbers.deviations[:, 0], found["a"].by_rule()[0][:, 0])
    np.testing.assert_array_equal(np.delete(numbers.deviations[:, 1], 11), found["b"].by_rule()[0][:, 0])


def test_a_column_that_is_not_finite_throughout_is_not_usable():
    columns = np.array([[np.nan, 1.0, 0.0], [1.0, 1.0, 0.0]])
    assert usable(columns).tolist() == [False, True, False]


@pytest.mark.parametrize(("values", "word"), [((0.0, 0.3), "ens i alle kommuner"), ((0.0, 0.0), "forekommer ikke")])
def test_numbers_that_nothing_moves_are_refused_by_their_size(values, word):
    flat = Numbers((0, 1), np.array(values), np.zeros((10, 2)), np.array([9, 9]), np.full(2, np.inf))
    refused = band(flat)
    assert isinstance(refused, NotEstimable) and word in refused.reason


def test_a_number_without_a_finite_error_does_not_say_why_nothing_moves():
    deviations = np.zeros((10, 2))
    deviations[3, 1] = np.nan
    flat = Numbers((0, 1), np.array([0.0, 0.3]), deviations, np.array([9, 9]), np.full(2, np.inf))
    refused = band(flat)
    assert isinstance(refused, NotEstimable) and "forekommer ikke" in refused.reason


def test_the_level_is_95_per_cent_unless_told():
    data = noise([6] * 8)
    one, two = estimates(GroupTime(), data, "simple"), estimates(GroupTime(), data, "simple", 0.95)
    assert isinstance(one.overall, Estimate) and one.overall == two.overall and one.overall.level == 0.95
    assert event_band(GroupTime(), data).level == 0.95
