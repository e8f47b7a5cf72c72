"""Rows of persons in Parquet files by municipality: the same tables as in one store, file by file replaceable."""

import os
import shutil
import subprocess
import sys

import duckdb
import pytest
from extract_files import GOOD, deliver

from evaluator import partitions, pipeline
from evaluator.errors import ExtractError, ProjectError
from evaluator.extracts.contract import contracts
from evaluator.extracts.load import load
from evaluator.project import Project
from evaluator.store import connect
from expectations.run import check
from tests.faults.killed_load import hashes

ROWS = "raw.personer", "raw.ydelser", "staging.stg_persons", "staging.stg_benefit_spells"
MARTS = tuple(f"marts.{name}" for name in ("person_month", "benefit_spells", "exits", "sanction_events"))
SPELLS = "pnr_pseudo;fra;til;ydelseskode;myndighedskode\n"


def rows(project, sql):
    with connect(project, read_only=True) as connection:
        return connection.execute(sql).fetchall()


def files(project, table="*"):
    """Return what each file of the table is, by its name: its time and bytes."""
    found = project.partitions.glob(f"{table}/*/*.parquet")
    return {
        path.relative_to(project.partitions).as_posix(): (path.stat().st_mtime_ns, path.read_bytes()) for path in found
    }


def columns(project):
    return rows(
        project,
        "select schema_name, table_name, column_name, data_type from duckdb_columns() "
        "where schema_name in ('raw', 'staging', 'marts', 'results', 'release') order by all",
    )


@pytest.fixture(scope="module")
def partitioned_example(tmp_path_factory, partitioned):
    """The folder of the example project in Parquet files, loaded, built and checked once. Never change it."""
    project = partitioned(Project.create(tmp_path_factory.mktemp("partitioned") / "eksempel", example=True))
    pipeline.prepare(project, check)
    return project.root


@pytest.fixture
def example(partitioned_example, tmp_path):
    return Project.open(shutil.copytree(partitioned_example, tmp_path / "delt"))


@pytest.fixture
def two_towns(parquet_project):
    """A store with the spells of two municipalities, each delivered by itself."""
    spells = "P0000001;2016-01-04;2016-05-01;730;{0}\nP0000002;2016-08-01;;720;{0}\n"
    for code in ("615", "740"):
        load(parquet_project, [deliver(parquet_project, f"{code}.csv", SPELLS + spells.format(code))])
    return parquet_project


def test_every_table_has_the_same_rows_columns_and_types_in_both_layouts(example, example_project):
    assert hashes(example) == hashes(example_project)
    assert columns(example) == columns(example_project)
    assert files(example_project) == {}
    assert {*ROWS, *MARTS} <= {name.split("/")[0] for name in files(example)}


def test_an_evaluation_gives_the_same_numbers_in_both_layouts(example, example_project):
    found = []
    for project in (example, example_project):
        run = pipeline.estimate(project, project.specs / "sanktioner.toml")
        listed = (
            "select schema_name || '.' || table_name from duckdb_tables() "
            "where schema_name in ('design', 'results') and table_name not in ('runs', 'locks')"  # they hold the clock
        )
        tables = {table: rows(project, f"from {table} order by all") for (table,) in rows(project, listed)}
        tables["results.run"] = [row for row in tables["results.run"] if row[1] != "created_at"]
        found.append((run, tables))
    assert found[0] == found[1]
    assert sum(map(len, found[0][1].values())) > 1000


def test_every_extract_that_says_person_and_municipality_is_in_partitions():
    for contract in contracts():
        said = [
            column.name for column in contract.columns if column.type == "municipality" or column.name == "kommuner"
        ]
        is_about_persons = "pnr_pseudo" in contract.key
        assert contract.partition == (said[0] if said and is_about_persons else None), contract.name


def test_each_folder_holds_the_rows_of_its_municipality_and_all_their_columns(example):
    for table in MARTS:
        names = {column for schema, name, column, _ in columns(example) if f"{schema}.{name}" == table}
        for code, count in rows(example, f"select municipality_code, count(*) from {table} group by all"):
            path = example.partitions / table / f"municipality={code}" / "*.parquet"
            alone = duckdb.read_parquet(str(path), hive_partitioning=False)
            assert set(alone.columns) == names
            assert alone.aggregate("municipality_code, count(*)").fetchall() == [(code, count)]


def test_a_delivery_touches_the_files_of_its_municipality_alone(two_towns):
    before = files(two_towns)
    new = SPELLS + "P0000001;2016-01-04;2016-03-01;720;615\nP0000003;2016-09-01;;720;615\n"
    (delivery,) = load(two_towns, [deliver(two_towns, "ny.csv", new)])
    after = files(two_towns)
    assert delivery.replaced == 2
    assert {name for name in before if name in after} == {name for name in after if "=740/" in name}
    assert all(after[name] == found for name, found in before.items() if name in after)
    assert rows(two_towns, "select myndighedskode, fra, _delivery from raw.ydelser order by all") == [
        ("615", "2016-01-04", 3),
        ("615", "2016-09-01", 3),
        ("740", "2016-01-04", 2),
        ("740", "2016-08-01", 2),
    ]


