"""A store of an earlier version of the program: what it lacks is added, and what it released can still be read."""

import duckdb

from evaluator import results
from evaluator.evaluation import show
from evaluator.release import COLUMNS, present, release
from evaluator.release_rules import Policy
from evaluator.results import Findings
from reports.released import read

OLD = "run_id text, outcome text, value double"
LATER = ("bounds", "drift", "curve", "decomposition")


def test_tables_and_columns_that_came_later_are_added_and_the_rows_stay() -> None:
    with duckdb.connect() as connection:
        connection.execute("create schema results")
        connection.execute(f"create table results.estimates ({OLD})")
        connection.execute("insert into results.estimates values ('before', 'job', 0.1)")
        results.create(connection)
        results.append(connection, "after", _found())
        rows = connection.execute("select run_id, value, freedom from results.estimates order by 1").fetchall()
        assert rows == [("after", 0.2, 13.4), ("before", 0.1, None)]
        assert {t for (t,) in connection.execute("select table_name from duckdb_tables()").fetchall()} >= set(LATER)


def test_a_release_made_before_the_tables_existed_is_read_without_them() -> None:
    with duckdb.connect() as connection:
        connection.execute("create schema results; create schema release")
        results.create(connection)
        results.append(connection, "run", _found())
        release(connection, "run", Policy(5))
        for table in LATER:
            connection.execute(f"drop table release.{table}")
        assert present(connection) == set(COLUMNS) - set(LATER)
        assert [read(connection, "run")[table] for table in LATER] == [[], [], [], []]
        assert show.released(connection, "run")["curve"] == []
        release(connection, "run", Policy(5))
        assert present(connection) == set(COLUMNS)


def _found() -> Findings:
    findings = Findings()
    findings.facts(answer_kind="effect", name="proeve")
    row = {"outcome": "job", "aggregate": "overall", "is_estimable": True, "unit": "share", "n": 500}
    findings.add("estimates", {**row, "smallest_count": 50, "value": 0.2, "freedom": 13.4})
    return findings
