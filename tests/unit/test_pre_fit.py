"""Fit before the start, the ratio of gaps, false starts, and answers without one donor at a time."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from evaluator.diagnostics.placebo_starts import FalseStart
from evaluator.diagnostics.pre_fit import (
    LeftOut,
    leave_one_donor_out,
    left_out_check,
    moved_back,
    pre_fit,
    pre_fit_check,
    rmspe_ratio,
)
from evaluator.diagnostics.rank_check import rank_check
from evaluator.errors import PanelError
from evaluator.estimators import MeanLogChange
from evaluator.estimators.donor_pool import DonorPool
from evaluator.estimators.synthetic_did import SyntheticDid
from evaluator.estimators.weighted_paths import Paths
from evaluator.evaluation.one_treated import Answer, AtFalseStart, Question
from evaluator.evaluation.series_checks import false_starts_check
from evaluator.inference.judged import Judged, too_few_donors
from evaluator.vocabulary import NEVER, Light, NotEstimable, Panel, Placebos

DONORS = 40


def paths(gap, start, anticipation=0, movement=(0.0, 2.0, 0.0, 2.0)):
    """Return paths that move alike, `gap` (1 + D, T) over their counterfactuals."""
    gap = np.asarray(gap, dtype=float)
    actual = np.tile(np.resize(movement, gap.shape[1]), (len(gap), 1))
    zeros, rows = np.zeros(len(gap)), np.arange(len(gap))
    table = np.zeros((len(gap), len(gap)))
    before = start - anticipation
    return Paths(rows, start, before, actual, actual - gap, table, np.zeros(actual.shape), zeros, zeros)


def test_root_mean_squares_by_hand():
    """Movement of 0, 2, 0 around its mean 2/3: squares 4/9, 16/9, 4/9, so sqrt(8/9); the anticipation is in neither."""
    fit = pre_fit(paths([[3, -4, 5, 99, 6, 8], [1, 1, 1, 99, -2, 0]], start=4, anticipation=1))
    np.testing.assert_allclose(fit.before, [np.sqrt(50 / 3), 1])
    np.testing.assert_allclose(fit.after, [np.sqrt(50), np.sqrt(2)])
    np.testing.assert_allclose(fit.movement, np.sqrt(8 / 9))
    np.testing.assert_allclose(fit.followed, [1 - 50 / 3 / (8 / 9), 1 - 9 / 8])


def test_a_flat_path_has_no_movement_to_follow():
    fit = pre_fit(paths([[1, 1, 1], [0, 1, 1]], start=2, movement=(5.0,)))
    assert np.isnan(fit.followed).all()


def gaps(own, others, donors=DONORS):
    return np.vstack([own, np.tile(others, (donors, 1))])


def test_the_ratio_and_its_rank_by_hand():
    """Own ratio 6 / 2 = 3; one donor has 4 and one ties with 3, the other 38 have 1: rank 3 of 41."""
    gap = gaps([2, -2, 6, -6], [1, 1, 1, 1])
    gap[7, 2:], gap[9, 2:] = 4, 3
    found = rmspe_ratio(pre_fit(paths(gap, start=2)))
    assert (found.value, found.rank, found.of) == (3, 3, 41)
    assert found.p_value == pytest.approx(3 / 41)


def test_a_poor_fit_before_takes_the_drama_out_of_a_large_gap_after():
    good, poor = (rmspe_ratio(pre_fit(paths(gaps([b, b, 6, 6], [1, 1, 2, 2]), start=2))) for b in (1, 6))
    assert (good.rank, poor.rank) == (1, 41)


def test_a_donor_that_is_hit_exactly_before_counts_as_the_largest():
    gap = gaps([1, 1, 9, 9], [1, 1, 1, 1])
    gap[5, :2] = 0
    assert rmspe_ratio(pre_fit(paths(gap, start=2))).rank == 2


def test_a_treated_one_that_is_hit_exactly_before_gets_no_ratio():
    found = rmspe_ratio(pre_fit(paths(gaps([1e-9, 0, 9, 9], [1, 1, 1, 1]), start=2)))
    assert isinstance(found, NotEstimable) and "præcist" in found.reason


def test_too_few_donors_get_no_rank():
    found = rmspe_ratio(pre_fit(paths(gaps([1, 1, 9, 9], [1, 1, 1, 1], donors=18), start=2)))
    assert isinstance(found, NotEstimable) and "18 sammenligningskommuner" in found.reason


def noise(seed, donors=DONORS, periods=10):
    rng = np.random.default_rng(seed)
    size = np.geomspace(40, 4000, donors + 1)
    return rng.standard_normal((donors + 1, periods)) * 20 / np.sqrt(size)[:, None], size


def test_the_fit_of_the_smallest_is_usual_for_its_size_and_a_worse_one_is_red():
    gap, size = noise(1)
    usual, worse = gap.copy(), gap.copy()
    worse[0, :5] *= 4
    assert pre_fit_check(pre_fit(paths(usual, start=5)), size).verdict is Light.GREEN
    found = pre_fit_check(pre_fit(paths(worse, start=5)), size)
    assert found.verdict is Light.RED and found.value == pytest.approx(1 / 41)


def test_the_check_of_fit_warns_no_more_often_than_it_says():
    """Treated at random among 41 unlike sizes, nothing amiss: at most one in ten is not green."""
    lights = []
    for seed in range(150):
        gap, size = noise(seed)
        order = np.roll(np.arange(DONORS + 1), seed)
        lights.append(pre_fit_check(pre_fit(paths(gap[order], start=5)), size[order]).verdict)
    assert 0 < sum(light is not Light.GREEN for light in lights) <= 25
    assert sum(light is Light.RED for light in lights) <= 10


@pytest.mark.parametrize(
    ("p_value", "floor", "light"),
    [
        (0.005, 0.001, Light.RED),
        (1 / 98, 1 / 98, Light.RED),
        (2 / 98, 1 / 98, Light.AMBER),
        (1 / 20, 1 / 20, Light.RED),
        (1 / 15, 1 / 15, Light.AMBER),
        (0.10, 1 / 98, Light.GREEN),
    ],
)
def test_the_most_extreme_rank_is_red_where_a_rank_can_say_anything(p_value, floor, light):
    assert rank_check("x", p_value, floor, "").verdict is light


def series(level, start=12, donors=DONORS, periods=20, seed=3):
    """Return recipients around 400 with noise of 3 per cent; `level` (T,) multiplies the treated one's."""
    rng = np.random.default_rng(seed)
    outcome = 400 * np.exp(0.03 * rng.standard_normal((1 + donors, periods)))
    outcome[0] *= level
    cohort = np.full(1 + donors, NEVER)
    cohort[0] = start
    units = tuple(str(unit) for unit in range(1 + donors))
    ones = np.ones(1 + donors)
    observed = np.ones(outcome.shape, dtype=bool)
    none = np.zeros((1 + donors, 0))
    return Panel(tuple(range(periods)), outcome, observed, cohort, None, none, np.arange(1 + donors), ones, "", units)


