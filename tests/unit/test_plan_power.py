"""How large an effect must be to be found: closed forms, simulated designs, and windows that read no later period."""

import datetime as dt
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from drifting_world import world
from scipy.stats import norm, t

from evaluator.design.frozen import Design, periods_between
from evaluator.diagnostics.detectable_effect import Arms, Chance, History, Placebo, by_formula, chance
from evaluator.errors import PanelError
from evaluator.estimators.group_time import GroupTime
from evaluator.evaluation import plan
from evaluator.evaluation.entry_cohorts import EntryCohorts, month_index
from evaluator.evaluation.placebo_windows import Window, trials
from evaluator.inference.aggregation import aggregate
from evaluator.inference.leave_one_out import averages
from evaluator.panel import select
from evaluator.spec import Start
from evaluator.spec_reading import read_spec
from evaluator.vocabulary import NEVER

TRAPPE = read_spec(Path(__file__).parents[2] / "data" / "synthetic" / "specs" / "trappe.toml")
METHOD = GroupTime(base="universal", anticipation=3, base_periods=4)


def normal(error: float, number: int = 2001) -> np.ndarray:
    return error * norm.ppf((np.arange(number) + 0.5) / number)


def test_with_normal_placebos_it_is_the_sum_of_two_quantiles():
    """Bloom (1995), Evaluation Review 19(5), for a rank test among many placebos."""
    law = Chance(normal(0.01), 0.01, float(np.quantile(np.abs(normal(0.01)), 0.95)), np.inf)
    assert law.detectable() == pytest.approx((norm.ppf(0.975) + norm.ppf(0.8)) * 0.01, rel=2e-3)
    assert law.power(0.0) == pytest.approx(0.05, abs=2e-3)
    assert law.power(law.detectable()) == pytest.approx(0.8, abs=1e-3)


def test_with_an_estimated_error_the_power_is_that_of_the_t_test():
    draw, degrees = np.random.default_rng(4), 9.0
    law = Chance(normal(1.0), 1.0, float(t(degrees).ppf(0.975)), degrees)
    assert law.power(0.0) == pytest.approx(0.05, abs=1e-3)
    shift = law.detectable()
    ratio = (draw.normal(size=400_000) + shift) / np.sqrt(draw.chisquare(degrees, 400_000) / degrees)
    assert np.mean(np.abs(ratio) > t(degrees).ppf(0.975)) == pytest.approx(0.8, abs=5e-3)
    assert shift > norm.ppf(0.975) + norm.ppf(0.8)


def test_placebos_are_carried_to_the_concentration_and_persons_of_the_design():
    draw = np.random.default_rng(0)
    concentration, persons = draw.uniform(0.05, 0.9, 4000), draw.uniform(50, 2000, 4000)
    effect = draw.normal(size=4000) * np.sqrt(0.04 * concentration + 3.0 / persons)
    share = np.array([3.0, 1, 1, 1, 1, 1])
    law = chance(Placebo(effect, concentration, persons), Arms(share, np.ones(50)), 400.0, 0.95)
    assert law is not None
    squares = (share**2).sum() / share.sum() ** 2
    assert law.error == pytest.approx(np.sqrt(0.04 * squares + 3.0 / 400), rel=0.05)
    assert np.std(law.effect) == pytest.approx(law.error, rel=0.05)
    assert law.freedom == pytest.approx(1 / squares, abs=1e-5)  # under six less one
    few = chance(Placebo(effect, concentration, persons), Arms(share[:4], np.ones(50)), 400.0, 0.95)
    assert few is not None
    assert np.isinf(few.freedom)
    assert np.mean(np.abs(few.effect) > few.critical) == pytest.approx(0.05, abs=1e-3)


