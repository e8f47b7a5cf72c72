"""Workbooks of Excel as deliveries: what their cells become, the rows that errors name, and what is refused."""

import csv
import datetime as dt
import io

import pytest
from extract_files import GOOD, deliver
from test_extracts_forms import as_zip
from workbooks import rows_of, sheet, workbook

from evaluator.cli import main
from evaluator.errors import ExtractError
from evaluator.extracts.forms import opened
from evaluator.extracts.load import load
from evaluator.store import connect

DAY, NOON = dt.date(2016, 3, 1), dt.datetime(2016, 3, 1, 12, 30)
TILBUD = ["pnr_pseudo", "fra", "til", "type", "timer_pr_uge"]


def cells_of(tmp_path, data):
    (tmp_path / "a.xlsx").write_bytes(data)
    with opened(tmp_path / "a.xlsx") as file:
        return list(csv.reader(io.StringIO(file.read().decode(), newline=""), delimiter=";"))


@pytest.mark.parametrize(
    ("cells", "text"),
    [
        ([615, 740.0], ["615", "740"]),
        ([12.5, 1.234], ["12,5", "1,234"]),
        (["0615", 615], ["0615", "615"]),
        (["12,5", 12.5, 1e-7], ["12,5", "12,5", "0,0000001"]),
        (["1.234", 1.234], ["1.234", "1,234"]),
        ([DAY, dt.date(1999, 12, 31)], ["2016-03-01", "1999-12-31"]),
        ([DAY, "08-03-2016"], ["2016-03-01", "08-03-2016"]),
        ([DAY, None, 42430], ["2016-03-01", "", "42430"]),
        ([NOON, DAY], ["2016-03-01 12:30:00.000", "2016-03-01 00:00:00.000"]),
        ([True, False], ["1", "0"]),
        (["a;b", 'c "d"'], ["a;b", 'c "d"']),
        (["e\nf", "g\r\nh"], ["e f", "g h"]),
        (["0101", "æøå"], ["0101", "æøå"]),
    ],
)
def test_cells_become_danish_text_by_what_they_hold(tmp_path, cells, text):
    data = workbook(Ark1=[["x", "y"], *([value, "z"] for value in cells)])
    assert cells_of(tmp_path, data) == [["x", "y"], *([value, "z"] for value in text)]


@pytest.mark.parametrize("form", ["y.xlsx", "y.XLSX", "y.zip"])
def test_a_workbook_loads_to_the_rows_of_the_same_csv(project, form):
    data = workbook(Ark1=rows_of(GOOD["ydelser"]))
    deliver(project, form, as_zip(y_xlsx=data) if form.endswith("zip") else data)
    (delivery,) = load(project)
    assert (delivery.extract, delivery.rows, delivery.rejected) == ("ydelser", 3, 0)
    with connect(project) as connection:
        rows = connection.execute("select * exclude (_delivery) from raw.ydelser order by _line").fetchall()
    expected = [tuple(cell or None for cell in row) for row in rows_of(GOOD["ydelser"])[1:]]
    assert rows == [(*row, line) for line, row in enumerate(expected, 2)]


def test_typed_cells_blank_rows_and_empty_edges_are_read_as_a_person_sees_them(project):
    rows = [
        [*TILBUD, None],
        ["P0000001", DAY, dt.date(2016, 4, 1), "projekt", 12.5, None],
        [None] * 6,
        ["P0000002", DAY, None, "mentor", None, "  "],
        ["", " ", None, "", None, None],
    ]
    deliver(project, "t.xlsx", workbook(Ark1=rows, Ark2=[], Ark3="<worksheet><sheetData/></worksheet>"))
    (delivery,) = load(project)
    assert (delivery.rows, delivery.rejected) == (2, 0)
    with connect(project) as connection:
        assert connection.execute("select _line, fra, timer_pr_uge from raw.tilbud order by 1").fetchall() == [
            (2, "2016-03-01", "12,5"),
            (4, "2016-03-01", None),
        ]