def stepped(at, factor, periods=20):
    return np.where(np.arange(periods) >= at, factor, 1.0)


def test_a_false_start_sees_nothing_of_the_true_one_nor_of_the_periods_ahead_of_it():
    moved = moved_back(series(stepped(12, 0.5)), start=6, after=4, anticipation=2)
    assert moved.periods == tuple(range(10)) and moved.outcome.shape == moved.observed.shape == (DONORS + 1, 10)
    assert moved.cohort[0] == 6 and (moved.cohort[1:] == NEVER).all()


def test_a_false_start_is_asked_over_as_many_periods_as_the_true_one():
    assert moved_back(series(stepped(12, 0.5)), start=3, after=2).periods == tuple(range(5))


@pytest.mark.parametrize(("start", "after"), [(0, 4), (7, 4), (12, 4), (3, 0)])
def test_a_false_start_in_the_window_of_the_true_one_is_refused(start, after):
    with pytest.raises(PanelError, match="none of them from period 10 on"):
        moved_back(series(stepped(12, 0.5)), start, after, anticipation=2)


def test_two_treated_have_no_one_false_start():
    panel = series(stepped(12, 0.5))
    panel.cohort[1] = 12
    with pytest.raises(PanelError, match="2 units have a start"):
        moved_back(panel, start=6, after=4)


