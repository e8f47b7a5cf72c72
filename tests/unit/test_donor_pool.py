"""Weighted difference-in-differences on a donor pool: by hand, in its world and outside it; what paths refuse."""

from dataclasses import replace

import numpy as np
import pytest
from donor_world import EFFECT, effect, factors, panel

from evaluator.errors import PanelError
from evaluator.estimators.donor_pool import DonorPool
from evaluator.estimators.synthetic_control import SyntheticControl
from evaluator.estimators.synthetic_did import SyntheticDid

EVERY = (DonorPool(), SyntheticDid(), SyntheticControl())


def by_hand(outcome, weight, start, before):
    gain = outcome[:, start:].mean(axis=1) - outcome[:, :before].mean(axis=1)
    return gain[0] - np.average(gain[1:], weights=weight[1:])


def test_persons_and_equal_weights_by_hand():
    outcome = factors(1)
    weight = np.random.default_rng(2).uniform(1, 9, len(outcome))
    for weigh, used in (("persons", weight), ("equal", np.ones(len(outcome)))):
        paths = DonorPool(weigh, anticipation=3).paths(panel(outcome, {0: 30}, weight=weight))
        assert (paths.start, paths.before) == (30, 27)
        assert paths.effect[0] == pytest.approx(by_hand(outcome, used, 30, 27), abs=1e-12)
        assert paths.gap[0, :27].mean() == pytest.approx(0, abs=1e-12)
        assert not paths.slack.any()


def test_each_donor_is_the_treated_one_without_it():
    outcome = factors(3)
    paths = DonorPool().paths(panel(outcome, {0: 30}))
    for row, unit in enumerate(paths.units[1:], start=1):
        others = np.delete(outcome, [0, unit], axis=0)
        assert paths.effect[row] == pytest.approx(effect(DonorPool(), np.vstack([outcome[unit], others])), abs=1e-12)
        assert paths.weights[row, [0, unit]].tolist() == [0, 0]


def test_parallel_trends_are_needed():
    parallel = [effect(DonorPool(), factors(seed, loading=0.5, noise=0.01)) for seed in range(40)]
    steeper = [effect(DonorPool(), factors(seed, loading=1.5, noise=0.01)) for seed in range(40)]
    assert np.mean(parallel) == pytest.approx(EFFECT, abs=0.3)
    assert np.mean(steeper) - EFFECT > 3  # seen to fail: trend 0.3 a period, 20 periods between the means


@pytest.mark.parametrize("estimator", EVERY, ids=lambda e: e.name)
def test_fit_holds_the_paths_effects_and_gaps(estimator):
    weight = np.arange(1.0, 31.0)
    data = panel(factors(4), {0: 30}, weight=weight)
    found, paths = estimator.fit(data), estimator.paths(data)
    np.testing.assert_array_equal(found.effect, np.append(paths.effect[0], paths.gap[0]))
    np.testing.assert_array_equal(found.donors, np.column_stack([paths.effect, paths.gap])[1:])
    np.testing.assert_array_equal(found.size, weight[1:])
    assert found.treated_size == 1.0
    np.testing.assert_allclose(paths.weights.sum(axis=1), 1)
    np.testing.assert_allclose(paths.period_weights.sum(axis=1), 1)
    assert not paths.period_weights[:, paths.before :].any()
    assert not paths.weights[:, 0].any()  # the treated one is in nobody's pool


@pytest.mark.parametrize("estimator", EVERY, ids=lambda e: e.name)
def test_what_is_done_before_the_start_is_left_out_by_anticipation(estimator):
    outcome = factors(5, noise=0.01, loading=0.5)
    early = outcome + 0.0
    early[0, 20:30] += 5
    waits = replace(estimator, anticipation=10)
    assert abs(effect(estimator, early) - EFFECT) > 1  # seen to fail without it
    assert effect(waits, early) == pytest.approx(effect(waits, outcome), abs=1e-9)


@pytest.mark.parametrize("estimator", EVERY, ids=lambda e: e.name)
def test_a_donor_with_a_project_of_its_own_can_be_excluded(estimator):
    outcome = factors(6, noise=0.01, units=6, loading=0.5)
    outcome[3, 30:] += 100
    kept = replace(estimator, exclude=("u3",))
    assert effect(kept, outcome) == pytest.approx(effect(estimator, np.delete(outcome, 3, axis=0)), abs=1e-9)
    assert 3 not in kept.paths(panel(outcome, {0: 30})).units
    assert abs(effect(estimator, outcome) - effect(kept, outcome)) > 0.5  # seen to fail with it


