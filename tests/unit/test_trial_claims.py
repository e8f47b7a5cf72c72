"""The world in which two claims of trials are true: what is planted, and that activation is found among outcomes."""

import csv
import math
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from evaluator.cli import main
from evaluator.design.frozen import Design, periods_between
from evaluator.evaluation.entry_cohorts import EntryCohorts, labelled
from evaluator.evaluation.methods import answer, data_for, estimator_of
from evaluator.evaluation.person_outcomes import family
from evaluator.registers import Population, rates, simulate, write_register
from evaluator.registers import truth as truths
from evaluator.registers.calendar import MONTH_OF_WEEK, month_date
from evaluator.registers.claims import CONTROL, COUNSELLING, UNSAID
from evaluator.registers.municipalities import ACTIVATION, TRIAL_CLAIMS, municipalities, starts
from evaluator.results import Findings
from evaluator.spec import Start
from evaluator.spec_reading import read_spec

SPEC = read_spec(Path(__file__).resolve().parents[2] / "data/synthetic/specs/aktivering.toml")
SPEC = replace(SPEC, outcomes=tuple(o for o in SPEC.outcomes if o.name != "paid_hours_any"))
ACTIVATING = [start for start in starts(TRIAL_CLAIMS) if start.intervention == ACTIVATION]
DESIGN = Design(
    treated=tuple(Start(start.code, start.start) for start in ACTIVATING),
    donors=tuple(m.code for m in municipalities() if m.code not in {start.code for start in starts(TRIAL_CLAIMS)}),
    excluded=SPEC.comparison.exclude_donors,
    periods=periods_between(SPEC.panel.from_, SPEC.panel.to, 1),
    period_months=1,
)


@pytest.fixture(scope="module")
def register():
    return simulate(60_000, 20170101, TRIAL_CLAIMS)


@pytest.fixture(scope="module")
def truth(register):
    return truths.build(register)


def cohorts(register):
    """Return the entry cohorts of a year's horizon with the sum of weeks of sick pay."""
    seen = register.members(Population()) & (register.end_states(52) >= 0)
    codes = np.array([m.code for m in municipalities()])
    sick = pl.DataFrame(
        {
            "municipality_code": codes[register.people.municipality[seen]],
            "period_on": [month_date(int(month)) for month in MONTH_OF_WEEK[register.people.entry[seen]]],
            "sick_weeks": register.sick_weeks(52)[seen],
        }
    )
    sums = sick.group_by("municipality_code", "period_on").agg(pl.col("sick_weeks").sum())
    cells = register.entry_cells(Population(), 52).join(sums, on=["municipality_code", "period_on"])
    kept = cells.filter(
        pl.col("period_on") >= SPEC.panel.from_,
        pl.col("period_on") < cells["period_on"].max(),
        ~pl.col("municipality_code").is_in(SPEC.comparison.exclude_donors),
    )
    kept = labelled(kept, DESIGN).sort("municipality_code", "period")
    return EntryCohorts(kept, tuple(sorted(kept["period"].unique())), 52)


