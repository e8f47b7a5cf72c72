"""The command line: quick help, exit codes, every command on the example project, and never a traceback."""

import json
import subprocess
import sys
import time

import pytest

from evaluator.cli import main
from evaluator.project import Project
from evaluator.store import connect

HEAVY = ("polars", "pandas", "duckdb", "numpy", "great_expectations", "prefect", "altair", "econml", "pyarrow")
RUN_TABLES = ("results.runs", "results.locks", "results.estimates", "results.run")


def counts(project, tables=RUN_TABLES):
    """Return the rows of each table; none when it does not exist."""
    with connect(project, read_only=True) as connection:
        known = {
            f"{schema}.{table}"
            for schema, table in connection.execute("select schema_name, table_name from duckdb_tables()").fetchall()
        }
        return {
            table: connection.execute(f"select count(*) from {table}").fetchone()[0] if table in known else 0
            for table in tables
        }


def files(project):
    """Return what stands outside the store, with its content."""
    return {
        path.relative_to(project.root).as_posix(): path.read_bytes()
        for path in project.root.rglob("*")
        if path.is_file() and not path.is_relative_to(project.store)
    }


@pytest.fixture
def evaluator(capsys):
    """Call the command line in a project; return exit code, stdout and stderr."""

    def call(project, *words):
        where = ["--project", str(project.root)] if project else []
        capsys.readouterr()
        code = main([*map(str, words), *where])
        told = capsys.readouterr()
        assert "Traceback" not in told.out + told.err
        return code, told.out, told.err

    return call


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"], ["demo", "--help"]])
def test_help_is_answered_without_a_heavy_import(words):
    script = (
        "import sys\n"
        "from evaluator.cli import main\n"
        "try: main(sys.argv[2:])\n"
        "except SystemExit as done: assert done.code == 0\n"
        "print(sorted(set(sys.argv[1].split()) & set(sys.modules)), file=sys.stderr)"
    )
    command = [sys.executable, "-c", script, " ".join(HEAVY), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("usage: evaluator")
    assert done.stderr == "[]\n"


def test_help_is_answered_within_half_a_second():
    took = []
    for _ in range(3):
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-m", "evaluator.cli", "--help"], capture_output=True, check=True)
        took.append(time.perf_counter() - begun)
    assert min(took) < 0.5


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["evaluate"],
        ["run"],
        ["plan"],
        ["why"],
        ["init"],
        ["run", "horsens", "--fast"],
        ["synth", "x", "--persons", "many"],
        ["synth", "x", "--persons", "0"],
        ["synth", "x", "--seed", "-1"],
        ["synth", "x", "--strictness-spread", "1.5"],
        ["synth", "x", "--strictness-spread", "meget"],
    ],
)
def test_misuse_ends_with_2_and_the_usage(words, capsys):
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("usage: evaluator")


def test_a_folder_that_is_no_project_ends_with_1_and_one_line(tmp_path, capsys):
    for words in (["load"], ["build"], ["check"], ["plan", "x"], ["run", "x"], ["report"], ["runs"], ["show"]):
        assert main([*words, "--project", str(tmp_path)]) == 1
        told = capsys.readouterr()
        assert told.out == ""
        assert told.err.startswith(f"evaluator: {tmp_path}: not a project; expected a folder with evaluator.toml.")
        assert told.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_init_makes_a_project_and_says_what_to_put_where(tmp_path, evaluator):
    code, out, err = evaluator(None, "init", tmp_path / "ny")
    assert (code, err) == (0, "")
    assert out == f"{tmp_path / 'ny'}: ready. Put extracts in extracts/ and specs in specs/.\n"
    assert Project.open(tmp_path / "ny").database.exists() is False
    code, out, err = evaluator(None, "init", tmp_path / "ny")
    assert (code, out) == (1, "")
    assert "is a project already" in err


def test_synth_writes_the_extracts_and_the_truth(tmp_path, evaluator):
    code, out, _ = evaluator(None, "synth", tmp_path / "register", "--persons", 300, "--seed", 1)
    assert code == 0
    assert out == f"{tmp_path / 'register'}: 300 persons, seed 1; the truth is in truth.json.\n"
    written = sorted(path.name for path in (tmp_path / "register").iterdir())
    assert len([name for name in written if name.endswith(".csv")]) == 13
    assert "truth.json" in written


