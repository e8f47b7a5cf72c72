"""The suite is itself judged: what it must let through, and what it must be seen to reject."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from evaluator.cli import main
from evaluator.conformance import MAIN, WORLDS, Effort, Judgement, as_table, conforms, judge, must_recover
from evaluator.conformance.limits import FALSE_ALARM, Limits, simulation_errors
from evaluator.conformance.worlds import EFFECT, drawn_for
from evaluator.errors import PanelError
from evaluator.estimators import GroupTime
from evaluator.estimators.triple_difference import TripleDifference
from evaluator.inference import aggregate
from evaluator.vocabulary import NEVER, Assumption, Fit, Invariance
from tests.simulation.bad_estimators import ASSUMES, STATIC_TWO_WAY, BeforeAfter, HalvedErrors

BY_NAME = {world.name: world for world in WORLDS}
NAMES = ("random_equal_sizes", "continuous_40_growing_equal", "binary_15_growing_person", "early_reaction")
FEW = tuple(BY_NAME[name] for name in NAMES)
EFFORT = Effort(draws=24, seed=11)


def failed(estimator, worlds=FEW, effort=EFFORT):
    """Return (world, check) of every check that an estimator fails."""
    return {(c.world, c.check) for c in judge(estimator, effort, worlds) if c.verdict == Judgement.FAILS}


@pytest.mark.parametrize("method", [GroupTime(), GroupTime("not_yet", "universal")], ids=["never", "not yet"])
def test_group_time_conforms(method):
    checks = judge(method, EFFORT, FEW)
    assert conforms(checks), as_table(checks)


def test_before_after_is_rejected():
    wrong = failed(BeforeAfter())
    assert ("one_draw", "invariance: period_constant") in wrong
    assert {
        ("random_equal_sizes", "bias, simulation errors"),
        ("binary_15_growing_person", "bias by event time"),
    } <= wrong


def test_static_two_way_is_rejected_where_effects_are_staggered_and_grow():
    wrong = failed(STATIC_TWO_WAY, FEW[:2], Effort(20))
    assert ("continuous_40_growing_equal", "bias, simulation errors") in wrong
    assert ("random_equal_sizes", "bias, simulation errors") not in wrong


def test_halved_errors_are_rejected_and_nothing_else_is_wrong_with_them():
    wrong = failed(HalvedErrors(), FEW[:2], Effort(40))
    assert ("random_equal_sizes", "error / spread of estimates") in wrong
    assert not {check for _, check in wrong if "bias" in check}


def test_a_world_that_an_estimator_makes_no_claim_about_is_only_reported():
    checks = [c for c in judge(GroupTime(), Effort(20), (BY_NAME["early_reaction"],)) if c.world == "early_reaction"]
    assert {c.verdict for c in checks} == {Judgement.REPORTED}
    assert next(c.measured for c in checks if c.check == "bias, simulation errors") > 5
    assert must_recover(GroupTime(anticipation=2), BY_NAME["early_reaction"])
    assert failed(GroupTime("not_yet", "universal", anticipation=2), (BY_NAME["early_reaction"],)) == set()


def test_adjustment_is_a_claim_about_confounded_trends():
    assert not must_recover(GroupTime(), BY_NAME["confounded_trends"])
    assert must_recover(_Adjusted(), BY_NAME["confounded_trends"])
    assert ("no_overlap", "is refused") in failed(_Adjusted(), ())


def test_an_estimator_that_assumes_everything_is_not_let_through():
    assert ("all", "worlds to recover") in failed(replace(_Adjusted(), assumes=frozenset(Assumption)), FEW[3:])


@dataclass(frozen=True, slots=True)
class _Wrong:
    """Group-time effects with one thing done wrong."""

    name: str = "wrong"
    source: str = "a slip"
    assumes: frozenset[Assumption] = ASSUMES

    def fit(self, panel):
        return self.spoil(GroupTime("not_yet", "universal").fit(panel), panel)

    def spoil(self, fit: Fit, panel) -> Fit:
        return fit


@dataclass(frozen=True, slots=True)
class _Adjusted(_Wrong):
    adjustment: str = "regression"


class _Writes(_Wrong):
    def fit(self, panel):
        panel.outcome[:] -= panel.outcome.mean()
        return super().fit(panel)


class _Dice(_Wrong):
    def spoil(self, fit, panel):
        return replace(fit, effect=fit.effect + 1e-12 * np.random.default_rng().normal(size=fit.effect.size))


class _Order(_Wrong):
    def spoil(self, fit, panel):
        return replace(fit, effect=fit.effect + 1e-3 * panel.outcome[0, 0])


class _HalfTheClusters(_Wrong):
    def spoil(self, fit, panel):
        return replace(fit, influence=fit.influence[::2])


class _Level(_Wrong):
    def spoil(self, fit, panel):
        return replace(fit, influence=fit.influence + 1.0)


class _Breaks(_Wrong):
    def fit(self, panel):
        raise KeyError("weights")


class _ShortCut(_Wrong):
    def effects_without_each_cluster(self, panel, cells):
        return GroupTime("not_yet", "universal").effects_without_each_cluster(panel, cells) * 1.001


class _OldHabits(_Wrong):
    def fit(self, panel):
        return GroupTime().fit(replace(panel, cohort=panel.cohort[np.argsort(panel.cluster)]))


@pytest.mark.parametrize(
    ("estimator", "check"),
    [
        (_Writes(), "inputs are only read"),
        (_Dice(), "same input, same digits"),
        (_Order(), "order of rows is irrelevant"),
        (_Order(), "invariance: row_constant"),
        (_HalfTheClusters(), "shapes and cells agree"),
        (_Level(), "influence has mean zero"),
        (_Level(), "invariance: scale"),
        (_Breaks(), "shapes and cells agree"),
        (_ShortCut(), "leave-one-cluster-out equals refits"),
        (_OldHabits(), "names of clusters are irrelevant"),
        (replace(_Wrong(), source=""), "declares name, source and assumptions"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_an_exact_check_finds(estimator, check):
    assert ("one_draw", check) in failed(estimator, ())


def test_influence_may_stand_by_row_of_the_panel():
    class ByRow(_Wrong):
        def spoil(self, fit, panel):
            rows = np.bincount(panel.cluster)[panel.cluster]
            return replace(fit, influence=fit.influence[panel.cluster] / rows[:, None])

    assert not {check for world, check in failed(ByRow(), ()) if world == "one_draw"}


def test_only_declared_invariances_are_asked_for():
    @dataclass(frozen=True, slots=True)
    class Scaled(_Order):
        invariant_to: frozenset[Invariance] = frozenset({Invariance.SCALE})

    assert not {check for _, check in failed(Scaled(), ()) if check.startswith("invariance")}


def test_what_breaks_in_a_world_is_a_finding_and_not_a_crash():
    checks = judge(_Breaks(), Effort(20), FEW[:1])
    assert "KeyError: 'weights'" in as_table(checks) and not conforms(checks)


@dataclass(frozen=True, slots=True)
class _Refuses(_Wrong):
    method: GroupTime = field(default_factory=GroupTime)

    def fit(self, panel):
        raise PanelError("refuses: 98 units; expected 97. Leave one out.")


def test_refusing_what_must_be_recovered_is_a_failure():
    assert failed(_Refuses(), FEW[:1]) == {
        ("one_draw", "takes a panel of 98 municipalities"),
        ("random_equal_sizes", "draws refused"),
    }


def test_an_estimator_that_marks_the_eligible_gets_others_beside_them():
    world = BY_NAME["random_equal_sizes"]
    panel, plain = drawn_for(TripleDifference(), world, 4), world.draw(4)
    assert panel.outcome.shape == (196, 24) and plain.outcome.shape == (98, 24)
    triple = aggregate(TripleDifference().fit(panel), panel, "simple").value
    eligible = replace(plain, outcome=panel.outcome[:98])
    drifting = aggregate(GroupTime().fit(eligible), eligible, "simple").value
    assert abs(triple - EFFECT) < 0.3 and drifting - EFFECT > 0.3  # 6 periods x 0.1 of drift, on average


@pytest.mark.parametrize("world", [*MAIN, *WORLDS], ids=lambda w: w.name)
def test_a_world_is_what_its_name_says(world):
    panel = world.draw(5)
    assert panel.outcome.shape == (98, 24)
    assert int((panel.cohort != NEVER).sum()) == world.treated
    assert np.unique(panel.cohort[panel.cohort != NEVER]).size == (3 if world.is_growing else 1)
    assert (np.unique(panel.weight).size > 50) == (world.by_person and not world.is_equal)
    assert ((panel.outcome >= 0) & (panel.outcome <= 1)).all() == world.is_binary
    np.testing.assert_array_equal(panel.outcome, world.draw(5).outcome)
    fit = GroupTime("not_yet", "universal").fit(panel)
    truth = aggregate(fit, panel, "simple").weights[0] @ world.truth(fit.cells)
    assert (truth == 0) == world.is_null


def test_limits_leave_a_correct_estimator_alone():
    rng = np.random.default_rng(3)
    limits, draws = Limits(1), 60
    normal = rng.normal(size=(4000, draws))
    away = np.array([simulation_errors(sample[:, None])[0] for sample in normal])
    low, high = limits.error_ratio(draws)
    ratio = 1 / normal.std(axis=1, ddof=1)
    covered = rng.binomial(draws, 0.935, 4000) / draws
    alarms = [away > limits.bias(draws), (ratio < low) | (ratio > high), covered < limits.at_least(0.935, draws)]
    assert max(alarm.mean() for alarm in alarms) <= 4 * FALSE_ALARM


def test_limits_are_not_so_wide_that_halved_errors_pass():
    low, high = Limits(50).error_ratio(300)
    assert 0.75 < low < 0.9 and 1.1 < high < 1.35
    assert Limits(50).bias(300) < 4.6 and Limits(50).at_least(0.935, 300) > 0.85


@pytest.mark.parametrize(
    ("name", "code", "told"),
    [
        ("group_time", 0, "group_time conforms: "),
        ("tests.simulation.bad_estimators:BeforeAfter", 1, "FAILS"),
        ("tests.simulation.bad_estimators:Nobody", 1, "cannot be imported"),
        ("before_after", 1, "not registered"),
    ],
)
def test_the_command_prints_the_table_and_its_exit_code_is_the_verdict(name, code, told, capsys):
    assert main(["conformance", name, "--draws", "20", "--world", "random_equal_sizes"]) == code
    said = capsys.readouterr()
    assert told in said.out + said.err
    assert ("random_equal_sizes: 20 draws" in said.err) == ("bias, simulation errors" in said.out)


def test_an_unknown_world_is_refused_with_those_that_are_known(capsys):
    assert main(["conformance", "group_time", "--world", "paradise"]) == 1
    assert "no world 'paradise'; expected one of random_equal_sizes" in capsys.readouterr().err
