"""The extracts, put through the SQL models, give back what the register recorded."""

import datetime as dt
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from evaluator.extracts.load import load
from evaluator.models import build
from evaluator.project import Project
from evaluator.registers import Population, simulate
from evaluator.registers.calendar import MONDAYS, month_date
from evaluator.registers.register import STATES
from evaluator.registers.truth import read
from evaluator.store import connect

REGISTER = Path(__file__).resolve().parents[2] / "data" / "synthetic" / "register"
FIXTURE_CODES = ("615", "370", "630", "265", "360", "580")
HORIZONS = (26, 52)
DESIGN = {
    "benefits": ["kontanthjaelp", "uddannelseshjaelp"],
    "target_groups": [],
    "age_from": 18,
    "age_to": 66,
    "panel_from": dt.date(2012, 1, 1),
    "panel_to": dt.date(2019, 12, 31),
    "period_months": 1,
    "entry": "inflow",
    "horizons": list(HORIZONS),
    "outcomes_to": None,
}
YOUTH = {
    "benefits": ["uddannelseshjaelp"],
    "target_groups": ["aktivitetsparat"],
    "age_to": 24,
    "panel_from": dt.date(2013, 1, 1),
}


@pytest.fixture(scope="module")
def register():
    return simulate(1500, 20170101, codes=FIXTURE_CODES)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    project = Project.create(tmp_path_factory.mktemp("register") / "project", example=True)
    deliveries = load(project)
    assert [d.extract for d in deliveries if d.rejected] == []
    with connect(project) as connection:
        build(connection, ("staging", "marts"), {"wage_final_after_months": 2})
        build(connection, ("design",), DESIGN)
        yield connection


def test_every_person_enters_once_as_simulated(register, store):
    found = store.sql(
        "select person_id, municipality_code, entry_week, benefit, target_group, age_group from design.entrants "
        "order by person_id"
    ).pl()
    people = register.people
    assert found["person_id"].to_list() == [f"P{i:07d}" for i in range(1, len(people.entry) + 1)]
    assert (found["entry_week"].to_numpy() == MONDAYS[people.entry]).all()
    assert (found["benefit"].to_numpy() == np.where(people.kth, "kontanthjaelp", "uddannelseshjaelp")).all()
    assert (found["target_group"].to_numpy() == register.target_groups()).all()


@pytest.mark.parametrize("horizon", HORIZONS)
def test_end_states_of_the_models_are_those_of_the_register(register, store, horizon):
    found = store.sql(
        f"select person_id, state from design.entrant_outcomes where horizon_weeks = {horizon} order by person_id"
    ).pl()
    state = register.end_states(horizon)
    seen = np.flatnonzero(state >= 0)
    assert found["person_id"].to_list() == [f"P{i + 1:07d}" for i in seen]
    expected = np.array(STATES)[state[seen]]
    different = found.filter(found["state"] != pl.Series(expected))
    assert different.is_empty(), different.head(3)


@pytest.mark.parametrize("horizon", HORIZONS)
def test_cells_in_memory_are_those_of_the_models(register, store, horizon):
    columns = ["municipality_code", "period_on", "persons", *STATES]
    found = store.sql(
        f"select {', '.join(columns)} from design.cells where horizon_weeks = {horizon} order by 1, 2"
    ).pl()
    cells = register.entry_cells(Population(), horizon).sort("municipality_code", "period_on")
    assert cells.rows() == found.rows()


def test_the_stock_in_the_truth_is_that_of_the_models(store):
    with_effect = {
        dt.date.fromisoformat(month): stock for month, stock, _ in read(REGISTER / "truth.json")["stock"]["horsens"]
    }
    build(store, ("design",), DESIGN | YOUTH)
    found = store.sql(
        "select period_on, recipients from design.stock_series where municipality_code = '615' order by 1"
    ).fetchall()
    assert len(found) >= 80
    assert {month: int(stock) for month, stock in found} == {month: with_effect[month] for month, _ in found}
    assert found[0][0] == month_date(12)
