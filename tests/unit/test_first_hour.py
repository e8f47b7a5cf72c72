"""An analyst's first hour: six unfamiliar files, and nothing to go by but what the program says."""

import io
import re
import tomllib
from contextlib import redirect_stderr, redirect_stdout

import pytest
from extract_files import GOOD
from unfamiliar_files import MUNICIPALITY, write_unfamiliar

from evaluator.cli import main
from evaluator.errors import ExtractError
from evaluator.extracts.matching import read_mapping
from evaluator.project import Project
from evaluator.store import connect

MOST_COMMANDS = 9
PROPOSES = re.compile(r"run 'evaluator map'")
DECLARES = re.compile(r"write (no_cpr = \[.*\]) under (\[\w+\]) in mapping\.toml")
NEXT = re.compile(r"evaluator: [^:]+: .*; expected .*\. .*\.")
TABLES = ("stg_persons", "stg_benefit_spells", "stg_visitation", "stg_paid_hours", "stg_sanctions")


class Analyst:
    """Types commands, reads what is told, and edits mapping.toml as told."""

    def __init__(self, root):
        self.root, self.typed = root, []

    @property
    def mapping(self):
        return self.root / "mapping.toml"

    def types(self, *words):
        self.typed.append(words)
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = main([*words] if words[0] == "init" else [*words, "--project", str(self.root)])
        return code, out.getvalue(), "".join(err.getvalue().splitlines()[-1:])

    def pastes(self, text):
        self.mapping.write_text(self.mapping.read_text(encoding="utf-8") + text, encoding="utf-8")

    def follows(self, message):
        """Do the next step that a message names; fail when it names none."""
        declared = DECLARES.search(message)
        if PROPOSES.search(message):
            code, out, _ = self.types("map")
            assert code == 0
            self.pastes(out)
        elif declared:
            text = self.mapping.read_text(encoding="utf-8")
            under = text.replace(f"\n{declared[2]}\n", f"\n{declared[2]}\n{declared[1]}\n")
            assert under != text
            self.mapping.write_text(under, encoding="utf-8")
        else:
            pytest.fail(f"no next step: {message}")


@pytest.fixture(scope="module")
def walked(tmp_path_factory):
    """The analyst after the walk, the messages on the way, and what the last load and the check said."""
    analyst = Analyst(tmp_path_factory.mktemp("walk") / "kommune")
    assert analyst.types("init", str(analyst.root))[0] == 0
    write_unfamiliar(analyst.root / "extracts")
    messages = []
    while (load := analyst.types("load"))[0]:
        messages.append(load[2])
        analyst.follows(load[2])
        assert len(analyst.typed) <= MOST_COMMANDS
    return analyst, messages, load[1], analyst.types("check")


def rows(root, table, columns="*"):
    """Return the municipality's rows of a staging table in a fixed order."""
    with connect(Project.open(root), read_only=True) as connection:
        return connection.execute(
            f"select {columns} from staging.{table} semi join (select person_id from staging.stg_persons "
            "where municipality_code = ?) using (person_id) order by all",
            [MUNICIPALITY],
        ).fetchall()


def test_six_unfamiliar_files_come_to_a_green_check_in_under_ten_commands(walked):
    analyst, messages, loaded, (code, checked, _) = walked
    extracts = ["personer", "beskaeftigelse", "samtaler", "sanktioner", "visitation", "ydelser"]
    assert [line.split(": ")[1].split(",")[0] for line in loaded.splitlines()] == extracts
    assert code == 0
    assert "none critical" in checked.splitlines()[0]
    assert len(analyst.typed) <= MOST_COMMANDS
    assert [words[0] for words in analyst.typed] == ["init", "load", "map", "load", "load", "check"]
    assert [message for message in messages if not NEXT.fullmatch(message)] == []


def test_the_unfamiliar_files_give_the_tables_of_the_familiar_ones(walked, built_example):
    root = walked[0].root
    for table in TABLES:
        assert rows(root, table) == rows(built_example, table) != []
    columns = "* exclude (caseworker_id)"
    assert rows(root, "stg_meetings", columns) == rows(built_example, "stg_meetings", columns) != []


def test_the_columns_of_no_use_and_the_numbers_are_declared(walked):
    analyst, *_ = walked
    mapping = tomllib.loads(analyst.mapping.read_text(encoding="utf-8"))
    assert mapping["personer"]["ignored"] == ["Boligform"]
    assert mapping["samtaler"] | {"aliases": {}} == {
        "no_cpr": ["Sagsbehandlernr"],
        "ignored": ["Mødelokale"],
        "aliases": {},
    }
    with connect(Project.open(analyst.root), read_only=True) as connection:
        found = connection.execute("select column_name, verdict from raw.judged_columns").fetchall()
    assert found == [("Sagsbehandlernr", "declared")]


def test_a_heading_that_stands_twice_says_where_its_lines_belong(project):
    project.mapping.write_text('[samtaler]\nignored = ["lokale"]\n[samtaler]\nno_cpr = ["nr"]\n', encoding="utf-8")
    with pytest.raises(ExtractError, match=r"mapping\.toml:3: .* Put the lines under the heading that is there\.$"):
        read_mapping(project.mapping)


def test_a_file_that_is_no_extract_is_named_and_one_of_unicode_text_is_loaded(project, capsys):
    (project.extracts / "noter.txt").write_text("ring til leverandøren\n", encoding="utf-8")
    text = "pnr_pseudo\tfra\ttil\tydelseskode\tmyndighedskode\nP1\t04-01-2016\t\t730\t615\n"
    (project.extracts / "ydelser.txt").write_bytes(text.encode("utf-16"))
    assert main(["load", "--project", str(project.root)]) == 0
    told = capsys.readouterr()
    assert told.out == "ydelser.txt: ydelser, 1 rows\n"
    assert "noter.txt: passed over for its ending; load it by name if it is an extract, or take it out" in told.err


def test_a_header_alone_is_said_to_be_one_until_its_rows_come(project, capsys):
    (project.extracts / "personer.csv").write_text(GOOD["personer"], encoding="utf-8")
    programmes = project.extracts / "tilbud.csv"
    programmes.write_text(GOOD["tilbud"].splitlines()[0] + "\n", encoding="utf-8")
    for _ in range(2):
        assert main(["load", "--project", str(project.root)]) == 0
        last = capsys.readouterr().out.splitlines()[-1]
        assert last.endswith("; the file is a header alone: export it again if there should be rows")
    assert main(["check", "--project", str(project.root)]) == 0
    [warned] = [line for line in capsys.readouterr().out.splitlines() if "delivery holds rows" in line]
    assert "1 of 2 rows. Filen har kun en overskrift" in warned and "Bed om udtrækket igen" in warned
    programmes.write_text(GOOD["tilbud"], encoding="utf-8")
    assert main(["load", "--project", str(project.root)]) == 0
    assert main(["check", "--project", str(project.root)]) == 0
    assert "delivery holds rows" not in capsys.readouterr().out
