"""Deliveries that are refused: one clear message with file, line or column, never a value, and an untouched store."""

import re
import threading
from concurrent.futures import CancelledError

import pytest
from extract_files import GOOD, deliver

from evaluator.errors import ExtractError
from evaluator.extracts.load import load
from evaluator.extracts.reading import open_source
from evaluator.project import Project
from evaluator.store import connect

YDELSER = GOOD["ydelser"]
SECRET = ("0101901234", "010190-1234", "P0000001", "Jensen")


def contents(project):
    """Every row of raw.*, as the database hashes it."""
    with connect(project, read_only=True) as connection:
        tables = connection.execute("select table_name from duckdb_tables() where schema_name = 'raw' order by 1")
        return [
            (table, *connection.execute(f"select count(*), bit_xor(hash(t)) from raw.{table} t").fetchall())
            for (table,) in tables.fetchall()
        ]


def refusal(project, name, text, encoding="utf-8"):
    """Deliver the file to a store that holds a good one; return the message of the refusal."""
    load(project, [deliver(project, "good.csv", GOOD["personer"])])
    before = contents(project)
    with pytest.raises(ExtractError) as refused:
        load(project, [deliver(project, name, text, encoding)])
    assert contents(project) == before
    message = str(refused.value)
    assert re.fullmatch(r"(?s)[^:]+: .*; expected .*\. .*\.", message), message
    assert "\n" not in message
    for value in SECRET:
        assert value not in message
    assert refused.value.__cause__ is None
    return message


@pytest.mark.parametrize("number", ["0101901234", "010190-1234"])
def test_a_cpr_number_in_a_cell_is_refused_with_line_and_column(project, number):
    message = refusal(project, "y.csv", YDELSER + f"{number};2016-01-01;;730;615\n")
    assert message.startswith("y.csv: line 5, column 1 (pnr_pseudo) holds a CPR number;")


def test_a_cpr_number_in_a_column_that_is_ignored_is_refused_too(project):
    text = "pnr_pseudo;fra;til;ydelseskode;myndighedskode;sats\nP0000001;2016-01-01;;730;615;se 0101901234\n"
    assert refusal(project, "y.csv", text).startswith("y.csv: line 2, column 6 (sats) holds a CPR number;")


def test_a_cpr_number_in_the_file_name_is_refused_without_the_number(project):
    message = refusal(project, "ydelser_010190-1234.csv", YDELSER)
    assert message.startswith("ydelser_######-####.csv: the file name holds a CPR number;")


def test_a_cpr_number_in_place_of_the_header_is_refused(project):
    message = refusal(project, "y.csv", "0101901234;2016-01-01;;730;615\n")
    assert message.startswith("y.csv: the header holds a CPR number;")


def test_a_cpr_number_far_down_in_a_quoted_file_is_found(project):
    rows = "".join(f'"P0000001";"2016-{number % 12 + 1:02d}-01";"";"730";"615"\n' for number in range(5000))
    text = YDELSER.splitlines()[0] + "\n" + rows + '"P0000001";"2016-01-01";"";"010190-1234";"615"\n'
    assert refusal(project, "y.csv", text).startswith("y.csv: line 5002, column 4 (ydelseskode) holds a CPR number;")


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("pnr_pseudo;start;til;ydelseskode;myndighedskode", "column 'fra' is missing; column 'start' is unknown;"),
        ("pnr_pseudo;til;ydelseskode;myndighedskode", "column 'fra' is missing;"),
        ("pnr_pseudo;fra;til;ydelseskode;myndighedskode;navn", "column 'navn' is unknown;"),
        ("pnr_pseudo;fra;fra;til;ydelseskode;myndighedskode", "column 'fra' of ydelser stands twice"),
        ("pnr_pseudo|fra|til|ydelseskode|myndighedskode", "the header fits no extract"),
        ("pnr_pseudo;fra,til;ydelseskode,myndighedskode", "the header is separated in two ways"),
        ("P0000001;2016-01-01;;Jensen;615", "the header fits no extract"),
        ("", "the header fits no extract"),
    ],
)
def test_a_header_that_fits_no_contract_says_what_differs(project, header, words):
    row = ";".join(["x"] * len(re.split("[;,]", header)))
    message = refusal(project, "y.csv", f"{header}\n{row}\n")
    assert message.startswith(f"y.csv: {words}")