def test_few_compared_have_the_law_of_few_treated():
    """40 treated against 6: t(5), so that what can be found is a fifth larger than with t(39)."""
    draw = np.random.default_rng(0)
    placebo = Placebo(draw.normal(size=300) * 0.02, np.full(300, 1 / 40), np.full(300, 4000.0))
    few, many = (chance(placebo, Arms(np.ones(40), np.ones(compared)), 4000.0, 0.95) for compared in (6, 60))
    assert few is not None
    assert many is not None
    assert (few.freedom, many.freedom) == (5, 39)
    assert few.critical == pytest.approx(t(5).ppf(0.975))
    assert few.detectable() > 1.2 * many.detectable()
    uneven = chance(placebo, Arms(np.ones(40), np.array([10.0, 1, 1, 1, 1, 1, 1])), 4000.0, 0.95)
    assert uneven is not None
    assert uneven.freedom == pytest.approx(16**2 / 106, abs=1e-5)


def test_placebos_that_never_differ_say_nothing():
    assert chance(Placebo(np.zeros(30), np.ones(30), np.ones(30)), Arms(np.ones(1), np.ones(30)), 1.0, 0.95) is None


@pytest.mark.parametrize("memory", [0.0, 0.8])
def test_the_formula_finds_the_error_of_simulated_designs(memory):
    draw, clusters, before, treated = np.random.default_rng(7), 400, 6, 100
    shocks = draw.normal(size=(clusters, 40))
    for period in range(1, 40):
        shocks[:, period] += memory * shocks[:, period - 1]
    history = shocks[:, -14:] + draw.normal(size=(clusters, 1)) * 5
    arms = Arms(np.ones(treated), np.ones(clusters - treated))
    found = by_formula(History(history, np.ones(clusters), before), arms, 0.95)
    change = history[:, before:].mean(axis=1) - history[:, :before].mean(axis=1)
    effects = []
    for _ in range(4000):
        order = draw.permutation(clusters)
        effects.append(change[order[:treated]].mean() - change[order[treated:]].mean())
    expected = (t(treated - 1).ppf(0.975) + t(treated - 1).ppf(0.8)) * np.std(effects)
    assert found == pytest.approx(expected, rel=0.05)


def test_the_formula_counts_clusters_by_persons_squared():
    """The error of a mean over persons, when small clusters have noise that large ones do not."""
    draw, clusters = np.random.default_rng(8), 600
    persons = np.where(np.arange(clusters) % 2, 20.0, 400.0)
    history = draw.normal(size=(clusters, 8)) / np.sqrt(persons)[:, None]
    change = history[:, 4:].mean(axis=1) - history[:, :4].mean(axis=1)
    order = [draw.permutation(clusters)[:60] for _ in range(4000)]
    error = np.std([np.average(change[rows], weights=persons[rows]) for rows in order])
    number = round(np.mean([persons[rows].sum() ** 2 / (persons[rows] ** 2).sum() for rows in order]))
    found = by_formula(History(history, persons, 4), Arms(np.ones(number), np.ones(10**6)), 0.95)
    assert found == pytest.approx((t(number - 1).ppf(0.975) + t(number - 1).ppf(0.8)) * error, rel=0.12)


def test_the_formula_has_the_degrees_of_freedom_of_the_smaller_side_and_of_the_donors_below_five():
    history = History(np.random.default_rng(9).normal(size=(30, 8)), np.ones(30), 4)

    def quantiles(treated: int, compared: int) -> float:
        found = by_formula(history, Arms(np.ones(treated), np.ones(compared)), 0.95)
        return found / np.sqrt(1 / treated + 1 / compared)

    def expected(degrees: int) -> float:
        return float(t(degrees).ppf(0.975) + t(degrees).ppf(0.8))

    unit = quantiles(20, 10) / expected(9)
    assert quantiles(10, 20) == pytest.approx(unit * expected(9))
    assert quantiles(40, 6) == pytest.approx(unit * expected(5))
    assert quantiles(4, 26) == pytest.approx(unit * expected(29))


@pytest.mark.parametrize(
    ("periods", "expected"),
    [
        (100, Window(12, 12, 36)),
        (48, Window(12, 12, 24)),
        (30, Window(12, 6, 12)),
        (24, Window(12, 0, 12)),
        (9, Window(4, 1, 4)),
    ],
)
def test_a_window_gives_up_its_gap_first_and_then_its_length(periods, expected):
    assert Window(12, 12, 36).within(periods) == expected


