"""What this version of Great Expectations needs on DuckDB; each test fails when its workaround is no longer right."""

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from expectations_store import hand_made_project

from evaluator.errors import CheckError
from evaluator.store import connect
from expectations.run import check

UNPATCHED = """
import os, sys
os.environ["GX_ANALYTICS_ENABLED"] = "false"
import logging; logging.disable(logging.CRITICAL)
import great_expectations as gx, great_expectations.expectations as gxe
from expectations.run import persist_duckdb_connections
if sys.argv[2] == "patched":
    persist_duckdb_connections()
source = gx.get_context(mode="ephemeral").data_sources.add_sql("s", connection_string="duckdb:///" + sys.argv[1])
batch = source.add_table_asset("t", table_name="t").add_batch_definition_whole_table("all").get_batch()
result = batch.validate(gxe.ExpectColumnValuesToNotBeNull(column="a"))
print("answered" if result.success else "raised")
"""


@pytest.mark.parametrize(("how", "answer"), [("patched", "answered"), ("unpatched", "raised")])
def test_a_metric_on_duckdb_answers_only_with_a_persisted_connection(how: str, answer: str, tmp_path: Path) -> None:
    database = tmp_path / "t.duckdb"
    with duckdb.connect(str(database)) as connection:
        connection.execute("create table t as select 1 as a")
    command = [sys.executable, "-c", UNPATCHED, database.as_posix(), how]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.split()[-1] == answer


def test_a_rule_that_raises_is_an_error_and_not_a_finding(tmp_path: Path) -> None:
    project = hand_made_project(tmp_path / "project", "alter table staging.stg_visitation drop column target_group")
    with pytest.raises(
        CheckError, match=r"staging\.stg_visitation: the rule '.*target_group.*' could not be evaluated"
    ):
        check(project)
    connect(project).close()


def test_marts_that_are_not_built_are_left_out_and_the_store_is_free_afterwards(tmp_path: Path) -> None:
    project = hand_made_project(tmp_path / "project", without="marts.")
    assert {finding.table.split(".")[0] for finding in check(project).findings} == {"raw", "staging"}
    opening = "import duckdb, sys; duckdb.connect(sys.argv[1]).execute('create table free as select 1')"
    subprocess.run([sys.executable, "-c", opening, str(project.database)], check=True, timeout=60)


def test_the_check_writes_nothing_outside_the_store_and_nothing_to_the_screen(tmp_path: Path) -> None:
    project = hand_made_project(tmp_path / "project", without="marts.")
    outside = tmp_path / "elsewhere"
    outside.mkdir()
    before = sorted(path for path in project.root.rglob("*") if project.store not in path.parents)
    checking = (
        "import sys; from evaluator.project import Project; from expectations.run import check; "
        "check(Project.open(sys.argv[1]))"
    )
    homes = dict.fromkeys(("HOME", "USERPROFILE", "TMPDIR", "TEMP", "TMP"), str(outside))
    command = [sys.executable, "-c", checking, str(project.root)]
    environment = {**os.environ, **homes}
    done = subprocess.run(command, cwd=outside, env=environment, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(outside.iterdir()) == []
    assert sorted(path for path in project.root.rglob("*") if project.store not in path.parents) == before