def test_a_renamed_column_names_the_contract_and_where_to_give_the_other_name(project):
    message = refusal(project, "y.csv", YDELSER.replace("fra;", "start;", 1))
    assert message == (
        "y.csv: column 'fra' is missing; column 'start' is unknown; expected the columns of ydelser: "
        "pnr_pseudo, fra, til, ydelseskode, myndighedskode. "
        "Rename it back, or run 'evaluator map' for what to write in mapping.toml under [ydelser.aliases]."
    )


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (b"P0000001;\xe6;a\x81;j\n", 5, "bytes that are neither UTF-8 nor cp1252"),
        ("P0000001;æ;å;a\n".encode() + b"P0000001;\xe6;a;b\n", 6, "bytes that are neither UTF-8 nor cp1252"),
        ("P0000001;bestÃ¥et;2;3;4\n".encode(), 5, "garbled letters"),
        ("P0000001;KÃ˜BENHAVN;2;3;4\n".encode(), 5, "garbled letters"),
        ("P0000001;br\ufffdd;2;3;4\n".encode(), 5, "garbled letters"),
        ("P0000001;åben;2;3;4\n".encode("utf-16"), 5, "zero bytes"),
        ("P0000001;br\u203ad;2;3;4\n".encode("cp1252"), 5, "bytes that are neither UTF-8 nor cp1252"),
    ],
)
def test_undecodable_or_garbled_text_is_refused_with_its_line(project, text, line, words):
    message = refusal(project, "y.csv", YDELSER.encode() + text)
    assert message.startswith(f"y.csv: line {line} holds {words}")


def test_a_spell_that_ends_before_it_starts_is_refused_with_the_first_lines(project):
    rows = "P0000001;2016-05-01;2016-04-30;730;615\n" * 7
    message = refusal(project, "y.csv", YDELSER + rows)
    assert message == (
        "y.csv: 7 rows have 'til' before 'fra' (lines 5, 6, 7, 8, 9, ...); expected 'fra' on or before 'til'. "
        "Correct the dates and deliver again."
    )


def test_too_many_rejects_are_refused_with_the_columns_and_their_first_lines(project):
    rows = "P0000001;2016-05-01;;730;615\n" * 90 + "P0000001;maj;;730;Jensen\n" * 7
    message = refusal(project, "y.csv", YDELSER + rows)
    assert message == (
        "y.csv: 7 of 100 rows cannot be read (fra: 7, first in line 95, myndighedskode: 7, first in line 95); "
        "expected at most 5 %. Correct the columns, or raise max_rejected_share in evaluator.toml "
        "if the rows may be left out."
    )


def test_the_share_of_rejects_comes_from_evaluator_toml(project):
    good = "".join(f"P1{n:06d};2016-05-01;;730;615\n" for n in range(90))
    rows = good + "P0000001;maj;;730;615\n" * 7
    (project.root / "evaluator.toml").write_text("[data]\nmax_rejected_share = 0.07\n", encoding="utf-8")
    (delivery,) = load(Project.open(project.root), [deliver(project, "y.csv", YDELSER + rows)])
    assert (delivery.rows, delivery.rejected) == (100, 7)


@pytest.mark.parametrize("fields", [4, 6])
def test_a_line_with_too_few_or_too_many_fields_is_named(project, fields):
    message = refusal(project, "y.csv", YDELSER + "\n" + ";".join(["Jensen"] * fields) + "\n")
    assert message.startswith(f"y.csv: line 6 has {fields} fields; expected 5 as in the header.")


def test_a_quotation_mark_that_is_never_closed_is_named(project):
    message = refusal(project, "y.csv", YDELSER + 'P0000001;"2016-01-01;;730;615\n')
    assert message.startswith("y.csv: a quotation mark opens in line 5 or later and is never closed;")


def test_a_missing_file_is_named(project):
    with pytest.raises(ExtractError, match=r"nix\.csv: no such file; expected an extract"):
        load(project, [project.extracts / "nix.csv"])


def test_an_empty_folder_says_where_extracts_belong(project):
    with pytest.raises(ExtractError, match=r"extracts: no files to load; expected at least one extract"):
        load(project)


