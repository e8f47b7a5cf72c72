"""The law of max|t|, bands over numbers given by hand, and the joint pre-tests."""

from dataclasses import replace

import numpy as np
import pytest
from cluster_sections import noise
from scipy.stats import chi2, norm, t

from evaluator.estimators import GroupTime
from evaluator.inference import (
    Wald,
    aggregate,
    event_band,
    family_band,
    leave_one_cluster_out,
    pre_test,
    pre_trend_test,
)
from evaluator.inference.bands import Numbers, band
from evaluator.inference.joint import critical_values, exceeds, scores
from evaluator.vocabulary import Cell, Fit, NotEstimable


def test_the_chance_of_exceeding_a_point_by_hand():
    largest = np.array([1.0, 2.0, 3.0, 4.0])
    assert exceeds(largest, 2.0, np.inf) == 0.5 and exceeds(largest, 1.9, np.inf) == 0.75
    assert exceeds(largest, 0.0, np.inf) == exceeds(largest, -1.0, 7.0) == 1.0
    with np.errstate(divide="raise"):
        assert exceeds(largest, 0.0, 7.0) == 1.0
    assert exceeds(largest, 0.5, np.inf) == 1.0 > exceeds(largest, 0.5, 7.0)
    expected = np.mean(chi2.cdf(6 * (largest / 2.5) ** 2, 6))
    assert exceeds(largest, 2.5, 6.0) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("rows", "drawn"), [(500, 500), (501, 1)])
def test_normal_draws_are_over_clusters_up_to_500_and_over_columns_above(rows, drawn):
    deviations = np.zeros((rows, 1))
    deviations[0] = 3.0
    expected = np.random.default_rng(20_170_101).standard_normal((20_000, drawn))[:, :1]
    np.testing.assert_allclose(scores(deviations), np.abs(expected), rtol=1e-12)


def test_many_clusters_have_the_same_law_singular_or_not():
    rng = np.random.default_rng(4)
    many = rng.normal(size=(900, 3)) @ np.array([[1.0, 0.8, 0], [0, 0.6, 0], [0, 0, 1]])
    many = np.column_stack([many, -2 * many[:, 0]])
    got = scores(many)
    np.testing.assert_allclose(got[:, 3], got[:, 0], atol=1e-7)
    unit = many / np.sqrt((many**2).sum(axis=0))
    root = np.random.default_rng(1).standard_normal((20_000, 900)) @ unit
    for level in (0.5, 0.95):
        np.testing.assert_allclose(
            np.quantile(got.max(axis=1), level), np.quantile(np.abs(root).max(axis=1), level), rtol=0.02
        )
    np.testing.assert_allclose((got**2).mean(axis=0), 1, rtol=0.04)


@pytest.mark.parametrize("freedom", [1.2, 4.0, 14.5, np.inf])
@pytest.mark.parametrize("level", [0.8, 0.95])
def test_a_critical_value_is_exceeded_as_often_as_the_level_says(freedom, level):
    deviations = np.random.default_rng(2).normal(size=(30, 4))
    (point,) = set(critical_values(deviations, np.full(4, freedom), level))
    largest = scores(deviations).max(axis=1)
    assert exceeds(largest, point, freedom) == pytest.approx(
        1 - level, abs=1e-6 if np.isfinite(freedom) else 2 / 20_000
    )
    assert point == round(point, 6)
    alone = norm.ppf((1 + level) / 2) if np.isinf(freedom) else t(freedom).ppf((1 + level) / 2)
    four = norm.ppf(1 - (1 - level) / 8) if np.isinf(freedom) else t(freedom).ppf(1 - (1 - level) / 8)
    assert alone < point < four * 1.02


def test_each_number_has_the_point_of_its_own_freedom():
    deviations = np.random.default_rng(2).normal(size=(30, 3))
    mixed = critical_values(deviations, np.array([5.0, np.inf, 5.0]), 0.95)
    assert mixed[0] == mixed[2] == critical_values(deviations, np.full(3, 5.0), 0.95)[0] > mixed[1]
    assert mixed[1] == critical_values(deviations, np.full(3, np.inf), 0.95)[0]


