"""Malformed deliveries, each refused by one clear message that names file and line or column; odd ones that load."""

import io
import re
import zipfile

import pyarrow as pa
import pytest
from extract_files import GOOD, deliver
from pyarrow import parquet
from test_extracts_forms import as_zip
from test_extracts_refused import contents
from workbooks import rows_of, workbook

from evaluator.errors import ExtractError
from evaluator.extracts import parquet_file
from evaluator.extracts.load import load
from evaluator.project import Project
from evaluator.store import connect

YDELSER, TILBUD, PERSONER = GOOD["ydelser"], GOOD["tilbud"], GOOD["personer"]
HOURS, PANEL = GOOD["beskaeftigelse"], GOOD["kommunepanel"]
HEAD = YDELSER.splitlines()[0]
VALUES = ("P0000001", "P0000002", "Jensen", "31-02", "42430", "561010", "Horsens")


def with_row(text, row):
    return (text + row + "\n").encode()


def with_dates(dates):
    return "\n".join([HEAD, *(f"P{at:07d};{day};;730;615" for at, day in enumerate(dates))]).encode()


def changed_code(before, after):
    rows = [f"P{at:07d};1990;{before if at < 30 else after};dansk;grundskole;0;1;615;;" for at in range(60)]
    return "\n".join([PERSONER.splitlines()[0], *rows]).encode()


def parquet_of(table):
    file = io.BytesIO()
    parquet.write_table(table, file, compression="zstd")
    return file.getvalue()


def columns_of(text):
    head, *rows = rows_of(text)
    return dict(zip(head, ([cell or None for cell in cells] for cells in zip(*rows, strict=True)), strict=True))


def encrypted_zip():
    data = bytearray(as_zip(a_csv=YDELSER))
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + at] |= 1
    return bytes(data)


def lying_zip():
    data = bytearray(as_zip(a_csv=YDELSER * 50))
    at = data.index(b"PK\x01\x02") + 24
    data[at : at + 4] = (100).to_bytes(4, "little")
    return bytes(data)


def traversing_zip():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("../../y.csv", YDELSER)
    return file.getvalue()


def macos_zip():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in {"y.csv": YDELSER, "__MACOSX/._y.csv": "x", ".DS_Store": "x"}.items():
            archive.writestr(name, data)
    return file.getvalue()


def without_last(text):
    return "\n".join(line.rsplit(";", 1)[0] for line in text.splitlines()).encode()


def swapped(text, first, second):
    rows = rows_of(text)
    one, other = rows[0].index(first), rows[0].index(second)
    for row in rows[1:]:
        row[one], row[other] = row[other], row[one]
    return "\n".join(";".join(row) for row in rows).encode()


