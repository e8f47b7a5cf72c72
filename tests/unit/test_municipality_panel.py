"""Two-way fixed effects with municipality scores as influence."""

from dataclasses import replace

import numpy as np
import pytest

from evaluator.errors import PanelError
from evaluator.estimators import MunicipalityCrossSection, MunicipalityPanel
from evaluator.evaluation.association import cross_section
from evaluator.inference import dose_estimates
from evaluator.inference.leave_one_out import refit_without_each_cluster
from evaluator.vocabulary import NEVER, Estimate, Light, NotEstimable, Panel


def drawn(units=45, periods=12, effect=0.5, seed=3, gaps=False):
    rng = np.random.default_rng(seed)
    dose = rng.normal(size=(units, periods)) + rng.normal(size=(units, 1))
    noise = rng.normal(size=(units, periods)) + rng.normal(size=(units, 1)) + rng.normal(size=(1, periods))
    observed = rng.random((units, periods)) > (0.05 if gaps else -1)
    return Panel(
        periods=tuple(range(periods)),
        outcome=np.where(observed, effect * dose + noise, np.nan),
        observed=observed,
        cohort=np.full(units, NEVER),
        exposure=dose,
        covariates=np.empty((units, 0)),
        cluster=np.arange(units),
        weight=rng.integers(1, 90, units).astype(float),
        unit="exits per 100",
    )


@pytest.mark.parametrize("gaps", [False, True])
@pytest.mark.parametrize("lags", [0, 1])
def test_scores_give_the_clustered_error_of_linearmodels(gaps, lags):
    from linearmodels.panel import PanelOLS
    from pandas import DataFrame, MultiIndex, Series

    panel = drawn(gaps=gaps)
    fit = MunicipalityPanel(lags=lags).fit(panel)
    rows, time = np.nonzero(panel.observed & (np.arange(12) >= lags))
    index = MultiIndex.from_arrays([rows, time])
    exog = DataFrame({f"lag{k}": panel.exposure[rows, time - k] for k in range(lags + 1)}, index=index)
    model = PanelOLS(
        Series(panel.outcome[rows, time], index=index), exog, entity_effects=True, time_effects=True,
        weights=Series(panel.weight[rows], index=index),
    )  # fmt: skip
    peer = model.fit(cov_type="clustered", cluster_entity=True, debiased=False, auto_df=False, count_effects=False)
    np.testing.assert_allclose(fit.effect, peer.params, atol=1e-10)
    np.testing.assert_allclose(np.sqrt((fit.influence**2).sum(axis=0)) / fit.scale, peer.std_errors, atol=1e-8)
    np.testing.assert_allclose(fit.influence.mean(axis=0), 0, atol=1e-10)


def test_municipality_and_month_levels_change_nothing():
    panel, rng = drawn(), np.random.default_rng(5)
    moved = replace(panel, outcome=panel.outcome + rng.normal(size=(45, 1)) * 9 + rng.normal(size=(1, 12)) * 9)
    np.testing.assert_allclose(MunicipalityPanel().fit(panel).effect, MunicipalityPanel().fit(moved).effect)


def test_outcomes_are_stacked_and_named():
    panel = drawn()
    fit = MunicipalityPanel().fit_outcomes(
        {"exit_job": panel, "exit_education": replace(panel, outcome=-panel.outcome)}
    )
    assert [cell.outcome for cell in fit.cells] == ["exit_job", "exit_education"]
    np.testing.assert_allclose(fit.effect[0], -fit.effect[1])
    np.testing.assert_allclose(fit.influence[:, 0], -fit.influence[:, 1])


@pytest.mark.parametrize(("units", "method"), [(45, "leave_one_cluster_out"), (20, "leave_one_cluster_out")])
def test_the_interval_follows_the_count_of_municipalities_whose_exposure_moves(units, method):
    (found,) = dose_estimates(MunicipalityPanel(), {"exit_job": drawn(units)}).values()
    assert isinstance(found, Estimate)
    assert (found.method, found.treated_clusters) == (method, units)
    assert found.low < 0.5 < found.high


