"""What an analyst can get wrong, through the command line: one clear message, exit 1, and the store as it was."""

import re
import subprocess
import sys

import pytest

from evaluator.cli import main
from evaluator.store import connect

HOLD = (
    "import sys; from evaluator.project import Project; from evaluator.store import connect\n"
    "with connect(Project.open(sys.argv[1])): print('open', flush=True); sys.stdin.read()"
)
ROW = "P0000001;2016-01-04;2016-05-01;730;615\n"
LINE = 15360  # the line after the last of the example's ydelser.csv
SECRET = ("0101901234", "010190-1234", "P0000001", "Jensen", "2016-05-01", "\x81")


def contents(project):
    """Every table of the store: its rows as the database hashes them."""
    with connect(project, read_only=True) as connection:
        tables = connection.execute("select schema_name || '.' || table_name from duckdb_tables() order by 1")
        return [
            (table, *connection.execute(f"select count(*), bit_xor(hash(t)) from {table} t").fetchall())
            for (table,) in tables.fetchall()
        ]


def refused(project, capsys, *words):
    """Run a command that must be refused; return its message."""
    before = contents(project)
    reports = sorted(project.reports.iterdir())
    capsys.readouterr()
    assert main([*map(str, words), "--project", str(project.root)]) == 1
    told = capsys.readouterr()
    *progress, message = told.err.splitlines()
    assert told.out == ""
    assert all(line.startswith("  ") for line in progress)
    assert re.fullmatch(r"evaluator: [^:]+:(\d+:)? .*; expected .*\. .*\.", message), message
    for value in SECRET:
        assert value not in message
    assert contents(project) == before
    assert sorted(project.reports.iterdir()) == reports
    return message.removeprefix("evaluator: ")


@pytest.fixture
def spells(example_project):
    """The example's file of benefit spells; a test spoils it."""
    return example_project.extracts / "ydelser.csv"


@pytest.mark.parametrize("command", [["load"], ["run", "horsens"]])
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            lambda file: file + b"010190-1234;2016-01-04;;730;615\n",
            f"ydelser.csv: line {LINE}, column 1 (pnr_pseudo) holds a CPR number; expected pseudonyms only.",
        ),
        (
            lambda file: file + b"P0000001;2016-01-04;;730;0101901234\n",
            f"ydelser.csv: line {LINE}, column 5 (myndighedskode) holds a CPR number; expected pseudonyms only.",
        ),
        (
            lambda file: file.replace(b"ydelseskode", b"kodetal", 1),
            "ydelser.csv: column 'ydelseskode' is missing; column 'kodetal' is unknown; expected the columns of ",
        ),
        (
            lambda file: file + b"P0000001;2016-01-04;;Jensen\x81\xe6;615\n",
            f"ydelser.csv: line {LINE} holds bytes that are neither UTF-8 nor cp1252; expected one of the two",
        ),
        (
            lambda file: file + b"P0000001;2016-05-02;2016-05-01;730;615\n",
            f"ydelser.csv: 1 rows have 'til' before 'fra' (lines {LINE}); expected 'fra' on or before 'til'.",
        ),
    ],
    ids=["cpr", "cpr-in-another-column", "renamed-column", "undecodable", "backward-spell"],
)
def test_a_faulty_extract_is_refused_and_the_store_stays(command, spoil, message, example_project, spells, capsys):
    assert spells.read_bytes().count(b"\n") == LINE - 1
    spells.write_bytes(spoil(spells.read_bytes()))
    assert refused(example_project, capsys, *command).startswith(message)


def test_a_spec_with_an_unknown_key_is_refused_with_file_and_line(example_project, capsys):
    spec = example_project.specs / "horsens.toml"
    lines = spec.read_text(encoding="utf-8").replace("horizon_weeks", "horizont", 1).splitlines()
    spec.write_text("\n".join(lines) + "\n", encoding="utf-8")
    line = next(number for number, text in enumerate(lines, 1) if "horizont" in text)
    for command in (["run", "horsens"], ["run", "horsens", "--dry-run"], ["plan", "horsens"]):
        message = refused(example_project, capsys, *command)
        assert message.startswith(f"horsens.toml:{line}: unknown key 'horizont' in [outcome]; expected one of name,")


@pytest.mark.parametrize("command", [["load"], ["build"], ["check"], ["run", "horsens"], ["runs"], ["why", "exits"]])
def test_a_second_process_on_the_store_is_told_to_wait(command, example_project, capsys):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(example_project.root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout.readline() == "open\n"
        assert main([*command, "--project", str(example_project.root)]) == 1
    finally:
        holder.communicate("")
    assert capsys.readouterr().err.splitlines()[-1] == (
        "evaluator: store: another process has the store open; expected one at a time. "
        "Wait until it has finished, or close it."
    )


def test_after_the_file_is_corrected_the_command_goes_through(example_project, spells, capsys):
    good = spells.read_bytes()
    spells.write_bytes(good + b"P0000001;2016-05-02;2016-05-01;730;615\n")
    refused(example_project, capsys, "load")
    spells.write_bytes(good)
    assert main(["load", "--project", str(example_project.root)]) == 0


def told(capsys, *words):
    """Run a command that must fail; return its one message."""
    capsys.readouterr()
    assert main([str(word) for word in words]) == 1
    return capsys.readouterr().err.splitlines()[-1].removeprefix("evaluator: ")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("tom.csv", b"", "tom.csv: the file is empty; expected a header line and rows."),
        ("mappe.csv", None, "mappe.csv: is a folder; expected a file."),
        ("ydelser.xls", b"\xd0\xcf\x11\xe0", "ydelser.xls: a workbook that is not xlsx; expected xlsx or CSV."),
        ("tab.csv", b"pnr_pseudo\tfra\ttil\n", "tab.csv: column 'type' is missing"),
    ],
)
def test_what_is_no_extract_at_all_is_named(name, content, message, project, capsys):
    path = project.extracts / name
    path.mkdir() if content is None else path.write_bytes(content)
    assert told(capsys, "load", "--project", project.root).startswith(message)


def test_a_spec_outside_the_project_is_refused_before_anything_is_done(project, tmp_path, capsys):
    outside = tmp_path / "sanktioner.toml"
    outside.write_text("", encoding="utf-8")
    message = told(capsys, "run", outside, "--project", project.root)
    assert message.startswith("sanktioner.toml: the path leads out of the project; expected one inside ")
    assert not project.database.exists()


def test_a_file_in_the_place_of_a_folder_is_named(tmp_path, capsys):
    file = tmp_path / "register"
    file.write_bytes(b"")
    for command in (["synth", file, "--persons", 10], ["init", file], ["demo", file, "--persons", 10]):
        assert told(capsys, *command) == f"{file}: is a file; expected a folder. Choose another name."


def test_what_the_disk_refuses_is_one_line_without_a_traceback(project, capsys):
    project.store.rmdir()
    project.store.write_bytes(b"")
    assert told(capsys, "runs", "--project", project.root).startswith(
        "runs: a file or folder cannot be used (FileExistsError); expected to read and write it. Close what has it open"
    )


def test_doctor_answers_where_there_is_no_project(tmp_path, capsys):
    assert main(["doctor", "--project", str(tmp_path / "intet" / "her")]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("! ")


def test_the_project_may_be_named_before_or_after_the_command(project, capsys):
    assert main(["--project", str(project.root), "runs"]) == main(["runs", "--project", str(project.root)]) == 0
    assert capsys.readouterr().out == 2 * "no run yet; start one with 'evaluator run SPEC'\n"
