"""Caseworkers at intake who differ in strictness, drawn beside everything else."""

from __future__ import annotations

import numpy as np
import pytest

from evaluator.registers import simulate, truth, write_register
from evaluator.registers.municipalities import municipalities

PERSONS, SEED, CODES = 6_000, 7, ("615", "740", "630")
CODES_OF = [m.code for m in municipalities()]


@pytest.fixture(scope="module")
def strict():
    return simulate(PERSONS, SEED, codes=CODES, strictness_spread=0.9)


def test_without_a_spread_nobody_is_stricter_and_nothing_else_is_drawn_differently(strict):
    plain = simulate(PERSONS, SEED, codes=CODES)
    assert plain.intake is None
    assert (plain.people.entry == strict.people.entry).all()
    np.testing.assert_array_equal(plain.tables.strictness, strict.tables.strictness)
    never = np.setdiff1d(np.arange(PERSONS), np.r_[plain.paths.sanctions.person, strict.paths.sanctions.person])
    columns = (register.paths.weeks[:, register.paths.factual[never]] for register in (plain, strict))
    np.testing.assert_array_equal(*columns)  # who is sanctioned in neither lives the same weeks in both


def test_a_caseworkers_strictness_moves_the_share_of_no_shows_that_are_sanctioned(strict):
    meetings, sanctions = strict.paths.meetings, strict.paths.sanctions
    missed = meetings.person[meetings.flag]
    third = np.digitize(strict.intake.strictness, [0.7, 1.3])
    share = np.bincount(third[sanctions.person], minlength=3) / np.bincount(third[missed], minlength=3)
    assert share[0] < 0.6 * share[1] < 0.6 * share[2]
    assert (np.bincount(sanctions.person, minlength=PERSONS) <= np.bincount(missed, minlength=PERSONS)).all()


def test_entrants_are_dealt_by_lot_and_all_of_a_caseworkers_meet_the_same_strictness(strict):
    people, intake = strict.people, strict.intake
    key = people.municipality * 100 + intake.number
    for caseworker in np.unique(key):
        assert np.unique(intake.strictness[key == caseworker]).size == 1
    gap = np.corrcoef(intake.strictness, people.job_factor)[0, 1]
    assert abs(gap) < 4 / PERSONS**0.5


def test_the_extract_names_the_caseworker_at_intake_first(strict, tmp_path):
    write_register(tmp_path, PERSONS, SEED, municipalities=CODES, strictness_spread=0.9)
    lines = (tmp_path / "sagsbehandler.csv").read_text("utf-8").splitlines()[1:]
    first = {}
    for line in lines:
        person, _, _, caseworker, *_ = line.split(";")
        first.setdefault(person, int(caseworker.split("-")[1]) - 1)
    assert list(first.values()) == strict.intake.number.tolist()
    told = truth.read(tmp_path / "truth.json")["strictness"]
    assert told["spread"] == 0.9
    own = [told["caseworkers"][f"S{CODES_OF[place]}-{number + 1:02d}"]
           for place, number in zip(strict.people.municipality, strict.intake.number, strict=True)]  # fmt: skip
    np.testing.assert_allclose(own, strict.intake.strictness, atol=1e-6)


def test_without_a_spread_the_truth_says_nothing_of_strictness(tmp_path):
    write_register(tmp_path, 300, SEED, municipalities=CODES)
    assert "strictness" not in truth.read(tmp_path / "truth.json")


@pytest.mark.parametrize("spread", [-0.1, 1.1])
def test_a_spread_that_would_make_negative_strictness_is_refused(spread):
    with pytest.raises(ValueError, match="spread"):
        simulate(100, SEED, strictness_spread=spread)