def test_too_few_moving_municipalities_are_refused_in_words():
    panel = drawn()
    flat = np.where(np.arange(45)[:, None] < 4, panel.exposure, panel.exposure[:, :1])
    (found,) = dose_estimates(MunicipalityPanel(), {"exit_job": replace(panel, exposure=flat)}).values()
    assert isinstance(found, NotEstimable) and "4 kommuner" in found.reason


@pytest.mark.parametrize("gaps", [False, True])
def test_leaving_out_by_subtraction_equals_refitting(gaps):
    estimator, panel = MunicipalityPanel(lags=1), drawn(8, gaps=gaps)
    cells = estimator.fit(panel).cells
    short = estimator.effects_without_each_cluster(panel, cells)
    np.testing.assert_allclose(short, refit_without_each_cluster(estimator, panel, cells, 8), atol=1e-10)


@pytest.mark.parametrize("exposure", [None, np.ones((45, 12)), np.tile(np.arange(12.0), (45, 1))])
def test_an_exposure_that_does_not_move_is_refused(exposure):
    panel = replace(drawn(), exposure=exposure)
    with pytest.raises(PanelError, match="exposure"):
        MunicipalityPanel().fit(panel)
    (found,) = dose_estimates(MunicipalityPanel(), {"exit_job": panel}).values()
    assert isinstance(found, NotEstimable)


def test_the_cross_section_is_the_regression_of_means_on_means():
    import statsmodels.api as sm

    panel = drawn(gaps=True)
    fit = MunicipalityCrossSection().fit(panel)
    seen = np.where(panel.observed, 1.0, np.nan)
    dose, outcome = (np.nanmean(seen * values, axis=1) for values in (panel.exposure, panel.outcome))
    peer = sm.WLS(outcome, sm.add_constant(dose), panel.weight).fit(cov_type="HC0")
    np.testing.assert_allclose(fit.effect, peer.params[1:])
    np.testing.assert_allclose(np.sqrt((fit.influence**2).sum(axis=0)) / fit.scale, peer.bse[1:])
    np.testing.assert_allclose(fit.influence.mean(axis=0), 0, atol=1e-10)
    shares = MunicipalityCrossSection().exposure_shares(panel)
    expected = panel.weight * (dose - np.average(dose, weights=panel.weight)) ** 2
    np.testing.assert_allclose(shares, expected / expected.sum())


def test_what_always_differs_between_municipalities_moves_the_cross_section_alone():
    panel = drawn()
    hard = panel.exposure.mean(axis=1, keepdims=True)  # where most are sanctioned the labour market is worst
    moved = replace(panel, outcome=panel.outcome - 3 * hard)
    (within,) = dose_estimates(MunicipalityPanel(), {"exit_job": moved}).values()
    (across,) = dose_estimates(MunicipalityCrossSection(), {"exit_job": moved}).values()
    assert within.low < 0.5 < within.high
    assert across.high < 0
    assert (across.method, across.treated_clusters) == ("leave_one_cluster_out", 45)
    said = cross_section("exit_job", within, across)
    assert said.verdict is Light.AMBER
    assert "færre afgange pr. 1.000" in said.why and "flere afgange pr. 1.000" in said.why
    assert cross_section("exit_job", within, within).verdict is Light.GREEN
    assert cross_section("exit_job", within, NotEstimable("", "")).verdict is Light.NOT_RUN


@pytest.mark.parametrize("exposure", [None, np.ones((45, 12)), np.tile(np.arange(12.0), (45, 1))])
def test_a_cross_section_of_municipalities_that_are_alike_is_refused(exposure):
    panel = replace(drawn(), exposure=exposure)
    with pytest.raises(PanelError, match="exposure"):
        MunicipalityCrossSection().fit(panel)
    (found,) = dose_estimates(MunicipalityCrossSection(), {"exit_job": panel}).values()
    assert isinstance(found, NotEstimable)