def test_a_part_of_a_period_delivered_again_keeps_the_rest(two_towns):
    load(two_towns, [deliver(two_towns, "ny.csv", SPELLS + "P0000001;2016-01-04;2016-03-01;720;615\n")])
    assert rows(two_towns, "select fra, _delivery from raw.ydelser where myndighedskode = '615' order by all") == [
        ("2016-01-04", 3),
        ("2016-08-01", 1),
    ]


def test_deliveries_replace_the_same_rows_in_both_layouts(tmp_path, partitioned):
    """Every extract delivered, a part of it again, and persons of DREAM in another municipality."""
    found = []
    for layout in ("et", "delt"):
        project = Project.create(tmp_path / layout)
        project = partitioned(project) if layout == "delt" else project
        load(project, [deliver(project, f"{name}.csv", text) for name, text in GOOD.items()])
        for name in ("personer", "ydelser", "dream", "dream_lang"):
            head, first, *_ = GOOD[name].splitlines()
            load(project, [deliver(project, f"{name}.csv", f"{head}\n{first.replace('615', '740')}\n")])
        pipeline.build(project)
        found.append(hashes(project))
    assert found[0] == found[1]


@pytest.mark.parametrize(("code", "folder"), [("0615", "615"), ("", "unknown")])
def test_dream_lies_where_a_person_lived_last(parquet_project, code, folder):
    text = f"lobenr,kon,alder9131,nykom2016,nykom2017,y_1651,y_1652\nP0000001,1,22,740,{code},730,730\n"
    text = text.replace(",740,,", ",,,")
    load(parquet_project, [deliver(parquet_project, "dream.csv", text)])
    assert [name.split("/")[1] for name in files(parquet_project)] == [f"municipality={folder}"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("P0000009;2016-02-01;2016-01-01;720;615", "1 rows have 'til' before 'fra'"),
        ("P0000009;2016-02-01;;720;999", "1 of 1 rows cannot be read"),
        ("P0000009;2016-02-01;;720;615\nP0000009;2016-02-01;;730;615", "have the same pnr_pseudo and fra"),
    ],
)
def test_a_refused_delivery_leaves_files_and_rows_as_they_were(two_towns, row, message):
    before = files(two_towns), hashes(two_towns)
    with pytest.raises(ExtractError, match=message):
        load(two_towns, [deliver(two_towns, "fejl.csv", SPELLS + row + "\n")])
    assert (files(two_towns), hashes(two_towns)) == before


def test_a_model_that_fails_after_its_files_are_written_leaves_the_last_ones(two_towns, monkeypatch):
    pipeline.build(two_towns)
    load(two_towns, [deliver(two_towns, "ny.csv", SPELLS + "P0000001;2016-01-04;2016-03-01;720;615\n")])
    before = files(two_towns), hashes(two_towns)

    def full(*_):
        raise duckdb.IOException("no room")

    monkeypatch.setattr(partitions, "_forget", full)
    with pytest.raises(ProjectError, match="the disk did not take"):
        pipeline.build(two_towns)
    monkeypatch.undo()
    assert (files(two_towns), hashes(two_towns)) == before


@pytest.mark.skipif(os.name != "posix", reason="signal 9 exists on POSIX systems only")
def test_a_build_killed_between_files_and_commit_leaves_the_last_tables(two_towns):
    pipeline.build(two_towns)
    load(two_towns, [deliver(two_towns, "ny.csv", SPELLS + "P0000001;2016-01-04;2016-03-01;720;615\n")])
    before = files(two_towns), hashes(two_towns)
    script = (
        "import os, signal, sys; from evaluator import partitions, pipeline; from evaluator.project import Project\n"
        "partitions._forget = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "pipeline.build(Project.open(sys.argv[1]))"
    )
    assert subprocess.run([sys.executable, "-c", script, str(two_towns.root)]).returncode == -9
    assert len(files(two_towns)) > len(before[0])
    (two_towns.partitions / "raw.ydelser" / "noter.txt").write_text("of the analyst")
    connect(two_towns).close()
    assert (two_towns.partitions / "raw.ydelser" / "noter.txt").exists()
    assert (files(two_towns), hashes(two_towns)) == before


