"""The order of the steps: what stops a run, what is locked before outcomes are seen, and that digits repeat."""

import datetime as dt
import hashlib
import re
from pathlib import Path

import pytest

from evaluator import pipeline
from evaluator.errors import CheckError, EvaluatorError
from evaluator.evaluation.plan import describe
from evaluator.project import Project
from evaluator.release import COLUMNS
from evaluator.spec_reading import read_spec
from evaluator.store import connect
from expectations.run import check
from reports import write_report

AFTER_THE_START = (
    ("marts.exits", "exit_week"),
    ("marts.person_month", "month"),
    ("marts.municipality_period", "month"),
    ("marts.sanction_events", "decided_on"),
    ("marts.week_status", "from_week"),
    ("marts.benefit_spells", "from_week"),
    ("staging.stg_paid_hours", "month"),
    ("staging.stg_education", "from_on"),
    ("staging.stg_sanctions", "decided_on"),
    ("staging.stg_meetings", "held_on"),
    ("staging.stg_programmes", "from_on"),
    ("staging.stg_municipality_panel", "period_on"),
)


def rows(project: Project, sql: str, *parameters: object) -> list[tuple]:
    with connect(project, read_only=True) as connection:
        return connection.execute(sql, list(parameters)).fetchall()


def facts(project: Project, run_id: str) -> dict[str, str]:
    return dict(rows(project, "select key, value from release.run where run_id = ?", run_id))


def respecified(project: Project, name: str, old: str, new: str, called: str) -> Path:
    """Write a copy of a spec with one text replaced; return its path."""
    text = (project.specs / f"{name}.toml").read_text(encoding="utf-8")
    assert text.count(old) >= 1
    path = project.specs / f"{called}.toml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    return path


def run(project: Project, path: Path) -> str:
    return pipeline.run(project, path, check, write_report)[0]


def overlapping(project: Project) -> None:
    """Deliver the spells with one that lies inside another of the same person."""
    spells = project.extracts / "ydelser.csv"
    first = spells.read_text(encoding="utf-8").splitlines()[1].split(";")
    first[1] = f"{dt.date.fromisoformat(first[1]) + dt.timedelta(days=1)}"
    with spells.open("a", encoding="utf-8") as file:
        file.write(";".join(first) + "\n")


def test_a_store_has_the_verdicts_tables_before_the_first_check(project):
    assert rows(project, "select count(*) from meta.findings") == [(0,)]
    assert rows(project, "select count(*) from meta.passed") == [(0,)]


def test_a_critical_expectation_stops_the_run_and_the_next_one_too(example_project):
    overlapping(example_project)
    told = []
    for _ in range(2):
        with pytest.raises(CheckError) as stopped:
            run(example_project, example_project.specs / "horsens.toml")
        told.append(str(stopped.value))
    assert told[0] == told[1]
    assert re.match(r"staging\.stg_benefit_spells: at most \d[\d,]* of 15,359 rows break '[^']+'", told[0]), told[0]
    assert "expected none." in told[0]
    assert " See ydelser.csv, lines 2 and 15360. " in told[0]
    assert told[0].endswith("Run 'evaluator why stg_benefit_spells', correct the extract and load it again.")
    assert "P0000" not in told[0]
    assert list(example_project.reports.iterdir()) == []
    tables = rows(example_project, "select table_name from duckdb_tables() where schema_name in ('results', 'release')")
    assert tables == []


def test_a_check_that_was_cut_short_is_made_again(example_project):
    def die(project: Project):
        raise KeyboardInterrupt

    (example_project.extracts / "uddannelse.csv").write_bytes(
        (example_project.extracts / "uddannelse.csv").read_bytes().replace(b"\n", b"\r\n")
    )
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            pipeline.prepare(example_project, die)


def test_tables_that_have_passed_are_not_checked_again(example_project):
    def refuse(project: Project):
        raise AssertionError("checked again")

    pipeline.prepare(example_project, refuse)


def test_the_spec_is_locked_before_outcomes_are_opened(example_project):
    path = example_project.specs / "horsens.toml"
    with connect(example_project) as connection:
        connection.execute("drop table marts.week_status")
    with pytest.raises(EvaluatorError):
        pipeline.estimate(example_project, path)
    spec = read_spec(path)
    assert rows(example_project, "select intervention, unit, spec_hash from results.locks") == [
        ("mod-til-uddannelse", "615", spec.content_hash)
    ]
    assert rows(example_project, "select count(*) from results.runs") == [(0,)]


def test_a_changed_spec_marks_every_run_on_the_intervention_and_their_number(answered):
    first = rows(answered, "select run_id from results.runs where spec_name = 'sanktioner'")[0][0]
    assert facts(answered, first)["is_exploratory"] == "false"
    second = run(answered, respecified(answered, "sanktioner", "minimum_level = 20", "minimum_level = 10", "anden"))
    assert second != first
    for run_id in (first, second):
        marked = facts(answered, run_id)
        assert (marked["is_exploratory"], marked["runs_on_intervention"]) == ("true", "2")
        (report,) = answered.reports.glob(f"*-{run_id[:8]}.html")
        assert "Udforskende: Der er 2 kørsler af denne indsats." in report.read_text(encoding="utf-8")
    other = rows(answered, "select run_id from results.runs where spec_name = 'horsens'")[0][0]
    assert facts(answered, other)["is_exploratory"] == "false"


