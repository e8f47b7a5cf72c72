"""The treated path against the donors' hull, and how many donors stand behind an answer."""

import numpy as np
import pytest

from evaluator.diagnostics.donor_hull import donor_hull, donors_check, effective_donors, hull_check
from evaluator.vocabulary import Light

SQUARE = np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0], [4.0, 4.0]])


def with_treated(*own, donors=SQUARE):
    return np.vstack([np.array(own), donors])


@pytest.mark.parametrize(
    ("own", "beyond", "distance"),
    [
        ((1.0, 3.0), [0, 0], 0.0),  # inside
        ((4.0, 2.0), [0, 0], 0.0),  # on an edge
        ((7.0, 2.0), [3, 0], 3.0),
        ((2.0, -1.5), [0, -1.5], 1.5),
        ((6.0, 9.0), [2, 5], 5.0),
    ],
)
def test_a_point_and_a_square(own, beyond, distance):
    hull = donor_hull(with_treated(*own))
    np.testing.assert_allclose(hull.beyond, beyond)
    np.testing.assert_allclose(hull.distance[0], distance, atol=1e-9)
    assert hull.is_inside is (distance == 0) and hull.outside.tolist() == [b != 0 for b in beyond]


def test_inside_in_every_period_is_not_inside_in_all_at_once():
    """Under the line from (0, 4) to (4, 0) the triangle ends: (1, 1) is 1 away in both periods at once."""
    triangle = np.array([[4.0, 0.0], [0.0, 4.0], [4.0, 4.0]])
    hull = donor_hull(with_treated(1.0, 1.0, donors=triangle))
    assert not hull.outside.any() and not hull.is_inside
    np.testing.assert_allclose(hull.distance[0], 1.0, atol=1e-9)


def test_each_donor_is_held_against_the_other_donors_alone():
    """Without (4, 4) the nearest of the triangle is (2, 2); the treated one at (4, 4) is not used."""
    hull = donor_hull(with_treated(4.0, 4.0))
    np.testing.assert_allclose(hull.distance, [0, 2, 2, 2, 2], atol=1e-9)
    assert hull.p_value == 1.0 and hull.floor == 1 / 5


def test_a_method_with_an_intercept_reaches_a_path_of_the_same_shape_at_another_level():
    donors = np.array([[1.0, 2.0, 4.0], [3.0, 3.0, 3.0], [5.0, 2.0, 1.0]])
    paths = np.vstack([100 + 0.5 * donors[0] + 0.5 * donors[1], donors])
    assert hull_check(donor_hull(paths)).verdict is Light.RED
    hull = donor_hull(paths, free_level=True)
    assert hull.is_inside and not hull.outside.any()
    assert hull_check(hull).verdict is Light.GREEN


def test_the_distance_with_a_free_level_by_hand():
    """Flat donors can be moved anywhere but not bent: 0, 0, 6 is 3 away from the middle, not 4 from its mean."""
    hull = donor_hull(np.array([[0.0, 0.0, 6.0], [1.0, 1.0, 1.0], [9.0, 9.0, 9.0]]), free_level=True)
    np.testing.assert_allclose(hull.distance[0], 3.0, atol=1e-9)


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
def test_the_unit_of_the_outcome_does_not_matter(unit):
    hull = donor_hull(unit * with_treated(7.0, 2.0))
    np.testing.assert_allclose(hull.distance / unit, donor_hull(with_treated(7.0, 2.0)).distance, atol=1e-8)
    assert donor_hull(unit * with_treated(1.0, 3.0)).is_inside


def world(seed, donors=40, periods=8):
    rng = np.random.default_rng(seed)
    return 100 + 10 * rng.standard_normal((1 + donors, 1)) + rng.standard_normal((1 + donors, periods))


def test_over_many_periods_being_outside_is_usual_and_no_warning():
    hulls = [donor_hull(world(seed)) for seed in range(12)]
    assert sum(not hull.is_inside for hull in hulls) >= 6
    assert sum(hull_check(hull).verdict is Light.GREEN for hull in hulls) >= 6


def test_a_municipality_of_another_kind_is_red():
    paths = world(1)
    paths[0] += 60
    hull = donor_hull(paths)
    assert hull.outside.all() and hull.p_value == 1 / 41
    assert hull_check(hull).verdict is Light.RED


def test_beyond_everybody_in_one_period_is_amber_however_far_the_donors_are_from_each_other():
    hull = donor_hull(with_treated(4.5, 2.0))
    assert hull.p_value == 1 and hull.outside.tolist() == [True, False]
    assert hull_check(hull).verdict is Light.AMBER


def test_one_period_beyond_everybody_is_amber():
    paths = world(3)
    paths[0] = paths[1:].mean(axis=0)
    assert hull_check(donor_hull(paths)).verdict is Light.GREEN
    paths[0, 2] = paths[1:, 2].max() + 0.1
    hull = donor_hull(paths, size=np.r_[10.0, np.full(40, 1000.0)])
    assert hull.outside.sum() == 1 and hull_check(hull).verdict is Light.AMBER


def test_a_small_municipality_is_ranked_among_what_is_usual_for_small_ones():
    rng = np.random.default_rng(5)
    size = np.r_[40.0, np.geomspace(40, 4000, 40)]
    paths = rng.standard_normal((41, 6)) * 20 / np.sqrt(size)[:, None]
    plain, scaled = donor_hull(paths), donor_hull(paths, size)
    np.testing.assert_allclose(plain.distance, scaled.distance)
    assert scaled.p_value > plain.p_value


@pytest.mark.parametrize("paths", [np.zeros((2, 3)), np.zeros((4, 0)), np.zeros(4), np.array([[0.0], [1.0], [np.nan]])])
def test_paths_that_are_no_hull_are_refused(paths):
    with pytest.raises(ValueError, match="donor_hull: paths of shape"):
        donor_hull(paths)


@pytest.mark.parametrize(
    ("weights", "number"),
    [([0.25] * 4 + [0], 4), ([1, 0, 0], 1), ([0.5, 0.25, 0.25], 8 / 3), ([2, 2], 2), ([1.5, -0.5], 0.4)],
)
def test_the_effective_number_of_donors_by_hand(weights, number):
    np.testing.assert_allclose(effective_donors(np.array(weights, dtype=float)), number)


def test_the_effective_number_is_by_row():
    np.testing.assert_allclose(effective_donors(np.array([[1.0, 0.0], [0.5, 0.5]])), [1, 2])


@pytest.mark.parametrize(("weights", "light"), [([0.5, 0.5, 0.0], Light.AMBER), ([0.25] * 4, Light.GREEN)])
def test_few_donors_are_amber(weights, light):
    found = donors_check(np.array(weights))
    assert found.verdict is light and found.name == "effective_donors"
