"""One treated municipality: each method's answer by the tests it is offered, and the checks of its series."""

import datetime as dt
from dataclasses import replace
from types import SimpleNamespace

import duckdb
import numpy as np
import pytest

from evaluator.design.frozen import Design
from evaluator.estimators.mean_log_change import MeanLogChange
from evaluator.estimators.synthetic_did import SyntheticDid
from evaluator.evaluation import series_checks
from evaluator.evaluation.one_treated import Question, answered
from evaluator.evaluation.series import question
from evaluator.inference.judged import Judged
from evaluator.inference.side_by_side import NO_RESIDUALS
from evaluator.spec_reading import read_spec
from evaluator.vocabulary import NEVER, Estimate, Light, NotEstimable, Panel
from tests.golden.test_public_series import PUBLIC

UNITS, QUARTERS, START = 60, 32, 24
FIRST = 2011 * 12  # January 2011 in months
SPEC = read_spec(PUBLIC / "specs" / "horsens-2017.toml")


def made(effect=0.0, seed=3, own=400.0, noise=0.03):
    """Return quarterly recipients of 60 municipalities; the first gains `effect` log points from 2017 on."""
    draw = np.random.default_rng(seed)
    level = np.r_[own, np.geomspace(60, 4000, UNITS - 1)]
    log = np.log(level)[:, None] + draw.normal(size=QUARTERS) * 0.05
    log += noise * draw.normal(size=(UNITS, QUARTERS)) * np.sqrt(1 + 100 / level)[:, None]
    log[0, START:] += effect
    cohort = np.full(UNITS, NEVER)
    cohort[0] = START
    return Panel(
        tuple(FIRST + 3 * np.arange(QUARTERS)), np.exp(log), np.ones(log.shape, dtype=np.bool_), cohort, None,
        np.empty((UNITS, 0)), np.arange(UNITS), level, "n", tuple(f"{101 + row}" for row in range(UNITS)),
    )  # fmt: skip


def plain(panel):
    return Question("mean_log_change", MeanLogChange(window=4), panel, 4, 0)


def weighted(panel):
    method = MeanLogChange(window=4)
    return question(SPEC, "synthetic_did", panel, method.pool(panel))


@pytest.mark.parametrize("ask", [plain, weighted])
def test_a_large_effect_is_found_and_none_is_not(ask):
    for effect, is_found in ((0.0, False), (-0.4, True)):
        answer = answered(ask(made(effect)), 0.95)
        found = answer.estimate
        assert isinstance(found, Estimate) and found.method == "ferman_pinto" and found.se is None
        assert found.low <= effect <= found.high and (found.p_value <= 0.05) == is_found
        assert (found.treated_clusters, found.clusters) == (1, answer.donors + 1)


def test_the_headline_is_the_first_offered_and_every_test_has_a_reason_or_a_judgement():
    answer = answered(plain(made(-0.1)), 0.95)
    assert answer.headline is next(t.judged for t in answer.tests if t.judged)
    for tested in answer.tests:
        assert (tested.judged is None) == bool(tested.offer.reason)
    reasons = {tested.offer.method: tested.offer.reason for tested in answer.tests}
    assert reasons["conformal"] == NO_RESIDUALS
    assert reasons["randomisation_t"].startswith("Kræver mindst to kommuner")
    assert reasons["jackknife_error"].startswith("Kræver mindst to kommuner")


def test_tests_of_alike_clusters_are_refused_the_smallest_municipality():
    answer = answered(plain(made(own=25.0)), 0.95)
    refused = {tested.offer.method for tested in answer.tests if not tested.offer.is_offered}
    assert {"randomisation", "conley_taber", "placebo_error"} <= refused
    assert isinstance(answer.headline, Judged) and answer.headline.method == "ferman_pinto"


def test_false_starts_see_nothing_from_the_true_start_on():
    calm, moved = (answered(plain(made(effect)), 0.95) for effect in (0.0, 3.0))
    on = [false.start.on for false in calm.false_starts]
    assert on == [dt.date(year, 1, 1) for year in (2016, 2015, 2014, 2013, 2012)]
    assert all((day.month, day.day) == (1, 1) for day in on)
    for here, there in zip(calm.false_starts, moved.false_starts, strict=True):
        assert here.judged == there.judged
    assert [t.offer for t in calm.tests] == [t.offer for t in moved.tests]  # what is offered knows no outcome either


