"""The rule of what few treated are offered: inputs, predictions against simulation, words, and the floor."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.stats import norm

from evaluator.estimators.donor_pool import DonorPool
from evaluator.inference import predicted_size
from evaluator.inference.ferman_pinto import variance_of_size
from evaluator.inference.few_treated import BeforeStart, autocorrelation, offers, one_by_one, variance_before
from evaluator.inference.floor import floor_sentence, least_donors, most_outcomes
from evaluator.inference.multiplicity import holm
from evaluator.inference.single_cluster import least_weight, single_cluster, smallest_p
from evaluator.vocabulary import NEVER, Panel, Placebos

SIZES = np.exp(np.linspace(2, 8, 97))
TYPICAL = BeforeStart(
    treated=np.array([60.0]), donors=SIZES, share=np.ones(1), a=1.0, b=35.0, periods_before=60, periods_after=16,
    autocorrelation=0.7,
)  # fmt: skip
SMALL = replace(TYPICAL, treated=np.array([5.0]))
LARGE = replace(TYPICAL, treated=np.array([4000.0]))


def of(known, method):
    return next(offer for offer in offers(known) if offer.method == method)


def offered(known):
    return {offer.method for offer in offers(known) if offer.is_offered}


def test_one_typical_municipality_is_offered_all_that_one_can_have():
    every = {offer.method for offer in offers(TYPICAL)}
    assert every - offered(TYPICAL) == {"randomisation_t", "jackknife_error"}


def test_a_small_one_is_offered_only_what_minds_its_size():
    assert offered(SMALL) == {"ferman_pinto", "single_cluster", "conformal"}
    refused = of(SMALL, "randomisation")
    assert refused.size > 0.2 and "af tilfældene" in refused.reason and "," in refused.reason


def test_a_large_one_is_told_that_plain_ranks_are_careful():
    plain = of(LARGE, "randomisation")
    assert plain.is_offered and plain.size < 0.02 < of(TYPICAL, "randomisation").size


def test_several_treated_are_offered_t_where_they_are_typical():
    three = replace(TYPICAL, treated=np.array([100.0, 150.0, 200.0]), share=np.full(3, 1 / 3))
    assert {"ferman_pinto", "randomisation_t"} <= offered(three) and not of(three, "single_cluster").is_offered
    small = replace(three, treated=np.array([5.0, 6.0, 7.0]))
    assert "varians kan være" in of(small, "randomisation_t").reason


@pytest.mark.parametrize(("treated", "is_offered"), [(2, False), (5, False), (15, False), (30, True)])
def test_the_jackknife_needs_many_treated(treated, is_offered):
    known = replace(TYPICAL, treated=np.full(treated, 150.0), share=np.full(treated, 1 / treated))
    assert of(replace(known, donors=SIZES[:20]), "jackknife_error").is_offered is is_offered


def test_a_single_cluster_is_refused_where_no_effect_could_ever_be_found():
    """The smallest p over all weights under 1, against the level, on both sides of it."""
    assert of(TYPICAL, "single_cluster").is_offered and smallest_p(97, TYPICAL.variance_ratio) < 0.001
    restless = replace(TYPICAL, treated=np.array([1e-6]))  # of a variance seventy million times the others'
    refused = of(restless, "single_cluster")
    assert refused.reason.startswith("Kan aldrig afvise: med 97 sammenligningskommuner")
    assert smallest_p(97, restless.variance_ratio) > 0.05
    for count in range(2, 40):
        known = replace(TYPICAL, donors=np.full(count, 60.0))
        is_possible, offer = smallest_p(count, known.variance_ratio) <= 0.05, of(known, "single_cluster")
        assert ("Kan aldrig afvise" not in offer.reason) is is_possible
    assert "mindst mulige p-værdi 1." in of(replace(TYPICAL, donors=np.full(1, 60.0)), "single_cluster").reason


def test_the_smallest_p_is_that_of_an_endless_effect():
    donors = np.random.default_rng(1).normal(size=(30, 1))
    endless = single_cluster(Placebos(np.array([1e9]), donors, np.ones(30), 1.0), 2.0)
    assert endless.p_value == pytest.approx(smallest_p(30, 2.0)) and endless.floor == smallest_p(30, 2.0)


def test_plain_tests_of_one_are_not_offered_to_several():
    three = replace(TYPICAL, treated=np.full(3, 150.0), share=np.full(3, 1 / 3))
    for method in ("randomisation", "placebo_error", "single_cluster"):
        assert of(three, method).reason == "Gælder kun én kommune med indsats."
    assert of(three, "conley_taber").is_offered


def test_few_donors_are_offered_less():
    known = replace(TYPICAL, donors=np.full(30, 60.0))
    assert {"ferman_pinto", "randomisation"} <= offered(known) and not of(known, "conley_taber").is_offered
    fewer = replace(TYPICAL, donors=np.full(12, 150.0))
    assert offered(fewer) == {"conformal"}
    assert "kun 12 sammenligningskommuner" in of(fewer, "ferman_pinto").reason


@pytest.mark.parametrize(
    ("before", "after", "correlation", "is_offered"),
    [(60, 16, 0.8, True), (40, 4, 0.8, False), (40, 4, 0.5, True), (60, 16, 0.95, False), (38, 38, 0.0, False),
     (15, 4, 0.0, False), (16, 4, -0.5, True)],
)  # fmt: skip
def test_blocks_need_a_long_series_for_its_autocorrelation(before, after, correlation, is_offered):
    known = replace(TYPICAL, periods_before=before, periods_after=after, autocorrelation=correlation)
    assert of(known, "conformal").is_offered is is_offered


@pytest.mark.parametrize("treated", [5.0, 60.0, 4000.0])
def test_predicted_sizes_are_those_of_simulated_normal_effects(treated):
    rng, draws = np.random.default_rng(0), 40_000
    known = replace(TYPICAL, treated=np.array([treated]))
    own, chance = known.variances
    effect = np.sqrt(own) * rng.normal(size=draws)
    theirs = np.sqrt(chance) * rng.normal(size=(draws, 97))
    critical = np.quantile(np.abs(theirs), 0.95)
    assert predicted_size.of_ranks(own, chance, 0.95) == pytest.approx((np.abs(effect) > critical).mean(), abs=0.006)
    normal = (np.abs(effect) > 1.959964 * np.sqrt((theirs**2).mean())).mean()
    assert predicted_size.of_normal(own, chance, 0.95) == pytest.approx(normal, abs=0.006)
    weight = least_weight(97, known.variance_ratio)
    highest = ((1 - weight) * np.abs(effect) > np.where(effect > 0, theirs.max(axis=1), -theirs.min(axis=1))).mean()
    assert predicted_size.of_highest(own, chance, weight) == pytest.approx(highest, abs=0.003)


def test_the_jackknife_of_two_rejects_three_in_ten():
    rng = np.random.default_rng(1)
    pairs = rng.normal(size=(40_000, 2))
    error = np.abs(pairs[:, 0] - pairs[:, 1]) / 2
    assert predicted_size.of_jackknife(2, 0.95) == pytest.approx(
        (np.abs(pairs.mean(1)) > 1.96 * error).mean(), abs=0.01
    )


def test_the_ratio_is_twice_that_to_the_least_variable_donor_but_one_and_rounded_up():
    known = replace(TYPICAL, treated=np.array([10.0]), donors=np.array([1e9, 20.0, 17.5, 7.0]))
    assert known.variance_ratio == 3.3  # 2 x 4.5 / 2.75 = 3.27
    assert replace(known, treated=np.array([20.0])).variance_ratio == 2.0


def test_false_starts_that_happen_to_be_calm_do_not_let_a_small_one_have_plain_ranks():
    calm = replace(SMALL, b=0.0)
    assert "randomisation" not in offered(calm) and of(calm, "randomisation").size == pytest.approx(0.05)


def test_false_starts_tell_the_variance():
    rng = np.random.default_rng(2)
    size = np.exp(rng.uniform(2, 8, 97))
    earlier = [
        Placebos(rng.normal(size=1), (rng.normal(size=97) * np.sqrt(2 + 50 / size))[:, None], size, 100.0)
        for _ in range(60)
    ]
    a, b = variance_before(earlier)
    assert a == pytest.approx(2, rel=0.1) and b == pytest.approx(50, rel=0.15)


@pytest.mark.parametrize("memory", [0.0, 0.5, 0.8])
def test_autocorrelation_is_found_in_short_series(memory):
    rng = np.random.default_rng(3)
    gap = rng.normal(size=(400, 70))
    for period in range(1, 70):
        gap[:, period] += memory * gap[:, period - 1]
    found = autocorrelation(gap[:, 50:] + rng.normal(size=(400, 1)))
    assert found == pytest.approx(memory, abs=0.03)
    assert autocorrelation(7 * gap[:, 50:]) == pytest.approx(autocorrelation(gap[:, 50:]))


def test_gaps_that_never_vary_have_no_autocorrelation():
    assert autocorrelation(np.ones((5, 20))) == 0.0 and autocorrelation(np.ones((5, 3))) == 0.0


def test_each_treated_is_fitted_without_the_others_and_shares_are_of_exposed_cells():
    rng = np.random.default_rng(4)
    cohort = np.array([6, 8, *[NEVER] * 20])
    panel = Panel(
        tuple(range(10)), rng.normal(size=(22, 10)), np.ones((22, 10), dtype=bool), cohort, None, np.empty((22, 0)),
        np.arange(22), 1.0 + np.arange(22), "index",
    )  # fmt: skip
    found, share = one_by_one(DonorPool(weigh="equal"), panel)
    np.testing.assert_allclose(share, [4 / 6, 2 / 6])
    assert [each.treated_size for each in found] == [1.0, 2.0] and all(each.size.size == 20 for each in found)
    for row, start, each in ((0, 6, found[0]), (1, 8, found[1])):
        change = panel.outcome[:, start:].mean(axis=1) - panel.outcome[:, :start].mean(axis=1)
        assert each.effect[0] == pytest.approx(change[row] - change[2:].mean())
    overall = DonorPool(weigh="equal").fit(panel).effect[0]
    assert share @ [each.effect[0] for each in found] == pytest.approx(overall)


def test_smallest_p_values_and_what_holm_leaves_of_them():
    assert [most_outcomes(donors, 0.95) for donors in (97, 99, 19, 18)] == [4, 5, 1, 0]
    assert [least_donors(level, tails) for level in (0.95, 0.9) for tails in (1, 2)] == [19, 39, 9, 19]
    for outcomes, is_kept in ((4, True), (5, False)):
        assert bool(holm(np.full(outcomes, 1 / 98)).min() <= 0.05) is is_kept


def test_the_floor_is_said_before_anything_is_estimated():
    assert (
        floor_sentence(97, 0.95)
        == "Smallest possible p-value 0.010; with more than 4 outcomes under Holm nothing can be found."
    )
    assert (
        floor_sentence(19, 0.95)
        == "Smallest possible p-value 0.050; with more than 1 outcome under Holm nothing can be found."
    )
    assert floor_sentence(12, 0.95) == "Smallest possible p-value 0.077: nothing can be found, 19 donors are needed."


def test_predicted_sizes_are_exact():
    spread = np.array([1e-4, 0.5, 1.0, 4.0, 9.0])
    size = predicted_size.of_ranks(2.0, spread, 0.95)
    critical = brentq(lambda x: (2 * norm.sf(x / np.sqrt(spread))).mean() - 0.05, 0, 100, xtol=1e-13)
    assert size == pytest.approx(2 * norm.sf(critical / np.sqrt(2.0)), rel=1e-9)
    assert predicted_size.of_ranks(2e-12, 1e-12 * spread, 0.95) == pytest.approx(size, rel=1e-9)
    assert predicted_size.of_ranks(3.0, np.full(7, 3.0), 0.95) == pytest.approx(0.05, rel=1e-9)
    for own, weight in ((0.3, 0.1), (2.0, 0.4), (30.0, 0.7)):
        exact = 2 * quad(
            lambda y, own=own, weight=weight: (
                norm.pdf(y) * norm.cdf((1 - weight) * np.sqrt(own) * y / np.sqrt(spread)).prod()
            ),
            0,
            9,
            epsabs=1e-13,
        )[0]  # fmt: skip
        assert predicted_size.of_highest(own, spread, weight) == pytest.approx(exact, rel=1e-7)


def test_variances_of_two_are_of_their_shares():
    known = BeforeStart(
        treated=np.array([10.0, 40.0]), donors=np.array([5.0, 20.0, 80.0]), share=np.array([0.3, 0.7]), a=1.0, b=20.0,
        periods_before=20, periods_after=4, autocorrelation=0.5,
    )  # fmt: skip
    own, chance = known.variances
    assert own == pytest.approx(0.09 * 3 + 0.49 * 1.5)
    theirs = np.array([5.0, 2.0, 1.25])
    np.testing.assert_allclose(np.sort(chance), np.sort(np.add.outer(0.09 * theirs, 0.49 * theirs).ravel()))
    own, chance = known.worst
    assert own == pytest.approx(0.09 / 10 + 0.49 / 40) and chance.max() == pytest.approx(0.58 / 5)
    assert known.independent_periods == pytest.approx(24 * 0.5 / 1.5)
    assert replace(known, autocorrelation=2.0).independent_periods == 0.0


def test_the_treated_count_among_the_false_starts():
    sizes = np.array([10.0, 20.0, 40.0, 80.0])
    earlier = Placebos(np.array([3.0]), np.array([[1.0], [-2.0], [0.5], [0.1]]), sizes, 5.0)
    found = variance_before([earlier])
    assert found == variance_of_size(np.array([1.0, 4.0, 0.25, 0.01, 9.0]), np.append(sizes, 5.0))


def test_the_normal_error_has_its_own_prediction_and_each_test_its_donors():
    own, chance = TYPICAL.variances
    assert of(TYPICAL, "placebo_error").size == predicted_size.of_normal(own, chance, 0.95)
    assert of(TYPICAL, "randomisation").size == predicted_size.of_ranks(own, chance, 0.95)
    alike = {donors: replace(TYPICAL, donors=np.full(donors, 60.0)) for donors in (18, 19, 38, 39)}
    for method, least in (("ferman_pinto", 19), ("randomisation", 19), ("placebo_error", 19), ("conley_taber", 39)):
        assert of(alike[least], method).is_offered and not of(alike[least - 1], method).is_offered
    assert "Kræver mindst to" in of(TYPICAL, "jackknife_error").reason
    small = of(SMALL, "randomisation")
    assert f"{100 * predicted_size.of_ranks(*SMALL.worst, 0.95):.1f}".replace(".", ",") in small.reason


def test_autocorrelation_by_hand():
    gap = np.array([[1.0, 2.0, 0.0, 4.0, 3.0], [0.0, 1.0, 1.0, -1.0, 2.0]])
    now, then = gap[:, 1:], gap[:, :-1]
    products = ((now - now.mean(1, keepdims=True)) * (then - then.mean(1, keepdims=True))).sum()
    raw = products / ((then - then.mean(1, keepdims=True)) ** 2).sum()
    assert autocorrelation(gap) == pytest.approx((raw * 4 + 1) / 3)
    assert autocorrelation(np.tile(np.arange(6.0), (3, 1))) == 1.0
    assert autocorrelation(np.array([[0.0, 1.0, 0.0, 1.0]])) == pytest.approx((-3 + 1) / 2)
    assert autocorrelation(np.array([[0.0, 1.0, 0.0]])) == 0.0