def test_synth_makes_caseworkers_differ_on_request_and_only_then(tmp_path, evaluator):
    for folder, more in (("alike", ()), ("default", ("--strictness-spread", 0)), ("apart", ("--strictness-spread", 1))):
        assert evaluator(None, "synth", tmp_path / folder, "--persons", 300, *more)[0] == 0
    alike, default, apart = (
        {path.name: path.read_bytes() for path in (tmp_path / folder).iterdir()}
        for folder in ("alike", "default", "apart")
    )
    assert alike == default
    assert alike["sanktioner.csv"] != apart["sanktioner.csv"] and alike["personer.csv"] == apart["personer.csv"]
    code, _, err = evaluator(None, "synth", tmp_path / "x", "--persons", 60_001, "--strictness-spread", 0.5)
    assert code == 1 and "60,000 or fewer" in err


def test_load_says_what_was_loaded_and_the_second_time_that_nothing_was(tmp_path, evaluator):
    project = Project.create(tmp_path / "projekt", example=True)
    tables = ("raw.personer", "raw.ydelser", "raw.deliveries")
    code, first, _ = evaluator(project, "load")
    before = counts(project, tables)
    again, second, _ = evaluator(project, "load")
    assert (code, again) == (0, 0)
    assert "personer.csv: personer, 1,500 rows\n" in first
    assert "personer.csv: personer, already loaded\n" in second
    assert first.count("rows") == second.count("already loaded") == before["raw.deliveries"] == 13
    assert counts(project, tables) == before


def test_rows_in_a_file_are_rows_in_the_store_and_rejects_are_counted(example_project, evaluator):
    spells = example_project.extracts / "ydelser.csv"
    rows = len(spells.read_text(encoding="utf-8").splitlines()) - 1
    with spells.open("a", encoding="utf-8") as file:
        file.write("P0000001;i går;;730;615\n" * 3)
    code, out, _ = evaluator(example_project, "load", spells)
    assert (code, out) == (0, f"ydelser.csv: ydelser, {rows + 3:,} rows, 3 rejected\n")
    evaluator(example_project, "build")
    query = (
        "select rows, rejected, (select count(*) from raw.ydelser), (select count(*) from staging.stg_benefit_spells) "
        "from raw.deliveries where extract = 'ydelser' and replaced_by is null"
    )
    with connect(example_project, read_only=True) as connection:
        assert connection.execute(query).fetchall() == [(rows + 3, 3, rows + 3, rows)]


def test_build_after_build_builds_nothing(example_project, evaluator):
    code, out, _ = evaluator(example_project, "build")
    assert (code, out) == (0, "0 models built\n")


def test_check_says_how_many_rules_hold_and_names_each_warning(example_project, evaluator):
    code, out, _ = evaluator(example_project, "check")
    assert code == 0
    first, *warnings = out.splitlines()
    assert first.endswith(f"expectations, {len(warnings)} warnings, none critical")
    assert all(line.startswith("  staging.stg_") and " rows. " in line for line in warnings)


def test_plan_shows_the_design_and_writes_no_run(example_project, evaluator):
    code, out, _ = evaluator(example_project, "plan", "horsens")
    assert code == 0
    assert "1 treated from 2017-01-01" in out
    assert "recipients: " in out
    assert ".." not in out
    assert set(counts(example_project).values()) == {0}


def test_a_dry_run_says_what_it_would_do_and_writes_nothing(tmp_path, evaluator):
    project = Project.create(tmp_path / "projekt", example=True)
    before = files(project)
    code, out, _ = evaluator(project, "run", "horsens", "--dry-run")
    assert code == 0
    assert out.startswith("horsens: would load new extracts, build, check, lock spec ")
    assert files(project) == before
    assert not project.database.exists()


def test_a_second_run_has_the_same_id_and_estimates_nothing(answered, evaluator):
    before = counts(answered)
    with connect(answered, read_only=True) as connection:
        (run_id,) = connection.execute("select run_id from results.runs where spec_name = 'horsens'").fetchone()
    report = next(answered.reports.glob("horsens-*.html"))
    written = report.read_bytes()
    code, out, err = evaluator(answered, "run", "specs/horsens.toml")
    assert code == 0
    assert out == f"horsens: run {run_id}\n{report}\n"
    assert f"unchanged, run {run_id} is there already" in err
    assert counts(answered) == before
    assert report.read_bytes() == written