STARTS = dict.fromkeys(range(12), 0)


def test_the_error_of_placebo_windows_is_that_of_the_estimate_on_the_same_periods():
    """The first twelve clusters are treated in period 10 of 16; the effects of 30 independent worlds are the truth."""
    window, truth, found = Window(4, 3, 6), [], []
    for seed in range(30):
        panel = world(seed, starts=(10,), periods=16)
        made = trials(METHOD, panel, STARTS, window, 25)
        law = chance(made.placebo, made.arms, made.persons, 0.95)
        assert law is not None
        found.append(law.error)
        truth.append(aggregate(METHOD.fit(panel), panel, "simple").value)
    assert np.mean(found) == pytest.approx(np.std(truth), rel=0.35)


def test_windows_slide_over_all_dates_and_draw_disjoint_sets():
    panel = world(starts=(10,), periods=16)
    made = trials(METHOD, panel, STARTS, Window(4, 0, 6), 70)
    assert made.dates == 7
    assert made.placebo.effect.size == 70
    assert made.window == Window(4, 0, 6)
    assert made.arms.treated.size == 12
    assert made.arms.compared.size == 28
    assert made.history.outcome.shape == (40, 10)
    means = panel.outcome.reshape(40, 16)
    assert np.allclose(made.history.outcome, means[:, 6:])  # the last place of the window
    single = trials(METHOD, panel, {3: 0}, Window(4, 0, 12), 300)
    assert (single.dates, single.placebo.effect.size) == (1, 40)
    assert single.placebo.concentration.tolist() == [1.0] * 40
    assert np.unique(single.placebo.effect.round(12)).size == 40


@pytest.mark.parametrize("comparison", ["never", "not_yet"])
def test_arms_are_those_that_the_run_counts_on_the_same_periods(comparison):
    """A window as long as the panel, with the true starts: some treated are compared with before their own start."""
    panel = world(treated=36, starts=(10, 11, 14, 17), periods=20)
    method = replace(METHOD, comparison=comparison)
    made = trials(method, panel, {code: (0, 1, 4, 7)[code % 4] for code in range(36)}, Window(4, 3, 10), 60)
    assert made.window == Window(4, 3, 10)
    first = made.window.base + made.window.gap + made.dates - 1  # the last place of the window ends with the panel
    assert first == 10
    inside = select(panel, panel.period >= first - 7)
    run = averages(replace(method, anticipation=3), inside, "simple")
    assert (made.arms.treated.size, made.arms.compared.size) == (run.treated[0], run.compared[0])
    assert made.arms.freedom == run.freedom[0]
    assert made.persons == run.persons[0]
    assert (made.arms.compared.size > 4) == (comparison == "not_yet")


@dataclass(frozen=True)
class NeverAlone:
    """A stranger that compares with the never exposed and says nothing of it."""

    def fit(self, data):
        return GroupTime(comparison="never").fit(data)


def test_whom_a_strangers_estimator_compares_with_is_told_by_its_influence():
    panel = world(treated=36, starts=(4, 8), periods=12)
    made = trials(NeverAlone(), panel, {code: 4 * (code % 2) for code in range(36)}, Window(4, 0, 8), 60)
    assert made.arms.compared.size == averages(NeverAlone(), panel, "simple").compared[0] == 4


def test_windows_use_no_starts_of_the_data_and_are_the_same_twice():
    panel = world(starts=(10,), periods=16)
    clean = replace(panel, cohort=np.full(panel.cohort.size, NEVER))
    first, second = (trials(METHOD, data, STARTS, Window(4, 3, 6), 50) for data in (panel, clean))
    assert first.placebo.effect.tolist() == second.placebo.effect.tolist()


def test_staggered_delays_shrink_with_the_window():
    panel = world(starts=(10,), periods=12)
    late = trials(METHOD, panel, {0: 0, 1: 20, 2: 40}, Window(4, 0, 41), 40)
    assert late.window == Window(4, 0, 8)
    full = trials(METHOD, panel, {0: 0, 1: 0, 2: 0}, Window(4, 0, 41), 40)
    assert late.placebo.persons.mean() < 0.75 * full.placebo.persons.mean()  # delays of 0, 3 and 7 of 8 periods
    assert (late.placebo.persons > 0).all()


