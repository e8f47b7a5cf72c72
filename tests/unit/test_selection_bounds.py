"""Bounds on an effect from counts, by hand, and what intervals around them cover."""

from statistics import NormalDist

import numpy as np
import pytest

from evaluator.errors import PanelError
from evaluator.inference.selection_bounds import (
    Bounds,
    Counts,
    SeenCounts,
    critical_value,
    monotone_selection,
    trimmed,
    worst_case,
)
from evaluator.vocabulary import NotEstimable

# 20 of 100 sanctioned and 120 of 300 others are in a job: 20 and 40 per cent, a quarter is sanctioned
CLAIM = Counts(100, 20, 300, 120)


@pytest.mark.parametrize(
    ("found", "low", "high"),
    [
        (worst_case(CLAIM), -0.8, 0.2),
        (worst_case(CLAIM, "everybody"), 0.05 - 0.3 - 0.25, 0.05 + 0.75 - 0.3),
        (monotone_selection(CLAIM), -0.2, 0.2),
        (monotone_selection(CLAIM, "weaker", "everybody"), -0.2, 0.5),
        (monotone_selection(CLAIM, "stronger"), -0.8, -0.2),
        (monotone_selection(CLAIM, "stronger", "everybody"), -0.5, -0.2),
    ],
)
def test_the_bounds_are_those_counted_by_hand(found, low, high):
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-12)
    assert found.interval_low < found.low <= found.high < found.interval_high
    assert (found.n, found.clusters) == (400, 0)


def test_standard_errors_are_the_binomial_ones():
    assert worst_case(CLAIM).low_se == pytest.approx(np.sqrt(0.2 * 0.8 / 100), rel=1e-12)
    raw = monotone_selection(CLAIM)
    assert raw.low_se == pytest.approx(np.sqrt(0.2 * 0.8 / 100 + 0.4 * 0.6 / 300), rel=1e-12)
    everybody = worst_case(CLAIM, "everybody")  # a person adds -0, -1 with job or -0 without when not sanctioned: Y - D
    outcome = np.repeat([0.0, -1.0, -1.0, 0.0], [20, 80, 120, 180])
    assert everybody.low_se == pytest.approx(outcome.std() / np.sqrt(400), rel=1e-12)
    assert everybody.low == pytest.approx(outcome.mean())


def test_the_interval_is_one_sided_around_wide_bounds_and_two_sided_around_a_point():
    assert critical_value(0.0, 0.95) == pytest.approx(1.959964, abs=1e-6)
    assert critical_value(50.0, 0.95) == pytest.approx(1.644854, abs=1e-6)
    normal = NormalDist().cdf
    between = critical_value(1.0, 0.95)
    assert normal(between + 1.0) - normal(-between) == pytest.approx(0.95, abs=1e-9)
    wide = worst_case(CLAIM)
    assert wide.interval_low == pytest.approx(-0.8 - 1.644854 * 0.04, abs=1e-6)
    assert critical_value(0.0, 0.95, 7.0) == pytest.approx(2.364624, abs=1e-6)


def test_trimming_takes_the_excess_of_the_arm_that_is_seen_more():
    # 50 of 100 treated are seen, 30 true; 40 of 100 compared, 20 true: q = 0.2 of the treated seen go
    found = trimmed(SeenCounts(100, 50, 30, 100, 40, 20))
    assert (found.low, found.high) == pytest.approx(((0.6 - 0.2) / 0.8 - 0.5, 0.6 / 0.8 - 0.5))
    assert found.high_se == pytest.approx(np.sqrt(0.0278125), rel=1e-9)  # delta method, written out in the notes below
    # a1 = 0.3, a0 = 0.2, p0 = 0.4: (0.3 x 0.7 + 0.2 x 0.8 + 0.25^2 x 0.4 x 0.6 + 2 x 0.25 x 0.2 x 0.6) / 0.4^2 / 100
    turned = trimmed(SeenCounts(100, 40, 20, 100, 50, 30))
    assert (turned.low, turned.high) == pytest.approx((-found.high, -found.low))
    same = trimmed(SeenCounts(100, 50, 30, 200, 100, 40))
    assert (same.low, same.high) == pytest.approx((0.2, 0.2))


