"""The rearrangement test against its definition, its weights against published facts and by quadrature."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import minimize_scalar
from scipy.stats import norm

from evaluator.inference.judged import Judged
from evaluator.inference.single_cluster import STEPS, _bounds, least_weight, single_cluster, size_bound
from evaluator.vocabulary import NotEstimable, Placebos


def placebos(effect, donors):
    donors = np.asarray(donors, dtype=float)
    return Placebos(np.array([float(effect)]), donors[:, None], np.ones(len(donors)), 1.0)


def rejects_above(effect, donors, weight):
    """Return whether putting the two weighted gains first is the greatest arrangement (Algorithm 3.3)."""
    gain, others = effect - donors.mean(), donors - donors.mean()
    every = np.concatenate([[(1 + weight) * gain, (1 - weight) * gain], others])
    best = np.sort(every)[::-1]
    return np.isclose(every[:2].mean() - every[2:].mean(), best[:2].mean() - best[2:].mean(), rtol=1e-12)


@pytest.mark.parametrize("donors", [5, 20, 97])
@pytest.mark.parametrize("ratio", [0.5, 4.0, 25.0])
def test_the_bound_is_its_formula_by_quadrature(donors, ratio):
    q, rho, weights = donors, np.sqrt(ratio), np.array([0.05, 0.3, 0.6, 0.95])
    for weight, found in zip(weights, size_bound(q, ratio, weights), strict=True):
        power = quad(lambda y, w=weight: norm.cdf((1 - w) * rho * y) ** (q - 1) * norm.pdf(y), 0, np.inf)[0]
        cut = minimize_scalar(
            lambda b, w=weight: norm.cdf(w * np.sqrt(q - 1) * b) ** (q - 1) + 2 * norm.cdf(-b * q), (0, 2), (0, 2),
            method="bounded", options={"xatol": 1e-10},
        ).fun  # fmt: skip
        exact = 2.0 ** -(q + 1) + power + cut
        assert exact - 1e-9 <= found <= exact * 1.02 + 1e-9


def test_the_fewest_donors_are_those_published():
    """Lau and Li (2025, arXiv 2511.05710): at rho = 2, 14 controls for 2.5 per cent one-sided and 17 for 1 per cent."""
    assert [least_weight(q, 4.0, 0.95) is not None for q in (13, 14)] == [False, True]
    assert [least_weight(q, 4.0, 0.98) is not None for q in (16, 17)] == [False, True]


def test_weights_rise_with_the_ratio_and_fall_with_donors():
    by_ratio = [least_weight(97, ratio) for ratio in (1.0, 2.0, 4.0, 9.0, 25.0, 100.0)]
    by_donors = [least_weight(q, 4.0) for q in (14, 20, 50, 97)]
    assert by_ratio == sorted(by_ratio) and by_donors == sorted(by_donors, reverse=True)
    assert all(round(weight * STEPS) / STEPS == weight for weight in by_ratio)


@pytest.mark.parametrize("seed", range(6))
def test_p_is_the_least_level_at_which_the_arrangement_rejects(seed):
    rng = np.random.default_rng(seed)
    donors = rng.normal(size=40)
    effect = 6.0 + seed
    found = single_cluster(placebos(effect, donors), 4.0)
    tried = np.arange(1, STEPS + 1) / STEPS
    bound = size_bound(40, 4.0, tried)
    rejecting = [b for w, b in zip(tried, bound, strict=True) if rejects_above(effect, donors, w)]
    assert found.p_value == pytest.approx(2 * min(rejecting), rel=1e-9)


@pytest.mark.parametrize("ratio", [1.0, 4.0, 16.0])
def test_the_interval_is_the_test_inverted(ratio):
    donors = np.random.default_rng(2).normal(size=60) + 0.3
    found = single_cluster(placebos(2.0, donors), ratio)
    weight = least_weight(60, ratio)
    for far, kept in ((-1e-7, True), (1e-7, False)):
        assert rejects_above(2.0 - (found.low - far), donors, weight) is not kept
        assert rejects_above(-(2.0 - (found.high + far)), -donors, weight) is not kept
        for end, outward in ((found.low, -1), (found.high, 1)):
            p = single_cluster(placebos(2.0 - (end + outward * far), donors), ratio).p_value
            assert (p > 0.05) is kept


def test_a_larger_ratio_is_more_careful():
    donors = np.random.default_rng(3).normal(size=97)
    found = [single_cluster(placebos(8.0, donors), ratio) for ratio in (1.0, 4.0, 16.0)]
    assert found[0].p_value < found[1].p_value < found[2].p_value
    assert found[0].high < found[1].high < found[2].high


def test_signs_levels_scales_and_order_do_not_matter():
    donors = np.random.default_rng(4).normal(size=50)
    plain = single_cluster(placebos(4.0, donors), 4.0)
    mirrored = single_cluster(placebos(-12.0, -3 * donors[::-1]), 4.0)
    assert mirrored.p_value == plain.p_value
    np.testing.assert_allclose([mirrored.low, mirrored.high], [-3 * plain.high, -3 * plain.low])


def test_an_effect_among_the_donors_is_not_rejected_at_any_level():
    assert single_cluster(placebos(0.0, np.linspace(-1, 1, 41)), 4.0).p_value == 1.0
    assert single_cluster(placebos(0.9, np.linspace(-1, 1, 41)), 4.0).p_value == 1.0


def test_the_size_is_kept_when_the_treated_varies_as_much_as_declared():
    rng, rejected, draws = np.random.default_rng(5), 0, 2000
    weight = least_weight(40, 4.0)
    for _ in range(draws):
        donors, effect = rng.normal(size=40), 2 * rng.normal()
        gain = effect - donors.mean()
        rejected += (1 - weight) * gain > (donors - donors.mean()).max()
        rejected += -(1 - weight) * gain > -(donors - donors.mean()).min()
    assert rejected / draws <= 0.05 and rejected > 0


def test_refusals():
    few = single_cluster(placebos(9.0, np.arange(13.0)), 4.0)
    assert isinstance(few, NotEstimable) and "13 sammenligningskommuner" in few.reason and "4,0" in few.reason
    assert isinstance(single_cluster(placebos(9.0, np.arange(14.0)), 4.0), Judged)
    assert isinstance(single_cluster(placebos(9.0, np.arange(97.0)), 1e9), NotEstimable)
    assert "tilfældige udsving" in single_cluster(placebos(9.0, np.full(97, 2.0)), 4.0).reason


@pytest.mark.parametrize(
    ("effect", "donors", "ratio"), [(np.nan, [0.0, 1.0], 1.0), (1.0, [0.0], 1.0), (1.0, [0.0, 1.0], 0.0)]
)
def test_what_cannot_be_tested_is_an_error(effect, donors, ratio):
    with pytest.raises(ValueError, match="single_cluster"):
        single_cluster(placebos(effect, donors), ratio)


def test_the_floor_is_twice_the_least_bound_and_bounds_are_kept_unwritten():
    donors = np.random.default_rng(6).normal(size=40)
    found = single_cluster(placebos(1e6, donors), 4.0)
    least = size_bound(40, 4.0, np.arange(1, STEPS + 1) / STEPS).min()
    assert found.floor == pytest.approx(2 * least) and found.floor < 0.05
    assert found.p_value == pytest.approx(found.floor, rel=1e-6)
    with pytest.raises(ValueError, match="read-only"):
        _bounds(40, 4.0)[0] = 0.0


def test_two_donors_are_too_few_to_answer_and_an_endless_ratio_is_an_error():
    assert isinstance(single_cluster(placebos(9.0, [0.0, 1.0]), 4.0), NotEstimable)
    with pytest.raises(ValueError, match="single_cluster"):
        single_cluster(placebos(9.0, np.arange(40.0)), np.inf)
    assert least_weight(40, 1.0, 0.9999999) is None
