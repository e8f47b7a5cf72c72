"""Every test of few treated by persons: the rule of series, by false starts before anybody could react."""

from dataclasses import replace

import numpy as np
import pytest
from cluster_sections import noise

from evaluator.estimators import GroupTime
from evaluator.evaluation import estimate_rows
from evaluator.evaluation.estimate_rows import Behind
from evaluator.inference import estimates, placebos
from evaluator.inference.every_test import before_start, every_test
from evaluator.inference.few_treated import offers
from evaluator.inference.side_by_side import NO_RESIDUALS
from evaluator.panel import select
from evaluator.vocabulary import NEVER


@pytest.fixture
def data():
    return noise([8], clusters=60, periods=12)


def told(tests):
    return {each.offer.method: each for each in tests}


def test_one_treated_is_told_every_test_in_the_order_of_the_rule(data):
    tests = every_test(GroupTime(), data)
    known = before_start(GroupTime(), data, placebos(GroupTime(), data, "simple"))
    assert [each.offer.method for each in tests] == [offer.method for offer in offers(known)]
    found = told(tests)
    headline = estimates(GroupTime(), data, "simple").overall
    said = found["ferman_pinto"].judged
    assert (said.p_value, said.low, said.high) == (headline.p_value, headline.low, headline.high)
    assert found["conformal"].judged is None and found["conformal"].offer.reason
    for each in tests:
        assert (each.judged is None) is bool(each.offer.reason)
        assert each.judged is None or each.judged.value == pytest.approx(headline.value)


def test_a_long_series_of_persons_has_no_residuals_to_move():
    found = told(every_test(GroupTime(), noise([30], clusters=25, periods=34)))
    assert found["conformal"].offer.reason == NO_RESIDUALS


def test_three_treated_are_told_the_tests_of_several():
    data = noise([6, 6, 8], clusters=60, periods=10)
    found = told(every_test(GroupTime(), replace(data, weight=np.full(data.weight.size, 50.0))))
    assert {name for name, each in found.items() if each.judged} == {"ferman_pinto", "randomisation_t", "conley_taber"}
    assert "af tilfældene" in found["jackknife_error"].offer.reason


def test_a_small_one_is_refused_the_plain_rank(data):
    small = replace(data, weight=np.where(data.cohort == NEVER, 100 * data.weight, 1.0))
    found = told(every_test(GroupTime(), small))
    assert found["randomisation"].judged is None and "af tilfældene" in found["randomisation"].offer.reason
    assert found["ferman_pinto"].judged is not None


def test_nothing_after_the_window_of_anticipation_begins_decides(data):
    method = GroupTime(anticipation=2)
    late = data.period >= 6
    later = replace(data, outcome=np.where(late, 100 * data.outcome, data.outcome))
    known, again = (before_start(method, each, placebos(method, each, "simple")) for each in (data, later))
    assert (known.a, known.b) == (again.a, again.b) and (known.a, known.b) != (0.0, 1.0)
    assert (known.periods_before, known.periods_after) == (6, 4)
    np.testing.assert_array_equal(known.donors, np.bincount(data.cluster, weights=data.weight)[1:])


def test_without_a_false_start_all_variance_is_of_persons(data):
    method = GroupTime(anticipation=7)
    known = before_start(method, data, placebos(method, data, "simple"))
    assert (known.a, known.b) == (0.0, 1.0)


def test_false_starts_find_that_small_ones_vary_more():
    data = noise([8], clusters=80, periods=12)
    size = np.where(np.arange(80) % 2, 10.0, 1000.0)[data.cluster]
    by_size = replace(data, weight=size, outcome=data.outcome / np.sqrt(size))
    flat = replace(data, weight=size)
    ratios = []
    for each in (by_size, flat):
        known = before_start(GroupTime(), each, placebos(GroupTime(), each, "simple"))
        ratios.append((known.a + known.b / 10) / (known.a + known.b / 1000))
    assert ratios[0] > 20 > 3 * ratios[1]


def test_rows_say_what_is_offered_and_why_not(data):
    rows = estimate_rows.test_rows(
        Behind("job", "group_time", "share", 400, 9), every_test(GroupTime(), data), "ferman_pinto"
    )
    assert [row["place"] for row in rows] == list(range(1, len(rows) + 1))
    assert [row["test"] for row in rows if row["is_headline"]] == ["ferman_pinto"]
    for row in rows:
        assert (row["outcome"], row["estimator"], row["unit"], row["n"], row["smallest_count"]) == (
            "job", "group_time", "share", 400, 9,
        )  # fmt: skip
        assert ("p_value" in row) is row["is_offered"] and bool(row["reason"]) is not row["is_offered"]


def test_a_treated_without_a_base_has_no_tests():

    data = noise([6, 6], clusters=30)
    assert every_test(GroupTime(), select(data, ~((data.cluster == 1) & (data.period < 6)))) == ()
