"""What cannot be measured is refused with the true reason, and alone: the other numbers stand."""

import warnings
from dataclasses import replace

import numpy as np
import pytest

from evaluator.estimators import GroupTime
from evaluator.inference import estimates, event_band, family_band, pre_trend_test, randomisation
from evaluator.vocabulary import NEVER, Estimate, NotEstimable, Placebos, Sections

NOWHERE = "Udfaldet forekommer ikke blandt dem, der sammenlignes, så der er intet at beregne."
NO_CHANCE = "Udfaldet forekommer ikke i sammenligningskommunerne, så tilfældige udsving kan ikke måles."
BASE = "Tallet er sammenligningens udgangspunkt og er nul pr. definition."


def cells(starts, clusters=30, periods=12, seed=1):
    """Return cells of clusters x periods with persons as weights; `starts` are those of the first clusters."""
    rng = np.random.default_rng(seed)
    cohort = np.array([*starts, *[NEVER] * (clusters - len(starts))])
    cluster, period = (grid.ravel() for grid in np.mgrid[:clusters, :periods])
    return Sections(
        periods=tuple(range(periods)),
        outcome=rng.uniform(0.1, 0.4, cluster.size),
        period=period,
        cohort=cohort[cluster],
        covariates=np.empty((cluster.size, 0)),
        cluster=cluster,
        weight=rng.integers(5, 200, clusters).astype(float)[cluster],
        unit="share",
    )


def only(data, kept):
    """Return the rows where `kept`, as when nobody enters elsewhere."""
    names = ("outcome", "period", "cohort", "covariates", "cluster", "weight")
    return replace(data, **{name: getattr(data, name)[kept] for name in names})


def made(effect, donors, treated_size=100.0):
    donors = np.asarray(donors, dtype=float)
    return Placebos(np.array([effect]), donors[:, None], np.full(donors.size, 100.0), treated_size)


@pytest.mark.parametrize(
    ("effect", "donors", "rank", "two_sided"),
    [
        (0.3, [0.0] * 29, 30, 1 / 30),
        (0.0, [0.0] * 29, 1, 1.0),
        (0.3, [0.1] + [0.0] * 58, 60, 1 / 60),
        (0.3, [np.nan] * 5 + [0.0] * 24, 25, 1 / 25),
    ],
)
def test_donors_without_effects_are_ranked_and_leave_one_point(effect, donors, rank, two_sided):
    found = randomisation(made(effect, donors))
    assert (found.rank, found.p_two_sided) == (rank, two_sided)
    np.testing.assert_allclose([found.low, found.high], effect)


@pytest.mark.parametrize(
    "placebos", [made(np.nan, [0.1] * 20), made(0.3, [np.nan] * 20), made(0.3, []), made(0.3, [0.1] * 20, 0.0)]
)
def test_an_effect_or_donors_without_numbers_are_refused_by_name(placebos):
    with pytest.raises(ValueError, match="randomisation: the effect is"):
        randomisation(placebos)


def test_a_donor_without_persons_is_none():
    effects = np.linspace(-0.2, 0.2, 30)
    base = made(0.3, effects)
    found = randomisation(replace(base, size=np.where(effects > 0.19, 0.0, base.size)))
    assert found == randomisation(made(0.3, effects[effects <= 0.19]))


def rare(base, times):
    """Return cells of one treated cluster whose donors lack the outcome in `times`; 0.1 everywhere else."""
    data = cells([6], periods=10)
    outcome = np.where((data.cohort == NEVER) & np.isin(data.period, times), 0.1, data.outcome)
    return GroupTime(base=base), replace(data, outcome=outcome)


@pytest.mark.parametrize("base", ["varying", "universal"])
def test_only_the_numbers_without_chance_among_donors_are_refused(base):
    estimator, data = rare(base, [5, 7])  # 5 is the base of every exposed period
    found = dict(zip((o := estimates(estimator, data, "event")).labels, o.parts, strict=True))
    assert isinstance(found[1], NotEstimable) and found[1].reason == NO_CHANCE
    assert [isinstance(found[time], Estimate) for time in (0, 2, 3)] == [True] * 3
    assert isinstance(o.overall, Estimate)


