"""The simulated register: baselines, planted effects and their truth."""

import datetime as dt
import math

import numpy as np
import pytest

from evaluator.registers import Population, rates, simulate
from evaluator.registers import truth as truths
from evaluator.registers.calendar import MONTH_OF_WEEK, WEEKS, YEAR_OF_WEEK, month_date, month_index, week_of_day_15
from evaluator.registers.municipalities import HORSENS, PARTLY_DELIVERED, SILKEBORG, STARTS, municipalities, sizes
from evaluator.registers.register import STATES

SEED = 20170101
PERSONS = 60_000
JOB, EDUCATION, SELF_SUPPORT = (STATES.index(name) for name in ("job", "education", "self_support"))
CODES = np.array([m.code for m in municipalities()])


@pytest.fixture(scope="module")
def register():
    return simulate(PERSONS, SEED)


@pytest.fixture(scope="module")
def truth(register):
    return truths.build(register)


@pytest.fixture(scope="module")
def untreated(register):
    """Entrants of municipalities without an intervention who are seen after a year."""
    never = ~np.isin(CODES[register.people.municipality], [s.code for s in STARTS])
    return never & register.observed(52) & (YEAR_OF_WEEK[register.people.entry] >= 2014)


# group: target groups, ages, state, lowest and highest share after 52 weeks
BASELINES = {
    "few aktivitetsparate are in job": (["aktivitetsparat"], (18, 66), JOB, 0.03, 0.08),
    "a quarter of the jobparate are in job": (["jobparat"], (18, 66), JOB, 0.20, 0.30),
    "young uddannelsesparate go to education": (
        ["uddannelsesparat", "aabenlyst_uddannelsesparat"], (18, 24), EDUCATION, 0.25, 0.40),
    "some jobparate support themselves without a job": (["jobparat"], (18, 66), SELF_SUPPORT, 0.06, 0.14),
}  # fmt: skip


@pytest.mark.parametrize("case", BASELINES)
def test_baselines_lie_in_their_bands(case, register, untreated):
    groups, age, state, low, high = BASELINES[case]
    member = untreated & register.members(Population(target_groups=groups, age=age))
    assert low <= (register.end_states(52)[member] == state).mean() <= high


def _benefit_weeks(register):
    recorded = register.paths.weeks[:, register.paths.factual]
    return ((recorded & 15) <= rates.SUBSIDY_PUBLIC) & (recorded != rates.ABSENT)


def test_sickness_is_five_to_ten_per_cent_of_the_weeks(register):
    recorded = register.paths.weeks[:, register.paths.factual]
    sick = (recorded & 15) == rates.SICK
    assert 0.05 <= sick.sum() / (sick.sum() + _benefit_weeks(register).sum()) <= 0.10


def test_sanctions_are_two_to_twelve_per_hundred_months_with_a_wide_spread(register):
    weeks = _benefit_weeks(register).sum(axis=0)
    municipality = register.people.municipality
    months = np.bincount(municipality, weights=weeks, minlength=98) / 4.348
    decisions = np.bincount(municipality[register.paths.sanctions.person], minlength=98)
    assert 0.02 <= decisions.sum() / months.sum() <= 0.12
    rate = (decisions / months)[months > 1_000]
    assert rate.max() / rate.min() >= 5


def test_aktivitetsparate_are_sanctioned_about_half_as_often(register):
    recorded = register.paths.weeks[:, register.paths.factual]
    on, akt = _benefit_weeks(register), (recorded & rates.IS_AKT) > 0
    harsh = register.paths.sanctions.flag
    ratio = (harsh.sum() / (on & akt).sum()) / ((~harsh).sum() / (on & ~akt).sum())
    assert 0.3 <= ratio <= 0.7


def test_aktivitetsparate_leave_for_lasting_benefits_at_four_to_eight_per_cent_a_year():
    yearly = 1 - (1 - rates.TO_LASTING[[1, 3]]) ** 52
    assert ((yearly >= 0.04) & (yearly <= 0.08)).all()


def test_no_shows_come_with_a_job_found(register):
    """Who stays away from a meeting starts in a job within three weeks more often than who comes."""
    meetings = register.paths.meetings
    since = meetings.week - register.people.entry[meetings.person]
    inside = meetings.week + rates.WEEKS_UNTIL_JOB < WEEKS
    later = register.paths.weeks[since[inside] + rates.WEEKS_UNTIL_JOB, register.paths.factual[meetings.person[inside]]]
    in_job, missed = (later & 15) == rates.JOB, meetings.flag[inside]
    assert in_job[missed].mean() > 1.5 * in_job[~missed].mean()