def test_report_writes_the_newest_or_the_named_run_again(answered, evaluator):
    report = next(answered.reports.glob("horsens-*.html"))
    written = report.read_bytes()
    report.unlink()
    code, out, _ = evaluator(answered, "report", "horsens")
    assert (code, out) == (0, f"{report}\n")
    assert report.read_bytes() == written
    assert evaluator(answered, "report")[1].endswith(".html\n")


def test_runs_lists_the_newest_first(answered, evaluator):
    code, out, _ = evaluator(answered, "runs")
    assert code == 0
    assert [line.split()[3] for line in out.splitlines()] == ["sanktioner", "horsens"]


def test_show_prints_the_estimates_and_the_refusals_of_a_run(answered, evaluator):
    code, out, _ = evaluator(answered, "show", "horsens")
    assert code == 0
    assert out.splitlines()[1] == "Mod til uddannelse i Horsens"
    assert "recipients" in out


def test_show_json_is_valid_json_of_the_released_tables(answered, evaluator):
    for name in ("horsens", "sanktioner"):
        code, out, _ = evaluator(answered, "show", name, "--json")
        released = json.loads(out)
        assert code == 0
        assert {row["key"]: row["value"] for row in released["run"]}["name"] == name
        assert released["estimates"] or released["refusals"]


def test_an_unknown_run_is_named_with_what_to_do(answered, evaluator):
    for command in ("show", "report"):
        code, out, err = evaluator(answered, command, "odense")
        assert (code, out) == (1, "")
        assert err.startswith("evaluator: run odense: not in the store;")


def test_commands_about_runs_say_so_when_there_is_none(project, evaluator):
    assert evaluator(project, "runs")[:2] == (0, "no run yet; start one with 'evaluator run SPEC'\n")
    for command in ("show", "report"):
        code, _, err = evaluator(project, command)
        assert code == 1
        assert "no run is in the store" in err


@pytest.mark.parametrize(
    ("model", "begins"),
    [
        ("stg_benefit_spells", "staging.stg_benefit_spells: "),
        ("staging.stg_benefit_spells", "staging.stg_benefit_spells: "),
        ("person_month", "marts.person_month: "),
        ("entrant_outcomes", "design.entrant_outcomes: "),
    ],
)
def test_why_explains_a_table_of_every_layer(model, begins, answered, evaluator):
    code, out, _ = evaluator(answered, "why", model)
    assert code == 0
    assert out.startswith(begins)
    assert "  repeats   0 rows too many over 0 repeated" in out


def test_why_of_an_unknown_model_lists_the_known_ones(example_project, evaluator):
    code, out, err = evaluator(example_project, "why", "borgere")
    assert (code, out) == (1, "")
    assert err.startswith("evaluator: borgere: no such model; expected one of before_after, ")


def test_doctor_says_what_is_installed_and_what_is_in_the_store(answered, evaluator):
    code, out, _ = evaluator(answered, "doctor")
    assert code == 0
    assert "duckdb " in out
    assert out.endswith("project besvaret: 13 deliveries and 2 runs in the store\n")


def test_an_unexpected_error_gives_one_line_without_its_text_and_debug_the_traceback(example_project, capsys):
    with connect(example_project) as connection:
        connection.execute("drop table meta.passed")
        connection.execute("create view meta.passed as select 'P0000001'::integer as state_sha256")
    words = ["run", "horsens", "--project", str(example_project.root)]
    assert main(words) == 1
    told = capsys.readouterr().err.splitlines()[-1]
    assert told == (
        "evaluator: run: ConversionException inside the program; expected it to finish. "
        "Run again with --debug and send the text to whoever maintains the program."
    )
    assert main([*words, "--debug"]) == 1
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_debug_shows_where_a_foreseen_error_arose(tmp_path, capsys):
    assert main(["runs", "--project", str(tmp_path), "--debug"]) == 1
    told = capsys.readouterr().err
    assert "Traceback (most recent call last)" in told
    assert told.splitlines()[-1].startswith("evaluator: ")


def test_the_demo_writes_a_report_for_each_of_its_specs(tmp_path, evaluator):
    code, out, _ = evaluator(None, "demo", tmp_path / "demo", "--persons", 1500)
    assert code == 0
    _, *reports = out.splitlines()
    assert [line.split("/")[-1].split("\\")[-1].rsplit("-", 1)[0] for line in reports] == [
        "horsens",
        "trappe",
        "sanktioner",
    ]
    assert sorted(path.stem for path in (tmp_path / "demo" / "specs").iterdir()) == [
        "horsens",
        "sanktioner",
        "silkeborg",
        "trappe",
    ]
