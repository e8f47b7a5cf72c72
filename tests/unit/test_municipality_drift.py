"""Drift of population and of benefits, and people moved between visitation groups around a start."""

import numpy as np
import pytest

from evaluator.diagnostics.municipality_drift import (
    Around,
    benefit_mix_check,
    mix_drift,
    population_check,
    population_drift,
    revisitation_check,
    shares_over_time,
)
from evaluator.vocabulary import Light, NotEstimable

DONORS, PERIODS, START = 60, 16, 8
AROUND = Around(START, window=4)
AFTER = np.arange(PERIODS) >= START


def counts(seed=1, groups=(0.6, 0.4), own=400.0):
    """Return recipients (1 + D, T, B) whose number and mix move by chance, more in small municipalities."""
    rng = np.random.default_rng(seed)
    size = np.r_[own, np.geomspace(60, 3000, DONORS)]
    level = rng.dirichlet(20 * np.array(groups), DONORS + 1)
    drift = np.exp(rng.standard_normal((DONORS + 1, 1, len(groups))) * AFTER[:, None] * 0.04)
    return rng.poisson(size[:, None, None] * level[:, None, :] * drift).astype(float)


def moved(numbers, share, source=0, target=1):
    """Return the numbers with a share of the treated one's source group moved to its target from the start on."""
    out = numbers.copy()
    people = share * out[0, AFTER, source]
    out[0, AFTER, source] -= people
    out[0, AFTER, target] += people
    return out


def test_the_windows_leave_the_anticipation_out():
    around = Around(8, window=3, anticipation=2)
    assert (around.before, around.after) == (slice(3, 6), slice(8, 11))
    assert around.fits(11) and not around.fits(10) and not Around(4, window=3, anticipation=2).fits(11)


def exact(*own):
    """Return 1 + D equal municipalities of 300 + 100 that stay as they are; `own` is the treated one's after."""
    numbers = np.tile([300.0, 100.0], (DONORS + 1, PERIODS, 1))
    numbers[0, AFTER] = own
    return numbers


def test_a_move_by_hand():
    """60 of 300 move to the other group; all together are 18,240 of 18,300 and 6,160 of 6,100."""
    found = mix_drift(exact(240, 160), AROUND)
    over = np.array([240 - 300 * 18_240 / 18_300, 160 - 100 * 6_160 / 6_100])
    np.testing.assert_allclose(found.by_group, over)
    foreseen = 300 * 18_240 / 18_300 + 100 * 6_160 / 6_100
    np.testing.assert_allclose(found.value, min(-over[0], over[1]) / foreseen)
    assert (found.of, found.unknown) == (DONORS + 1, 0) and found.p_value == 1 / (DONORS + 1)


def test_a_fall_in_one_group_alone_is_an_effect_and_no_move():
    """Halved in one group: hardly anybody is over the number foreseen in the other one."""
    found = mix_drift(exact(150, 100), AROUND)
    assert found.value < 1e-12 and found.p_value == 1


def test_moving_people_between_groups_is_red():
    found = mix_drift(moved(counts(), 0.4), AROUND)
    assert found.value > 0.15 and found.by_group[1] > 60 and found.by_group[0] < -60
    check = revisitation_check(found)
    assert check.verdict is Light.RED and check.name == "revisitation"


@pytest.mark.parametrize(("effect", "own"), [(0.83, 400.0), (0.6, 400.0), (1.2, 400.0), (0.6, 60.0)])
def test_an_effect_on_one_group_is_not_called_re_visitation(effect, own):
    """At most one in ten of 150 is not green, give or take chance, however large the effect or small the place."""
    lights = []
    for seed in range(150):
        numbers = counts(seed, own=own)
        numbers[0, AFTER, 1] *= effect
        lights.append(revisitation_check(mix_drift(numbers, AROUND)).verdict)
    assert 0 < sum(light is not Light.GREEN for light in lights) <= 25
    assert sum(light is Light.RED for light in lights) <= 6


@pytest.mark.parametrize("own", [60.0, 400.0, 3000.0])
def test_without_a_move_it_warns_no_more_often_than_it_says(own):
    lights = [revisitation_check(mix_drift(counts(seed, own=own), AROUND)).verdict for seed in range(150)]
    assert 0 < sum(light is not Light.GREEN for light in lights) <= 20
    assert sum(light is Light.RED for light in lights) <= 6


@pytest.mark.parametrize(("share", "source", "target"), [(0.2, 0, 1), (0.3, 1, 0)])
def test_one_in_eight_recipients_moved_in_either_direction_is_mostly_found(share, source, target):
    found = [mix_drift(moved(counts(seed), share, source, target), AROUND) for seed in range(40)]
    assert sum(revisitation_check(one).verdict is not Light.GREEN for one in found) >= 34


