"""Continuous exposures and group averages: whose variation it is, their freedom, intervals and refusals."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from scipy.stats import norm, t

from evaluator.errors import PanelError
from evaluator.estimators import MunicipalityPanel
from evaluator.estimators.who_gains import GroupAverages
from evaluator.inference import Band, dose_band, dose_estimates
from evaluator.inference.dose import exposure_shares
from evaluator.inference.group_averages import group_estimates
from evaluator.inference.joint import critical_values
from evaluator.vocabulary import NEVER, Cell, Estimate, Fit, NotEstimable, Panel


def panel(units=12, periods=7, seed=3, cluster=None):
    rng = np.random.default_rng(seed)
    dose = rng.normal(size=(units, periods)) * np.linspace(0.5, 4, units)[:, None] + np.arange(periods)
    outcome = 0.5 * dose + rng.normal(size=(units, periods)) + rng.normal(size=(units, 1))
    return Panel(
        tuple(range(periods)), outcome, np.ones((units, periods), dtype=bool), np.full(units, NEVER), dose,
        np.empty((units, 0)), np.arange(units) if cluster is None else np.asarray(cluster),
        rng.integers(1, 90, units).astype(float), "rate",
    )  # fmt: skip


@pytest.mark.parametrize("gaps", [False, True])
def test_shares_are_those_of_the_exposure_less_unit_and_period_effects(gaps):
    data = panel(cluster=np.arange(12) // 2)
    seen = np.ones((12, 7), dtype=bool)
    if gaps:
        seen[[1, 5, 8], [0, 3, 6]] = False
        data = replace(data, observed=seen, exposure=np.where(np.arange(7) == 9, np.nan, data.exposure))
        data.exposure[2, 4] = np.nan
        seen = seen & np.isfinite(data.exposure)
    unit, period = np.nonzero(seen)
    root = np.sqrt(data.weight[unit])
    dummies = np.column_stack([unit[:, None] == np.arange(12), period[:, None] == np.arange(7)]) * root[:, None]
    dose = data.exposure[seen] * root
    left = dose - dummies @ np.linalg.lstsq(dummies, dose, rcond=None)[0]
    expected = np.bincount(data.cluster[unit], weights=left**2)
    np.testing.assert_allclose(exposure_shares(data), expected / expected.sum(), rtol=1e-9)


def test_a_cluster_whose_exposure_stands_still_or_is_absent_has_no_share():
    data = panel()
    still = np.where(np.arange(12)[:, None] < 3, 2.0, data.exposure)
    still[3] = np.nan
    share = exposure_shares(replace(data, exposure=still))
    assert (share[:4] == 0).all() and (share[4:] > 0).all() and share.sum() == pytest.approx(1)
    assert exposure_shares(replace(data, exposure=None)).tolist() == [0.0] * 12
    common = np.tile(np.arange(7.0) ** 2, (12, 1))
    assert (exposure_shares(replace(data, exposure=common)) == 0).all()
    uneven = replace(data, weight=np.where(np.arange(12) == 2, 0.0, data.weight))
    assert exposure_shares(uneven)[2] == 0


@pytest.mark.parametrize("scale", [1e-12, 1e8, 1e12])
def test_shares_do_not_depend_on_the_unit_of_the_exposure(scale):
    data = panel()
    share = exposure_shares(data)
    np.testing.assert_allclose(exposure_shares(replace(data, exposure=scale * data.exposure)), share, atol=1e-12)


def test_a_path_that_units_and_periods_explain_has_no_share():
    data = panel()
    explained = 1e6 * (np.arange(12.0)[:, None] / 7 + np.arange(7) / 3)
    assert (exposure_shares(replace(data, exposure=explained)) == 0).all()


def test_the_estimate_is_leave_one_out_at_the_effective_freedom():
    data = panel()
    ((cell, found),) = dose_estimates(MunicipalityPanel(), {"exit_job": data}).items()
    assert cell == Cell("exit_job", NEVER, 0, 0)
    share = exposure_shares(data)
    refits = MunicipalityPanel().effects_without_each_cluster(data, MunicipalityPanel().fit(data).cells)[:, 0]
    assert found.freedom == round(min(11, 1 / (share**2).sum()), 6) < 11
    assert found.se == pytest.approx(np.sqrt(11 / 12 * ((refits - found.value) ** 2).sum()))
    reach = t(found.freedom).ppf(0.975) * found.se
    np.testing.assert_allclose([found.low, found.high], [found.value - reach, found.value + reach])
    assert (found.method, found.n, found.clusters, found.treated_clusters) == (
        "leave_one_cluster_out", data.weight.sum(), 12, 12,
    )  # fmt: skip
    assert dose_estimates(MunicipalityPanel(), {"x": data}, 0.8)[Cell("x", NEVER, 0, 0)].level == 0.8


@pytest.mark.parametrize(("moving", "is_estimated"), [(4, False), (5, True)])
def test_five_clusters_must_move(moving, is_estimated):
    data = panel()
    dose = np.where(np.arange(12)[:, None] < moving, data.exposure, 1.0)
    (found,) = dose_estimates(MunicipalityPanel(), {"x": replace(data, exposure=dose)}).values()
    assert isinstance(found, Estimate) == is_estimated
    if is_estimated:
        assert found.treated_clusters == 5 and found.freedom <= 4
    else:
        assert found.reason == "Eksponeringen ændrer sig kun i 4 kommuner; der kræves mindst 5."
        assert found.what_would_help == "Flere kommuner."


@dataclass(frozen=True)
class Slope:
    """A regression without fixed effects on demeaned numbers: cheap for hundreds of clusters."""

    def fit(self, data):
        if not data.exposure.any():
            raise PanelError("no exposure")
        dose = data.exposure - data.exposure.mean()
        slope = (dose * data.outcome).sum() / (dose**2).sum()
        score = (dose * (data.outcome - data.outcome.mean() - slope * dose)).sum(axis=1) / (dose**2).sum()
        return Fit((Cell("x", NEVER, 0, 0),), np.array([slope]), len(dose) * score[:, None], len(dose))


@pytest.mark.parametrize(("clusters", "method"), [(500, "leave_one_cluster_out"), (501, "influence_function")])
def test_more_than_500_clusters_have_the_normal_law(clusters, method):
    data = panel(clusters, periods=3)
    (found,) = dose_estimates(Slope(), {"x": data}).values()
    assert found.method == method
    if method == "influence_function":
        fit = Slope().fit(data)
        assert found.se == pytest.approx(np.sqrt((fit.influence**2).sum()) / fit.scale) and found.freedom is None
        assert found.high - found.value == pytest.approx(norm.ppf(0.975) * found.se)


def test_one_outcome_that_cannot_be_fitted_leaves_the_others():
    data = panel()
    found = dose_estimates(Slope(), {"a": replace(data, exposure=0 * data.exposure), "b": data})
    refused, estimate = found[Cell("a", 0, 0, 0)], found[Cell("b", NEVER, 0, 0)]
    assert isinstance(estimate, Estimate) and isinstance(refused, NotEstimable)
    assert refused.reason == "Eksponeringen ændrer sig ikke forskelligt i kommunerne over tid."
    assert refused.what_would_help == "En længere periode."


def test_the_band_over_outcomes_has_their_errors_and_joint_critical_value():
    one = panel()
    two = replace(one, outcome=one.outcome + np.random.default_rng(8).normal(size=one.outcome.shape))
    panels = {"a": one, "b": two}
    found, single = dose_band(MunicipalityPanel(lags=1), panels, 0.9), dose_estimates(MunicipalityPanel(lags=1), panels)
    assert isinstance(found, Band) and found.labels == tuple(single) and found.level == 0.9
    np.testing.assert_allclose(found.se, [estimate.se for estimate in single.values()])
    np.testing.assert_allclose(found.value, [estimate.value for estimate in single.values()])
    assert set(found.treated) == {12}
    cells = MunicipalityPanel(lags=1).fit(one).cells
    deviations = np.column_stack(
        [
            MunicipalityPanel(lags=1).effects_without_each_cluster(p, cells) - MunicipalityPanel(lags=1).fit(p).effect
            for p in panels.values()
        ]
    )
    freedom = np.array([estimate.freedom for estimate in single.values()])
    np.testing.assert_allclose(found.critical, critical_values(deviations, freedom, 0.9), atol=1e-5)
    with pytest.raises(ValueError, match="different clusters"):
        dose_band(MunicipalityPanel(), {"a": one, "b": panel(units=11)})
    still = np.where(np.arange(12)[:, None] < 4, one.exposure, 1.0)
    refused = dose_band(MunicipalityPanel(), {"a": replace(one, exposure=still)})
    assert isinstance(refused, NotEstimable) and "4 kommuner" in refused.reason


def averages(value=(0.1, 0.2), treated=(7, 9), effective=(20.0, 2.5), treated_clusters=9, refits=None):
    refits = np.array([[0.1, 0.3], [0.4, 0.2], [0.0, 0.2], [0.1, 0.2]]) if refits is None else refits
    return GroupAverages(
        ("a", "b"), np.array(value), refits, np.array([90, 190]), np.array(treated), np.array(effective),
        treated_clusters, len(refits),
    )  # fmt: skip


def test_a_group_average_has_the_variance_of_refits_and_its_own_freedom():
    assert group_estimates(averages()) == group_estimates(averages(), level=0.95)
    first, second = group_estimates(averages(), level=0.9)
    for found, refits, value, freedom in (
        (first, [0.1, 0.4, 0, 0.1], 0.1, 6.0),
        (second, [0.3, 0.2, 0.2, 0.2], 0.2, 2.5),
    ):
        se = np.sqrt(3 / 4 * ((np.array(refits) - value) ** 2).sum())
        assert (found.value, found.freedom, found.level, found.method) == (value, freedom, 0.9, "leave_one_cluster_out")
        assert found.se == pytest.approx(se)
        np.testing.assert_allclose([value - found.low, found.high - value], t(freedom).ppf(0.95) * se)
        assert found.p_value == pytest.approx(2 * t(freedom).sf(value / se))
    assert (first.n, first.treated_clusters, second.n, second.treated_clusters, first.clusters) == (90, 7, 190, 9, 4)


@pytest.mark.parametrize(
    ("treated", "reason"),
    [
        (1, "Med én kommune kan ingen forskel mellem grupper skilles fra kommunen selv."),
        (4, "Med færre end 5 kommuner kan ingen forskel mellem grupper skilles fra kommunerne selv."),
    ],
)
def test_few_municipalities_refuse_every_group(treated, reason):
    found = group_estimates(averages(treated_clusters=treated))
    assert [(one.reason, one.what_would_help) for one in found] == [(reason, "Mindst 5 kommuner med indsats.")] * 2
    assert all(isinstance(one, Estimate) for one in group_estimates(averages(treated_clusters=5)))


@pytest.mark.parametrize(
    "second",
    [
        averages(value=(0.1, np.nan)),
        averages(refits=np.array([[0.1, np.nan], [0.3, 0.2]])),
        averages(refits=np.array([[0.1, 0.2], [0.3, 0.2]])),
    ],
)
def test_a_group_without_number_or_error_is_called_small(second):
    first, found = group_estimates(second, (30, 4))
    assert isinstance(first, Estimate) and isinstance(found, NotEstimable)
    assert found.reason == "Færre end 30 borgere eller 4 kommuner i gruppen."
    assert found.what_would_help == "En bredere gruppe eller flere måneder."


def test_averages_without_refits_are_an_error():
    with pytest.raises(ValueError, match="the averages have no refits"):
        group_estimates(replace(averages(), clusters=5))