READ = "rows cannot be read"
# name of the file, its bytes, what the message says after the name
MALFORMED = {
    "UTF-16 without its mark": ("y.csv", YDELSER.encode("utf-16-le"), "line 1 holds zero bytes"),
    "UTF-16 the other way": ("y.csv", YDELSER.encode("utf-16-be"), "line 1 holds zero bytes"),
    "UTF-32": ("y.csv", YDELSER.encode("utf-32"), "line 1 holds zero bytes"),
    "cp1252 in UTF-8": (
        "t.csv",
        TILBUD.replace("projekt", "løn").encode() + b"P1;2016-03-01;;l\xf8n;1\n",
        "line 3 holds bytes that are neither",
    ),
    "UTF-8 read as cp1252": ("t.csv", TILBUD.replace("projekt", "lÃ¸n").encode(), "line 2 holds garbled letters"),
    "letters of DOS": ("t.csv", TILBUD.replace("projekt", "l›n").encode(), "line 2 holds garbled letters"),
    "letters that were lost": ("t.csv", TILBUD.replace("projekt", "l\ufffdn").encode(), "line 2 holds garbled"),
    "a zero byte": ("y.csv", YDELSER.replace("720", "7\x000").encode(), "line 3 holds zero bytes"),
    "a zip cut short": ("y.zip", as_zip(a_csv=YDELSER)[:-30], "the file cannot be read; expected a zip archive"),
    "a zip with damage": (
        "y.zip",
        as_zip(a_csv=YDELSER)[:60] + b"\xff" * 8 + as_zip(a_csv=YDELSER)[68:],
        "the file cannot be read; expected a whole zip archive",
    ),
    "a zip that lies about its size": ("y.zip", lying_zip(), "the file cannot be read; expected a whole zip archive"),
    "Parquet cut short": (
        "y.parquet",
        parquet_of(pa.table(columns_of(YDELSER)))[:-9],
        "the file cannot be read; expected a Parquet file",
    ),
    "a workbook cut short": (
        "y.xlsx",
        workbook(Ark1=rows_of(YDELSER))[:-25],
        "the file cannot be read; expected a workbook of Excel",
    ),
    "cut inside quotes": (
        "y.csv",
        with_row(YDELSER, 'P0000003;"2016-01'),
        "a quotation mark opens in line 5 or later",
    ),
    "cut inside the last line": ("y.csv", with_row(YDELSER, "P0000003;2016-01"), "line 5 has 2 fields; expected 5"),
    "an empty file": ("y.csv", b"", "the file is empty"),
    "blank lines only": ("y.csv", b"\r\n\r\n", "the header fits no extract"),
    "no last column": ("y.csv", without_last(YDELSER), "column 'myndighedskode' is missing"),
    "no last column in the rows": (
        "y.csv",
        HEAD.encode() + b"\n" + without_last(YDELSER).split(b"\n", 1)[1],
        "line 2 has 4 fields; expected 5",
    ),
    "no header": ("y.csv", YDELSER.split("\n", 1)[1].encode(), "the header fits no extract"),
    "a renamed column": (
        "y.csv",
        YDELSER.replace("fra;", "start;").encode(),
        "column 'fra' is missing; column 'start'",
    ),
    "an unknown column": (
        "y.csv",
        YDELSER.replace("\n", ";x\n").replace("kode;x\n", "kode;navn\n").encode(),
        "column 'navn' is unknown",
    ),
    "a column twice": ("y.csv", YDELSER.replace(";til;", ";fra;til;", 1).encode(), "column 'fra' of ydelser stands"),
    "a column by two names": ("y.csv", YDELSER.replace(";til;", ";startdato;til;", 1).encode(), "column 'fra' of"),
    "a value without a name": (
        "y.csv",
        YDELSER.replace("\n", ";\n").replace("720;615;", "720;615;7").encode(),
        "line 3 has a value in column 6, which has no name",
    ),
    "dates in each other's columns": ("y.csv", swapped(YDELSER.replace(";;", ";2016-09-01;"), "fra", "til"), "3 rows"),
    "person and date swapped": ("y.csv", swapped(YDELSER, "pnr_pseudo", "fra"), f"3 of 3 {READ} (fra: 3"),
    "code and municipality swapped": (
        "y.csv",
        swapped(YDELSER, "ydelseskode", "myndighedskode"),
        f"2 of 3 {READ} (myndighedskode: 2, first in line 3)",
    ),
    "the same person twice": (
        "p.csv",
        with_row(PERSONER, "P0000001;1995;M;dansk;grundskole;0;1;615;;"),
        "lines 2 and 4 have the same pnr_pseudo",
    ),
    "the same spell with other content": (
        "y.csv",
        with_row(YDELSER, "P0000002;2016-02-01;2016-03-01;730;615"),
        "lines 4 and 5 have the same pnr_pseudo and fra",
    ),
    "the same quarter twice": (
        "k.csv",
        with_row(PANEL, "0615;2017K1;kontanthjaelp;aktivitetsparat;7;7;7;7;7"),
        "lines 3 and 4 have the same kommunekode and periode and ydelse and visitation",
    ),
    "a day that is not": ("y.csv", with_dates(["31-02-2020"]), f"1 of 1 {READ} (fra: 1, first in line 2)"),
    "American dates": ("y.csv", with_dates(["2016-03-01", "12/31/2016"]), f"1 of 2 {READ} (fra: 1, first in line 3)"),
    "American order": ("y.csv", with_dates(["01-02-2016", "12-31-2016"]), f"1 of 2 {READ} (fra: 1, first in line 3)"),
    "serial numbers of Excel": ("y.csv", with_dates(["42430", "42431"]), f"2 of 2 {READ} (fra: 2, first in line 2)"),
    "years of two digits": ("y.csv", with_dates(["01-03-16"]), f"1 of 1 {READ} (fra: 1, first in line 2)"),
    "dates with points": ("y.csv", with_dates(["01.03.2016"]), f"1 of 1 {READ} (fra: 1, first in line 2)"),
    "a date without a day": ("y.csv", with_dates(["2016-03"]), f"1 of 1 {READ} (fra: 1, first in line 2)"),
    "a thirteenth month": ("b.csv", HOURS.replace("2016-06", "2016-13").encode(), f"2 of 2 {READ} (maaned: 2"),
    "sex by numbers from the middle": (
        "p.csv",
        changed_code("M", "1"),
        f"30 of 60 {READ} (koen: 30, first in line 32)",
    ),
    "sex by words from the middle": ("p.csv", changed_code("K", "kvinde"), f"30 of 60 {READ} (koen: 30, first in line"),
    "another list of levels": ("p.csv", PERSONER.replace("grundskole", "10").encode(), f"1 of 2 {READ} (udd_niveau: 1"),
    "a year of birth of two digits": ("p.csv", PERSONER.replace("1995", "95").encode(), f"1 of 2 {READ} (foedselsaar"),
    "a municipality of two digits": (
        "y.csv",
        YDELSER.replace(";615", ";61").encode(),
        f"2 of 3 {READ} (myndighedskode: 2, first in line 2)",
    ),
    "a municipality by name": (
        "y.csv",
        YDELSER.replace(";740", ";Silkeborg").encode(),
        f"1 of 3 {READ} (myndighedskode: 1, first in line 4)",
    ),
    "a municipality abolished in 2007": (
        "y.csv",
        YDELSER.replace(";615", ";0601").encode(),
        f"2 of 3 {READ} (myndighedskode: 2",
    ),
    "two separators in the header": ("y.csv", YDELSER.replace("fra;til;", "fra,til,").encode(), "the header is separ"),
    "another separator in the rows": (
        "y.csv",
        (HEAD + "\n" + YDELSER.split("\n", 1)[1].replace(";", ",")).encode(),
        "line 2 has 1 fields; expected 5",
    ),
    "bars between columns": ("y.csv", YDELSER.replace(";", "|").encode(), "the header fits no extract"),
    "a line break inside a cell": ("t.csv", TILBUD.replace("projekt", "pro\njekt").encode(), "line 2 has 4 fields"),
    "1.234, which may be two numbers": (
        "t.csv",
        TILBUD.replace("12,5", "1.234").encode(),
        f"1 of 1 {READ} (timer_pr_uge: 1, first in line 2)",
    ),
    "a decimal point": ("t.csv", TILBUD.replace("12,5", "12.5").encode(), f"1 of 1 {READ} (timer_pr_uge: 1"),
    "points in the wrong places": ("t.csv", TILBUD.replace("12,5", "1.23.456,0").encode(), f"1 of 1 {READ} (timer"),
    "American thousands": ("t.csv", TILBUD.replace("12,5", '"1,234.50"').encode(), f"1 of 1 {READ} (timer_pr_uge"),
    "hours taken back that were never given": (
        "b.csv",
        HOURS.replace("37,5;5000,00", "7,0;0").encode(),
        f"1 of 2 {READ} (timer: 1, first in line 3)",
    ),
    "a web page": ("y.csv", b"\n<!DOCTYPE html><html><body>Log ind</body></html>", "the file is a web page (HTML)"),
    "JSON": ("y.csv", b'{"fra": "2016-01-01"}', "the file is JSON"),
    "a workbook named csv": ("y.csv", workbook(Ark1=[["x"]]), "the file is a zip archive or a workbook"),
    "Parquet named csv": ("y.csv", parquet_of(pa.table({"x": [1]})), "the file is a Parquet file"),
    "a workbook with a password": ("y.xlsx", b"\xd0\xcf\x11\xe0" + bytes(99), "the workbook has a password"),
    "a zip with a password": ("y.zip", encrypted_zip(), "the zip has a password"),
    "a zip of several files": ("y.zip", as_zip(a_csv=YDELSER, b_csv=TILBUD), "the zip holds 2 files"),
    "a zip in a zip": ("y.zip", as_zip(a_zip=as_zip(a_csv=YDELSER)), "the zip holds another zip"),
    "a zip that leads out": ("y.zip", traversing_zip(), "the file in it is named by a path that leads out"),
    "lists in Parquet": (
        "y.parquet",
        parquet_of(pa.table({**columns_of(YDELSER), "ydelseskode": [["720"], [], ["140"]]})),
        "column 'ydelseskode' holds lists or records",
    ),
    "a week missing in DREAM": (
        "d.csv",
        "\n".join(
            ",".join(cell for at, cell in enumerate(line.split(",")) if at != 6) for line in GOOD["dream"].splitlines()
        ).encode(),
        "columns are missing between 'y_1651' and 'y_1701'",
    ),
    "a bomb of zeros in a zip": ("y.zip", as_zip(a_csv=bytes(4_000_000)), "the zip unpacks to more than 200 times"),
    "a line without end": ("y.csv", YDELSER.encode() + b"x" * 25_000_000, "in line 1 or later is a line of more than"),
}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A store that holds a good delivery; no refused one may change it."""
    made = Project.create(tmp_path_factory.mktemp("fejl") / "projekt")
    load(made, [deliver(made, "god.csv", GOOD["visitation"])])
    return made, contents(made)


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_delivery_is_refused_by_file_and_place_and_never_by_value(store, name):
    project, _ = store
    file, data, words = MALFORMED[name]
    path = deliver(project, file, data)
    with pytest.raises(ExtractError) as refused:
        load(project, [path])
    path.unlink()
    message = str(refused.value)
    assert message.startswith(f"{file}: {words}"), message
    assert re.fullmatch(r"[^:]+: .*; expected .*\. .*\.", message), message
    assert [value for value in VALUES if value in message] == []
    assert refused.value.__cause__ is None


def test_there_are_sixty_of_them_and_none_changed_the_store(store):
    assert len(MALFORMED) >= 60
    assert contents(store[0]) == store[1]


@pytest.mark.parametrize(
    ("limits", "table", "words"),
    [
        (
            {"FREE_CELLS": 100, "MOST_CELLS_PER_BYTE": 10},
            pa.table({"x": pa.nulls(100_000, pa.bool_())}),
            "the file says that it holds 100,000 rows of 1 columns in ",
        ),
        (
            {"MOST_EXPANSION": 2},
            pa.table({"x": [f"{at}{'a' * 5_000}" for at in range(99)]}),
            "the file says that it holds 99 rows of 1 columns in ",
        ),
        (
            {"MOST_EXPANSION": 10**6},
            pa.table({"x": ["a" * 200_000] * 2}),
            "column 1 holds a text of 200,000 bytes; expected at most 100,000",
        ),
    ],
)
def test_a_bomb_in_parquet_is_refused_by_its_metadata(project, monkeypatch, limits, table, words):
    for name, limit in limits.items():
        monkeypatch.setattr(parquet_file, name, limit)
    with pytest.raises(ExtractError, match=rf"^b\.parquet: {words}"):
        load(project, [deliver(project, "b.parquet", parquet_of(table))])


def frame(text):
    return parquet_of(pa.table(columns_of(text)))


QUOTED = "\n".join(";".join(f'"{cell}"' for cell in row) for row in rows_of(YDELSER))
REORDERED = "\n".join(";".join(row[at] for at in (4, 2, 0, 3, 1)) for row in rows_of(YDELSER))
ODD = {
    "a mark of UTF-8": ("y.csv", b"\xef\xbb\xbf" + YDELSER.encode()),
    "CRLF": ("y.csv", YDELSER.replace("\n", "\r\n").encode()),
    "CR only": ("y.csv", YDELSER.replace("\n", "\r").encode()),
    "CR only in UTF-16": ("y.csv", YDELSER.replace("\n", "\r").encode("utf-16")),
    "no last line end": ("y.csv", YDELSER.rstrip("\n").encode()),
    "a separator at the end": ("y.csv", YDELSER.replace("\n", ";\n").encode()),
    "everything quoted": ("y.csv", QUOTED.encode()),
    "columns in another order": ("y.csv", REORDERED.encode()),
    "Danish names": (
        "y.csv",
        YDELSER.replace("fra;til", "startdato;Slutdato").replace("pnr_pseudo", "Borger_id").encode(),
    ),
    "upper case": ("y.csv", (HEAD.upper() + "\n" + YDELSER.split("\n", 1)[1]).encode()),
    "blanks around": ("y.csv", YDELSER.replace(";", " ; ").encode()),
    "commas": ("y.csv", YDELSER.replace(";", ",").encode()),
    "tabs": ("y.csv", YDELSER.replace(";", "\t").encode()),
    "UTF-16": ("y.csv", YDELSER.encode("utf-16")),
    "cp1252": ("y.csv", YDELSER.replace("\n", ";ø\n").replace("kode;ø", "kode;kommunenavn").encode("cp1252")),
    "a column that is passed over": ("y.csv", YDELSER.replace("\n", ";9\n").replace("kode;9", "kode;sats").encode()),
    "blank lines at the end": ("y.csv", YDELSER.encode() + b"\n\r\n \n"),
    "rows of separators at the end": ("y.csv", YDELSER.encode() + b";;;;\n;;;;\n"),
    "a workbook": ("y.xlsx", workbook(Ark1=rows_of(YDELSER))),
    "Parquet": ("y.parquet", frame(YDELSER)),
    "a zip": ("y.zip", as_zip(a_csv=YDELSER)),
    "a workbook in a zip": ("y.zip", as_zip(a_xlsx=workbook(Ark1=rows_of(YDELSER), Ark2=[]))),
    "a zip of macOS": ("y.zip", macos_zip()),
}


def hashed(project):
    with connect(project) as connection:
        found = connection.execute(
            "select bit_xor(hash(t)), sum(hash(t)::hugeint), count(*) from "
            "(select _line, pnr_pseudo, as_date(fra), as_date(til), ydelseskode, as_municipality(myndighedskode) "
            "from raw.ydelser) as t"
        ).fetchall()
        connection.execute("delete from raw.ydelser")
        connection.execute("delete from raw.deliveries")
    return found


@pytest.fixture(scope="module")
def plain(store):
    project, _ = store
    load(project, [deliver(project, "y.csv", YDELSER)])
    return hashed(project)


@pytest.mark.parametrize("name", ODD)
def test_an_odd_but_valid_delivery_loads_to_the_same_rows(store, plain, name):
    project, _ = store
    file, data = ODD[name]
    (delivery,) = load(project, [deliver(project, file, data)])
    assert (delivery.rows, delivery.rejected) == (3, 0)
    assert hashed(project) == plain