def test_methods_that_weigh_read_whole_logs_of_the_pool_up_to_a_year_after():
    panel = made()
    panel.observed[5, 3] = False  # far back: unknown for the weights, known for the log change
    asked = weighted(panel)
    assert asked.panel.unit == "log" and len(asked.panel.periods) == START + 4
    assert "106" not in asked.panel.units and "106" in plain(panel).panel.units
    kept = [int(unit) - 101 for unit in asked.panel.units]
    np.testing.assert_allclose(asked.panel.outcome, np.log(panel.outcome[kept, : START + 4]))
    np.testing.assert_allclose(asked.panel.weight, panel.outcome[kept, START - 4 : START].mean(axis=1))
    without = question(SPEC, "synthetic_did", panel, MeanLogChange(window=4).pool(panel), ("107", "108"))
    assert set(asked.panel.units) - set(without.panel.units) == {"107", "108"}


def test_a_planted_false_start_turns_its_check_red():
    panel = made()
    assert series_checks.false_starts_check(answered(plain(panel), 0.95)).verdict is Light.GREEN
    panel.outcome[0, START - 4 :] *= np.exp(0.6)  # a jump a year too early
    check = series_checks.false_starts_check(answered(plain(panel), 0.95))
    assert check.verdict is not Light.GREEN and check.name == "placebo_date"
    late, cohort = slice(START - 4, None), np.where(panel.cohort == START, 4, NEVER)
    cut = {"outcome": panel.outcome[:, late], "observed": panel.observed[:, late]}
    short = replace(panel, periods=panel.periods[late], cohort=cohort, **cut)
    assert series_checks.false_starts_check(answered(plain(short), 0.95)).verdict is Light.NOT_RUN


def test_too_few_donors_have_no_answer():
    panel = made()
    few = replace(panel, outcome=panel.outcome[:12], observed=panel.observed[:12], cohort=panel.cohort[:12],
                  covariates=panel.covariates[:12], cluster=panel.cluster[:12], weight=panel.weight[:12],
                  units=panel.units[:12])  # fmt: skip
    answer = answered(plain(few), 0.95)
    assert isinstance(answer.estimate, NotEstimable) and answer.headline is None


def test_fit_checks_name_what_carries_the_answer():
    panel = made(-0.1)
    asked = weighted(panel)
    answer, paths = answered(asked, 0.95), SyntheticDid().paths(asked.panel)
    from evaluator.diagnostics.donor_hull import donor_hull
    from evaluator.diagnostics.pre_fit import leave_one_donor_out

    hull = donor_hull(paths.actual[:, : paths.before], asked.panel.weight[paths.units], free_level=True)
    checks = series_checks.fit_checks(answer, paths, hull, leave_one_donor_out(asked.method, asked.panel, paths))
    assert [check.name for check in checks] == ["pre_fit", "donor_hull", "effective_donors", "leave_one_donor_out"]
    assert {check.verdict for check in checks} == {Light.GREEN}


def panelled(groups, population=None):
    """Return a store of published numbers: eight quarters of six municipalities, rows (code, group, number)."""
    store = duckdb.connect()
    store.execute(
        "create schema marts; create table marts.municipality_statistics (municipality_code text, period_on date, "
        "period_kind text, benefit text, target_group text, full_time double, population bigint)"
    )
    for quarter in range(8):
        on = dt.date(2016 + quarter // 4, 1 + 3 * (quarter % 4), 1)
        for code in range(101, 107):
            for benefit, group in groups:
                row = [str(code), on, "quarter", benefit, group, 100.0 + code, population]
                store.execute("insert into marts.municipality_statistics values (?, ?, ?, ?, ?, ?, ?)", row)
    return store


DESIGN = SimpleNamespace(
    treated_codes=("101",),
    donors=tuple(str(code) for code in range(102, 107)),
    periods=tuple(dt.date(2016 + q // 4, 1 + 3 * (q % 4), 1) for q in range(8)),
    cohort_of=lambda: {"101": dt.date(2017, 1, 1)},
    period_months=3,
)


def drift(store) -> dict[str, tuple[Light, str]]:
    design: Design = DESIGN  # type: ignore[assignment]
    return {check.name: (check.verdict, check.why) for check in series_checks.drift_checks(store, SPEC, design)}


def test_a_series_without_groups_or_population_is_not_made_up():
    found = drift(panelled([("nettoledige_kontanthjaelp", "alle")]))
    assert set(found) == {"population_drift", "benefit_mix", "revisitation"}
    for verdict, why in found.values():
        assert verdict is Light.NOT_RUN and why.startswith("Ikke opgjort")


def test_a_series_with_groups_and_population_is_checked():
    groups = [("nettoledige_kontanthjaelp", "jobparat"), ("nettoledige_kontanthjaelp", "aktivitetsparat"),
              ("dagpenge", "alle")]  # fmt: skip
    found = drift(panelled(groups, population=50_000))
    told = {name: why for name, (_, why) in found.items()}
    assert not any(why.startswith("Ikke opgjort: serien") for why in told.values()), told