def test_data_too_short_or_too_empty_are_refused():
    with pytest.raises(PanelError, match="3 entry periods are observed"):
        trials(METHOD, world(periods=3), {0: 0}, Window(4, 0, 4))
    with pytest.raises(PanelError, match="0 of 1 treated municipalities"):
        trials(METHOD, world(periods=12), {"nowhere": 0}, Window(4, 0, 4))


def planned(pool: str, starts: tuple[str, ...], donors: int, method: str = "group_time") -> tuple[str, plan.Power]:
    """Return the plan's words on inference and the power of jobs after 26 weeks, with equal municipalities."""
    comparison, estimation = replace(TRAPPE.comparison, pool=pool), replace(TRAPPE.estimation, estimators=(method,))
    spec = replace(TRAPPE, comparison=comparison, estimation=estimation)
    outcome = next(o for o in spec.outcomes if o.horizon_weeks == 26)
    treated = tuple(Start(str(100 + at), dt.date.fromisoformat(start)) for at, start in enumerate(starts))
    others = tuple(str(200 + at) for at in range(donors))
    months = periods_between(spec.panel.from_, spec.panel.to, 1)
    design = Design(treated, others, (), months, 1)
    before = tuple(month_index(month) for month in months if month < min(s.on for s in treated))
    place = np.arange(len(starts) + donors).repeat(len(before))
    cells = pl.DataFrame(
        {
            "municipality_code": np.array([*design.treated_codes, *others])[place],
            "period": np.tile(before, len(starts) + donors),
            "cohort": np.zeros(place.size, dtype=np.int64),
            "persons": np.full(place.size, 50),
            "job": np.random.default_rng(5).binomial(50, 0.4, place.size),
        }
    )
    words = next(line for line in plan._who(spec, design) if line.startswith("Inference"))
    return words, plan._person_power(spec, design, EntryCohorts(cells, before, 26), outcome)


def test_the_plan_counts_the_degrees_of_freedom_of_the_smaller_side():
    words, power = planned("never", ("2017-01-01",) * 20, 6)
    assert "t with at most 5 degrees of freedom" in words
    assert power.law is not None
    assert power.law.freedom == 5
    words, power = planned("never", ("2017-01-01",) * 6, 30)
    assert "t with at most 5 degrees of freedom" in words
    assert power.law is not None
    assert power.law.freedom == 5


def test_the_plan_says_that_a_run_will_be_refused_and_not_its_power():
    needed = "the run will be refused: 4 municipalities to compare with, 5 are needed"
    words, power = planned("never", ("2017-01-01",) * 20, 4)
    assert words == f"Inference: none, {needed}."
    assert (power.law, power.note) == (None, needed)
    assert plan._sentences(power) == [f"job at 26 weeks: power unknown, {needed}."]


def test_those_who_start_later_are_compared_with_when_the_spec_says_so():
    starts = ("2017-01-01",) * 10 + ("2018-06-01",) * 10
    assert "will be refused" in planned("never", starts, 4)[0]
    assert "will be refused" not in planned("never", starts, 4, "imputation")[0]
    words, power = planned("not_yet", starts, 4)
    assert "t with at most 13 degrees of freedom" in words  # 10 of the later start and 4 donors
    assert power.law is not None
    assert 5 <= power.law.freedom <= 13  # delay and window shrink alike, or nobody would be left to compare with


@pytest.mark.parametrize(("donors", "is_refused"), [(18, True), (19, False)])
def test_below_five_treated_nineteen_donors_are_needed(donors, is_refused):
    words, power = planned("never", ("2017-01-01",) * 2, donors)
    assert words == "Inference: placebo over municipalities, scaled by persons."
    assert (power.law is None) == is_refused
    assert ("18 municipalities to compare with, 19 are needed" in power.note) == is_refused