def test_nobody_comes_back_to_the_register(register):
    recorded = register.paths.weeks[:, register.paths.factual]
    gone = ((recorded & 15) == rates.LEFT) & (recorded != rates.ABSENT)
    assert gone.any()
    assert not (gone[:-1] & ~gone[1:] & (recorded[1:] != rates.ABSENT)).any()


def test_every_sanction_follows_a_no_show_of_the_week_before(register):
    meetings, sanctions = register.paths.meetings, register.paths.sanctions
    missed = set(zip(meetings.person[meetings.flag], meetings.week[meetings.flag], strict=True))
    assert all(pair in missed for pair in zip(sanctions.person, sanctions.week - 1, strict=True))


def test_the_horizon_only_mode_draws_the_same_states():
    whole, short = simulate(3_000, 7), simulate(3_000, 7, horizon_only=True)
    for horizon in (26, 52):
        assert (whole.end_states(horizon) == short.end_states(horizon)).all()
        assert (whole.end_states(horizon, without=True) == short.end_states(horizon, without=True)).all()


def test_the_world_without_is_the_world_that_no_intervention_reached():
    """Twins live the very weeks that people live in a register simulated without effects."""
    treated, plain = simulate(3_000, 7), simulate(3_000, 7, effects=False)
    same = treated.paths.weeks[:, treated.paths.twin] == plain.paths.weeks[:, plain.paths.factual]
    assert same.all()


def test_nothing_differs_before_the_start(register):
    start = {s.code: s.month for s in STARTS}
    first = np.array([start.get(code, 10_000) for code in CODES])[register.people.municipality]
    for k in (0, 10, 52, 100):
        week = np.minimum(register.people.entry + k, WEEKS - 1)
        early = (register.people.entry + k < WEEKS) & (MONTH_OF_WEEK[week] < first)
        recorded = register.paths.weeks[k]
        assert (recorded[register.paths.factual[early]] == recorded[register.paths.twin[early]]).all()


def test_effects_on_the_end_states_sum_to_zero(truth):
    for rows in truth["specs"].values():
        assert rows
        assert all(sum(row[7:]) == 0 for row in rows)


def test_groups_add_up_to_everybody(truth):
    for rows in truth["specs"].values():
        totals = {}
        for row in rows:
            totals.setdefault((*row[:4], row[4]), np.zeros(8, dtype=int))
            totals[(*row[:4], row[4])] += np.array(row[6:])
        for (*cell, grouping), values in totals.items():
            assert (values == totals[(*cell, "all")]).all(), grouping


def test_the_truth_is_the_difference_of_the_two_worlds(register, truth):
    """Recomputed person by person, over the cohorts that start in January 2017 and a group."""
    people = register.people
    codes = [s.code for s in STARTS if s.intervention == "faerre-sager" and s.start == dt.date(2017, 1, 1)]
    after = MONTH_OF_WEEK[people.entry] >= month_index(2017, 1)
    chosen = np.isin(CODES[people.municipality], codes) & after & register.observed(52)
    chosen &= register.target_groups() == "aktivitetsparat"
    month = MONTH_OF_WEEK[people.entry]
    gain = (register.end_states(52) == JOB).astype(float) - (register.end_states(52, without=True) == JOB)
    months = sorted(set(month[chosen]))
    weights = {(dt.date(2017, 1, 1), month_date(int(m))): float(i + 1) for i, m in enumerate(months)}
    expected = sum((i + 1) * gain[chosen & (month == m)].mean() for i, m in enumerate(months)) / sum(weights.values())
    found = truths.effect(truth, "trappe", "job", 52, weights, ("target_group", "aktivitetsparat"))
    assert found == pytest.approx(expected, abs=1e-12)


def _cells(truth, spec, horizon):
    """Return the fully exposed cells of a spec with their persons as weights."""
    weights = {}
    for start, _, month, weeks, grouping, _, persons, *_ in truth["specs"][spec]:
        cell = (dt.date.fromisoformat(start), dt.date.fromisoformat(month))
        if weeks == horizon and grouping == "all" and cell[1] >= cell[0]:
            weights[cell] = weights.get(cell, 0) + persons
    return weights