def test_a_move_that_all_municipalities_make_is_no_drift():
    numbers = counts()
    people = 0.3 * numbers[:, AFTER, 0]
    numbers[:, AFTER, 0] -= people
    numbers[:, AFTER, 1] += people
    assert revisitation_check(mix_drift(numbers, AROUND)).verdict is Light.GREEN


def test_a_fall_in_one_benefit_that_is_a_rise_in_two_others_is_red():
    numbers = counts(2, groups=(0.5, 0.3, 0.2))
    assert benefit_mix_check(mix_drift(numbers, AROUND)).verdict is Light.GREEN
    shifted = moved(moved(numbers, 0.25, 0, 1), 0.25, 0, 2)
    found = mix_drift(shifted, AROUND)
    assert benefit_mix_check(found).verdict is Light.RED and found.by_group[0] < 0 < min(found.by_group[1:])


@pytest.mark.parametrize(
    ("numbers", "reason"),
    [
        (counts()[:, :, :1], "serien er ikke delt i grupper"),
        (counts()[:, :, 0], "serien er ikke delt i grupper"),
        (counts()[:, : START + 3], "dækker ikke 4 perioder"),
        (np.where(np.arange(DONORS + 1)[:, None, None] == 0, np.nan, counts()), "kommunens egne tal er ukendte"),
        (counts()[:15], "Der er kun 14 sammenligningskommuner"),
        (counts() * np.stack([np.ones(PERIODS), AFTER], axis=1), "findes ikke på begge sider"),
        (counts() * np.stack([np.ones(PERIODS), ~AFTER], axis=1), "findes ikke på begge sider"),
    ],
)
def test_what_cannot_be_compared_is_not_made_up(numbers, reason):
    found = mix_drift(numbers, AROUND)
    assert isinstance(found, NotEstimable) and reason in found.reason
    check = revisitation_check(found)
    assert check.verdict is Light.NOT_RUN and check.value is None and check.why == found.reason


def test_a_series_without_groups_says_ikke_opgjort():
    assert revisitation_check(mix_drift(counts()[:, :, :1], AROUND)).why.startswith("Ikke opgjort")


def test_a_donor_with_a_suppressed_number_is_left_out_and_counted_not_zero():
    numbers = moved(counts(), 0.4)
    hidden = numbers.copy()
    hidden[[3, 5], START, 1] = np.nan
    hidden[7, START + 4, 0] = np.nan  # outside the windows
    found = mix_drift(hidden, AROUND)
    assert (found.unknown, found.of) == (2, DONORS - 1)
    whole = mix_drift(np.delete(numbers, [3, 5], axis=0), AROUND)
    assert (found.value, found.p_value) == (whole.value, whole.p_value)


def test_shares_over_time_by_hand():
    """Of two donors: both known, one without anybody, one suppressed, neither known."""
    own = [[3.0, 1.0], [1.0, 1.0], [4.0, 0.0], [np.nan, 1.0]]
    one = [[1.0, 1.0], [0.0, 0.0], [1.0, 4.0], [0.0, 0.0]]
    other = [[1.0, 3.0], [2.0, 8.0], [np.nan, 2.0], [1.0, np.nan]]
    found = shares_over_time(np.array([own, one, other]))
    np.testing.assert_allclose(found.treated, [[0.75, 0.25], [0.5, 0.5], [1, 0], [np.nan, np.nan]])
    np.testing.assert_allclose(found.donors, [[0.375, 0.625], [0.2, 0.8], [0.2, 0.8], [np.nan, np.nan]])


def people(growth, seed=4):
    rng = np.random.default_rng(seed)
    path = 40_000 * np.exp(np.cumsum(0.001 * rng.standard_normal((DONORS + 1, PERIODS)), axis=1))
    path[0] *= np.where(AFTER, growth, 1.0)
    return path


def test_a_change_of_population_by_hand():
    """The treated one grows by a tenth, nobody else: ln 1.1 less its own share in the mean of all."""
    path = np.full((DONORS + 1, PERIODS), 1000.0)
    path[0, AFTER] = 1100
    found = population_drift(path, AROUND)
    np.testing.assert_allclose(found.value, np.log(1.1) * DONORS / (DONORS + 1))
    assert found.by_group.size == 0


@pytest.mark.parametrize(("growth", "light"), [(1.0, Light.GREEN), (1.05, Light.RED), (0.95, Light.RED)])
def test_a_population_that_jumps_is_red(growth, light):
    check = population_check(population_drift(people(growth), AROUND))
    assert check.verdict is light and check.name == "population_drift"


def test_an_absent_population_is_a_check_that_was_not_run():
    absent = np.full((DONORS + 1, PERIODS), np.nan)
    assert population_check(population_drift(absent, AROUND)).verdict is Light.NOT_RUN
