"""Entry cohorts weighted to one treated municipality's composition: weights, refusals, refits, and what they mend."""

from dataclasses import replace

import numpy as np
import pytest
from entry_world import JOB, PERIODS, START, TRAITS, cohorts
from scipy.optimize import minimize

from evaluator.conformance import WORLDS, Effort, as_table, conforms, judge
from evaluator.errors import PanelError, SpecError
from evaluator.estimators.adjustment import propensity, strata
from evaluator.estimators.adjustment.entropy import tilted
from evaluator.estimators.entropy_balancing import EntropyBalancing
from evaluator.inference import aggregate, estimates
from evaluator.inference.each_treated import placebos
from evaluator.inference.leave_one_out import refit_without_each_cluster
from evaluator.inference.placebo import when_assigned
from evaluator.panel import select
from evaluator.spec_reading import parse_spec
from evaluator.vocabulary import NEVER, Estimate, NotEstimable
from tests.docs.fences import read

BALANCED = EntropyBalancing(anticipation=1, base_periods=2, adjustment="weighting")
PLAIN = replace(BALANCED, adjustment="none")


def overall(method, data):
    return aggregate(method.fit(data), data, "simple").value


def counts(seed, shape=(12, 3, 6)):
    return np.random.default_rng(seed).poisson(4, shape).astype(np.float64)


def shares(persons, found):
    """Return each person's weight (G, T, M, B), summing to 1 in a period."""
    mass = persons[..., None] * found.weight[:, None]
    return mass / mass.sum(axis=2, keepdims=True)


class TestWeights:
    def test_meet_every_target_of_every_cluster_and_weigh_periods_alike(self):
        persons, target = counts(1), np.random.default_rng(2).uniform(0.25, 0.4, (3, 5))
        found = tilted(persons, TRAITS, target)
        assert found.is_balanced.all()
        means = np.einsum("gtmb,mk->gkb", shares(persons, found), TRAITS) / 3
        np.testing.assert_allclose(means, np.broadcast_to(target, means.shape), atol=1e-8)

    @pytest.mark.parametrize("cluster", [0, 7])
    def test_equal_the_dual_solved_by_scipy(self, cluster):
        persons, target = counts(3), np.array([[0.5], [0.15], [0.6]])

        def dual(b):
            return np.log(persons[cluster] @ np.exp(TRAITS @ b)).mean() - float(target[:, 0] @ b)

        best = minimize(dual, np.zeros(3), method="BFGS", options={"gtol": 1e-9}).x
        expected = persons[cluster] * np.exp(TRAITS @ best)
        found = shares(persons, tilted(persons, TRAITS, target))[cluster, :, :, 0]
        np.testing.assert_allclose(found, expected / expected.sum(axis=1, keepdims=True), atol=1e-7)

    def test_of_one_period_are_the_odds_of_inverse_probability_tilting(self):
        persons, target = counts(4, (1, 1, 6)), np.array([0.3, 0.3, 0.5])
        x = np.column_stack([np.ones(7), np.vstack([TRAITS, target])])
        sample = propensity.Sample(x, np.eye(7)[6], np.append(persons[0, 0], 1.0), np.zeros(7, dtype=np.int64))
        odds = np.exp(x[:6] @ propensity.coefficients(sample, is_tilted=True)[:, 0])
        found = shares(persons, tilted(persons, TRAITS, target[:, None]))[0, 0, :, 0]
        np.testing.assert_allclose(found, persons[0, 0] * odds, atol=1e-9)

    def test_are_one_for_all_where_the_composition_is_the_target(self):
        persons = counts(5, (1, 2, 6))
        own = (persons / persons.sum(axis=2, keepdims=True)).mean(axis=1) @ TRAITS
        np.testing.assert_allclose(tilted(persons, TRAITS, own.T).weight, 1.0, atol=1e-8)

    def test_of_a_cluster_and_target_do_not_depend_on_what_else_is_asked(self):
        persons = counts(8, (20, 2, 6)) * np.random.default_rng(8).binomial(1, 0.85, (20, 1, 6))  # many are outside
        target = np.random.default_rng(9).uniform(0.05, 0.45, (3, 30))
        found = tilted(persons, TRAITS, target)
        assert 0.1 < found.is_balanced.mean() < 0.9
        for cluster, column in np.argwhere(found.is_balanced)[::7]:
            alone = tilted(persons[[cluster]], TRAITS, target[:, [column]])
            assert alone.is_balanced.all()
            np.testing.assert_allclose(alone.weight[0, :, 0], found.weight[cluster, :, column], rtol=1e-6, atol=1e-9)
        for cluster, column in np.argwhere(~found.is_balanced)[::29]:
            assert not tilted(persons[[cluster]], TRAITS, target[:, [column]]).is_balanced.any()

    def test_do_not_exist_outside_the_hull_nor_without_persons(self):
        persons = counts(6)
        persons[3, :, TRAITS[:, 0] == 1] = 0  # nobody of the second level
        persons[4] = 0
        found = tilted(persons, TRAITS, np.array([[0.3, 0.9], [0.3, 0.9], [0.5, 0.5]]))  # 0.9 + 0.9 is over 1
        assert not found.is_balanced[[3, 4]].any() and not found.is_balanced[:, 1].any()
        assert found.is_balanced[[0, 1, 2, 5], 0].all() and not found.weight[3].any()

    def test_are_nought_for_a_trait_that_the_target_does_not_have(self):
        persons = counts(7)
        found = tilted(persons, TRAITS, np.array([[0.0], [0.4], [0.5]]))
        assert found.is_balanced.all()
        assert not found.weight[:, TRAITS[:, 0] == 1].any() and (found.weight[:, TRAITS[:, 0] == 0] > 0).any()