def test_a_missing_file_and_one_that_was_changed_are_named(two_towns, tmp_path):
    path = next(two_towns.partitions.glob("raw.ydelser/municipality=740/*"))
    kept = shutil.copy(path, tmp_path / "kept")
    where = rf"store/partitions/raw\.ydelser/municipality=740/{path.name}: the file "
    step = "; expected it as this program wrote it. Put it back from a backup, or delete the folder store and load"
    path.unlink()
    for read_only in (False, True):
        with pytest.raises(ProjectError, match=where + "is missing or cannot be read" + step):
            connect(two_towns, read_only=read_only)
    for content in (path_bytes := bytearray(kept.read_bytes()), path_bytes + b"."):
        content[100] ^= 1
        path.write_bytes(content)
        with pytest.raises(ProjectError, match=where + "was changed by something else" + step):
            connect(two_towns)
    path.write_bytes(kept.read_bytes())
    connect(two_towns).close()
    assert rows(two_towns, "select count(*) from raw.ydelser") == [(4,)]
    assert (path.stat().st_mtime_ns,) in rows(two_towns, "select changed_ns from meta.partition_files")


def test_no_file_but_those_of_the_partitions_is_in_reach(two_towns, tmp_path):
    (tmp_path / "a.csv").write_text("x\n1\n")
    folder = two_towns.partitions
    for read_only in (False, True):
        with connect(two_towns, read_only=read_only) as connection:
            assert connection.execute("select count(*) from raw.ydelser").fetchall() == [(4,)]
            for path in (tmp_path / "a.csv", folder / "../../evaluator.toml", f"{folder}-2/a.csv"):
                for sql in (f"from read_text('{path}')", f"copy (select 1) to '{path}'"):
                    with pytest.raises(duckdb.PermissionException):
                        connection.execute(sql)
            for setting in ("allowed_directories = ['/']", "enable_external_access = true"):
                with pytest.raises(duckdb.Error):
                    connection.execute(f"set {setting}")


def test_the_layout_can_be_changed_and_changed_back(example_project, partitioned):
    before = hashes(example_project)
    changed = partitioned(example_project)
    assert rows(changed, "select count(*) from raw.ydelser") == [(before["raw.ydelser"][0],)]
    assert pipeline.build(changed) > 0
    assert pipeline.build(changed) == 0
    assert {*ROWS, *MARTS} <= {name.split("/")[0] for name in files(changed)}
    assert hashes(changed) == before
    settings = changed.root / "evaluator.toml"
    settings.write_text(settings.read_text(encoding="utf-8").replace('"parquet"', '"database"'), encoding="utf-8")
    back = Project.open(changed.root)
    pipeline.build(back)
    assert hashes(back) == before
    assert files(back) == {}


def test_a_column_that_a_contract_has_gained_is_null_in_older_files(two_towns):
    with connect(two_towns) as connection:
        named = {name: kind for name, kind in partitions._columns(connection, "raw.ydelser").items() if name != "til"}
        query = f"select {', '.join(named)} from raw.ydelser"
        partitions.put(connection, "raw.ydelser", query, "as_municipality(myndighedskode)")
        connection.execute("update meta.store set reference_sha256 = 'of an older package'")
    assert rows(two_towns, "select count(*), count(til) from raw.ydelser") == [(4, 0)]
    load(two_towns, [deliver(two_towns, "ny.csv", SPELLS + "P0000001;2016-01-04;2016-03-01;720;615\n")])
    assert rows(two_towns, "select til from raw.ydelser where til is not null") == [("2016-03-01",)]


@pytest.mark.skipif(os.name != "posix", reason="file modes exist on POSIX systems only")
def test_only_the_owner_may_read_the_files(two_towns):
    found = list(two_towns.partitions.rglob("*"))
    assert {path.stat().st_mode & 0o777 for path in found if path.is_file()} == {0o600}
    assert {path.stat().st_mode & 0o777 for path in [two_towns.partitions, *found] if path.is_dir()} == {0o700}


def test_an_unknown_layout_is_refused_with_file_and_line(project):
    settings = project.root / "evaluator.toml"
    settings.write_text('[store]\nlayout = "csv"\n', encoding="utf-8")
    with pytest.raises(ProjectError, match=r'evaluator\.toml:2: layout .*; expected "database" or "parquet"'):
        Project.open(project.root)


@pytest.mark.skipif(os.name != "posix", reason="folders are synced on POSIX only")
def test_a_new_file_and_the_folders_that_name_it_are_on_the_disk_before_it_counts(parquet_project, monkeypatch):
    synced, fsync = set(), os.fsync

    def note(handle):
        synced.add(os.fstat(handle).st_ino)
        fsync(handle)

    monkeypatch.setattr(os, "fsync", note)
    load(parquet_project, [deliver(parquet_project, "a.csv", GOOD["personer"])])
    [first, *_] = parquet_project.partitions.glob("raw.personer/*/*.parquet")
    wanted = [first, first.parent, first.parent.parent, parquet_project.partitions]
    assert [path.stat().st_ino in synced for path in wanted] == [True] * 4
