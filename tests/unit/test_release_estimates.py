"""An effect is a sum of shares: with the other shares released, a small count could be solved out of it."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest
from trappe_world import DESIGN, TRAPPE, entry_cohorts

from evaluator.disclosure import MINIMUM_COUNT, ROUNDING_BASE
from evaluator.evaluation.entry_cohorts import EntryCohorts
from evaluator.evaluation.person_outcomes import before_after, end_states, estimate, event_study
from evaluator.release_rules import RULES, STATES, Policy
from evaluator.results import Findings, columns

SPEC = replace(TRAPPE, outcomes=tuple(o for o in TRAPPE.outcomes if o.name in STATES))
POLICY = Policy(MINIMUM_COUNT)


@pytest.fixture(scope="module")
def cohorts() -> EntryCohorts:
    """Entry cohorts of a register so small that many counts are small."""
    return entry_cohorts(12_000, seed=11)


@pytest.fixture(scope="module")
def released(cohorts: EntryCohorts) -> dict[str, list[dict[str, object]]]:
    findings = Findings()
    overall = estimate(SPEC, cohorts, {}, findings)
    event_study(SPEC, cohorts, "job", findings)
    before_after(SPEC, cohorts, overall, findings)
    end_states(SPEC, DESIGN, cohorts, overall, findings)
    out = {}
    for table in ("estimates", "before_after", "end_states"):
        rows = [{name: row.get(name) for name in columns(table)} for row in findings.rows[table]]
        out[table] = RULES[table](rows, POLICY)
    return out


def _counts(cells: pl.DataFrame, outcome: str, cohorts: EntryCohorts) -> tuple[int, int]:
    count = int(cells.select(cohorts.count(outcome).sum()).item() or 0)
    return count, int(cells["persons"].sum()) - count


def test_no_event_time_is_released_on_a_small_count(cohorts: EntryCohorts, released: dict) -> None:
    shown = hidden = 0
    for row in released["estimates"]:
        if row["aggregate"] != "event" or row["status"] == "not_estimable":
            continue
        here = cohorts.cells.filter(pl.col("cohort") > 0, pl.col("period") == pl.col("cohort") + row["at"])
        is_small = min(_counts(here, "job", cohorts)) <= MINIMUM_COUNT
        assert (row["value"] is None) or not is_small
        shown, hidden = shown + (row["value"] is not None), hidden + is_small
    assert shown and hidden  # the register holds both


def test_no_overall_effect_is_released_on_a_small_count(cohorts: EntryCohorts, released: dict) -> None:
    for row in released["estimates"]:
        if row["aggregate"] == "overall" and row["outcome"] in STATES and row["value"] is not None:
            for cells in (cohorts.base(SPEC), cohorts.exposed()):
                assert min(_counts(cells, str(row["outcome"]), cohorts)) > MINIMUM_COUNT


def test_released_effects_come_in_steps_of_five_persons(released: dict) -> None:
    for row in released["estimates"]:
        if row["value"] is not None and row["unit"] == "share":
            steps = float(row["value"]) * row["n"] / ROUNDING_BASE
            assert steps == pytest.approx(round(steps), abs=row["n"] * 1e-4)


def test_before_after_and_end_states_say_the_same_of_the_same_people(released: dict) -> None:
    after = {r["outcome"]: r.get("after") for r in released["before_after"]}
    treated = {r["state"]: r["share"] for r in released["end_states"] if r["arm"] == "treated"}
    told = [state for state in STATES if after.get(state) is not None]
    assert told
    assert all(after[state] == treated[state] for state in told)
    assert all(after.get(state) is None for state in STATES if treated[state] is None)