def test_more_activation_is_found_to_bring_sick_weeks_alone_after_adjustment(register, truth):
    found = cohorts(register)
    findings = Findings()
    adjusted = family(SPEC, {52: found}, findings)
    assert findings.rows["run"] == [{"key": "family_size", "value": "4"}]
    treated = found.cells.filter(pl.col("cohort") > 0, pl.col("period") >= pl.col("cohort"))
    weights = {
        (date(row["cohort"] // 12, row["cohort"] % 12 + 1, 1), row["period_on"]): row["persons"]
        for row in treated.group_by("cohort", "period_on").agg(pl.col("persons").sum()).iter_rows(named=True)
    }
    method = estimator_of(SPEC, 52)
    for outcome in SPEC.outcomes:
        own = answer(method, data_for(SPEC, method, found, outcome.name))
        true = truths.effect(truth, "aktivering", outcome.name, 52, weights)
        assert own.low <= true <= own.high, outcome.name
        assert own.p_value <= adjusted[outcome.name, 52]
        assert (adjusted[outcome.name, 52] < 0.05) == (outcome.name == "sick_weeks")
    assert 0.9 < truths.effect(truth, "aktivering", "sick_weeks", 52, weights) < 1.4


def test_counselling_raises_jobs_and_control_self_support_from_the_meetings_own_week(register):
    meetings, paths = register.paths.meetings, register.paths
    k = meetings.week - register.people.entry[meetings.person]
    inside = k + 1 < len(paths.weeks)
    after = paths.weeks[k[inside] + 1, paths.factual[meetings.person[inside]]] & 15
    content = meetings.content[inside]
    share = {
        (what, state): (after[content == what] == state).mean()
        for what in (COUNSELLING, CONTROL)
        for state in (rates.JOB, rates.EDUCATION, rates.SELF_SUPPORT)
    }
    ratios = {state: share[COUNSELLING, state] / share[CONTROL, state] for state in (rates.JOB, rates.EDUCATION)}
    assert ratios[rates.JOB] == pytest.approx(rates.COUNSELLING_ON_JOB, rel=0.15)
    assert ratios[rates.EDUCATION] == pytest.approx(1, rel=0.15)
    assert share[CONTROL, rates.SELF_SUPPORT] / share[COUNSELLING, rates.SELF_SUPPORT] == pytest.approx(
        rates.CONTROL_ON_SELF_SUPPORT, rel=0.2
    )


def test_the_truth_tells_the_sick_weeks_and_the_hazards(truth):
    assert truth["columns"][-1] == "sick_weeks" and set(truth["specs"]) == {"aktivering", "horsens", "silkeborg"}
    assert truth["hazards"]["samtaler"] == {
        "counselling_exit_job": round(math.log(rates.COUNSELLING_ON_JOB), 6),
        "control_exit_self_support": round(math.log(rates.CONTROL_ON_SELF_SUPPORT), 6),
        "weeks": rates.MEETING_WEEKS,
    }
    assert all(sum(row[7:14]) == 0 for row in truth["specs"]["aktivering"])


def test_in_the_other_worlds_no_meeting_says_what_it_is_about_and_no_caseload_stays():
    found = simulate(1_500, 3)
    assert set(found.paths.meetings.content) == {UNSAID}
    assert truths.build(found)["columns"] == list(truths.COLUMNS)
    assert all(start.planned_after < start.planned_before for start in starts("default"))


def test_the_extracts_name_the_types_of_each_content_and_no_planned_caseload(tmp_path):
    write_register(tmp_path, 600, 5, TRIAL_CLAIMS, municipalities=["169", "370", "101"])
    plans = list(csv.DictReader((tmp_path / "indsats.csv").read_text(encoding="utf-8").splitlines(), delimiter=";"))
    assert {(row["indsats_navn"], row["sagstal_foer"], row["sagstal_efter"]) for row in plans} == {(ACTIVATION, "", "")}
    held = csv.DictReader((tmp_path / "samtaler.csv").read_text(encoding="utf-8").splitlines(), delimiter=";")
    assert {row["samtaletype"] for row in held} == {"jobsamtale", "cv", "opfoelgning", "rehabiliteringsmoede"}


def test_a_world_that_is_not_known_is_refused(tmp_path, capsys):
    assert main(["synth", str(tmp_path / "x"), "--persons", "50", "--world", "nowhere"]) != 0
    assert "expected one of default, inflow_responds, trial_claims" in capsys.readouterr().err


def test_the_committed_table_holds_the_truth_in_its_intervals():
    table = Path(__file__).resolve().parents[1] / "simulation/trial_claims.csv"
    rows = list(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))
    inside = [row["is_inside"] == "true" for row in rows]
    assert len(rows) >= 100 and sum(inside) >= 0.9 * len(rows)
    sick = [row for row in rows if row["outcome"] == "sick_weeks"]
    assert all(float(row["p_family"]) < 0.05 for row in sick)