@pytest.mark.parametrize("everywhere", [0.0, 0.1])
def test_an_outcome_that_no_donor_has_is_refused_and_its_pre_trend_too(everywhere):
    estimator, data = rare("universal", range(10))
    data = replace(data, outcome=np.where(data.cohort == NEVER, everywhere, data.outcome))
    assert estimates(estimator, data, "simple").overall.reason == NO_CHANCE
    assert pre_trend_test(estimator, data).reason == NO_CHANCE


def test_the_randomised_pre_trend_uses_the_event_times_that_have_chance():
    estimator, data = rare("universal", [2, 5])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert pre_trend_test(estimator, data).event_times == (-6, -5, -3, -2)
        some = only(data, ~((data.cluster == 7) & (data.period < 5)))
        found = pre_trend_test(estimator, some)
    assert found.event_times == (-6, -5, -3, -2) and 1 / 29 <= found.p_value <= 1


@pytest.mark.parametrize("treated", [1, 6, 45])
@pytest.mark.parametrize("everywhere", [0.0, 0.1])
def test_an_outcome_without_variation_is_not_called_a_base(treated, everywhere):
    data = cells([6] * treated, clusters=treated + 25)
    found = estimates(
        GroupTime(base="universal"), replace(data, outcome=np.full(data.outcome.size, everywhere)), "event"
    )
    reasons = dict(zip(found.labels, (part.reason for part in found.parts), strict=True))
    assert found.overall.reason == NOWHERE
    assert {time: reason for time, reason in reasons.items() if reason != NOWHERE} == {-1: BASE}


@pytest.mark.parametrize("treated", [6, 45])
def test_a_jump_that_all_share_has_no_error_and_a_reason_of_its_own(treated):
    data = cells([6] * treated, clusters=treated + 25)
    jump = replace(data, outcome=0.1 + 0.3 * (data.period >= data.cohort))
    assert "ens i alle kommuner" in estimates(GroupTime(), jump, "simple").overall.reason
    band = family_band(GroupTime(), {"job": jump})
    assert isinstance(band, NotEstimable) and "ens i alle kommuner" in band.reason
    assert pre_trend_test(GroupTime(), jump).reason == NOWHERE
    assert event_band(GroupTime(), replace(jump, outcome=0 * jump.outcome)).reason == NOWHERE


def test_a_single_comparison_municipality_is_not_called_few_treated():
    data = cells([6] * 8, clusters=9)
    for found in (estimates(GroupTime(), data, "simple").overall, pre_trend_test(GroupTime(), data)):
        assert isinstance(found, NotEstimable) and "færre end 5 sammenligningskommuner" in found.reason


@pytest.mark.parametrize("comparison", ["never", "not_yet"])
@pytest.mark.parametrize("base", ["varying", "universal"])
@pytest.mark.parametrize("treated", [1, 8])
def test_periods_of_the_calendar_without_data_are_no_pre_periods(comparison, base, treated):
    data, estimator = cells([20] * treated, periods=30), GroupTime(comparison, base, anticipation=5)
    short = only(data, data.period >= 14)
    for refused in (estimates(estimator, short, "simple").overall, pre_trend_test(estimator, short)):
        assert isinstance(refused, NotEstimable) and "i 1 periode før" in refused.reason
    longer = only(data, data.period >= 13)
    assert isinstance(estimates(estimator, longer, "simple").overall, Estimate)
    assert not isinstance(pre_trend_test(estimator, longer), NotEstimable)


@pytest.mark.parametrize("is_lacking", [lambda d: d.cohort == 20, lambda d: d.cohort == NEVER])
def test_both_sides_must_be_observed_before_the_start(is_lacking):
    data = cells([20] * 8, periods=30)
    lone = only(data, (data.period >= 14) | ~is_lacking(data))
    assert "i 1 periode før" in estimates(GroupTime(anticipation=5), lone, "simple").overall.reason


def test_two_observed_periods_apart_leave_no_pre_trend_of_neighbours():
    data = cells([6] * 8)
    apart = only(data, np.isin(data.period, [3, 5, 6, 7]))
    assert isinstance(estimates(GroupTime(), apart, "simple").overall, Estimate)
    found = pre_trend_test(GroupTime(), apart)
    assert isinstance(found, NotEstimable) and found.reason.startswith("Ingen periode før første start")
