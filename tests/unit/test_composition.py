"""The checks of who comes in: red where the inflow responds to the intervention, not in the default world."""

from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest

from evaluator.design.frozen import Design, periods_between
from evaluator.diagnostics import credibility
from evaluator.evaluation.composition import composition
from evaluator.registers import Population, simulate
from evaluator.registers.calendar import MONDAYS, MONTH_OF_WEEK, month_date
from evaluator.registers.municipalities import STARTS, municipalities
from evaluator.registers.people import EDUCATIONS
from evaluator.registers.register import STATES
from evaluator.spec import Start
from evaluator.spec_reading import read_spec
from evaluator.vocabulary import Diagnostic, Light

SPEC = Path(__file__).parents[2] / "data" / "synthetic" / "specs" / "trappe.toml"
HORIZON = 52
AGE_GROUPS = ("18-24", "25-29", "30-49", "50-66")
SEED = 20170101
PERSONS = 30_000  # p-values of the mix: .000003 where the inflow responds, .7 where it does not


def diagnostics(world: str, persons: int, seed: int) -> dict[str, Diagnostic]:
    """Return both checks of `trappe`, from a register in memory laid out as the design's tables."""
    spec = read_spec(SPEC)
    register = simulate(persons, seed, world, horizon_only=True)
    people = register.people
    kept = np.flatnonzero(register.members(Population(age=(18, 66))))
    codes = np.array([m.code for m in municipalities()])
    weeks = MONDAYS[people.entry].astype("datetime64[ms]")
    months = [month_date(int(m)) for m in MONTH_OF_WEEK[people.entry]]
    entrants = pl.DataFrame(
        {
            "person_id": np.arange(len(people.entry)),
            "municipality_code": codes[people.municipality],
            "period_on": months,
            "entry_week": pl.Series(weeks).cast(pl.Date),
            "target_group": register.target_groups(),
            "age_group": np.array(AGE_GROUPS)[people.age_group],
            "sex": np.where(people.woman, "K", "M"),
            "education_level": np.array(EDUCATIONS)[people.education],
        }
    )[kept].filter(pl.col("period_on").is_between(spec.panel.from_, spec.panel.to))
    state = register.end_states(HORIZON)
    outcomes = pl.DataFrame(
        {"person_id": np.arange(len(state)), "state": np.where(state >= 0, np.array(STATES)[state], None)}
    ).drop_nulls()
    outcomes = outcomes.join(entrants.select("person_id", "entry_week"), on="person_id").with_columns(
        horizon_weeks=pl.lit(HORIZON)
    )
    started = [s for s in STARTS if s.intervention == spec.intervention.name]
    treated = tuple(sorted((Start(s.code, s.start) for s in started), key=lambda start: start.unit))
    outside = {s.unit for s in treated} | set(spec.comparison.exclude_donors)
    donors = tuple(str(code) for code in codes if code not in outside)
    periods = periods_between(spec.panel.from_, spec.panel.to, 1)
    design = Design(treated, donors, spec.comparison.exclude_donors, periods, 1)
    with duckdb.connect() as connection:
        connection.execute("create schema design")
        connection.execute("create macro weeks_after(week, weeks) as (week + 7 * weeks)::date")
        connection.register("given_entrants", entrants)
        connection.register("given_outcomes", outcomes)
        connection.execute("create table design.entrants as from given_entrants")
        connection.execute("create table design.entrant_outcomes as from given_outcomes")
        return {check.name: check for check in composition(connection, spec, design)}


@pytest.fixture(scope="module", params=["default", "inflow_responds"])
def checked(request: pytest.FixtureRequest) -> tuple[str, dict[str, Diagnostic]]:
    return request.param, diagnostics(request.param, PERSONS, SEED)


def test_who_comes_in_is_red_only_where_the_inflow_responds(checked: tuple[str, dict[str, Diagnostic]]) -> None:
    world, checks = checked
    assert set(checks) == {"inflow", "composition"}
    reds = [name for name, check in checks.items() if check.verdict is Light.RED]
    assert reds == (["composition"] if world == "inflow_responds" else [])


def test_credibility_is_red_only_where_the_inflow_responds(checked: tuple[str, dict[str, Diagnostic]]) -> None:
    world, checks = checked
    verdict = credibility.verdict([credibility.treated_clusters(15), *checks.values()])
    assert (verdict is Light.RED) == (world == "inflow_responds")