def test_the_planted_effect_on_jobs_is_within_the_plausible_band(truth):
    weights = _cells(truth, "trappe", 52)
    found = {name: truths.effect(truth, "trappe", name, 52, weights) for name in (*STATES, "benefit")}
    assert 0.01 <= found["job"] <= 0.04
    assert 0.0 <= found["education"] <= 0.06
    assert 0.0 <= found["self_support"] <= 0.04
    assert found["benefit"] < 0
    assert math.isclose(sum(found[name] for name in STATES), 0.0, abs_tol=1e-12)


def test_quarters_pool_the_months_of_a_cohort(truth):
    months = [(dt.date(2017, 1, 1), dt.date(2017, m, 1)) for m in (4, 5, 6)]
    rows = [r for r in truth["specs"]["trappe"] if r[0] == "2017-01-01" and r[3] == 26 and r[4] == "all"]
    rows = [r for r in rows if dt.date.fromisoformat(r[2]) in {m for _, m in months}]
    expected = sum(r[7] for r in rows) / sum(r[6] for r in rows)
    weights = {(dt.date(2017, 1, 1), dt.date(2017, 4, 1)): 3.0}
    assert truths.effect(truth, "trappe", "job", 26, weights, period="quarter") == pytest.approx(expected)


def test_the_fall_in_horsens_is_mostly_the_national_trend(register, truth):
    stock = {month: (with_, without) for month, with_, without in truth["stock"]["horsens"]}
    (before, _), (after, without) = stock["2016-12-01"], stock["2017-12-01"]
    assert 185 <= before <= 210
    assert 155 <= after <= 175
    assert (without - after) < (before - without) / 2  # the intervention did less than half of what the trend did
    elsewhere = CODES[register.people.municipality] != HORSENS
    weeks = week_of_day_15()[[month_index(2016, 12), month_index(2017, 12)]]
    first, last = (
        (truths.youth_on_benefit(register, int(week), register.paths.factual) & elsewhere).sum() for week in weeks
    )
    assert last < 0.92 * first


def test_participants_in_silkeborg_are_selected_on_their_job_chance(register):
    people = register.people
    here = CODES[people.municipality] == SILKEBORG
    state, without = register.end_states(52), register.end_states(52, without=True)
    seen = register.observed(52)
    before = here & seen & np.isin(YEAR_OF_WEEK[people.entry], (2014, 2015))
    assert 0.10 <= (state[before] == JOB).mean() <= 0.16
    project = people.participant & seen
    assert 0.45 <= (state[project] == JOB).mean() <= 0.60
    assert (state[project] == JOB).mean() - (without[project] == JOB).mean() < 0.08


def test_responding_inflow_changes_who_enters_but_not_whom_the_truth_is_about():
    plain, responds = simulate(20_000, 7, horizon_only=True), simulate(20_000, 7, "inflow_responds", horizon_only=True)
    steps = [s.code for s in STARTS if s.intervention == "faerre-sager"]

    def easy(register):
        after = MONTH_OF_WEEK[register.people.entry] >= month_index(2017, 7)
        chosen = np.isin(CODES[register.people.municipality], steps) & after
        return 1 - register.people.akt[chosen].mean()

    assert easy(responds) > easy(plain) + 0.10
    assert not responds.people.always.all()
    counted = sum(r[6] for r in truths.build(responds)["specs"]["trappe"] if r[3] == 52 and r[4] == "all")
    treated = np.isin(CODES[responds.people.municipality], steps) & responds.observed(52)
    assert counted == (treated & responds.people.always).sum() < treated.sum()


def test_fifteen_municipalities_start_in_three_steps_and_hold_a_quarter_of_the_people():
    steps = [s for s in STARTS if s.intervention == "faerre-sager"]
    assert [s.start for s in steps] == [dt.date(2016, 7, 1)] * 5 + [dt.date(2017, 1, 1)] * 5 + [dt.date(2017, 7, 1)] * 5
    assert all(abs(s.planned_after - s.planned_before / 2) < 1 for s in steps)
    assert [s.code for s in steps if s.delivered < 0.75] == [PARTLY_DELIVERED]
    counts = sizes(PERSONS, None)
    assert counts.sum() == PERSONS
    assert 0.25 <= counts[np.isin(CODES, [s.code for s in steps])].sum() / PERSONS <= 0.30


def test_there_are_98_municipalities_and_no_country():
    rows = municipalities()
    assert len({m.code for m in rows}) == len(rows) == 98
    assert "Hele landet" not in {m.name for m in rows}
    assert {m.code: m.name for m in rows}["615"] == "Horsens"
    assert min(m.population for m in rows) > 0
