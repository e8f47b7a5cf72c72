"""CPR numbers planted anywhere in deliveries are stopped by the load, and stand in nothing that it leaves.

A quick sample here; all 500, and the quality report, in `make faults` by EVALUATOR_PLANTED.
"""

import io
import os
import random

import pandas as pd
import pyarrow as pa
import pytest
from extract_files import GOOD, deliver
from pyarrow import parquet
from test_extracts_forms import as_zip
from test_guard import AROUND, FORMS, number
from workbooks import rows_of, workbook

from evaluator.cli import main
from evaluator.store import connect

QUICK = 20
PLANTED = int(os.environ.get("EVALUATOR_PLANTED", str(QUICK)))
EXTRACTS = tuple(name for name in GOOD if name != "dream")


def in_cell(draw, planted):
    """Return a good extract whose last row holds the text in some cell, and its name."""
    name = draw.choice(EXTRACTS)
    rows = rows_of(GOOD[name])
    rows[-1][draw.randrange(len(rows[-1]))] = planted
    return name, rows


def as_text(rows, delimiter=";"):
    return "\n".join(delimiter.join(row) for row in rows) + "\n"


def csv_in(coding, delimiter=";"):
    def make(draw, planted):
        name, rows = in_cell(draw, planted.replace("\t", " "))
        return f"{name}-ny.csv", as_text(rows, delimiter).encode(coding, "replace")

    return make


def in_ignored_column(draw, planted):
    text = (
        GOOD["ydelser"].replace("myndighedskode\n", "myndighedskode;sats\n").replace("615\n", f'615;"se\n{planted}"\n')
    )
    return "ydelser-ny.csv", text.replace(";740\n", ";740;\n").encode()


def in_zip(draw, planted):
    name, rows = in_cell(draw, planted)
    return f"{name}.zip", as_zip(a_csv=as_text(rows))


def in_name_in_zip(draw, planted):
    return "udtraek.zip", as_zip(**{f"{planted.strip().replace('/', '_')}_csv": GOOD["ydelser"]})


def in_file_name(draw, planted):
    return f"{planted.strip().replace('/', '_')}.csv", GOOD["tilbud"].encode()


def in_header(draw, planted):
    return "tilbud-ny.csv", GOOD["tilbud"].replace("timer_pr_uge", planted).encode()


def in_workbook(draw, planted):
    name, rows = in_cell(draw, planted)
    return f"{name}.xlsx", workbook(Ark1=rows)


def in_number_of_workbook(draw, planted):
    rows = rows_of(GOOD["samtaler"])
    rows[-1][4] = int("".join(letter for letter in planted if letter.isdigit())[:10])
    return "samtaler.xlsx", workbook(Ark1=rows)


def in_name_of_sheet(draw, planted):
    return "tilbud.xlsx", workbook(**{planted.strip().replace("/", "_"): rows_of(GOOD["tilbud"])})


def in_parquet(draw, planted):
    name, rows = in_cell(draw, planted)
    file = io.BytesIO()
    columns = zip(rows[0], zip(*rows[1:], strict=True), strict=True)
    table = pa.table({column: pa.array(cells).dictionary_encode() for column, cells in columns})
    parquet.write_table(table, file)
    return f"{name}.parquet", file.getvalue()


def in_stata(draw, planted):
    rows = rows_of(GOOD["samtaler"])
    frame = pd.DataFrame(rows[1:], columns=rows[0])
    digits = "".join(letter for letter in planted if letter.isdigit())[:10]
    frame["sagsbehandler_id"] = [float(digits)] * len(frame)
    file = io.BytesIO()
    frame.to_stata(file, write_index=False, version=118)
    return "samtaler.dta", file.getvalue()


def in_dream(draw, planted):
    return "dream-ny.csv", GOOD["dream"].replace("P0000002", planted).encode()


PLACES = [
    *(csv_in("utf-8"), csv_in("cp1252"), csv_in("utf-16"), csv_in("utf-8-sig", "\t"), in_ignored_column, in_zip),
    *(in_name_in_zip, in_file_name, in_header, in_workbook, in_number_of_workbook, in_name_of_sheet, in_parquet),
    *(in_stata, in_dream),
]
WITHOUT_LETTERS = (in_number_of_workbook, in_stata)


def planted_text(draw, at, place):
    """Return a CPR number in some form with some text around it, and its digits as they stand."""
    form = draw.choice(("plain", "zero lost") if place in WITHOUT_LETTERS else FORMS)
    bare = number(draw, form)
    if place in WITHOUT_LETTERS:
        return bare, bare
    return draw.choice(AROUND).format(bare), bare.removesuffix(".0")


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    """Deliver each planted file to a store that holds good ones; return what was not stopped, and all that is left."""
    from evaluator.project import Project

    project = Project.create(tmp_path_factory.mktemp("plantet") / "projekt")
    for name in ("personer", "ydelser", "beskaeftigelse", "samtaler"):
        deliver(project, f"{name}.csv", GOOD[name])
    assert main(["load", "--project", str(project.root)]) == 0
    with connect(project, read_only=True) as connection:
        before = connection.execute("select count(*) from raw.deliveries").fetchall()
    draw, passed, numbers, told = random.Random(20170101), [], [], io.StringIO()
    for at in range(PLANTED):
        place = PLACES[at % len(PLACES)]
        text, bare = planted_text(draw, at, place)
        name, data = place(draw, text)
        path = deliver(project, name, data)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("sys.stdout", told), patch.setattr("sys.stderr", told)
            code = main(["load", str(path), "--project", str(project.root)])
        said = told.getvalue().splitlines()[-1]
        if code != 1 or "CPR number" not in said:
            passed.append((getattr(place, "__name__", ""), said, at))
        path.unlink()
        numbers.append(bare)
    with connect(project, read_only=True) as connection:
        assert connection.execute("select count(*) from raw.deliveries").fetchall() == before
    for command in ("build", "check", "quality") if PLANTED > QUICK else ():
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("sys.stdout", told), patch.setattr("sys.stderr", told)
            main([command, "--project", str(project.root)])
    assert PLANTED == QUICK or list(project.reports.glob("*.html"))
    left = [item.read_bytes() for item in project.root.rglob("*") if item.is_file()]
    left += [str(item).encode() for item in project.root.rglob("*")]
    return passed, numbers, b"\n".join([*left, told.getvalue().encode()])


def test_every_planted_number_is_stopped(outcome):
    assert outcome[0] == []


def test_no_planted_number_stands_in_store_reports_logs_or_errors(outcome):
    _, numbers, left = outcome
    assert len(numbers) == PLANTED
    for bare in numbers:
        digits = "".join(letter for letter in bare if letter.isdigit())
        forms = {bare, digits, f"{digits[:-4]}-{digits[-4:]}"}
        assert not any(form.encode(coding) in left for form in forms for coding in ("utf-8", "utf-16-le"))
