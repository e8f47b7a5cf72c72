"""The effect that one treated cluster could show: its parts by hand, and the test that it predicts."""

import numpy as np
import pytest

from evaluator.diagnostics.power_by_horizon import (
    HALVINGS,
    Planned,
    Span,
    Trial,
    _alike,
    _critical,
    prospect,
)
from evaluator.inference.ferman_pinto import p_value
from evaluator.vocabulary import Placebos

LEVEL = 0.95
SIZES = np.geomspace(6, 3000, 97)


def trials(seed, number=4, sizes=SIZES, slope=35.0, scale=1.0):
    """Return disjoint false starts of one period against one, without an effect."""
    draw = np.random.default_rng(seed)
    spread = scale * np.sqrt(1 + slope / sizes)
    return [Trial(Span(2 * k + 1, 1, 1), spread * draw.normal(size=sizes.size), sizes) for k in range(number)]


def planned(persons=150.0, donors=SIZES):
    return Planned(Span(9, 1, 1), persons, donors)


def test_a_span_weighs_the_mean_after_less_the_mean_before():
    found = Span(start=5, before=2, after=4, gap=1).contrast(10)
    np.testing.assert_allclose(found, [0, 0, -0.5, -0.5, 0, 0.25, 0.25, 0.25, 0.25, 0])


def test_without_memory_a_longer_base_lowers_the_variance_by_the_closed_form():
    ratio, worth = _alike([Span(4, 4, 2), Span(8, 8, 2)], Span(20, 12, 2), 0.0)
    np.testing.assert_allclose(ratio, [(1 / 12 + 1 / 2) / (1 / 4 + 1 / 2), (1 / 12 + 1 / 2) / (1 / 8 + 1 / 2)])
    assert worth == pytest.approx(2)  # the second's base holds the first's contrast: uncorrelated


def test_with_the_highest_memory_it_is_that_of_a_random_walk():
    """Mean of h periods of a walk less its value before: (h + 1)(2 h + 1) / 6h in steps."""
    ratio, _ = _alike([Span(9, 1, 1)], Span(9, 1, 4), 1.0)
    assert ratio[0] == pytest.approx(5 * 9 / (6 * 4), rel=0.02)


@pytest.mark.parametrize(("starts", "worth"), [((2, 4, 6), 3.0), ((4, 4, 4), 1.0), ((4, 4, 8, 8), 2.0)])
def test_false_starts_count_by_how_little_they_overlap(starts, worth):
    assert _alike([Span(s, 1, 1) for s in starts], Span(20, 1, 1), 0.0)[1] == pytest.approx(worth)


@pytest.mark.parametrize("persons", [6.0, 150.0, 3000.0])
def test_the_critical_value_is_where_the_offered_test_begins_to_reject(persons):
    draw = np.random.default_rng(0)
    donors = np.abs(np.sqrt(1 + 300 / SIZES) * draw.normal(size=(12, 97)))
    for effects, edge in zip(donors, _critical(donors, planned(persons), 4), strict=True):
        above, below = (
            p_value([Placebos(np.array([e]), effects[:, None], SIZES, persons)], 0.0)
            for e in (1.035 * edge, 0.965 * edge)
        )
        assert above <= 1 - LEVEL < below


def test_power_rises_from_the_size_and_knows_no_sign():
    law = prospect(trials(1), planned(), 0.8, LEVEL)
    assert law is not None
    power = [law.power(e) for e in (0.0, 0.5, 1.0, 2.0, 4.0, 20.0)]
    assert power == sorted(power) and power[-1] == 1.0
    assert power[0] == pytest.approx(0.045, abs=0.02)
    assert law.power(-2.0) == pytest.approx(law.power(2.0), abs=1e-3)
    assert law.power(law.detectable()) == pytest.approx(0.8, abs=2e-3)


def test_it_is_found_in_four_of_five_whatever_the_size():
    """Fresh worlds, each with its own false starts and its own detectable effect."""
    draw, spread = np.random.default_rng(3), np.sqrt(1 + 35 / SIZES)
    for persons in (6.0, 3000.0):
        found = []
        for seed in range(120):
            law = prospect(trials(seed, number=1), planned(persons), 0.0, LEVEL)
            assert law is not None
            own = np.sqrt(1 + 35 / persons) * draw.normal()
            donors = spread * draw.normal(size=97)
            for effect in (law.detectable(), -law.detectable()):
                found.append(
                    p_value([Placebos(np.array([own + effect]), donors[:, None], SIZES, persons)], 0.0) <= 0.05
                )
        assert np.mean(found) == pytest.approx(0.8, abs=0.08)


def test_a_smaller_municipality_must_show_more():
    sizes = [prospect(trials(2), planned(persons), 0.0, LEVEL).detectable() for persons in (6.0, 40.0, 150.0, 3000.0)]
    assert sizes == sorted(sizes, reverse=True) and sizes[0] > 2 * sizes[-1]


def test_an_effect_must_be_larger_where_the_variance_is_known_from_less():
    """The same squares, told to be worth one false start or four."""
    one = trials(5, number=1, sizes=np.full(20, 100.0))[0]
    where = planned(100.0, np.full(20, 100.0))
    alike = prospect([one] * 4, where, 0.0, LEVEL)
    apart = prospect([Trial(Span(2 * k + 1, 1, 1), one.effect, one.persons) for k in range(4)], where, 0.0, LEVEL)
    assert alike.detectable() > 1.01 * apart.detectable()
    assert np.std(alike.error) > 1.5 * np.std(apart.error)


def test_it_scales_with_the_outcome_and_is_the_same_twice():
    first, again = (prospect(trials(6), planned(), 0.5, LEVEL).detectable() for _ in range(2))
    assert first == again
    large = prospect(trials(6, scale=1000.0), planned(), 0.5, LEVEL).detectable()
    assert large == pytest.approx(1000 * first, rel=2.0**-HALVINGS * 8)


def test_nothing_is_said_where_nothing_varies_or_the_donors_are_too_few():
    still = [Trial(Span(1, 1, 1), np.zeros(30), np.ones(30))]
    assert prospect(still, planned(1.0, np.ones(29)), 0.0, LEVEL) is None
    with pytest.raises(ValueError, match="18 donors cannot reach"):
        prospect(trials(1), planned(150.0, np.ones(18)), 0.0, LEVEL)
