"""t of sets of donors: by brute force from the definition, and what it must not depend on."""

from itertools import combinations

import numpy as np
import pytest

from evaluator.inference.judged import Judged
from evaluator.inference.randomisation_t import randomisation_t
from evaluator.vocabulary import NotEstimable, Placebos

GROUP = 24


def treated(effects, donors, size=1.0):
    donors = np.asarray(donors, dtype=float)
    return [Placebos(np.array([float(e)]), donors[:, None], np.full(len(donors), size), size) for e in effects]


def t_of(inside, outside):
    """Return t and its error of a difference of means with a cluster-robust error, from its definition."""
    value = inside.mean() - outside.mean()
    each = inside - outside.mean()
    variance = len(inside) / (len(inside) - 1) * ((each - value) ** 2).sum() / len(inside) ** 2
    variance += ((outside - outside.mean()) ** 2).sum() / len(outside) ** 2
    return value / np.sqrt(variance), np.sqrt(variance)


@pytest.mark.parametrize("seed", range(4))
def test_two_of_26_by_brute_force(seed):
    rng = np.random.default_rng(seed)
    donors, effects = rng.normal(size=GROUP), rng.normal(size=2) + 1
    found = randomisation_t(treated(effects, donors))
    sets = [
        abs(t_of(donors[list(s)], np.delete(donors, list(s)))[0]) for s in combinations(range(GROUP), 2)
    ]  # 276 of them, so all are made
    own, error = t_of(effects, donors)
    assert found.p_value == pytest.approx((1 + np.sum(np.array(sets) >= abs(own))) / 277)
    reach = np.sort(sets)[-int(0.05 * 277)] * error
    value = effects.mean() - donors.mean()
    np.testing.assert_allclose([found.value, found.low, found.high], [value, value - reach, value + reach])


def test_the_interval_holds_exactly_the_effects_that_are_kept():
    rng = np.random.default_rng(9)
    donors, effects = rng.normal(size=60), rng.normal(size=3)
    found = randomisation_t(treated(effects, donors))
    for end, outward in ((found.low, -1), (found.high, 1)):
        for far, kept in ((-1e-6, True), (1e-6, False)):
            assert (randomisation_t(treated(effects - end - outward * far, donors)).p_value > 0.05) is kept


def test_places_that_are_told_apart_are_given_to_every_donor_in_turn():
    """With shares of 0.8 and 0.2 who takes which place matters: 24 x 23 ordered pairs, of which 499 are drawn."""
    rng = np.random.default_rng(2)
    donors, share = rng.normal(size=GROUP), np.array([0.8, 0.2])
    alike, apart = randomisation_t(treated([1.0, 2.0], donors)), randomisation_t(treated([1.0, 2.0], donors), share)
    assert (alike.floor, apart.floor) == (1 / 277, 1 / 500)
    assert apart.value == pytest.approx(0.8 * 1 + 0.2 * 2 - donors.mean())


def test_donors_of_their_own_start_are_used_in_their_place():
    rng = np.random.default_rng(3)
    first, second = rng.normal(size=20), rng.normal(size=20)
    both = [*treated([1.0], first), *treated([0.5], second)]
    found = randomisation_t(both)
    value = ((1.0 - first.mean()) + (0.5 - second.mean())) / 2
    assert found.value == pytest.approx(value) and found.floor == 1 / (20 * 19 + 1)


def test_scale_level_and_order_do_not_matter():
    rng = np.random.default_rng(4)
    donors, effects = rng.normal(size=25), rng.normal(size=2)
    plain = randomisation_t(treated(effects, donors))
    scaled = randomisation_t(treated(-3 * effects, -3 * donors[::-1]))
    moved = randomisation_t(treated(effects + 7, donors + 7))
    assert scaled.p_value == plain.p_value == moved.p_value
    np.testing.assert_allclose([scaled.low, scaled.high], [-3 * plain.high, -3 * plain.low])
    np.testing.assert_allclose([moved.low, moved.high], [plain.low, plain.high])


def test_treated_that_agree_have_a_shorter_interval_than_treated_that_do_not():
    donors = np.random.default_rng(5).normal(size=90)
    near, far = (randomisation_t(treated([2 - gap, 2 + gap], donors)) for gap in (0.1, 2.0))
    assert near.high - near.low < (far.high - far.low) / 3 and near.p_value < far.p_value


def test_ties_count_against_the_treated():
    donors = np.tile([-1.0, 1.0], 12)
    effects = donors[:2] * 1.0
    found = randomisation_t(treated(effects, donors))
    assert found.p_value == 1.0 and found.value == 0.0


@pytest.mark.parametrize(
    ("effects", "donors", "word"),
    [
        ([1.0], np.arange(60.0), "forskellige indsatskommunerne er"),
        ([1.0, 2.0], np.arange(18.0), "kun 18 sammenligningskommuner"),
        ([1.0, 2.0], np.zeros(40), "tilfældige udsving"),
    ],
)
def test_refusals(effects, donors, word):
    refused = randomisation_t(treated(effects, donors))
    assert isinstance(refused, NotEstimable) and word in refused.reason


def test_two_treated_that_are_the_same_still_have_the_others_error():
    found = randomisation_t(treated([1.0, 1.0], np.random.default_rng(6).normal(size=60)))
    assert isinstance(found, Judged) and found.low < 1.0 < found.high


def test_other_donors_are_an_error():
    donors = np.random.default_rng(7).normal(size=40)
    with pytest.raises(ValueError, match="donors differ"):
        randomisation_t([*treated([1.0], donors), *treated([1.0], donors[:39])])
    gone = donors.copy()
    gone[3] = np.nan
    with pytest.raises(ValueError, match="donors differ"):
        randomisation_t([*treated([1.0], donors), *treated([1.0], gone)])


def test_three_of_14_by_brute_force():
    rng = np.random.default_rng(9)
    donors, effects = rng.normal(size=14), np.array([0.4, 1.1, 2.6])
    found = randomisation_t(treated(effects, donors), level=0.9)
    sets = [
        abs(t_of(donors[list(s)], np.delete(donors, list(s)))[0]) for s in combinations(range(14), 3)
    ]  # 364 of them, so all are made
    own, error = t_of(effects, donors)
    assert found.p_value == pytest.approx((1 + np.sum(np.array(sets) >= abs(own))) / 365)
    reach = np.sort(sets)[-int(0.1 * 365)] * error
    value = effects.mean() - donors.mean()
    assert (found.low, found.high) == pytest.approx((value - reach, value + reach)) and found.floor == 1 / 365


def test_the_fewest_donors_are_as_many_again_as_the_treated_and_reach_the_level():
    rng = np.random.default_rng(10)
    assert isinstance(randomisation_t(treated([1.0, 2.0], rng.normal(size=19))), Judged)
    assert isinstance(randomisation_t(treated([1.0, 2.0], rng.normal(size=18))), NotEstimable)
    three = [1.0, 2.0, 4.0]
    assert isinstance(randomisation_t(treated(three, rng.normal(size=6)), level=0.8), Judged)
    assert isinstance(randomisation_t(treated(three, rng.normal(size=5)), level=0.8), NotEstimable)