def test_an_error_names_the_row_that_excel_shows(project):
    rows = [TILBUD, *(["P0000001", DAY, None, "et\nprojekt", 10] for _ in range(8)), [None] * 5]
    data = workbook(tilbud=[*rows, ["P0000001", "maj", None, "projekt", 10]], noter=[["Bestilt af Økonomi"]])
    with pytest.raises(ExtractError, match=r"t\.xlsx: 1 of 9 rows cannot be read \(fra: 1, first in line 11\)"):
        load(project, [deliver(project, "t.xlsx", data)])
    rows[5] = ["0101901234", DAY, None, "projekt", 10]
    with pytest.raises(ExtractError, match=r"t\.xlsx: line 6, column 1 \(pnr_pseudo\) holds a CPR number"):
        load(project, [deliver(project, "t.xlsx", workbook(Ark1=rows))])


FAR = sheet([[1, 2]]).replace("</sheetData>", '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>')
REFUSED = [
    (workbook(), "the workbook is empty; expected a sheet with names and rows."),
    (workbook(Ark1=[]), "the workbook is empty;"),
    (workbook(Ark1=[["x"]], Ark2=[["y"]]), "the workbook has several sheets to choose from ('Ark1', 'Ark2');"),
    (
        workbook(tilbud=[["x"]], Ydelser=[["y"]]),
        "the workbook has several sheets to choose from ('tilbud', 'Ydelser');",
    ),
    (
        workbook(**{"010190-1234": [["x"]], "b": [["y"]]}),
        "the workbook has several sheets to choose from ('######-####', 'b');",
    ),
    (workbook(Ark1=sheet([[1, 2]], first=3)), "the first row of the sheet is empty;"),
    (workbook(Ark1=[TILBUD, ["P0000001", DAY, None, "projekt", "#DIV/0!"]]), "cell E2 holds a formula that failed;"),
    (workbook(Ark1=FAR), "the sheet reaches over 17,179,869,184 cells; expected at most 5,000,000."),
    (workbook(Ark1="<worksheet" + " " * 9_000_000 + "/>"), "the zip unpacks to more than 200 times its size;"),
    (workbook(Ark1="<worksheet><row><c r='A1'><v>1</x"), "the file cannot be read; expected a workbook of Excel"),
    (workbook(Ark1=[["x"]])[:-40], "the file cannot be read; expected a workbook of Excel"),
    (as_zip(a_csv=b"x;y"), "the file cannot be read; expected a workbook of Excel"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "the workbook has a password, or is of the kind before 2007"),
    (b"pnr_pseudo;fra\n", "the file cannot be read; expected a workbook of Excel (xlsx)."),
]


@pytest.mark.parametrize(("data", "words"), REFUSED)
def test_a_workbook_that_is_none_or_leaves_a_choice_is_refused(project, data, words):
    with pytest.raises(ExtractError) as refused:
        load(project, [deliver(project, "a.xlsx", data)])
    assert str(refused.value).startswith(f"a.xlsx: {words}")
    assert refused.value.__cause__ is None


@pytest.mark.parametrize("name", ["a.xls", "a.XLSM", "a.xlsb", "a.ods"])
def test_other_workbooks_are_refused_by_name_in_the_folder_and_in_a_zip(project, name):
    path = deliver(project, name, b"x")
    with pytest.raises(ExtractError, match=f"^{name}: a workbook that is not xlsx; expected xlsx or CSV"):
        load(project)
    with pytest.raises(ExtractError, match=f"^{name}: a workbook that is not xlsx; expected xlsx or CSV"):
        load(project, [path])
    path.unlink()
    deliver(project, "b.zip", as_zip(**{name.replace(".", "_"): b"x"}))
    with pytest.raises(ExtractError, match=r"^b\.zip: a workbook that is not xlsx"):
        load(project)


def test_the_lock_file_of_an_open_workbook_is_passed_over(project):
    deliver(project, "~$t.xlsx", b"\x05who has it open")
    deliver(project, "t.xlsx", workbook(Ark1=rows_of(GOOD["tilbud"])))
    assert [delivery.file for delivery in load(project)] == ["t.xlsx"]


def test_map_proposes_for_a_workbook(project, capsys):
    rows = rows_of(GOOD["ydelser"].replace("myndighedskode", "udbetalende_kommune"))
    path = deliver(project, "y.xlsx", workbook(Ark1=rows))
    assert main(["map", str(path), "--project", str(project.root)]) == 0
    assert "ydelser, 4 columns known" in capsys.readouterr().out
