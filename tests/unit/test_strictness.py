"""Caseworkers' strictness as an instrument: its parts against brute force, recovery, and when it must give up."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from evaluator.errors import PanelError
from evaluator.estimators.caseworkers.intakes import Setting, read_intakes
from evaluator.estimators.caseworkers.projection import Projection
from evaluator.estimators.caseworkers.two_stage import points
from evaluator.estimators.strictness import NOTES, strictness
from evaluator.inference.instruments import ClusteredInstrument
from evaluator.registers import simulate
from evaluator.registers.calendar import YEAR_OF_WEEK
from evaluator.registers.register import STATES
from evaluator.vocabulary import Estimate, Light, NotEstimable
from tests.simulation.strictness_world import COLUMNS, EFFECTS, World

SETTING = Setting(**COLUMNS)
OUTCOMES = ("job", "self_support")


def small(seed=5, persons=90, cells=6, caseworkers=9):
    """Return cells, caseworkers of three cells each with colleagues, and values; unbalanced."""
    random = np.random.default_rng(seed)
    cell = np.sort(random.integers(0, cells, persons))
    worker = 3 * (cell // 2) + random.integers(0, 3, persons)
    return cell, np.unique(worker, return_inverse=True)[1], random.normal(size=persons), random.random(persons) < 0.4


def indicators(code):
    return (code[:, None] == np.unique(code)).astype(float)


def matrices(cell, worker):
    """Return M, P and D of the docstring of `Projection`, D solved as a linear system."""
    own = indicators(cell)
    out = np.eye(cell.size) - own @ np.linalg.pinv(own)
    projection = out @ indicators(worker)
    projection = projection @ np.linalg.pinv(projection)
    return out, projection, np.linalg.solve(out**2, np.diag(projection))


def test_the_left_out_fit_is_the_matrix_without_a_diagonal_and_free_of_cells():
    cell, worker, values, _ = small()
    out, fitted, own = matrices(cell, worker)
    left_out = fitted - out @ np.diag(own) @ out
    np.testing.assert_allclose(np.diag(left_out), 0, atol=1e-12)
    np.testing.assert_allclose(left_out @ indicators(cell), 0, atol=1e-12)
    projection = Projection(cell, worker)
    within = projection.within(values)
    np.testing.assert_allclose(within, out @ values, atol=1e-12)
    np.testing.assert_allclose(projection.fitted(within), fitted @ values, atol=1e-10)
    np.testing.assert_allclose(projection.leverage, np.diag(fitted), atol=1e-10)
    np.testing.assert_allclose(projection.left_out(within), left_out @ values, atol=1e-10)
    np.testing.assert_allclose(projection.between(within[:, None]), values @ fitted @ values)
    np.testing.assert_allclose(projection.dispersion(within[:, None]), values @ left_out @ values)


def test_a_persons_own_sanction_is_not_in_the_own_instrument():
    cell, worker, values, _ = small()
    projection = Projection(cell, worker)
    changed = values.copy()
    changed[17] += 10
    before, after = (projection.left_out(projection.within(each)) for each in (values, changed))
    assert before[17] == pytest.approx(after[17])
    assert not np.allclose(before, after)


def test_in_one_cell_of_equal_caseloads_it_is_the_leave_one_out_rate_less_a_weighted_one_of_the_colleagues():
    """By hand: 4 caseworkers with 10 each. P is 1/10 in blocks less 1/40, D is d I, so A is constant in each block."""
    worker, values = np.repeat(np.arange(4), 10), np.random.default_rng(3).random(40)
    own = (1 / 10 - 1 / 40) / (1 - 1 / 40)
    expected = np.empty(40)
    for person in range(40):
        mine = (worker == worker[person]) & (np.arange(40) != person)
        colleagues = worker != worker[person]
        same, other = 1 / 10 - 1 / 40 + own / 40, -1 / 40 + own / 40
        expected[person] = same * values[mine].sum() + other * values[colleagues].sum()
    found = Projection(np.zeros(40, dtype=int), worker).left_out(values - values.mean())
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_two_stage_and_liml_are_those_of_linearmodels_with_all_the_indicators():
    from linearmodels.iv import IVLIML

    cell, worker, outcome, sanctioned = small(persons=300)
    sanctioned = (sanctioned | (worker % 3 == 0) & (outcome > 0)).astype(float)
    projection = Projection(cell, worker)
    within = projection.within(sanctioned)
    instrument = projection.left_out(within)
    found = points(projection, instrument, sanctioned, outcome)
    dummies = np.column_stack([projection.within(column) for column in indicators(worker).T])
    basis = np.linalg.svd(dummies, full_matrices=False)
    basis = basis[0][:, basis[1] > 1e-9]
    peer = IVLIML(projection.within(outcome), None, within, basis).fit(cov_type="unadjusted")
    assert found.liml == pytest.approx(float(peer.params.iloc[0]), rel=1e-8)
    assert found.two_stage == pytest.approx(instrument @ outcome / (instrument @ sanctioned), rel=1e-10)
    assert found.naive == pytest.approx(np.linalg.lstsq(np.column_stack([sanctioned, indicators(cell)]), outcome)[0][0])


def test_ujive_leaves_each_person_out_of_both_regressions():
    cell, worker, outcome, sanctioned = small(persons=120)
    sanctioned = sanctioned.astype(float)
    projection = Projection(cell, worker)
    instrument = projection.left_out(projection.within(sanctioned))
    cells, both = indicators(cell), np.column_stack([indicators(cell), indicators(worker)])
    fit = np.empty(cell.size)
    for index in range(cell.size):
        rest = np.arange(cell.size) != index
        of_cell, of_both = (np.linalg.lstsq(x[rest], sanctioned[rest])[0] for x in (cells, both))
        fit[index] = both[index] @ of_both - cells[index] @ of_cell
    expected = fit @ outcome / (fit @ sanctioned)
    assert points(projection, instrument, sanctioned, outcome).ujive == pytest.approx(expected, rel=1e-8)


def test_errors_are_those_of_refits_without_each_caseworker():
    cell, worker, values, _ = small()
    projection = Projection(cell, worker)
    instrument = projection.left_out(projection.within(values))
    outcome = np.random.default_rng(1).normal(size=cell.size)
    slope = ClusteredInstrument(instrument, cell, worker).slope(projection.within(outcome))
    refits = []
    for cluster in np.unique(worker):
        kept = worker != cluster
        columns = np.column_stack([instrument, indicators(cell)])[kept]
        refits.append(np.linalg.lstsq(columns, outcome[kept])[0][0])
    spread = (worker.max() / (worker.max() + 1)) ** 0.5 * (np.array(refits) - slope.value)
    np.testing.assert_allclose(slope.deviations, spread, atol=1e-10)


@pytest.mark.parametrize(("strength", "kind"), [(3.0, "interval"), (0.5, "rays"), (0.0, "line")])
def test_the_values_not_rejected_are_those_whose_test_is_not(strength, kind):
    random = np.random.default_rng(8)
    cell, cluster = np.repeat(np.arange(10), 40), np.tile(np.arange(40), 10)
    instrument = Projection(cell, cluster).within(random.normal(size=400))
    other = random.normal(size=400)
    treated = strength * 0.1 * instrument + other
    outcome = 0.5 * treated + 0.8 * other + random.normal(size=400)
    if kind == "rays":
        outcome += 0.6 * instrument
    strict = ClusteredInstrument(instrument, cell, cluster)
    within = Projection(cell, cluster).within
    first, reduced = strict.slope(within(treated)), strict.slope(within(outcome))
    kept = strict.not_rejected(first, reduced)
    assert kept.kind == kind
    for value in np.linspace(-30, 30, 2_001):
        tested = strict.p_value(strict.slope(within(outcome - value * treated)))
        assert kept.holds(value) == (tested >= 0.05)
    assert strict.effective_f(first) == pytest.approx((first.value / first.se) ** 2)


def test_a_random_deal_recovers_the_effects_and_the_naive_difference_does_not():
    world, found = World(municipalities=4, years=3), {name: [] for name in OUTCOMES}
    for seed in range(100):
        intakes = read_intakes(world.draw(seed), OUTCOMES, SETTING)
        projection = Projection(intakes.cell, intakes.caseworker)
        within = projection.within(intakes.sanctioned)
        strict = ClusteredInstrument(projection.left_out(within), intakes.cell, intakes.caseworker)
        first = strict.slope(within)
        for name in OUTCOMES:
            gain = projection.within(intakes.outcomes[name])
            reduced = strict.slope(gain)
            value, naive = reduced.value / first.value, within @ gain / (within @ within)
            kept = strict.not_rejected(first, reduced)
            found[name].append([value - EFFECTS[name], naive - EFFECTS[name], kept.holds(EFFECTS[name])])
    for name in OUTCOMES:
        errors = np.array(found[name], dtype=float)
        noise = errors.std(axis=0) / 10
        assert abs(np.median(errors[:, 0])) < 3 * noise[0]
        if name == "job":  # of the other, who left before a sanction and who is like the sanctioned cancel out
            assert abs(errors[:, 1].mean()) > 5 * noise[1]
        assert errors[:, 2].sum() >= 91  # 95 less two simulation errors


def test_the_answer_has_every_end_state_and_its_other_ways():
    found = strictness(World(municipalities=8, years=3).draw(4), setting=SETTING)
    assert {check.name: check.verdict for check in found.diagnostics} == {
        "assignment": Light.GREEN, "first_stage": Light.GREEN, "monotonicity": Light.GREEN,
        "exclusion": Light.GREEN, "complier_shares": Light.GREEN, "early_complier_shares": Light.GREEN,
        "dispersion": Light.GREEN, "exempt": Light.NOT_RUN, "levers": Light.GREEN,
    }  # fmt: skip
    assert found.light is Light.AMBER  # a check that could not be run
    assert (found.caseworkers, found.notes) == (64, NOTES)
    estimates = {name: effect.estimate for name, effect in found.effects.items()}
    assert isinstance(estimates.pop("left_register"), NotEstimable)  # nobody left
    assert sum(estimate.value for estimate in estimates.values()) == pytest.approx(0, abs=1e-9)
    for name, estimate in estimates.items():
        assert estimate.low <= EFFECTS[name] <= estimate.high
        effect = found.effects[name]
        assert abs(effect.points.liml - estimate.value) < estimate.se
        assert abs(effect.points.ujive - estimate.value) < estimate.se / 2
        assert effect.among_no_shows is not None
    assert found.first_stage.spread == pytest.approx(0.1, abs=0.04)
    assert found.first_stage.effective_f > 30


def answer(world, seed=4, setting=SETTING):
    return strictness(world.draw(seed), OUTCOMES, setting)


def lights(found):
    return {check.name for check in found.diagnostics if check.verdict is Light.RED}


SAID = {
    "assignment that depends on the person": (World(sorting=0.6), "assignment", "hvem borgeren er"),
    "sorting that strictness knows nothing of": (World(sorting=0.5, spread=0.0), "assignment", "hvem borgeren er"),
    "caseworkers who are equally strict": (World(municipalities=8, spread=0.0), "first_stage", "F er"),
    "quality that goes with strictness": (World(quality=0.07), "dispersion", "mere forskelligt"),
    "quality in step with strictness": (World(quality=0.07, alike=1.0), "early_complier_shares", "allerede tidligt"),
    "quality beside strictness": (World(quality=0.07, alike=0.0), "dispersion", "mere forskelligt"),
}


@pytest.mark.parametrize("case", SAID)
def test_what_breaks_the_design_is_red_and_leaves_no_number(case):
    world, check, words = SAID[case]
    found = answer(world)
    assert check in lights(found)
    assert found.light is Light.RED
    for effect in found.effects.values():
        assert isinstance(effect.estimate, NotEstimable)
        assert words in effect.estimate.reason
        assert effect.points is None


def test_a_weak_first_stage_leaves_the_values_that_are_not_rejected():
    found = answer(World(municipalities=8, spread=0.02))
    assert 0 <= found.first_stage.effective_f < 10
    assert all(effect.not_rejected.holds(EFFECTS[name]) for name, effect in found.effects.items())
    assert {effect.not_rejected.kind for effect in found.effects.values()} <= {"interval", "rays", "line"}


def test_a_caseworker_who_is_strict_to_some_and_mild_to_others_is_red():
    frame = World(municipalities=8).draw(3)
    ready = pl.col("target_group") == "jobparat"
    strict = pl.col("caseworker_id").str.ends_with("1") | pl.col("caseworker_id").str.ends_with("2")
    share = pl.when(strict).then(pl.when(ready).then(0.05).otherwise(0.95)).when(ready).then(0.35).otherwise(0.15)
    drawn = pl.Series(np.random.default_rng(1).random(len(frame)))
    found = strictness(frame.with_columns(is_sanctioned=drawn < share), OUTCOMES, SETTING)
    assert "monotonicity" in lights(found)


def test_too_few_caseworkers_are_refused():
    found = answer(World(municipalities=2))
    assert found.caseworkers == 16
    assert "16 sagsbehandlere" in found.effects["job"].estimate.reason
    assert found.light is Light.AMBER and found.first_stage is None


@pytest.mark.parametrize("sanctioned", [True, False])
def test_nobody_or_everybody_sanctioned_is_refused(sanctioned):
    found = strictness(
        World(municipalities=3).draw(2).with_columns(is_sanctioned=pl.lit(sanctioned)), OUTCOMES, SETTING
    )
    assert "Ingen, eller alle" in found.effects["job"].estimate.reason


def test_an_end_state_that_nobody_is_in_is_refused_also_alone():
    found = strictness(World(municipalities=3).draw(2), ("left_register",), SETTING)
    assert "i denne tilstand" in found.effects["left_register"].estimate.reason


def test_who_cannot_be_compared_is_left_out_and_counted():
    frame = World(municipalities=6).draw(2)
    alone = pl.col("municipality_code") == 0
    frame = frame.with_columns(
        caseworker_id=pl.when(alone).then(pl.lit("0-0")).when(pl.col("person_id") % 50 == 1).then(None)
        .otherwise("caseworker_id")
    )  # fmt: skip
    found = strictness(frame, OUTCOMES, SETTING)
    assert found.dropped == {
        "without_caseworker": frame["caseworker_id"].null_count(),
        "not_comparable": frame.select((pl.col("caseworker_id") == "0-0").sum()).item(),
    }
    assert found.persons == len(frame) - sum(found.dropped.values())
    assert found.caseworkers == 40


def test_order_of_rows_and_names_of_caseworkers_change_nothing():
    frame = World(municipalities=4).draw(6)
    renamed = frame.sample(fraction=1, shuffle=True, seed=1).with_columns(caseworker_id="x" + pl.col("caseworker_id"))
    one, two = (strictness(each, OUTCOMES, SETTING).effects["job"].estimate for each in (frame, renamed))
    assert isinstance(one, Estimate) and isinstance(two, Estimate)
    np.testing.assert_allclose([one.value, one.low, one.high], [two.value, two.low, two.high], rtol=1e-9)


def test_a_synthetic_register_whose_caseworkers_differ_is_answered():
    register = simulate(6_000, 12, codes=("101", "751", "461"), strictness_spread=1.0)
    people, horizon = register.people, 52
    sanctions, state = register.paths.sanctions, register.end_states(horizon)
    since = sanctions.week - people.entry[sanctions.person]
    is_sanctioned = np.bincount(sanctions.person[(since > 0) & (since <= horizon)], minlength=len(people.entry)) > 0
    frame = pl.DataFrame(
        {
            "person_id": np.arange(len(people.entry)), "entry_week": people.entry,
            "municipality_code": people.municipality, "period_on": YEAR_OF_WEEK[people.entry],
            "caseworker_id": people.municipality * 100 + register.intake.number,
            "state": np.array(STATES)[state], "is_sanctioned": is_sanctioned,
            "target_group": register.target_groups(), "sex": people.woman,
        }
    ).filter(pl.Series(state >= 0))  # fmt: skip
    traits = ("target_group", "sex")
    setting = Setting(characteristics=traits, subgroups=traits, levers=(), no_shows=None)
    found = strictness(frame, setting=setting)
    assert found.light is Light.AMBER and found.first_stage.effective_f > 30
    # a sanction multiplies the weekly hazard to self-support by 1.3 for 13 weeks: a point or two, and nothing to job
    for name, highest in (("self_support", 0.03), ("job", 0.0)):
        estimate = found.effects[name].estimate
        assert estimate.low < highest and estimate.high > 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda frame: pl.concat([frame, frame[:3]]), "6 rows repeat"),
        (lambda frame: frame.drop("sex"), "'sex' is absent"),
        (lambda frame: frame.with_columns(is_sanctioned=pl.lit(None, dtype=pl.Boolean)), "have no is_sanctioned"),
    ],
)
def test_a_frame_that_cannot_be_used_is_refused_with_counts(change, message):
    with pytest.raises(PanelError, match=message):
        strictness(change(World(municipalities=3).draw(1)), OUTCOMES, SETTING)


def test_an_outcome_that_is_no_end_state_is_refused():
    with pytest.raises(PanelError, match="1 outcomes are none"):
        strictness(World(municipalities=3).draw(1), ("off_benefit",), SETTING)