class TestEffect:
    def test_drift_of_the_treated_is_no_effect_when_balanced_and_is_one_when_not(self):
        data = cohorts(effect=0.03, drift=0.3)
        easier = 0.3 * (JOB[5] - JOB.mean())
        assert overall(BALANCED, data) == pytest.approx(0.03, abs=0.002)
        assert overall(PLAIN, data) > 0.03 + easier / 2

    def test_what_no_covariate_tells_is_still_taken_for_an_effect(self):
        data = cohorts(effect=0.0, drift=0.3)
        blind = replace(data, covariates=data.covariates[:, 2:])  # age is not observed
        assert overall(BALANCED, blind) > 0.02

    def test_what_a_trait_is_worth_must_be_the_same_in_the_treated_one_and_elsewhere(self):
        data = cohorts(drift=0.3)
        dearer = data.outcome + 0.2 * data.covariates[:, 2] * (data.cluster == 0)
        assert overall(BALANCED, replace(data, outcome=dearer)) > 0.01

    def test_without_covariates_it_is_the_difference_of_means(self):
        data = cohorts(effect=0.02, noise=0.01)
        table = np.zeros((2, 30, PERIODS))
        np.add.at(table[0], (data.cluster, data.period), data.weight)
        np.add.at(table[1], (data.cluster, data.period), data.weight * data.outcome)
        mean = table[1] / table[0]
        change = mean[:, START:].mean(axis=1) - mean[:, START - 3 : START - 1].mean(axis=1)
        assert overall(PLAIN, data) == pytest.approx(change[0] - change[1:].mean(), abs=1e-12)

    def test_refits_without_each_cluster_and_stand_ins_are_what_calling_fit_again_gives(self):
        data = cohorts(seed=3, clusters=14, drift=0.2, noise=0.02)
        several = replace(data, cohort=np.where(data.cluster < 2, START, NEVER))
        for each in (data, several):
            for method in (BALANCED, PLAIN):
                cells = method.fit(each).cells
                short = method.effects_without_each_cluster(each, cells)
                np.testing.assert_allclose(short, refit_without_each_cluster(method, each, cells, 14), atol=1e-9)
        pool = select(data, data.cohort == NEVER)
        cohort = np.where(np.eye(13, dtype=np.bool_), START, NEVER)
        found = when_assigned(BALANCED, pool, "simple", cohort, [None])[:, 0]
        again = [overall(BALANCED, replace(pool, cohort=row[pool.cluster])) for row in cohort]
        np.testing.assert_allclose(found, again, atol=1e-9)

    def test_one_municipality_gets_its_interval_from_stand_ins_that_are_each_balanced(self):
        data = cohorts(seed=5, effect=0.10, drift=0.3, noise=0.01)
        found = estimates(BALANCED, data, "simple").overall
        assert isinstance(found, Estimate)
        assert found.method == "ferman_pinto" and found.low < 0.10 < found.high and found.p_value < 0.05
        (stand_ins,) = placebos(BALANCED, data, "simple").treated
        assert np.isfinite(stand_ins.donors[:, 0]).sum() == 29
        assert found.treated_clusters == 1


