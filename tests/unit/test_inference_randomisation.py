"""The interval of a placebo test is what trying every effect would give, and its ranks count as said."""

import numpy as np
import pytest

from evaluator.inference import randomisation
from evaluator.vocabulary import Placebos


def drawn(donors=30, seed=2):
    rng = np.random.default_rng(seed)
    return Placebos(np.array([1.3]), rng.normal(size=(donors, 1)), rng.uniform(5, 90, donors), 20.0)


@pytest.mark.parametrize("sees", [False, True])
def test_the_interval_spans_every_effect_that_is_not_rejected(sees):
    made = drawn()
    found = randomisation(made, donors_see_treated=sees, level=0.9)
    tried = np.linspace(-12, 12, 240_001)
    moved = made.donors + tried / 30 if sees else made.donors + 0 * tried
    kept = tried[(1 + (np.abs(moved) >= np.abs(made.effect - tried)).sum(axis=0)) / 31 > 0.1]
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
