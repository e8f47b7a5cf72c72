"""The store: its tables, its lock, its version."""

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from evaluator.errors import ProjectError
from evaluator.extracts.contract import contracts
from evaluator.store import VERSION, connect, transaction


def rows(connection, sql):
    return connection.execute(sql).fetchall()


def test_a_new_store_has_every_schema_and_an_empty_table_per_extract(project):
    with connect(project) as connection:
        schemas = {name for (name,) in rows(connection, "select schema_name from duckdb_schemas()")}
        assert {"raw", "staging", "marts", "design", "results", "release", "meta"} <= schemas
        for contract in contracts():
            names = [column.name for column in contract.columns] + ["_delivery", "_line"]
            described = connection.execute(f"select * from raw.{contract.name}")
            assert [column[0] for column in described.description] == names
            assert described.fetchall() == []


def test_reference_tables_are_filled_when_the_store_is_made(project):
    with connect(project) as connection:
        assert rows(connection, "select count(*) from raw.municipalities") == [(98,)]
        given = {"0": "selvforsorgelse", "121": "beskaeftigelse", "651": "uddannelse", "771": "stottet_job"}
        given |= {"783": "varig", "881": "andet", "521": "uddannelse_eller_job", "999": "censurering", "730": "ydelse"}
        for code, outcome_class in given.items():
            assert rows(connection, f"select class from raw.dream_codes where code = '{code}'") == [(outcome_class,)]
        benefits = "select benefit, count(*) from raw.dream_codes where benefit in {} group by 1 order by 1"
        given = "('kontanthjaelp', 'uddannelseshjaelp')"
        assert rows(connection, benefits.format(given)) == [("kontanthjaelp", 26), ("uddannelseshjaelp", 16)]


def test_the_code_table_agrees_with_the_reference_list(project, shared):
    text = (shared / "domain" / "data" / "dream_koder.csv").read_text(encoding="utf-8")
    wanted = {tuple(line.split(";")[i] for i in (0, -2)) for line in text.splitlines()[1:]}
    with connect(project) as connection:
        assert set(rows(connection, "select code, class from raw.dream_codes")) == wanted


def test_a_read_only_connection_makes_a_missing_store_and_cannot_write(project):
    with connect(project, read_only=True) as connection:
        assert rows(connection, "select as_date('31-12-2016')::varchar") == [("2016-12-31",)]
        with pytest.raises(duckdb.Error):
            connection.execute("create table raw.other (x int)")


def test_sql_in_the_store_reaches_neither_files_nor_its_configuration(project, tmp_path):
    (tmp_path / "a.csv").write_text("x\n1\n")
    with connect(project) as connection:
        for sql in (f"from read_csv('{tmp_path / 'a.csv'}')", f"copy (select 1) to '{tmp_path / 'b.csv'}'"):
            with pytest.raises(duckdb.PermissionException):
                connection.execute(sql)
        with pytest.raises(duckdb.Error):
            connection.execute("set enable_external_access = true")


def test_a_second_process_on_the_store_gets_one_clear_message(project):
    script = (
        "import sys; from evaluator.project import Project; from evaluator.store import connect\n"
        "from evaluator.errors import ProjectError\n"
        "try: connect(Project.open(sys.argv[1]), read_only=sys.argv[2] == 'read')\n"
        "except ProjectError as error: print(error)"
    )
    with connect(project) as connection:
        for how in ("read", "write"):
            command = [sys.executable, "-c", script, str(project.root), how]
            answer = subprocess.run(command, capture_output=True, text=True, check=True)
            assert answer.stdout == (
                "store: another process has the store open; expected one at a time. "
                "Wait until it has finished, or close it.\n"
            )
            assert answer.stderr == ""
        assert rows(connection, "select count(*) from raw.deliveries") == [(0,)]


def test_a_store_made_by_a_newer_version_is_refused_with_what_to_do(project):
    with connect(project) as connection:
        connection.execute("update meta.store set version = ?", [VERSION + 1])
    for read_only in (False, True):
        with pytest.raises(ProjectError, match=f"version {VERSION + 1}; expected at most {VERSION}. Install the newer"):
            connect(project, read_only=read_only)


def test_an_older_store_is_upgraded_and_keeps_its_rows(project):
    with duckdb.connect(str(project.database)) as connection:
        connection.execute("create table kept (x int)")
    with connect(project, read_only=True) as connection:
        assert rows(connection, "select version from meta.store") == [(VERSION,)]
        assert rows(connection, "select count(*) from kept") == [(0,)]


def test_a_store_gains_the_columns_that_a_contract_has_gained(project):
    with connect(project) as connection:
        connection.execute("alter table raw.indsats drop column budget_kr")
        connection.execute("drop table raw.uddannelse")
        connection.execute("update meta.store set reference_sha256 = 'of an older package'")
    with connect(project, read_only=True) as connection:
        assert rows(connection, "select count(budget_kr) from raw.indsats") == [(0,)]
        assert rows(connection, "select count(*) from raw.uddannelse") == [(0,)]


def test_a_file_that_is_no_store_is_named(project):
    project.database.write_bytes(b"this is no database" * 1000)
    with pytest.raises(ProjectError, match="the file cannot be opened; expected a database made by this program"):
        connect(project)


def test_a_failed_transaction_leaves_nothing(project):
    with connect(project) as connection:
        with pytest.raises(RuntimeError), transaction(connection):
            connection.execute("create table meta.half (x int)")
            raise RuntimeError
        assert rows(connection, "select count(*) from duckdb_tables() where table_name = 'half'") == [(0,)]


def test_spill_left_by_a_killed_process_is_removed(project):
    connect(project).close()
    project.spill.mkdir(exist_ok=True)
    (project.spill / "duckdb_temp_storage_DEFAULT-0.tmp").write_bytes(b"rows")
    connect(project).close()
    assert not list(project.spill.glob("*"))


@pytest.mark.skipif(os.name != "posix", reason="file modes exist on POSIX systems only")
def test_only_the_owner_may_read_the_store(project):
    with connect(project):
        assert project.store.stat().st_mode & 0o777 == 0o700
        assert project.database.stat().st_mode & 0o777 == 0o600


def test_a_store_half_made_when_its_process_was_killed_is_made_again(project, monkeypatch):
    """A file with half a header could never be opened: it may exist under another name only."""
    opened = []
    connects = duckdb.connect

    def killed(path, **options):
        opened.append(Path(path))
        Path(path).write_bytes(bytes(4096))
        raise KeyboardInterrupt

    monkeypatch.setattr(duckdb, "connect", killed)
    with pytest.raises(KeyboardInterrupt):
        connect(project)
    monkeypatch.setattr(duckdb, "connect", connects)
    assert len(opened) == 1 and opened[0] != project.database and not project.database.exists()
    with connect(project) as connection:
        assert connection.execute("select count(*) from raw.deliveries").fetchall() == [(0,)]
    assert not opened[0].exists()