class TestRefusals:
    def test_donors_outside_the_hull_or_with_an_empty_period_are_left_out_and_counted(self):
        data = cohorts(clusters=12)
        gone = (data.cluster == 5) & (data.covariates[:, 0] == 1)  # a trait that the treated have
        gone |= (data.cluster == 6) & (data.period == START - 2)
        told, left = BALANCED.balance(select(data, ~gone)), BALANCED.left_out(select(data, ~gone))
        assert (left.donors, left.empty, left.outside, left.treated) == (9, (6,), (5,), 0)
        assert 0 < told.effective < told.persons and 1 / told.persons < told.largest < 0.01

    def test_equal_weights_are_as_good_as_their_number(self):
        told = PLAIN.balance(cohorts())
        assert told.effective == pytest.approx(told.persons) and told.largest == pytest.approx(1 / told.persons)

    def test_an_early_period_with_too_few_donors_has_no_cell(self):
        data = cohorts(clusters=8)
        gone = (data.cluster > 4) & (data.period == 1)
        periods = {cell.period for cell in BALANCED.fit(select(data, ~gone)).cells}
        assert periods == set(range(PERIODS)) - {1}

    def test_too_few_donors_are_refused_with_counts(self):
        data = cohorts(clusters=12)
        gone = (data.cluster > 3) & (data.covariates[:, 0] == 1)
        with pytest.raises(PanelError, match="3 donors are left, 0 having an empty period and 8 persons that cannot"):
            BALANCED.fit(select(data, ~gone))
        assert isinstance(estimates(BALANCED, select(data, ~gone), "simple").overall, NotEstimable)

    def test_a_treated_municipality_with_an_empty_period_is_refused(self):
        data = cohorts()
        gone = (data.cluster == 0) & (data.period == START - 2)
        with pytest.raises(PanelError, match="1 of 1 treated clusters"):
            BALANCED.fit(select(data, ~gone))

    def test_persons_with_values_of_their_own_are_refused_before_memory_is_full(self, monkeypatch):
        monkeypatch.setattr(strata, "LARGEST", 10_000)
        data = cohorts()
        fine = np.random.default_rng(0).normal(size=(data.outcome.size, 3))
        with pytest.raises(PanelError, match="different values"):
            BALANCED.fit(replace(data, covariates=fine))

    @pytest.mark.parametrize(
        "choices", [{"anticipation": -1}, {"base_periods": 0}, {"adjustment": "regression"}], ids=str
    )
    def test_choices_that_it_does_not_have_are_refused(self, choices):
        with pytest.raises(ValueError, match="expected"):
            EntropyBalancing(**choices)

    def test_clusters_of_several_starts_and_no_start_are_refused(self):
        data = cohorts(clusters=8)
        with pytest.raises(PanelError, match="1 of 8 clusters have rows of several starts"):
            BALANCED.fit(replace(data, cohort=np.where((data.cluster == 0) & (data.period > 2), NEVER, data.cohort)))
        with pytest.raises(PanelError, match="0 cohorts"):
            BALANCED.fit(replace(data, cohort=np.full_like(data.cohort, NEVER)))

    def test_a_covariate_of_the_municipality_cannot_be_balanced_within_it(self):
        data = cohorts(clusters=10)
        of_place = np.random.default_rng(1).normal(size=10)[data.cluster][:, None]
        with pytest.raises(PanelError, match="0 donors are left"):
            BALANCED.fit(replace(data, covariates=of_place))


def test_conforms():
    few = [w for w in WORLDS if w.name == "random_equal_sizes"]
    checks = judge(EntropyBalancing(), Effort(draws=20, seed=11), few)
    assert conforms(checks), as_table(checks)


def test_a_spec_that_asks_it_for_another_adjustment_is_refused_with_its_line():
    text = read("data/synthetic/specs/silkeborg.toml").replace('adjustment = "weighting"', 'adjustment = "regression"')
    with pytest.raises(SpecError, match="'entropy_balancing' does not adjust by regression"):
        parse_spec(text, "silkeborg.toml")