def numbers(treated=(9, 9, 9), freedom=(4.0, np.inf, 4.0)):
    deviations = np.array([[3.0, 0, 1], [0, 2, 0], [4, 0, 0]])
    return Numbers(("a", "b", "c"), np.array([1.0, -2, 3]), deviations, np.array(treated), np.array(freedom))


def test_a_band_is_the_value_and_its_critical_value_times_its_error():
    found = band(numbers(), 0.9)
    np.testing.assert_allclose(found.se, [5, 2, 1])
    np.testing.assert_array_equal(found.critical, critical_values(numbers().deviations, numbers().freedom, 0.9))
    np.testing.assert_allclose(found.low, [1, -2, 3] - found.critical * [5, 2, 1])
    np.testing.assert_allclose(found.high, [1, -2, 3] + found.critical * [5, 2, 1])
    assert (found.level, found.labels, found.treated.tolist()) == (0.9, ("a", "b", "c"), [9, 9, 9])


def test_numbers_without_an_error_are_left_out_of_the_band_and_do_not_widen_it():
    found, pair = band(numbers((9, 4, 5))), numbers()
    assert np.isnan([found.se[1], found.low[1], found.high[1], found.critical[1]]).all()
    expected = critical_values(pair.deviations[:, [0, 2]], np.full(2, 4.0), 0.95)
    np.testing.assert_array_equal(found.critical[[0, 2]], expected)


@pytest.mark.parametrize(
    ("given", "word"),
    [
        (numbers((4, 3, 2)), "Kun 4 kommuner med indsats"),
        (replace(numbers(), deviations=np.zeros((3, 3))), "ens i alle kommuner"),
        (replace(numbers(), deviations=np.zeros((3, 3)), value=np.zeros(3)), "forekommer ikke blandt dem"),
        (replace(numbers(), deviations=np.full((3, 3), np.nan)), "færre end 5 sammenligningskommuner"),
        (replace(numbers((9, 4, 4)), deviations=np.array([[np.nan, 0, 0]] * 3)), "færre end 5 sammenligningskommuner"),
        (replace(numbers((9, 4, 9)), deviations=np.array([[np.nan, 0, 0]] * 3)), "ens i alle kommuner"),
        (replace(numbers((9, 4, 4)), deviations=np.array([[np.nan, 0, 0], [1, 0, 0]])), "Uden en enkelt kommune"),
    ],
)
def test_a_band_over_nothing_says_why(given, word):
    found = band(given)
    assert isinstance(found, NotEstimable) and word in found.reason


def test_the_pre_trend_is_the_largest_t_judged_at_its_freedom():
    data = noise([6] * 9)
    found = pre_trend_test(GroupTime(), data)
    loo = leave_one_cluster_out(GroupTime(), data, "event")
    early = [1 + loo.aggregate.labels.index(time) for time in (-5, -4, -3, -2, -1)]
    ratio = np.abs(loo.value / loo.errors())[early]
    assert found.event_times == (-5, -4, -3, -2, -1) and found.method == "leave_one_cluster_out"
    assert found.statistic == pytest.approx(ratio.max())
    largest = scores(loo.deviations()[:, early]).max(axis=1)
    (freedom,) = set(loo.freedom[early])  # persons do not change over time
    assert found.p_value == pytest.approx(exceeds(largest, ratio.max(), freedom))
    assert 2 * t(freedom).sf(ratio.max()) < found.p_value < 5 * 2 * t(freedom).sf(ratio.max())


def test_the_pre_trend_of_few_treated_is_their_rank_among_placebos():
    data = noise([6], clusters=25)
    found = pre_trend_test(GroupTime(base="universal"), data)
    assert found.method == "randomisation" and round(found.p_value * 25) == pytest.approx(found.p_value * 25)
    drift = np.where(data.cohort == 6, 100.0 * data.period, 0.0)
    sure = pre_trend_test(GroupTime(base="universal"), replace(data, outcome=data.outcome + drift))
    assert sure.p_value == 1 / 25 and sure.statistic > 4.9
    few = pre_trend_test(GroupTime(), noise([6], clusters=19))
    assert isinstance(few, NotEstimable) and "kun 18 sammenligningskommuner" in few.reason
    assert not isinstance(pre_trend_test(GroupTime(), noise([6], clusters=20)), NotEstimable)


