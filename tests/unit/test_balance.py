"""What a run says of the weights of a weighted design, and of the municipalities that they leave out."""

import datetime as dt
from dataclasses import replace

import polars as pl
import pytest
from entry_world import PERIODS, START, cohorts

from evaluator.evaluation import balance
from evaluator.evaluation.entry_cohorts import EntryCohorts, month_index, month_of_index
from evaluator.evaluation.methods import answer, data_for, estimator_of
from evaluator.results import Findings
from evaluator.spec_reading import parse_spec
from evaluator.vocabulary import NEVER, Estimate, Light, NotEstimable

SPEC = """
[evaluation]
name = "en-kommune"
title = "En kommune"
question = "Kom flere i job?"
[intervention]
kind = "programme"
name = "projekt"
starts = [{ unit = "000", on = 2017-07-01 }]
[population]
benefits = ["kontanthjaelp"]
[panel]
period = "quarter"
from = 2016-01-01
to = 2018-03-31
[[outcome]]
name = "job"
horizon_weeks = 13
[comparison]
base_periods = 2
[estimation]
estimators = ["entropy_balancing"]
adjustment = "weighting"
covariates = ["age_group", "sex"]
"""
FIRST = month_index(dt.date(2016, 1, 1))
STATES = ("education", "other_benefit", "supported_work", "entry_benefit", "self_support", "left_register")


def followed(without=()):
    """Return the entry cohorts of the small world as a run reads them, quarter by quarter."""
    data = cohorts(seed=2, clusters=30, effect=0.05, drift=0.2)
    period = FIRST + 3 * data.period
    table = pl.DataFrame(
        {
            "municipality_code": [data.clusters[c] for c in data.cluster],
            "period_on": [month_of_index(int(p)) for p in period],
            "period": period,
            "cohort": [0 if c == NEVER else FIRST + 3 * START for c in data.cohort],
            "age_group": [str(a + 2 * b) for a, b in data.covariates[:, :2].astype(int)],
            "sex": [str(c) for c in data.covariates[:, 2].astype(int)],
            "persons": data.weight.astype(int),
            "job": (data.weight * data.outcome).round().astype(int),
        }
    ).with_columns([pl.lit(0).alias(name) for name in STATES])
    table = table.filter(~((pl.col("municipality_code").is_in(without)) & (pl.col("sex") == "1")))
    keys = ("municipality_code", "period_on", "period", "cohort")
    cells = table.group_by(*keys, maintain_order=True).agg(pl.col("persons", "job", *STATES).sum())
    periods = tuple(FIRST + 3 * p for p in range(PERIODS))
    return EntryCohorts(cells, periods, 13, table)


def told(spec, entered):
    method, findings = estimator_of(spec, 13), Findings()
    found = answer(method, data_for(spec, method, entered, "job"))
    return found, balance.checks(spec, entered, found, findings), findings


def test_the_checks_name_the_municipalities_left_out_and_the_facts_those_compared():
    spec = parse_spec(SPEC, "spec.toml")
    found, (effective, largest), findings = told(spec, followed(without=("003", "004")))
    assert isinstance(found, Estimate) and found.low < 0.05 < found.high
    assert effective.name == "effective_persons" and effective.verdict is Light.GREEN and 0.5 < effective.value < 1
    assert "27 kommuner er med; 0 er ude, fordi ingen" in effective.why and "og 2, fordi" in effective.why
    assert largest.verdict is Light.GREEN and 0 < largest.value < 1
    facts = {row["key"]: row["value"] for row in findings.rows["run"]}
    assert facts["n_comparison"] == "27"
    assert float(facts["p_floor"]) == round(1 / (found.clusters - found.treated_clusters + 1), 4)


def test_only_municipalities_that_are_compared_are_shown_beside_the_treated():
    spec = parse_spec(SPEC, "spec.toml")
    shown = balance.compared(spec, followed(without=("003", "004"))).cells["municipality_code"].unique()
    assert len(shown) == 28 and not {"003", "004"} & set(shown)
    plain = replace(spec, estimation=replace(spec.estimation, adjustment="none", covariates=()))
    assert len(balance.compared(plain, followed()).cells["municipality_code"].unique()) == 30
    assert told(plain, followed())[1:] == ([], Findings())


@pytest.mark.parametrize(
    ("lost", "words"),
    [([f"{c:03d}" for c in range(3, 30)], "Kun 2 kommuner kan sammenlignes: i 0 begyndte ingen"), ([], None)],
)
def test_a_refusal_counts_who_cannot_be_compared(lost, words):
    spec = parse_spec(SPEC, "spec.toml")
    entered = followed(without=lost)
    if words is None:  # nobody enters in the treated one at its start
        here = (pl.col("municipality_code") == "000") & (pl.col("period") == pl.col("cohort"))
        entered = replace(entered, profiles=entered.profiles.filter(~here))
        words = "Der er en periode før eller efter starten, hvor ingen begyndte"
    found, checks, _ = told(spec, entered)
    assert isinstance(found, NotEstimable) and checks == []
    assert found.reason.startswith(words)
