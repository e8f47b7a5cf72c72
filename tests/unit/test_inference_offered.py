"""What is published and what refused, word by word, and where the lines are drawn."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from cluster_sections import noise
from scipy.stats import t

from evaluator.estimators import GroupTime
from evaluator.inference import aggregate, estimates, judged, leave_one_cluster_out, overall, placebos
from evaluator.inference import offered as words
from evaluator.inference.each_treated import OneByOne
from evaluator.inference.ferman_pinto import ferman_pinto
from evaluator.inference.offered import Support, by_error, is_base, periods_before, with_error
from evaluator.inference.placebo import known_donors
from evaluator.panel import select
from evaluator.vocabulary import NEVER, Estimate, NotEstimable, Placebos


@pytest.mark.parametrize(
    ("made", "reason", "remedy"),
    [
        (
            words.no_cells(),
            "Ingen periode har både indsatskommuner og kommuner at sammenligne med.",
            "Udvid sammenligningsgruppen, eller forlæng panelet før første start.",
        ),
        (
            words.few_treated(3),
            "Kun 3 kommuner med indsats ligger bag tallet; et samlet bånd kræver mindst 5.",
            "Flere kommuner med indsats, eller brug af placebofordelingen.",
        ),
        (
            judged.too_few_donors(18),
            "Der er kun 18 sammenligningskommuner; den mindst mulige p-værdi er 5 %.",
            "Mindst 19 kommuner uden indsats at sammenligne med.",
        ),
        (
            judged.too_few_donors(3),
            "Der er kun 3 sammenligningskommuner; den mindst mulige p-værdi er 25 %.",
            "Mindst 19 kommuner uden indsats at sammenligne med.",
        ),
        (
            words.no_variation(0.0),
            "Udfaldet forekommer ikke blandt dem, der sammenlignes, så der er intet at beregne.",
            "Et hyppigere udfald.",
        ),
        (
            words.no_variation(0.1),
            "Udfaldet er ens i alle kommuner i hver gruppe, så usikkerheden kan ikke måles.",
            "Et mere varieret udfald.",
        ),
        (
            judged.no_chance(),
            "Udfaldet forekommer ikke i sammenligningskommunerne, så tilfældige udsving kan ikke måles.",
            "Flere eller større sammenligningskommuner, eller et hyppigere udfald.",
        ),
        (
            words.few_compared(),
            "Tallet bevæges af færre end 5 sammenligningskommuner, så usikkerheden kan ikke måles.",
            "Flere sammenligningskommuner, et længere panel eller et hyppigere udfald.",
        ),
        (
            words.rests_on_one(),
            "Uden en enkelt kommune kan tallet ikke beregnes, så usikkerheden kan ikke måles.",
            "Flere kommuner på begge sider, eller færre egenskaber at tage højde for.",
        ),
        (
            words.no_pre_periods(),
            "Ingen periode før første start kan sammenlignes med en anden, så parallel udvikling kan ikke prøves.",
            "Hent data længere tilbage, eller vælg en kortere horisont.",
        ),
    ],
)
def test_refusals_word_by_word(made, reason, remedy):
    assert made == NotEstimable(reason, remedy)


def test_the_refusals_of_estimates_word_by_word():
    base = estimates(GroupTime(base="universal"), noise([6] * 8), "event")
    refused = dict(zip(base.labels, base.parts, strict=True))[-1]
    assert refused == NotEstimable(
        "Tallet er sammenligningens udgangspunkt og er nul pr. definition.", "Vælg en anden periode."
    )
    one, none = (estimates(GroupTime(), noise([start] * 8), "simple").overall for start in (1, 2))
    assert isinstance(none, Estimate)
    assert one == NotEstimable(
        "Der er kun data for begge grupper i 1 periode før første start, som ikke selv kan være påvirket; "
        "der kræves mindst 2.",
        "Hent data længere tilbage, eller vælg en kortere horisont.",
    )
    empty = noise([6] * 8)
    early = empty.period >= 6
    names = ("outcome", "period", "cohort", "covariates", "cluster", "weight")
    late = replace(empty, **{name: getattr(empty, name)[early | (empty.cohort == 6)] for name in names})
    assert overall(GroupTime(), late, "simple")[0] == words.no_cells()
    zero = GroupTime(anticipation=0)
    loo = leave_one_cluster_out(zero, noise([3] * 8), "simple")
    assert "i 0 perioder før" in words.weak_base(GroupTime(anticipation=3), loo, 0).reason


def test_an_interval_is_t_or_normal_by_the_support():
    found = with_error(-2.0, 0.5, 0.9, Support(10.6, 12, 7, 3.5))
    assert (found.n, found.clusters, found.treated_clusters, found.freedom, found.level) == (11, 12, 7, 3.5, 0.9)
    assert found.high - found.value == pytest.approx(found.value - found.low) == pytest.approx(0.5 * t(3.5).ppf(0.95))
    assert found.p_value == pytest.approx(2 * t(3.5).sf(4.0))
    many = with_error(-2.0, 1.0, 0.95, Support(10.0, 900, 70, np.inf))
    assert (many.method, many.freedom) == ("influence_function", None)
    np.testing.assert_allclose([many.low, many.high, many.p_value], [-3.959964, -0.040036, 0.0455003], rtol=1e-4)


def test_what_by_error_refuses():
    loo = leave_one_cluster_out(GroupTime(), noise([6] * 8), "simple")
    assert isinstance(by_error(loo, 0, 0.95), Estimate)
    still = replace(loo.aggregate, influence=0 * loo.aggregate.influence)
    assert by_error(replace(loo, aggregate=still), 0, 0.95) == words.no_variation(float(loo.value[0]))
    equal = replace(loo, refits=np.broadcast_to(loo.value, loo.refits.shape))
    assert by_error(equal, 0, 0.95) == words.no_variation(float(loo.value[0]))
    close = replace(loo, refits=loo.value * (1 + 1e-13 * np.arange(40)[:, None] / 40))
    assert by_error(close, 0, 0.95) == words.no_variation(float(loo.value[0]))
    lost = np.where(np.arange(40)[:, None] == 3, np.nan, loo.refits)
    assert by_error(replace(loo, refits=lost), 0, 0.95) == words.rests_on_one()
    assert by_error(replace(loo, refits=lost, compared=np.array([4])), 0, 0.95) == words.few_compared()
    four = replace(loo, refits=lost, treated=np.array([4]))
    assert by_error(four, 0, 0.95) == words.few_treated(4)


def test_periods_before_the_window_hold_both_sides():
    data = noise([6] * 8)
    loo = leave_one_cluster_out(GroupTime(), data, "simple")
    assert periods_before(GroupTime(), loo, 0) == 6 and periods_before(GroupTime(anticipation=4), loo, 0) == 2
    assert periods_before(GroupTime(anticipation=9), loo, 0) == 0
    two = leave_one_cluster_out(GroupTime("not_yet"), noise([4] * 5 + [7] * 5, clusters=10), "group")
    assert periods_before(GroupTime("not_yet"), two, 1) == 4 and periods_before(GroupTime(), two, 1) == 0
    assert not is_base(loo, 0)
    universal = leave_one_cluster_out(GroupTime(base="universal"), data, "event")
    rows = [is_base(universal, row) for row in range(1, universal.value.size)]
    assert [time for time, base in zip(universal.aggregate.labels, rows, strict=True) if base] == [-1]


@pytest.mark.parametrize("treated", [1, 3])
def test_a_randomised_estimate_is_the_test_of_the_treated_one_by_one(treated):
    data = noise([6] * treated, clusters=30, periods=8)
    found = estimates(GroupTime(), data, "event")
    made = placebos(GroupTime(), data, "event")
    persons = np.bincount(data.cluster, weights=data.weight)
    for row, part in enumerate((found.overall, *found.parts)):
        each, share = made.behind(row)
        assert [one.treated_size for one in each] == persons[:treated].tolist()
        np.testing.assert_allclose(share, persons[:treated] / persons[:treated].sum())
        expected = ferman_pinto(each, share, column=row)
        assert (part.value, part.low, part.high) == (expected.value, expected.low, expected.high)
        assert (part.p_value, part.se, part.method) == (expected.p_value, None, "ferman_pinto")
        assert (part.treated_clusters, part.clusters, part.freedom) == (treated, 30, None)
    whole = aggregate(GroupTime().fit(data), data, "event")
    np.testing.assert_allclose([part.value for part in (found.overall, *found.parts)], [whole.value, *whole.effect])
    exposed = (data.cohort == 6) & (data.period >= 6)
    assert found.overall.n == data.weight[exposed].sum() and found.kind == "event"
    wider = estimates(GroupTime(), data, "simple", level=0.8).overall
    assert wider.level == 0.8 and wider.high - wider.low < found.overall.high - found.overall.low


def test_the_level_decides_how_many_donors_are_needed():
    data = noise([6], clusters=10)
    assert isinstance(estimates(GroupTime(), data, "simple", level=0.9).overall, Estimate)  # p of 1 in 10
    assert estimates(GroupTime(), data, "simple", level=0.91).overall == judged.too_few_donors(9)


def test_numbers_of_the_same_cohorts_share_their_placebos():
    @dataclass(frozen=True)
    class Counted:
        inner: GroupTime
        fits: list

        def fit(self, data):
            self.fits.append(np.unique(data.cohort[data.cohort != NEVER]).tolist())
            return self.inner.fit(data)

    data = noise([6, 8], clusters=6, periods=9)
    fits: list = []
    estimates(Counted(GroupTime(), fits), data, "event", level=0.5)
    assert fits.count([6, 8]) == 2  # the estimate, and the placebos of numbers of both; each cohort alone with no more
    assert fits.count([6]) <= 1 + 4 + 1 and fits.count([8]) <= 1 + 4 + 1 and len(fits) <= 2 + 2 * 6


def test_placebos_of_a_cohort_leave_the_other_treated_out():
    data = noise([6, 8], clusters=12)
    found = OneByOne(GroupTime(), data).of("event", np.array([8]), [None, 1, 99])
    (own,) = found.treated
    alone = replace(
        data,
        **{n: getattr(data, n)[data.cohort != 6] for n in ("outcome", "period", "cohort", "covariates", "weight")},
        cluster=data.cluster[data.cohort != 6] - 1,
        clusters=data.clusters[1:],
    )
    whole = aggregate(GroupTime().fit(alone), alone, "event")
    np.testing.assert_allclose(own.effect, [whole.value, whole.effect[whole.labels.index(1)], np.nan])
    assert own.donors.shape == (10, 3) and np.isnan(own.donors[:, 2]).all()
    assert own.treated_size == data.weight[data.cohort == 8].sum()
    assert found.share.tolist() == [[1.0, 1.0, 0.0]] and not found.is_known(2) and found.behind(2)[0] == []


def test_a_donor_counts_with_a_number_and_persons():
    made = Placebos(np.array([1.0]), np.array([[1.0], [np.nan], [2.0]]), np.array([3.0, 2.0, 0.0]), 5.0)
    assert known_donors(made).tolist() == [True, False, False]


@pytest.mark.parametrize(("donors", "smallest"), [(0, "100 %"), (1, "50 %"), (18, "5 %")])
def test_too_few_donors_say_the_smallest_p_value_they_could_give(donors, smallest):
    said = judged.too_few_donors(donors).reason
    assert said == f"Der er kun {donors} sammenligningskommuner; den mindst mulige p-værdi er {smallest}."


def test_donors_count_once_however_many_are_treated():
    refused = estimates(GroupTime(), noise([6, 6], clusters=17), "simple").overall
    assert refused == judged.too_few_donors(15)  # of 105 pairs
    assert estimates(GroupTime(), noise([6, 6], clusters=40), "simple").overall.clusters == 40


def test_the_earliest_start_in_a_number_needs_periods_before_it():
    data = noise([1] * 6 + [6] * 6)
    assert "1 periode før" in estimates(GroupTime(), data, "simple").overall.reason
    early, late = estimates(GroupTime(), data, "group").parts
    assert isinstance(early, NotEstimable) and isinstance(late, Estimate)  # nothing of the first is in the second


def test_a_period_counts_when_anybody_on_either_side_is_there():
    data = noise([3] * 6)
    away = (data.cluster == 2) & (data.period < 3)
    assert isinstance(estimates(GroupTime(), select(data, ~away), "simple").overall, Estimate)
    alone = (data.cohort == NEVER) & (data.period < 2)
    found = estimates(GroupTime("not_yet"), select(data, ~alone), "simple").overall
    assert "1 periode før" in found.reason