def test_files_before_a_refused_one_stay_loaded_and_loading_goes_on_from_there(project):
    deliver(project, "a.csv", GOOD["personer"])
    bad = deliver(project, "b.csv", YDELSER + "0101901234;2016-01-01;;730;615\n")
    deliver(project, "c.csv", GOOD["visitation"])
    with pytest.raises(ExtractError, match=r"b\.csv"):
        load(project)
    bad.write_text(YDELSER, encoding="utf-8")
    assert [delivery.status for delivery in load(project)] == ["already_loaded", "loaded", "loaded"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[personel.aliases]\nkoen = 'sex'\n", r"mapping\.toml:1: unknown extract 'personel'"),
        ("[personer.aliases]\n\nkon = 'sex'\n", r"mapping\.toml:3: the extract personer has no column 'kon'"),
        ("[personer.names]\nkoen = 'sex'\n", r"mapping\.toml:1: unknown key 'names'"),
        ("[personer\n", r"mapping\.toml:1: .*expected TOML"),
    ],
)
def test_a_wrong_mapping_is_refused_with_file_and_line(project, text, message):
    (project.root / "mapping.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ExtractError, match=message):
        load(project, [deliver(project, "a.csv", GOOD["personer"])])


def test_a_fault_inside_the_store_is_told_without_its_rows(project):
    path = deliver(project, "u.csv", GOOD["uddannelse"])
    with connect(project) as connection:
        connection.execute("drop table raw.uddannelse")
    with pytest.raises(ExtractError, match=r"u\.csv: the store could not take the delivery \(CatalogException\)"):
        load(project, [path])
    with connect(project) as connection:
        assert connection.execute("select count(*) from raw.deliveries").fetchall() == [(0,)]


def test_a_file_exported_again_after_it_was_looked_through_is_judged_anew(project, monkeypatch):
    first, second = deliver(project, "a.csv", GOOD["personer"]), deliver(project, "y.csv", YDELSER)
    looked = threading.Event()

    def look(path, *stop):
        try:
            return open_source(path, *stop)
        finally:
            if path == second:
                looked.set()

    def export_again(file, stage, rows):
        if (file, stage) == ("a.csv", "committed"):
            assert looked.wait(30)
            deliver(project, "y.csv", YDELSER + "0101901234;2016-01-01;;730;615\n")

    monkeypatch.setattr("evaluator.extracts.load.open_source", look)
    with pytest.raises(ExtractError, match=r"y\.csv: line 5, column 1 \(pnr_pseudo\) holds a CPR number;"):
        load(project, [first, second], export_again)
    assert ("ydelser", (0, None)) in contents(project)


def test_a_file_that_changes_while_it_is_read_leaves_the_store_as_it_was(project):
    load(project, [deliver(project, "a.csv", GOOD["personer"])])
    before = contents(project)
    path = deliver(project, "y.csv", YDELSER)

    def export_again(file, stage, rows):
        if stage == "inserting":
            deliver(project, "y.csv", YDELSER + "P0000003;2016-01-01;;730;615\n")

    with pytest.raises(ExtractError, match=r"y\.csv: the file changed while it was read; .* load it again"):
        load(project, [path], export_again)
    assert contents(project) == before
    assert load(project, [path])[0].rows == 4


def test_no_files_are_no_deliveries(project):
    assert load(project, []) == ()


def test_an_error_does_not_wait_for_the_look_through_the_next_file(project, monkeypatch):
    first, second = deliver(project, "a.csv", "x;y\n1;2\n"), deliver(project, "y.csv", YDELSER)
    stopped = []

    def look(path, stop):
        if path == second:
            stopped.append(stop.wait(30))
        return open_source(path, stop)

    monkeypatch.setattr("evaluator.extracts.load.open_source", look)
    with pytest.raises(ExtractError, match=r"^a\.csv: the header fits no extract"):
        load(project, [first, second])
    assert stopped == [True]


def test_a_look_through_a_file_ends_when_it_is_stopped(project):
    stop = threading.Event()
    stop.set()
    with pytest.raises(CancelledError):
        open_source(deliver(project, "y.csv", YDELSER), stop)