def test_an_association_has_the_comparison_between_municipalities_beside_it(answered):
    (found,) = rows(answered, "select run_id from results.runs where spec_name = 'sanktioner'")[0]
    kinds = dict(
        rows(answered, "select aggregate, count(*) from release.estimates where run_id = ? group by all", found)
    )
    assert kinds == {"overall": 4, "cross_section": 4}
    shown = rows(
        answered, "select label, why from release.diagnostics where run_id = ? and name = 'cross_section'", found
    )
    assert [label for label, _ in shown] == ["Samme billede på tværs af kommuner"]
    assert "Når samme kommune" in shown[0][1]


def test_a_spec_that_was_locked_but_failed_counts_as_seen(answered):
    first = rows(answered, "select run_id from results.runs where spec_name = 'sanktioner'")[0][0]
    with connect(answered) as connection:
        connection.execute(
            "insert into results.locks by name select * replace ('another' as spec_hash, 'failed' as run_id) "
            "from results.locks where run_id = ?",
            [first],
        )
    pipeline.release(answered, first)
    marked = facts(answered, first)
    assert (marked["is_exploratory"], marked["runs_on_intervention"]) == ("true", "2")


def test_a_reworded_title_is_the_same_run(answered):
    first = rows(answered, "select run_id from results.runs where spec_name = 'horsens'")[0][0]
    path = respecified(answered, "horsens", "Mod til uddannelse i Horsens", "Horsens, en gang til", "omdoebt")
    assert run(answered, path) == first
    assert facts(answered, first)["is_exploratory"] == "false"


def test_a_plan_reads_nothing_after_the_first_start(example_project):
    path = example_project.specs / "horsens.toml"
    before = describe(example_project, path)
    with connect(example_project) as connection:
        for table, column in AFTER_THE_START:
            [(fewer,)] = connection.execute(f"delete from {table} where {column} >= '2017-01-01'").fetchall()
            assert fewer > 0
        connection.execute("delete from meta.builds where table_name like 'design.%'")
    assert describe(example_project, path) == before


def test_a_plan_made_twice_says_the_same(example_project):
    path = example_project.specs / "horsens.toml"
    assert describe(example_project, path) == describe(example_project, path)


def release_tables(project: Project, run_id: str) -> dict[str, list[tuple]]:
    """Return every released row of a run but the time of day it was made."""
    return {
        table: sorted(
            (
                row
                for row in rows(project, f"select * from release.{table} where run_id = ?", run_id)
                if "created_at" not in row
            ),
            key=repr,
        )
        for table in COLUMNS
    }


def test_one_thread_and_a_rebuild_give_the_same_released_digits(answered, example_project):
    settings = example_project.root / "evaluator.toml"
    settings.write_text("[store]\nthreads = 1\n", encoding="utf-8")
    rebuilt = Project.open(example_project.root)
    with connect(rebuilt) as connection:
        connection.execute("delete from meta.builds")
    assert pipeline.build(rebuilt) > 20
    for name in ("horsens", "sanktioner"):
        run_id = run(rebuilt, rebuilt.specs / f"{name}.toml")
        again, first = release_tables(rebuilt, run_id), release_tables(answered, run_id)
        assert sum(map(len, first.values())) > 100
        for table in COLUMNS:
            assert again[table] == first[table], table
        (report,) = rebuilt.reports.glob(f"{name}-*.json")
        stamp = re.compile(r'"created_at": "[^"]*"|\{\s*"key": "created_at",\s*"value": "[^"]*"\s*\}')
        first_text = (answered.reports / report.name).read_text(encoding="utf-8")
        assert stamp.sub("", report.read_text(encoding="utf-8")) == stamp.sub("", first_text)


def test_the_marts_are_the_same_whatever_the_order_of_delivery(built_example, tmp_path):
    project = Project.create(tmp_path / "omvendt", example=True)
    files = sorted(project.extracts.glob("*.csv"), reverse=True)
    pipeline.load(project, files)
    pipeline.build(project)
    query = "select schema_name || '.' || table_name from duckdb_tables() where schema_name in ('staging', 'marts')"
    tables = [table for (table,) in rows(project, query)]
    hashed = "select count(*), bit_xor(hash(t)) from {} as t"
    first = Project.open(built_example)
    differing = [t for t in tables if rows(project, hashed.format(t)) != rows(first, hashed.format(t))]
    assert differing == []


def test_every_run_writes_a_report_and_says_why_a_number_is_refused(answered):
    refused = rows(answered, "select spec_name, outcome, reason from results.runs join release.refusals using (run_id)")
    assert all(reason for _, _, reason in refused)
    for run_id, name in rows(answered, "select run_id, spec_name from results.runs"):
        text = (answered.reports / f"{name}-{run_id[:8]}.html").read_text(encoding="utf-8")
        assert '<html lang="da">' in text
        for spec, _, reason in refused:
            assert spec != name or reason.split(";")[0] in text


def test_the_code_hash_is_of_the_text_and_not_of_its_line_ends():
    assert re.fullmatch(r"[0-9a-f]{64}", pipeline.code_hash())
    assert pipeline.code_hash() != hashlib.sha256(b"").hexdigest()
