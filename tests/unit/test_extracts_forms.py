"""The same rows from every form of file, and forms that cannot be read."""

import csv
import datetime as dt
import io
import zipfile

import pandas as pd
import pyarrow as pa
import pytest
from extract_files import GOOD, deliver
from pyarrow import parquet

from evaluator.errors import ExtractError
from evaluator.extracts.forms import opened
from evaluator.extracts.load import load
from evaluator.store import connect

TEXT = """\
pnr_pseudo;fra;til;type;timer_pr_uge
P0000001;2016-03-01;2016-04-01;løntilskud, privat;12,5
P0000002;2016-03-08;;mentor;
"""
FRAME = pd.DataFrame(
    {
        "pnr_pseudo": ["P0000001", "P0000002"],
        "fra": pd.to_datetime(["2016-03-01", "2016-03-08"]),
        "til": pd.to_datetime(["2016-04-01", None]),
        "type": ["løntilskud, privat", "mentor"],
        "timer_pr_uge": [12.5, None],
    }
)
QUOTED = TEXT.replace("løntilskud, privat", '"løntilskud, privat"').replace("12,5", '"12,5"')


def as_parquet():
    table = pa.Table.from_pandas(FRAME, preserve_index=False)
    table = table.set_column(1, "fra", pa.array([dt.date(2016, 3, 1), dt.date(2016, 3, 8)]))
    file = io.BytesIO()
    parquet.write_table(table, file)
    return file.getvalue()


def as_stata():
    file = io.BytesIO()
    FRAME.to_stata(file, write_index=False, version=118, convert_dates={"fra": "td", "til": "td"})
    return file.getvalue()


def as_zip(**files):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name.replace("_", "."), data)
    return file.getvalue()


FORMS = {
    "utf-16.csv": lambda: TEXT.encode("utf-16"),
    "utf-16-be.csv": lambda: b"\xfe\xff" + TEXT.encode("utf-16-be"),
    "tab.csv": lambda: TEXT.replace(";", "\t").encode("cp1252"),
    "comma.csv": lambda: QUOTED.replace(";", ",").encode(),
    "danish dates.csv": lambda: TEXT.replace("2016-03-01", "01-03-2016").encode(),
    "a.parquet": as_parquet,
    "a.dta": as_stata,
    "csv.zip": lambda: as_zip(a_csv=TEXT.encode("utf-16")),
    "parquet.ZIP": lambda: as_zip(a_parquet=as_parquet()),
}


@pytest.mark.parametrize("form", sorted(FORMS))
def test_the_same_rows_are_read_from_every_form(project, form):
    deliver(project, form, FORMS[form]())
    (delivery,) = load(project)
    assert (delivery.extract, delivery.rows, delivery.rejected) == ("tilbud", 2, 0)
    with connect(project) as connection:
        assert connection.execute(
            "select _line, pnr_pseudo, as_date(fra)::varchar, as_date(til)::varchar, type, "
            "as_decimal(timer_pr_uge)::double from raw.tilbud order by _line"
        ).fetchall() == [
            (2, "P0000001", "2016-03-01", "2016-04-01", "løntilskud, privat", 12.5),
            (3, "P0000002", "2016-03-08", None, "mentor", None),
        ]


def test_codes_kept_as_numbers_in_parquet_are_whole_numbers(project):
    table = pa.table(
        {"lobenr": ["P1"], "nykom2016": [615.0], "y_1651": [720.0], "y_1652": pa.array([None], pa.float64())}
    )
    file = io.BytesIO()
    parquet.write_table(table, file)
    load(project, [deliver(project, "d.parquet", file.getvalue())])
    with connect(project) as connection:
        assert connection.execute(
            "select ydelser[1].kode, len(ydelser), kommuner[1].kode from raw.dream"
        ).fetchall() == [("720", 1, "615")]


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (pa.array([1.0, None]), ["1", ""]),
        (pa.array([1.5, 1e300]), ["1,5", "1" + "0" * 300]),
        (pa.array([True, False]), ["1", "0"]),
        (pa.array([dt.datetime(2016, 3, 1, 12), None]), ["2016-03-01 12:00:00.000000", ""]),
        (pa.array(["1.234", "a;b"]).dictionary_encode(), ["1.234", "a;b"]),
    ],
)
def test_values_of_any_kind_are_written_as_danish_text(tmp_path, values, text):
    parquet.write_table(pa.table({"x": values, "y": ["z", "z"]}), tmp_path / "a.parquet")
    with opened(tmp_path / "a.parquet") as file:
        rows = csv.reader(io.StringIO(file.read().decode()), delimiter=";")
    assert [row[0] for row in rows] == ["x", *text]


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.parquet", b"PAR1 no", "the file cannot be read; expected a Parquet file."),
        ("a.dta", b"no", "the file cannot be read; expected a Stata file."),
        ("a.sas7bdat", b"no" * 200, "the file cannot be read; expected a SAS file"),
        ("a.zip", b"no", "the file cannot be read; expected a zip archive."),
        ("a.zip", as_zip(a_csv=TEXT, b_csv=TEXT), "the zip holds 2 files; expected one extract in each."),
        ("a.zip", as_zip(**{"010190-1234_csv": TEXT}), "the file ######-####.csv in it holds a CPR number in its name"),
        ("a.zip", as_zip(a_csv=b"0" * 5_000_000), "the zip unpacks to more than 200 times its size;"),
        ("a.csv", TEXT.replace("løn", "l\ud8f8n").encode("utf-16", "surrogatepass"), "line 2 holds garbled letters"),
    ],
)
def test_a_form_that_cannot_be_read_is_refused(project, name, data, words):
    with pytest.raises(ExtractError) as refused:
        load(project, [deliver(project, name, data)])
    assert str(refused.value).startswith(f"{name}: {words}")
    assert refused.value.__cause__ is None


def test_a_cpr_number_inside_parquet_is_refused_with_its_row_and_column(project):
    frame = pd.read_csv(io.StringIO(GOOD["ydelser"]), sep=";", dtype=str)
    frame.loc[1, "pnr_pseudo"] = "0101901234"
    with pytest.raises(ExtractError, match=r"y\.parquet: line 3, column 1 \(pnr_pseudo\) holds a CPR number"):
        file = io.BytesIO()
        frame.to_parquet(file)
        load(project, [deliver(project, "y.parquet", file.getvalue())])