def test_bands_hold_the_numbers_of_the_rule():
    data = noise([6] * 9)
    event, loo = event_band(GroupTime(), data), leave_one_cluster_out(GroupTime(), data, "event")
    np.testing.assert_allclose(event.se, loo.errors()[1:])
    np.testing.assert_array_equal(event.value, loo.value[1:])
    np.testing.assert_array_equal(event.critical, critical_values(loo.deviations()[:, 1:], loo.freedom[1:], 0.95))
    other = replace(data, outcome=data.outcome**2)
    family = family_band(GroupTime(), {"a": data, "b": other}, "event", 0.9)
    for index, part in enumerate((data, other)):
        whole = leave_one_cluster_out(GroupTime(), part, "event")
        assert (family.value[index], family.treated[index]) == (whole.value[0], 9)
        assert family.se[index] == pytest.approx(whole.errors()[0])
    weak = family_band(GroupTime(), {"a": data, "b": noise([1] * 9)})
    assert isinstance(weak, NotEstimable) and "1 periode før" in weak.reason
    none = family_band(GroupTime(), {"a": noise([6] * 40)})
    assert isinstance(none, NotEstimable) and "sammenligne" in none.reason
    assert isinstance(event_band(GroupTime(), noise([6] * 40)), NotEstimable)
    assert isinstance(pre_trend_test(GroupTime(), noise([6] * 40)), NotEstimable)


def wald_fit(influence, effect, cells):
    return Fit(tuple(Cell("x", *key) for key in cells), np.array(effect), influence, 10)


def test_the_wald_statistic_by_hand():
    influence = np.array([[3.0, 0, 5, 9, 1], [4, 0, 5, 9, 0], [0, 2, 5, 9, 0]])
    cells = [
        (4, 1, 0),
        (4, 2, 1),
        (4, 3, 3),
        (4, 4, 3),
        (6, 5, 4),
    ]  # the base, an exposed one and a window are left out
    found = pre_test(wald_fit(influence, [1.0, 0.4, 0, 8, 7], cells), anticipation=1)
    expected = (1.0 / 0.5) ** 2 + (0.4 / 0.2) ** 2
    assert isinstance(found, Wald) and found.freedom == 2
    assert found.statistic == pytest.approx(expected) and found.p_value == pytest.approx(chi2.sf(expected, 2))
    assert pre_test(wald_fit(influence, [1.0, 0.4, 0, 8, 7], cells)).freedom == 3


def test_the_wald_statistic_of_correlated_cells_is_that_of_the_inverse():
    influence = np.random.default_rng(3).normal(size=(30, 3))
    influence[:, 1] += 2 * influence[:, 0]
    effect = np.array([0.1, -0.3, 0.2])
    found = pre_test(wald_fit(influence, effect, [(5, 1, 0), (5, 2, 1), (5, 3, 2)]))
    assert found.statistic == pytest.approx(effect @ np.linalg.inv(influence.T @ influence / 100) @ effect)


@pytest.mark.parametrize(
    ("influence", "word"),
    [
        (np.random.default_rng(1).normal(size=(2, 3)), "De 3 tal før start varierer ikke uafhængigt"),
        (np.array([[1.0, 2, 0], [0, 0, 1], [0, 0, 3]]), "De 3 tal"),
        (np.array([[1.0, 0, 0], [0, 0, 1], [0, 0, 3]]), "De 3 tal"),
    ],
)
def test_a_singular_wald_test_is_refused(influence, word):
    found = pre_test(wald_fit(influence, [0.1, 0.2, 0.3], [(5, 1, 0), (5, 2, 1), (5, 3, 2)]))
    assert isinstance(found, NotEstimable) and word in found.reason and found.what_would_help


def test_a_wald_test_without_early_cells_is_refused():
    found = pre_test(wald_fit(np.ones((3, 1)), [0.1], [(5, 5, 4)]))
    assert isinstance(found, NotEstimable) and "Ingen periode før første start" in found.reason


def test_the_wald_test_of_a_real_fit_has_its_degrees_of_freedom():
    data = noise([6] * 9)
    found = pre_test(GroupTime().fit(data))
    assert isinstance(found, Wald) and found.freedom == 5 and 0 <= found.p_value <= 1
    assert aggregate(GroupTime().fit(data), data, "event").labels[0] == -5