def refusals():
    outcome = factors(7, units=5)
    gaps = panel(outcome, {0: 30})
    seen = gaps.observed.copy()
    seen[2, 4] = False
    yield "nobody treated", panel(outcome), "0 units have a start"
    yield "everybody treated", panel(outcome, dict.fromkeys(range(5), 30)), "0 units are left"
    yield "one donor", panel(outcome[:2], {0: 30}), "1 units are left"
    yield "one period before", panel(outcome, {0: 1}), "1 periods before the start"
    yield "a gap", replace(gaps, observed=seen), "1 of 5 units have unknown cells"
    yield "a number that is none", panel(np.where(seen, outcome, np.nan), {0: 30}), "1 of 5 units have unknown cells"
    yield "a dose", replace(panel(outcome), exposure=outcome), "has a dose"


@pytest.mark.parametrize("estimator", EVERY, ids=lambda e: e.name)
@pytest.mark.parametrize(("data", "said"), [r[1:] for r in refusals()], ids=[r[0] for r in refusals()])
def test_what_cannot_be_compared_is_refused(estimator, data, said):
    for call in (estimator.fit, estimator.paths):
        with pytest.raises(PanelError, match=said):
            call(data)


@pytest.mark.parametrize("estimator", EVERY, ids=lambda e: e.name)
def test_more_refusals(estimator):
    data = panel(factors(8, units=6), {0: 30, 1: 25})
    with pytest.raises(PanelError, match="2 units have a start; expected one"):
        estimator.paths(data)
    with pytest.raises(PanelError, match="1 periods before the start"):
        replace(estimator, anticipation=24).fit(data)
    with pytest.raises(PanelError, match="1 of 2 labels are no units"):
        replace(estimator, exclude=("u2", "elsewhere")).fit(data)
    gone = panel(np.where(np.arange(6)[:, None] == 2, np.nan, factors(8, units=6)), {0: 30})
    assert np.isfinite(replace(estimator, exclude=("u2",)).fit(gone).effect).all()  # a gap of no donor does not matter
    with pytest.raises(ValueError, match="anticipation -1"):
        replace(estimator, anticipation=-1)


def test_donors_without_persons_are_refused_and_other_weights_do_not_exist():
    data = panel(factors(8, units=6), {0: 30}, weight=np.eye(6)[0])
    with pytest.raises(PanelError, match="0 persons are behind 5 donors"):
        DonorPool().fit(data)
    assert np.isfinite(DonorPool("equal").fit(data).effect).all()
    with pytest.raises(ValueError, match="'persons' or 'equal'"):
        DonorPool("people")


@pytest.mark.parametrize("estimator", EVERY, ids=lambda e: e.name)
def test_several_treated_average_by_exposed_cells_and_sets_stand_in(estimator):
    outcome = factors(9, units=8, noise=0.5)
    weight = np.arange(1.0, 9.0)
    found = estimator.fit(panel(outcome, {0: 30, 4: 30, 6: 20}, weight=weight))

    def alone(gone, starts):
        kept = np.delete(np.arange(8), gone)
        return estimator.fit(panel(outcome[kept], starts, weight=weight[kept])).effect

    early, late = alone([0, 4], {4: 20}), alone([6], {0: 30, 4: 30})
    cells = np.array([20, 2 * 10])
    assert found.effect[0] == pytest.approx(np.average([early[0], late[0]], weights=cells), abs=1e-12)
    np.testing.assert_allclose(found.effect[1:], (early[1:] + 2 * late[1:]) / 3, atol=1e-12)
    assert found.treated_size == 1 + 5 + 7
    assert found.donors.shape == (30, 41)  # of five donors one starts early and two late: 5 x 6 ways
    assert np.unique(found.donors[:, 0].round(12)).size == 30
    donors = np.array([1, 2, 3, 5, 7])
    ways = [(a, b, c) for a in range(5) for b in range(5) for c in range(b + 1, 5) if a not in (b, c)]
    pools = [panel(outcome[donors], {a: 20, b: 30, c: 30}, weight=weight[donors]) for a, b, c in ways]
    expected = [estimator.fit(pool).effect[0] for pool in pools]
    np.testing.assert_allclose(np.sort(found.donors[:, 0]), np.sort(expected), atol=1e-9)
    np.testing.assert_allclose(np.sort(found.size), np.sort([weight[donors[list(way)]].sum() for way in ways]))


def test_more_treated_than_donors_have_no_sets():
    found = DonorPool().fit(panel(factors(10, units=4), {0: 30, 1: 30}))
    assert np.isfinite(found.effect).all()
    assert found.donors.shape == (0, 41)
