"""Placebo and jackknife errors by their formulas, and where they are not defined."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm

from evaluator.estimators.synthetic_control import SyntheticControl
from evaluator.estimators.synthetic_did import SyntheticDid
from evaluator.estimators.weighted_paths import contrasts_of
from evaluator.inference.judged import Judged
from evaluator.inference.sdid_variance import fixed_weights, jackknife_error, placebo_error
from evaluator.vocabulary import NEVER, NotEstimable, Panel, Placebos

SHARED = Path(os.environ.get("EVALUATOR_SHARED", Path(__file__).parents[3] / "shared"))
REFERENCE = SHARED / "golden" / "california_prop99" / "reference.json"


def placebos(effect, donors):
    donors = np.asarray(donors, dtype=float)
    return Placebos(np.array([effect]), donors[:, None], np.ones(len(donors)), 1.0)


def test_the_placebo_error_is_the_donors_standard_deviation():
    donors = np.array([1.0, -2.0, 0.5, 3.0, -1.5, 0.0])
    found = placebo_error(placebos(2.0, donors))
    error = np.sqrt(((donors - donors.mean()) ** 2).mean())
    assert found.high - found.value == pytest.approx(norm.ppf(0.975) * error)
    assert found.p_value == pytest.approx(2 * norm.sf(2.0 / error)) and found.value - found.low == found.high - 2.0


@pytest.mark.parametrize(
    ("donors", "treated", "is_refused"), [(4, 1, True), (5, 1, False), (6, 6, True), (7, 6, False)]
)
def test_the_placebo_error_needs_more_donors_than_treated(donors, treated, is_refused):
    found = placebo_error(placebos(1.0, np.arange(float(donors))), treated)
    assert isinstance(found, NotEstimable) is is_refused


def test_the_jackknife_leaves_everybody_out_in_turn():
    outcome, treated = np.array([3.0, 5.0, 1.0, 2.0, 0.5, 1.5]), np.array([True, True, False, False, False, False])

    def without(unit):
        rest = np.arange(6) != unit
        return outcome[rest & treated].mean() - outcome[rest & ~treated].mean()

    effect = outcome[treated].mean() - outcome[~treated].mean()
    found = jackknife_error(effect, without, 6, 2)
    others = [(5 - 1.25), (3 - 1.25), *(4 - (5.0 - x) / 3 for x in outcome[~treated])]
    variance = 5 / 6 * sum((other - effect) ** 2 for other in others)
    assert found.high - found.value == pytest.approx(norm.ppf(0.975) * np.sqrt(variance))


def test_one_treated_has_no_jackknife():
    asked = []
    found = jackknife_error(1.0, asked.append, 10, 1)
    assert isinstance(found, NotEstimable) and "Jackknife" in found.reason and asked == []


def test_a_unit_that_bears_everything_has_no_jackknife():
    found = jackknife_error(1.0, lambda unit: np.nan if unit == 3 else 1.0 + unit, 10, 2)
    assert isinstance(found, NotEstimable) and "enkelt kommune" in found.reason


def test_the_level_widens_the_interval():
    data = placebos(1.0, np.random.default_rng(0).normal(size=60))
    narrow, wide = placebo_error(data, level=0.9), placebo_error(data, level=0.99)
    assert isinstance(narrow, Judged) and wide.low < narrow.low < narrow.high < wide.high
    assert narrow.p_value == wide.p_value


def test_what_does_not_vary_is_refused_and_what_is_no_number_an_error():
    assert isinstance(placebo_error(placebos(1.0, np.zeros(20))), NotEstimable)
    assert isinstance(jackknife_error(1.0, lambda _: 1.0, 10, 3), NotEstimable)
    with pytest.raises(ValueError, match="the effect is nan"):
        placebo_error(placebos(np.nan, np.arange(20.0)))
    with pytest.raises(ValueError, match="the effect is nan"):
        jackknife_error(np.nan, lambda unit: float(unit), 10, 3)


def panel(treated, outcome, start):
    units, periods = outcome.shape
    cohort = np.array([start] * treated + [NEVER] * (units - treated))
    return Panel(
        tuple(range(periods)), outcome, np.ones(outcome.shape, dtype=bool), cohort, None, np.empty((units, 0)),
        np.arange(units), np.ones(units), "index",
    )  # fmt: skip


def test_weights_stay_when_a_unit_is_left_out():
    outcome = np.random.default_rng(1).normal(size=(12, 20)).cumsum(axis=1)
    data, method = panel(3, outcome, 15), SyntheticDid()
    (contrast,) = contrasts_of(method, data)
    effect, without = fixed_weights(method, contrast)
    assert effect == pytest.approx(method.fit(data).effect[0])
    found = method.match(contrast)
    unit, period = found.weight, np.append(found.period_weight, np.full(5, -1 / 5))

    def double_difference(rows, weight):
        return -(outcome[rows].mean(axis=0) - weight @ outcome[3:]) @ period

    assert without(1) == pytest.approx(double_difference([0, 2], unit))
    left = np.where(np.arange(9) == 4, 0, unit)
    assert without(3 + 4) == pytest.approx(double_difference([0, 1, 2], left / left.sum()))
    judged = jackknife_error(effect, without, 12, 3)
    variance = 11 / 12 * sum((without(row) - effect) ** 2 for row in range(12))
    assert judged.high - judged.value == pytest.approx(norm.ppf(0.975) * np.sqrt(variance))


def test_a_donor_that_alone_has_weight_cannot_be_left_out():
    outcome = np.vstack([np.arange(10.0), np.arange(10.0), np.arange(10.0), -np.arange(10.0), 50 + np.zeros(10)])
    outcome[:2] += np.array([[1.0], [-1.0]])
    method = SyntheticControl(demeaned=False)
    effect, without = fixed_weights(method, contrasts_of(method, panel(2, outcome, 7))[0])
    assert effect == pytest.approx(0, abs=1e-6) and np.isnan(without(2))
    assert without(3) == pytest.approx(0, abs=1e-6)
    assert isinstance(jackknife_error(effect, without, 5, 2), NotEstimable)


@pytest.mark.skipif(not REFERENCE.exists(), reason="reference data not found: california_prop99")
@pytest.mark.parametrize("method", ["synthdid", "sc", "did"])
def test_the_peers_200_draws_are_about_the_error_of_all_38_controls(method):
    """R synthdid draws 200 controls with replacement; its error is ours within three of its own simulation errors."""
    reference = json.loads(REFERENCE.read_text(encoding="utf-8"))[method]
    controls = reference["placebo_each_control"]
    effects = np.array(list(controls.values()) if isinstance(controls, dict) else controls, dtype=float)
    found = placebo_error(placebos(float(reference["estimate"]), effects))
    error = (found.high - found.low) / 2 / norm.ppf(0.975)
    spread = (effects - effects.mean()) / effects.std()
    simulation = np.sqrt(((spread**4).mean() - 1) / (4 * 200))
    assert np.log(reference["se_placebo_seed12345_reps200"] / error) == pytest.approx(0, abs=3 * simulation)
    assert simulation < 0.15
