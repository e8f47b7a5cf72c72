"""Weighted sums of donors' effects by hand and by brute force: tails, ties, intervals, refusals."""

from itertools import pairwise, product

import numpy as np
import pytest

from evaluator.inference.conley_taber import ALL_SUMS, conley_taber, weighted_sums
from evaluator.inference.judged import Judged
from evaluator.vocabulary import NotEstimable, Placebos


def placebos(effect, donors, size=1.0):
    theirs = np.asarray(donors, dtype=float)[:, None]
    return Placebos(np.array([float(effect)]), theirs, np.ones(len(theirs)) * size, 1.0)


UP_TO_40 = np.arange(1.0, 41.0) - 20.5  # -19.5 .. 19.5


def test_one_treated_by_hand():
    found = conley_taber([placebos(18.5, UP_TO_40)])
    # at or over 18.5: 18.5, 19.5 and itself; of 41; doubled
    assert (found.value, found.floor) == (18.5, 2 / 41) and found.p_value == pytest.approx(6 / 41)
    # 0.05 x 41 / 2 = 1.025: one draw beyond keeps an effect, so the ends are the outermost donors
    assert (found.low, found.high) == (18.5 - 19.5, 18.5 + 19.5)


def test_the_treated_counts_in_both_tails_and_p_is_at_most_one():
    assert conley_taber([placebos(0.0, UP_TO_40)]).p_value == 1.0
    assert conley_taber([placebos(100.0, UP_TO_40)]).p_value == pytest.approx(2 / 41)
    assert conley_taber([placebos(-100.0, UP_TO_40)]).p_value == pytest.approx(2 / 41)


def test_ties_count_as_beyond():
    tied = conley_taber([placebos(19.5 * (1 + 1e-12), UP_TO_40)])
    assert tied.p_value == pytest.approx(4 / 41)


@pytest.mark.parametrize("seed", range(5))
def test_the_interval_holds_exactly_the_effects_that_are_kept(seed):
    rng = np.random.default_rng(seed)
    donors, effect = rng.normal(size=90), rng.normal()
    found = conley_taber([placebos(effect, donors)])
    for x in (found.low, found.high):
        inward = np.sign(found.value - x)
        assert conley_taber([placebos(effect - x - 1e-6 * inward, donors)]).p_value > 0.05
        assert conley_taber([placebos(effect - x + 1e-6 * inward, donors)]).p_value <= 0.05


def test_two_treated_are_compared_with_every_pair_of_donors():
    rng = np.random.default_rng(1)
    first, second, share = rng.normal(size=45), rng.normal(size=41), np.array([0.7, 0.3])
    found = conley_taber([placebos(1.0, first), placebos(2.0, second)], share)
    wider = np.sqrt(1 + (1 / (share**2).sum() - 1) / 41)
    pairs = np.array([wider * (0.7 * x + 0.3 * y) for x, y in product(first, second)])
    above, below = 1 + (pairs >= 1.3).sum(), 1 + (pairs <= 1.3).sum()
    assert found.value == pytest.approx(1.3) and found.floor == 2 / 42
    assert found.p_value == pytest.approx(2 * min(above, below) / (pairs.size + 1))


def test_more_sums_than_can_be_made_are_drawn_and_always_the_same():
    donors = [np.random.default_rng(2).normal(size=60) for _ in range(3)]
    assert ALL_SUMS < 60**3
    share = np.full(3, 1 / 3)
    drawn = weighted_sums(donors, share)
    np.testing.assert_array_equal(drawn, weighted_sums(donors, share))
    every = np.array([sum(each) / 3 for each in product(*donors)])
    np.testing.assert_allclose(
        np.quantile(drawn, [0.025, 0.5, 0.975]), np.quantile(every, [0.025, 0.5, 0.975]), atol=0.04
    )


def test_a_shift_moves_the_interval_and_a_scale_scales_it():
    rng = np.random.default_rng(3)
    donors = rng.normal(size=60)
    plain, moved, scaled = (
        conley_taber([placebos(e, d)]) for e, d in ((0.4, donors), (1.4, donors), (-0.8, -2 * donors))
    )
    assert (moved.low, moved.high) == pytest.approx((plain.low + 1, plain.high + 1))
    assert (scaled.low, scaled.high) == pytest.approx((-2 * plain.high, -2 * plain.low))
    assert scaled.p_value == plain.p_value


def test_p_falls_with_the_distance_of_the_effect():
    donors = np.random.default_rng(4).normal(size=97)
    p = [conley_taber([placebos(x, donors)]).p_value for x in np.linspace(np.median(donors), 4, 60)]
    assert all(later <= earlier for earlier, later in pairwise(p)) and p[-1] == pytest.approx(2 / 98)


def test_two_tails_need_39_donors_at_5_per_cent():
    refused = conley_taber([placebos(1.0, np.arange(38.0))])
    assert isinstance(refused, NotEstimable) and "5,1 pct." in refused.reason and "39" in refused.what_would_help
    assert isinstance(conley_taber([placebos(1.0, np.arange(39.0))]), Judged)
    assert isinstance(conley_taber([placebos(1.0, np.arange(60.0)), placebos(1.0, np.arange(38.0))]), NotEstimable)


def test_donors_that_never_differ_measure_no_chance():
    assert isinstance(conley_taber([placebos(1.0, np.zeros(60))]), NotEstimable)
    assert isinstance(conley_taber([placebos(1.0, [5.0, -5.0, *np.zeros(97)])]), NotEstimable)


def test_unknown_donors_are_left_out():
    donors = np.random.default_rng(5).normal(size=60)
    gone = placebos(1.0, np.append(donors, np.nan))
    empty = Placebos(gone.effect, gone.donors, np.append(np.ones(59), [0.0, 1.0]), 1.0)
    assert conley_taber([gone]) == conley_taber([placebos(1.0, donors)])
    assert conley_taber([empty]) == conley_taber([placebos(1.0, donors[:59])])


@pytest.mark.parametrize(
    ("treated", "share", "message"),
    [
        ([placebos(np.nan, UP_TO_40)], None, "expected a number"),
        ([placebos(1.0, [np.nan])], None, "at least one donor"),
        ([], None, "expected a number"),
        ([placebos(1.0, UP_TO_40)], [0.5], "sum to 1"),
        ([placebos(1.0, UP_TO_40)] * 2, [1.5, -0.5], "at least 0"),
        ([placebos(1.0, UP_TO_40)] * 2, [1.0], "2 of at least 0"),
    ],
)
def test_what_is_no_effect_is_an_error(treated, share, message):
    with pytest.raises(ValueError, match=message):
        conley_taber(treated, share)


@pytest.mark.parametrize("side", [1, -1])
def test_ties_on_either_side_count_in_their_tail(side):
    of_one_sign = side * np.arange(0.0, 60.0)
    assert conley_taber([placebos(0.0, of_one_sign)]).p_value == pytest.approx(4 / 61)
    almost = conley_taber([placebos(side * 19.5 * (1 + 1e-12), UP_TO_40)])
    assert almost.p_value == pytest.approx(4 / 41)


def test_a_treated_without_share_does_not_count_and_none_may_be_unknown():
    found = conley_taber([placebos(1.0, UP_TO_40), placebos(9.0, UP_TO_40)], [1.0, 0.0])
    assert found.value == 1.0
    with pytest.raises(ValueError, match="expected a number"):
        conley_taber([placebos(1.0, UP_TO_40), placebos(np.nan, UP_TO_40)])
    with pytest.raises(ValueError, match="at least one donor"):
        conley_taber([placebos(1.0, UP_TO_40), placebos(1.0, [np.nan])])
