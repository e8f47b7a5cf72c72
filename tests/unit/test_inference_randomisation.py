"""The interval of a placebo test is what trying every effect would give, and its ranks count as said."""

import numpy as np
import pytest

from evaluator.inference import randomisation, spread
from evaluator.vocabulary import Placebos


def drawn(donors=30, seed=2):
    rng = np.random.default_rng(seed)
    return Placebos(np.array([1.3]), rng.normal(size=(donors, 1)), rng.uniform(5, 90, donors), 20.0)


@pytest.mark.parametrize("sees", [False, True])
@pytest.mark.parametrize("scaled", [False, True])
def test_the_interval_spans_every_effect_that_is_not_rejected(scaled, sees):
    made = drawn()
    found = randomisation(made, scaled=scaled, donors_see_treated=sees, level=0.9)
    a, b = spread(made) if scaled else (1.0, 0.0)
    assert (found.a, found.b) == (a, b)
    tried = np.linspace(-12, 12, 240_001)
    own = np.abs(made.effect - tried) / np.sqrt(a + b / made.treated_size)
    moved = made.donors + tried / 30 if sees else made.donors + 0 * tried
    others = np.abs(moved) / np.sqrt(a + b / made.size)[:, None]
    kept = tried[(1 + (others >= own).sum(axis=0)) / 31 > 0.1]
    assert found.low == pytest.approx(kept[0], abs=2e-4) and found.high == pytest.approx(kept[-1], abs=2e-4)


def test_a_p_value_of_exactly_the_size_rejects():
    made = drawn(donors=19)
    found = randomisation(made)
    furthest = np.abs(made.donors).max()
    np.testing.assert_allclose([found.low, found.high], [1.3 - furthest, 1.3 + furthest])


def test_a_tie_counts_against_an_effect():
    made = Placebos(np.array([2.0]), np.array([[1.0], [2.0], [3.0], [-2.0]]), np.full(4, 50.0), 50.0)
    found = randomisation(made)
    assert (found.rank, found.of) == (3, 5)  # above 1 and -2, beside 2
    assert (found.p_below, found.p_two_sided) == (4 / 5, 4 / 5)


def test_one_donor_without_an_effect_leaves_the_scale_and_all_of_them_do_not():
    made = drawn()
    made.donors[4] = 0.0
    assert (randomisation(made, scaled=True).a, randomisation(made, scaled=True).b) == spread(made)
    still = Placebos(made.effect, np.zeros((30, 1)), made.size, 20.0)
    assert (randomisation(still, scaled=True).a, randomisation(still, scaled=True).b) == (1.0, 0.0)


def test_the_spread_is_least_squares_of_squared_effects_where_no_bound_binds():
    size = np.array([5.0, 10.0, 20.0, 40.0, 80.0])
    noise = np.array([0.02, -0.05, 0.04, 0.01, -0.02])
    made = Placebos(np.array([1.0]), np.sqrt(0.5 + 8 / size + noise)[:, None], size, 20.0)
    design = np.column_stack([np.ones(5), 1 / size])
    expected = np.linalg.lstsq(design, made.donors[:, 0] ** 2, rcond=None)[0]
    np.testing.assert_allclose(spread(made), expected, rtol=1e-9)
