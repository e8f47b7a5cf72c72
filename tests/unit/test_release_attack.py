"""An attacker with every released table, its margins, the code and a second release one person apart."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluator import results
from evaluator.disclosure import MINIMUM_COUNT, ROUNDING_BASE
from evaluator.release import COLUMNS, release
from evaluator.release_rules import RULES, STATE_PARTS, STATES, Policy
from evaluator.results import Findings

POLICY = Policy(MINIMUM_COUNT)
SLACK = ROUNDING_BASE - 1  # a released part lies this near its true count; the total within half a base
Released = dict[str, list[dict[str, object]]]


def _findings(treated: list[int], months: list[tuple[int, int]], groups: list[int], rows: int) -> Findings:
    """Return a run whose counts are given: end states, persons in job by month, groups, rows in a delivery."""
    found = Findings()
    for state, count in zip(STATES, treated, strict=True):
        found.add("end_states", {"arm": "treated", "state": state, "count": count, "persons": sum(treated)})
    for month, (persons, count) in enumerate(months, start=1):
        row = {"outcome": "job", "horizon_weeks": 52, "arm": "treated", "period_on": f"2017-{month:02}-01"}
        found.add("means", {**row, "persons": persons, "count": count})
    persons, count = (sum(part) for part in zip(*months, strict=True))
    naive = {"before_count": count, "before_persons": persons, "after_count": count, "after_persons": persons}
    found.add("before_after", {"outcome": "job", "unit": "share", "effect": 0.01, "is_estimable": True, **naive})
    for index, members in enumerate(groups):
        group = {"grouping": "age_group", "group_name": f"g{index}", "persons": members, "is_estimable": True}
        group["smallest_count"] = members // 2
        found.add("groups", {**group, "value": 0.1, "low": 0.0, "high": 0.2})
    place = {"outcome": "job", "horizon_weeks": 52, "unit": "share", "n": persons, "smallest_count": min(count, rows)}
    found.add("bounds", {**place, "bound": 1.0, "low": 0.0123456, "high": 0.0987654})
    found.add("drift", {**place, "power": 0.8, "slope": 0.0123456, "bias": 0.1, "bias_if_passed": 0.2})
    found.add("curve", {**place, "estimator": "group_time", "value": 0.0123456, "low": 0.0, "high": 0.1,
                        "is_estimable": True, "leave_out": "largest", "is_main": False})  # fmt: skip
    found.add("decomposition", {**place, "kind": "treated_never", "weight": 0.75, "value": 0.0123456})
    found.add("deliveries", {"extract": "personer", "file": "personer.csv", "rows": rows, "rejected": rows % 7})
    found.add("quality", {"table_name": "stg_persons", "rule": "key", "rows": rows, "unexpected": rows % 5})
    found.facts(persons_treated=sum(treated), persons_comparison=rows)
    return found


def _release(findings: Findings) -> Released:
    """Return what leaves: each table's rule on its rows, as `release` applies it."""
    out: Released = {}
    for table, rule in RULES.items():
        names = results.columns(table)
        rows = [{name: row.get(name) for name in names} for row in findings.rows.get(table, [])]
        kept = [part.split()[0].strip('"') for part in COLUMNS[table].split(", ")]
        out[table] = [{name: row.get(name) for name in kept} for row in rule(rows, POLICY)]
    return out


def test_the_rules_are_what_the_store_releases() -> None:
    findings = _findings([100, 50, 30, 20, 4, 60, 12], [(40, 12), (30, 3)], [30, 40], 100)
    with duckdb.connect() as connection:
        connection.execute("create schema results; create schema release")
        results.create(connection)
        results.append(connection, "run", findings)
        release(connection, "run", POLICY)
        for table, expected in _release(findings).items():
            cursor = connection.execute(f"select * exclude run_id from release.{table}")
            names = [column[0] for column in cursor.description]
            stored = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
            assert sorted(map(repr, _texts(stored))) == sorted(map(repr, _texts(expected)))


def _texts(rows: list[dict[str, object]]) -> list[dict[str, str]]:
    return [{name: str(value) for name, value in row.items()} for row in rows]


def _possible(released: Released) -> dict[str, tuple[int, int]]:
    """Return what an attacker can deduce of each end state's count: the smallest and largest value that fits."""
    rows = {str(r["state"]): r for r in released["end_states"]}
    total = rows["job"]["persons"]
    if total is None:
        return {}
    half = ROUNDING_BASE // 2
    bounds: dict[str, tuple[int, int]] = {}
    for state, row in rows.items():
        if row["share"] is None:
            bounds[state] = (0, int(total) + half)
        else:
            count = round(float(row["share"]) * int(total))
            bounds[state] = (max(count - SLACK, 0), count + SLACK)
    bounds["total"] = (int(total) - half, int(total) + half)
    margins = [("benefit", STATE_PARTS), ("total", ("job", "education", "benefit", "self_support", "left_register"))]
    for _ in range(len(STATES)):
        for whole, parts in margins:
            low, high = (sum(bounds[p][end] for p in parts) for end in (0, 1))
            bounds[whole] = (max(bounds[whole][0], low), min(bounds[whole][1], high))
            for part in parts:
                others = [p for p in parts if p != part]
                least = bounds[whole][0] - sum(bounds[o][1] for o in others)
                most = bounds[whole][1] - sum(bounds[o][0] for o in others)
                bounds[part] = (max(bounds[part][0], least), min(bounds[part][1], most))
    return bounds


