"""Group averages against the truth of a simulated register of 60,000 persons."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from evaluator.estimators.who_gains import WhoGains
from evaluator.inference.group_averages import group_estimates
from evaluator.registers import rates, simulate
from evaluator.registers.calendar import MONTH_OF_WEEK, WEEKS, month_index
from evaluator.registers.municipalities import STARTS, municipalities
from evaluator.registers.register import STATES, Population
from evaluator.vocabulary import Estimate

SEED, HORIZON = 20170101, 52
ANTICIPATION = 15  # three months declared, twelve of horizon
JOB = STATES.index("job")


@pytest.fixture(scope="module")
def people() -> pl.DataFrame:
    """Entrants from 2014 on outside Horsens and Silkeborg, with the outcome and the true effect of each."""
    register = simulate(60_000, SEED, horizon_only=True)
    entrants = register.people
    steps = {start.code: start.month for start in STARTS if start.intervention == "faerre-sager"}
    codes = np.array([municipality.code for municipality in municipalities()])[entrants.municipality]
    month = MONTH_OF_WEEK[entrants.entry]
    state, without = register.end_states(HORIZON), register.end_states(HORIZON, without=True)
    observed = (month >= month_index(2014, 1)) & (month < MONTH_OF_WEEK[WEEKS - HORIZON - 4])
    projects = [start.code for start in STARTS if start.code not in steps]
    kept = register.members(Population(age=(18, 64))) & observed & (state >= 0) & ~np.isin(codes, projects)
    frame = pl.DataFrame(
        {
            "municipality_code": codes,
            "period": month,
            "cohort": [steps.get(code, 0) for code in codes],
            "outcome": (state == JOB).astype(float),
            "effect": (state == JOB).astype(float) - (without == JOB),
            "age_group": np.array(rates.AGE_GROUPS)[entrants.age_group],
            "target_group": register.target_groups(),
            "sex": np.where(entrants.woman, "K", "M"),
            "education_level": entrants.education.astype(str),
        }
    )
    return frame.filter(pl.Series(kept))


@pytest.mark.parametrize(("grouping", "other"), [("age_group", "target_group"), ("target_group", "age_group")])
def test_every_interval_holds_the_true_effect_on_its_group(people: pl.DataFrame, grouping: str, other: str) -> None:
    exposed = people.filter(pl.col("cohort") > 0, pl.col("period") >= pl.col("cohort"))
    truth = dict(exposed.group_by(grouping).agg(pl.col("effect").mean()).iter_rows())
    learner = WhoGains(groups=grouping, traits=(other, "sex", "education_level"), anticipation=ANTICIPATION)
    found = learner.fit(people)
    assert set(found.groups) == set(truth)
    for name, number in zip(found.groups, group_estimates(found), strict=True):
        assert isinstance(number, Estimate)
        assert number.low <= truth[name] <= number.high, name
        assert number.treated_clusters == 15