def test_trimming_stops_at_all_true_and_all_false():
    found = trimmed(
        SeenCounts(100, 80, 40, 100, 20, 10)
    )  # three quarters go: what is left can be all true or all false
    assert (found.low, found.high) == pytest.approx((-0.5, 0.5))


def test_municipalities_are_the_units_where_they_are_given():
    rng = np.random.default_rng(1)
    treated, compared = rng.integers(50, 90, 20), rng.integers(100, 300, 20)
    level = rng.uniform(0.1, 0.5, 20)  # municipalities differ: persons are not independent
    counts = Counts(treated, np.round(treated * level), compared, np.round(compared * level))
    apart = monotone_selection(counts)
    together = monotone_selection(Counts(*(np.sum(getattr(counts, name)) for name in counts.__slots__)))
    assert apart.low == pytest.approx(together.low)
    share = treated / treated.sum()
    mean = np.round(treated * level) / treated
    by_hand = np.sqrt(20 / 19 * np.sum((share * (mean - share @ mean)) ** 2))
    assert apart.high_se == pytest.approx(by_hand, rel=1e-9)
    assert apart.high_se > 2 * together.high_se
    assert apart.clusters == 20


def test_what_cannot_be_bounded_is_refused():
    assert isinstance(worst_case(Counts(0, 0, 10, 5)), NotEstimable)
    assert isinstance(trimmed(SeenCounts(0, 0, 0, 10, 5, 5)), NotEstimable)
    assert isinstance(trimmed(SeenCounts(10, 0, 0, 10, 0, 0)), NotEstimable)
    assert isinstance(worst_case(Counts(50, 2, 100, 50)), NotEstimable)  # 2 of 50: a standard error near 0 is no answer
    assert isinstance(monotone_selection(Counts(50, 48, 100, 50)), NotEstimable)
    few = Counts([10, 10, 10], [4, 5, 6], [20, 20, 20], [4, 5, 6])
    assert isinstance(worst_case(few), NotEstimable)
    with pytest.raises(PanelError, match="larger than its whole"):
        worst_case(Counts(10, 11, 10, 5))
    with pytest.raises(PanelError, match="differ in length"):
        worst_case(Counts([10, 10], 11, 10, 5))


def _draw(rng, effect):
    """3,000 persons of whom the weaker are sanctioned; a sanction adds `effect` to each one's chance of a job."""
    strength = rng.random(3000)
    sanctioned = rng.random(3000) < 0.5 - 0.4 * strength
    job = rng.random(3000) < 0.1 + 0.5 * strength + effect * sanctioned
    return Counts(sanctioned.sum(), (job & sanctioned).sum(), (~sanctioned).sum(), (job & ~sanctioned).sum()), effect


def test_the_naive_difference_is_wrong_under_selection_and_the_bounds_hold_the_truth():
    rng = np.random.default_rng(20170101)
    naive, worst, monotone, wrong = [], 0, 0, 0
    for _ in range(200):
        counts, truth = _draw(rng, 0.05)
        naive.append(counts.treated_true / counts.treated - counts.compared_true / counts.compared - truth)
        for found, hit in ((worst_case(counts), "worst"), (monotone_selection(counts), "monotone")):
            assert isinstance(found, Bounds)
            inside = found.interval_low <= truth <= found.interval_high
            worst, monotone = worst + (inside and hit == "worst"), monotone + (inside and hit == "monotone")
        turned = monotone_selection(counts, "stronger")
        wrong += turned.interval_low <= truth <= turned.interval_high
    assert np.mean(naive) < -0.05  # the sanction looks harmful, and helps
    assert worst == 200
    assert monotone >= 190
    assert wrong < 10  # the assumption the wrong way round fails, as it must


def test_the_interval_covers_an_end_of_the_bounds_in_95_of_100_draws():
    rng = np.random.default_rng(7)
    y = rng.binomial(300, 0.3, 2000)
    covered = [worst_case(Counts(300, int(each), 500, 100)) for each in y]
    share = np.mean([found.interval_low <= 0.3 - 1 and found.interval_high >= 0.3 for found in covered])
    one = np.mean([found.interval_high >= 0.3 for found in covered])
    assert share == pytest.approx(0.90, abs=0.03)  # of both ends at once, which is not what is claimed
    assert one == pytest.approx(0.95, abs=0.02)  # of a truth at an end
