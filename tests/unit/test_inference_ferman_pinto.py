"""Donors at the treated one's variance: the fit against a general optimiser, the test against its definition."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.optimize import minimize

from evaluator.inference import randomisation
from evaluator.inference.ferman_pinto import ferman_pinto, p_value, rank_at_size, scores, variance_of_size
from evaluator.vocabulary import NotEstimable, Placebos


def drawn(seed, donors=60, effect=1.0, treated_size=20.0, slope=30.0):
    rng = np.random.default_rng(seed)
    size = np.exp(rng.uniform(2, 7, donors))
    return Placebos(
        np.array([effect]), (rng.normal(size=donors) * np.sqrt(1 + slope / size))[:, None], size, treated_size
    )


def loss(a, b, squares, size):
    variance = a + b / size
    return np.log(variance).sum() + (squares / variance).sum()


@pytest.mark.parametrize("slope", [0.0, 3.0, 30.0, 3000.0])
@pytest.mark.parametrize("seed", range(4))
def test_the_fit_is_no_worse_than_a_general_optimiser(seed, slope):
    rng = np.random.default_rng(seed)
    size = np.exp(rng.uniform(1.5, 8, 97))
    squares = rng.normal(size=97) ** 2 * (1 + slope / size)
    a, b = variance_of_size(squares, size)
    best = min(
        minimize(lambda q: loss(*np.exp(q), squares, size), start, method="Nelder-Mead", options={"xatol": 1e-9}).fun
        for start in ([0.0, 0.0], [0.0, 5.0], [-5.0, 3.0])
    )
    assert a >= 0 and b >= 0 and loss(a, b, squares, size) <= best + 1e-6


def test_one_size_is_fitted_by_the_mean_square():
    squares = np.array([1.0, 4.0, 9.0, 2.0])
    a, b = variance_of_size(squares, np.full(4, 8.0))
    assert a + b / 8 == pytest.approx(4.0)


@pytest.mark.parametrize("squares, size", [(np.zeros(3), np.ones(3)), (np.ones(3), np.array([1.0, 0.0, 2.0]))])
def test_what_cannot_be_fitted_is_an_error(squares, size):
    with pytest.raises(ValueError, match="variance_of_size"):
        variance_of_size(squares, size)


@pytest.mark.parametrize("seed", range(3))
def test_one_treated_ranks_by_definition_with_the_null_imposed(seed):
    data = drawn(seed, effect=2.5)
    found = ferman_pinto([data])
    donors, effect = data.donors[:, 0], 2.5
    a, b = variance_of_size(np.append(donors, effect) ** 2, np.append(data.size, 20.0))
    scores = np.abs(donors) / np.sqrt(a + b / data.size)
    assert found.p_value == (1 + (scores >= effect / np.sqrt(a + b / 20.0)).sum()) / 61
    assert found.floor == 1 / 61


@pytest.mark.parametrize("effect", [0.0, 0.01, -1.7, 60.0])
def test_equal_sizes_give_the_plain_rank(effect):
    rng = np.random.default_rng(7)
    data = Placebos(np.array([effect]), rng.normal(size=(97, 1)), np.full(97, 50.0), 50.0)
    plain, found = randomisation(data), ferman_pinto([data])
    assert found.p_value == plain.p_two_sided
    np.testing.assert_allclose([found.low, found.high], [plain.low, plain.high], atol=1e-7)


def test_a_small_treated_cluster_is_given_a_wider_interval_than_a_large_one():
    reach = [ferman_pinto([drawn(1, treated_size=size)]) for size in (6.0, 50.0, 3000.0)]
    width = [found.high - found.low for found in reach]
    assert width[0] > 2 * width[1] > 2 * width[2] and reach[0].p_value > reach[2].p_value


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("seed", range(3))
def test_the_interval_is_the_test_inverted(seed, count):
    rng = np.random.default_rng(seed)
    base = drawn(seed)
    treated = [Placebos(rng.normal(size=1), base.donors, base.size, size) for size in (15.0, 400.0)[:count]]
    found = ferman_pinto(treated)
    inside = np.linspace(found.low, found.high, 41)[1:-1]
    assert all(p_value(treated, x) > 0.05 for x in inside)
    for end, outward in ((found.low, -1), (found.high, 1)):
        step = 1e-6 * (found.high - found.low)
        assert p_value(treated, end - outward * step) > 0.05
        assert all(p_value(treated, end + outward * far) <= 0.05 for far in (step, 1.0, 10.0, 1e4))


def test_p_falls_with_the_distance_of_the_null():
    data = drawn(3)
    p = [p_value([data], 1.0 + far) for far in np.linspace(0, 60, 200)]
    assert p[0] == 1.0 and all(later <= earlier for earlier, later in pairwise(p))
    assert p[-1] == pytest.approx(1 / 61)


def test_several_treated_have_a_scale_each_by_brute_force():
    base = drawn(4, donors=30)
    treated = [Placebos(np.array([e]), base.donors, base.size, n) for e, n in ((2.0, 10.0), (-0.5, 900.0))]
    share, donors = np.array([0.25, 0.75]), base.donors[:, 0]
    squares, sizes = np.append(donors, [2.0, -0.5]) ** 2, np.append(base.size, [10.0, 900.0])
    a, b = variance_of_size(squares, sizes)
    theirs, own = a + b / base.size, a + b / np.array([10.0, 900.0])
    mean_error = theirs.mean() / 30
    wider = np.sqrt(1 + mean_error * (1 - (share**2).sum()) / (share**2 @ own))
    left, right = (donors * np.sqrt(v / theirs) for v in own)
    sums = np.abs([wider * (0.25 * x + 0.75 * y) for x in left for y in right])
    expected = (1 + (sums >= abs(0.25 * 2.0 - 0.75 * 0.5)).sum()) / (900 + 1)
    assert ferman_pinto(treated, share).p_value == pytest.approx(expected, abs=1e-12)


def test_starts_of_their_own_are_fitted_by_their_own():
    first, second = drawn(5), drawn(6, slope=0.0)
    alone = [variance_of_size(np.append(d.donors[:, 0], 1.0) ** 2, np.append(d.size, 20.0)) for d in (first, second)]
    assert alone[0][1] > 5 * max(alone[1][1], 0.1)
    pooled = ferman_pinto([first, first])
    assert ferman_pinto([first, second]).p_value != pooled.p_value


def test_scale_and_order_of_donors_do_not_matter():
    data = drawn(8)
    shuffled = np.random.default_rng(0).permutation(60)
    again = Placebos(-3 * data.effect, -3 * data.donors[shuffled], data.size[shuffled], data.treated_size)
    one, other = ferman_pinto([data]), ferman_pinto([again])
    assert other.p_value == one.p_value
    np.testing.assert_allclose([other.low, other.high], [-3 * one.high, -3 * one.low], rtol=1e-8)


def test_refusals():
    few = Placebos(np.array([1.0]), np.arange(1.0, 19.0)[:, None], np.ones(18), 1.0)
    flat = Placebos(np.array([1.0]), np.zeros((60, 1)), np.ones(60), 1.0)
    nobody = Placebos(np.array([1.0]), np.arange(60.0)[:, None], np.ones(60), 0.0)
    assert "18 sammenligningskommuner" in ferman_pinto([few]).reason
    hardly = Placebos(np.array([1.0]), np.array([[5.0], [-5.0], *[[0.0]] * 97]), np.ones(99), 1.0)
    assert isinstance(ferman_pinto([flat]), NotEstimable) and isinstance(ferman_pinto([hardly]), NotEstimable)
    with pytest.raises(ValueError, match="persons behind every one"):
        ferman_pinto([nobody])


def test_nineteen_donors_reach_the_level_and_all_treated_need_donors_that_differ():
    nineteen = drawn(9, donors=19, effect=50.0)
    assert ferman_pinto([nineteen]).p_value == 1 / 20
    flat = Placebos(np.array([1.0]), np.zeros((60, 1)), np.ones(60), 1.0)
    assert isinstance(ferman_pinto([drawn(9), flat]), NotEstimable)


def test_the_fit_finds_both_ends_of_the_share_that_falls_with_size():
    size = np.array([1.0, 2.0, 4.0, 8.0, 16.0, 32.0])
    a, b = variance_of_size(3.0 / size, size)
    assert (a, b) == (pytest.approx(0.0, abs=1e-7), pytest.approx(3.0, rel=1e-6))
    a, b = variance_of_size(np.full(6, 3.0), size)
    assert (a, b) == (pytest.approx(3.0, rel=1e-6), pytest.approx(0.0, abs=1e-6))
    a, b = variance_of_size(2.0 + 3.0 / size, size)
    assert (a, b) == (pytest.approx(2.0, rel=1e-6), pytest.approx(3.0, rel=1e-5))


def test_ties_count_as_at_least_as_large():
    donors = np.arange(1.0, 98.0)
    tied = Placebos(np.array([97.0 * (1 + 1e-12)]), donors[:, None], np.full(97, 50.0), 50.0)
    assert ferman_pinto([tied]).p_value == 2 / 98
    over = Placebos(np.array([97.0 * (1 + 1e-6)]), donors[:, None], np.full(97, 50.0), 50.0)
    assert ferman_pinto([over]).p_value == 1 / 98


def test_a_rank_at_size_is_the_test_of_no_effect_and_all_alike_are_no_place():
    data = drawn(2, effect=1.5)
    values, size = np.append(data.effect, data.donors[:, 0]), np.append(data.treated_size, data.size)
    assert rank_at_size(values, size) == p_value([data], 0.0)
    assert rank_at_size(np.zeros(30), np.ones(30)) == 1.0
    assert rank_at_size(np.append(2.0, np.zeros(29)), np.ones(30)) == 1 / 30
    assert rank_at_size(np.append(0.0, np.ones(29)), np.ones(30)) == 1.0


def test_scores_of_sets_count_as_the_test_does():
    data, other = drawn(1), drawn(1, effect=-0.4, treated_size=300.0)
    score, theirs = scores([data], np.ones(1), np.arange(60)[:, None])
    assert (1 + (theirs >= score).sum()) / 61 == p_value([data], 0.0)
    share, pairs = np.array([0.3, 0.7]), np.stack(np.mgrid[:60, :60], axis=-1).reshape(-1, 2)
    score, theirs = scores([data, other], share, pairs)
    assert (1 + (theirs >= score).sum()) / 3601 == pytest.approx(p_value([data, other], 0.0, share))
    data.donors[5, 0] = np.nan
    _, theirs = scores([data], np.ones(1), np.arange(60)[:, None])
    assert np.isneginf(theirs[5]) and np.isfinite(np.delete(theirs, 5)).all()