counts = st.lists(st.one_of(st.integers(0, 12), st.integers(0, 900)), min_size=len(STATES), max_size=len(STATES))


@settings(max_examples=150, deadline=None)
@given(treated=counts)
def test_no_hidden_end_state_can_be_shown_to_be_under_five(treated: list[int]) -> None:
    released = _release(_findings(treated, [(40, 12)], [30, 40], 100))
    hidden = {str(r["state"]) for r in released["end_states"] if r["share"] is None}
    for state, (_, most) in _possible(released).items():
        if state in hidden and sum(treated) > MINIMUM_COUNT + ROUNDING_BASE:
            assert most >= MINIMUM_COUNT, f"{state} is at most {most}"


@settings(max_examples=60, deadline=None)
@given(treated=counts)
def test_every_small_end_state_is_hidden(treated: list[int]) -> None:
    released = _release(_findings(treated, [(40, 12)], [30, 40], 100))
    shown = {str(r["state"]): r["share"] for r in released["end_states"]}
    for state, count in zip(STATES, treated, strict=True):
        assert count > MINIMUM_COUNT or shown[state] is None


def _counts(released: Released) -> dict[tuple[str, ...], int]:
    """Return every count that can be read or multiplied out of a release."""
    found: dict[tuple[str, ...], int] = {}
    for table, rows in released.items():
        for index, row in enumerate(rows):
            for column in ("persons", "n", "rows", "rejected", "unexpected"):
                if row.get(column) is not None:
                    found[table, str(index), column] = int(row[column])  # type: ignore[call-overload]
            if row.get("share") is not None and row.get("persons") is not None:
                found[table, str(index), "share"] = round(float(row["share"]) * int(row["persons"]))  # type: ignore[arg-type,call-overload]
    for row in released["run"]:
        if row["key"] in ("persons_treated", "persons_comparison") and row["value"] != "..":
            found["run", str(row["key"]), "value"] = int(str(row["value"]))
    return found


@settings(max_examples=100, deadline=None)
@given(treated=counts, state=st.integers(0, len(STATES) - 1), month=st.integers(0, 2), data=st.data())
def test_two_releases_one_person_apart_differ_by_nothing_or_a_whole_base(
    treated: list[int], state: int, month: int, data: st.DataObject
) -> None:
    months = data.draw(st.lists(st.tuples(st.integers(8, 90), st.integers(0, 8)), min_size=3, max_size=3))
    groups = data.draw(st.lists(st.integers(0, 60), min_size=2, max_size=4))
    rows = data.draw(st.integers(10, 5000))
    more = [count + (index == state) for index, count in enumerate(treated)]
    later = [(p + (i == month), c + (i == month)) for i, (p, c) in enumerate(months)]
    first = _counts(_release(_findings(treated, months, groups, rows)))
    second = _counts(_release(_findings(more, later, [groups[0] + 1, *groups[1:]], rows + 1)))
    for key in first.keys() & second.keys():
        difference = abs(first[key] - second[key])
        assert difference == 0 or difference >= MINIMUM_COUNT, f"{key} differs by {difference}"


EFFECTS = {
    "bounds": ("low", "high"),
    "drift": ("slope", "bias", "bias_if_passed"),
    "curve": ("value", "low", "high"),
    "decomposition": ("value",),
}


@settings(max_examples=60, deadline=None)
@given(persons=st.integers(20, 900), count=st.integers(0, 12))
def test_how_well_an_answer_holds_leaves_no_finer_than_the_answer(persons: int, count: int) -> None:
    """An effect on at most five persons stays, and every other comes in steps of five of the rounded persons."""
    released = _release(_findings([100] * len(STATES), [(persons, count)], [30, 40], 5000))
    for table, names in EFFECTS.items():
        (row,) = released[table]
        for name in names:
            if count <= MINIMUM_COUNT:
                assert (row[name], row["status"]) == (None, "suppressed")
            else:
                behind = POLICY.count(persons)
                steps = float(row[name]) * behind / ROUNDING_BASE
                assert steps == pytest.approx(round(steps), abs=behind * 1e-4)


@pytest.mark.parametrize("count", range(12))
def test_crossing_the_line_never_shows_a_count_under_five(count: int) -> None:
    """What is hidden in one release and shown in the next, one person apart, was at least five."""
    before, after = POLICY.count(count), POLICY.count(count + 1)
    if before is None and after is not None:
        assert count >= MINIMUM_COUNT