def at(*p_values, donors=40):
    """Return false starts with these p-values, None for one that was refused."""
    start, refused = FalseStart(date(2014, 1, 1), 3, ()), too_few_donors(18)
    judged = [refused if p is None else Judged(0.1, p, -1.0, 1.0, 1 / (donors + 1), "ferman_pinto") for p in p_values]
    question = Question("mean_log_change", MeanLogChange(), series(stepped(12, 1)), 4, 0)
    placebos = Placebos(np.zeros(1), np.zeros((donors, 1)), np.ones(donors), 1.0)
    return Answer(question, placebos, (), tuple(AtFalseStart(start, each) for each in judged))


@pytest.mark.parametrize(
    ("p_values", "value", "light"),
    [
        ((1 / 41,), 1 / 41, Light.RED),
        ((0.5, 1 / 41), 2 / 41, Light.RED),  # two starts: twice the smallest, which is twice the floor
        ((0.5, 3 / 41), 6 / 41, Light.GREEN),
        ((0.04, None), 0.04, Light.AMBER),
        ((0.5, 0.6, 0.7), 1.0, Light.GREEN),
    ],
)
def test_several_false_starts_are_judged_together(p_values, value, light):
    check = false_starts_check(at(*p_values))
    assert check.value == pytest.approx(value) and check.verdict is light and check.name == "placebo_date"


@pytest.mark.parametrize("p_values", [(), (None, None)])
def test_a_false_start_that_cannot_be_run_is_said_and_never_green(p_values):
    check = false_starts_check(at(*p_values))
    assert check.verdict is Light.NOT_RUN and "rækker ikke" in check.why


def four(*ends):
    """Return a panel of four that are 0 and 0 before the start and end where they are told."""
    panel = series(1.0, start=2, donors=3, periods=4)
    panel.outcome[:] = [[0, 0, end, end] for end in ends]
    return panel


def test_answers_without_one_donor_by_hand():
    """Donors end at 1, 2 and 9 and the treated one at 4: weighted by 2, 3 and 5."""
    panel, method = four(4, 1, 2, 9), DonorPool()
    panel.weight[:] = [9, 2, 3, 5]
    left = leave_one_donor_out(method, panel, method.paths(panel))
    assert left.rows.tolist() == [3, 2, 1]
    np.testing.assert_allclose(left.effect, [4 - 8 / 5, 4 - 47 / 7, 4 - 51 / 8])
    np.testing.assert_allclose(left.gaps[:, :2], 0)


def test_a_donor_without_weight_is_not_left_out():
    panel, method = four(4, 1, 2, 9), DonorPool()
    panel.weight[:] = [9, 2, 0, 5]
    assert leave_one_donor_out(method, panel, method.paths(panel)).rows.tolist() == [3, 1]


def test_an_answer_without_a_donor_is_that_of_a_panel_without_it():
    panel, method = series(stepped(12, 0.8)), SyntheticDid()
    left = leave_one_donor_out(method, panel, method.paths(panel))
    for row, effect, gap in list(zip(left.rows, left.effect, left.gaps, strict=True))[:3]:
        again = replace(method, exclude=(panel.units[row],)).paths(panel)
        np.testing.assert_allclose([effect, *gap], [again.effect[0], *again.gap[0]])


@pytest.mark.parametrize(("half", "light"), [(4.0, Light.GREEN), (1.5, Light.AMBER), (0.9, Light.RED)])
def test_an_answer_that_hangs_on_one_donor_is_told(half, light):
    """Leaving one out moves the answer from -1 by 0.5 or 1."""
    left = LeftOut(np.array([1, 2]), np.zeros((2, 3)), np.array([-0.5, -2.0]))
    found = left_out_check(-1.0, left, half)
    assert found.verdict is light and found.value == pytest.approx(1 / half)
