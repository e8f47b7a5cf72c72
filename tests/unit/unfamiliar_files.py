"""Six files as a municipality's own systems would export them: the example register of Horsens under other names.

Other headers, codings, separators, dates and forms than the contracts', two columns too many, and a column of staff
numbers made of the date of employment and a number, which nobody can tell from CPR numbers.
"""

import csv
import datetime as dt
import io
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet
from workbooks import workbook

from evaluator.project import _examples

MUNICIPALITY = "615"
PERSON = "Borgernøgle"
Rows = list[list[str]]


def write_unfamiliar(folder: Path) -> list[Path]:
    """Write the six files; return their paths."""
    persons = {row[0] for row in _rows("personer") if row[7] == MUNICIPALITY}
    made: dict[str, bytes] = {
        "Borgere og boligforhold.csv": _text(_persons(persons), ";").encode("cp1252"),
        "Ydelsesperioder 2012-2019.xlsx": workbook(Ark1=_benefits(persons)),
        "Visitation.zip": _zipped("visitation_udtræk.csv", _text(_groups(persons), ";").encode("utf-8-sig")),
        "Lønoplysninger.txt": _text(_wages(persons), "\t").encode("utf-16"),
        "Samtaler.parquet": _parquet(_meetings(persons)),
        "Sanktionsafgørelser.csv": _text(_sanctions(persons), ",").encode("utf-8"),
    }
    for name, data in made.items():
        (folder / name).write_bytes(data)
    return [folder / name for name in made]


def _rows(extract: str) -> Rows:
    [file] = [file for file in _examples("register", ".csv") if file.name == f"{extract}.csv"]
    return list(csv.reader(io.StringIO(file.read_text(encoding="utf-8")), delimiter=";"))[1:]


def _changed(extract: str, persons: set[str], header: str, change: Callable[[list[str]], list[str]]) -> Rows:
    return [header.split(";"), *(change(row) for row in _rows(extract) if row[0] in persons)]


def _danish(day: str) -> str:
    return dt.date.fromisoformat(day).strftime("%d-%m-%Y") if day else ""


def _cell(day: str) -> dt.date | None:
    return dt.date.fromisoformat(day) if day else None


def _persons(persons: set[str]) -> Rows:
    header = f"{PERSON};Fødselsår;Køn;Herkomst;Uddannelsesniveau;Hjemmeboende børn;Enlig;Bopælskommune"
    header += ";Udgået den;Udgangskode;Boligform"
    return _changed(
        "personer",
        persons,
        header,
        lambda row: [*row[:3], row[3].capitalize(), row[4].capitalize(), *row[5:8], _danish(row[8]), row[9], "Lejer"],
    )


def _benefits(persons: set[str]) -> list[list[object]]:
    header = f"{PERSON};Periode fra;Periode til;Ydelseskode;Udbetalende kommune"
    rows = _changed("ydelser", persons, header, list)
    return [list(rows[0]), *([row[0], _cell(row[1]), _cell(row[2]), int(row[3]), int(row[4])] for row in rows[1:])]


def _groups(persons: set[str]) -> Rows:
    words = {"aabenlyst_uddannelsesparat": "Åbenlyst uddannelsesparat"}
    header = f"{PERSON};Gyldig fra;Gyldig til;Målgruppe nr;Visitationsgruppe"
    return _changed(
        "visitation",
        persons,
        header,
        lambda row: [row[0], _danish(row[1]), _danish(row[2]), row[3], words.get(row[4], row[4].capitalize())],
    )


def _wages(persons: set[str]) -> Rows:
    return _changed("beskaeftigelse", persons, f"{PERSON};Lønmåned;Løntimer;Bruttoløn;Branchekode", list)


def _meetings(persons: set[str]) -> Rows:
    draw, staff = random.Random(615), {"": ""}
    header = f"{PERSON};Mødedato;Samtaletype;Kontaktform;Sagsbehandlernr;Udeblevet;Registreret;Mødelokale"

    def change(row: list[str]) -> list[str]:
        employed_on = f"01{draw.randint(1, 12):02}{draw.randint(0, 19):02}"
        number = staff.setdefault(row[4], f"{employed_on}{len(staff):04}")
        absent = "Nej" if row[5] == "0" else "Ja"
        return [row[0], _danish(row[1]), *row[2:4], number, absent, _danish(row[6]), ""]

    return _changed("samtaler", persons, header, change)


def _sanctions(persons: set[str]) -> Rows:
    header = f"{PERSON};Afgørelsesdato;Paragraf;Sanktionstype;Årsag;Antal dage;Beløb;Status"
    header += ";Vejledt den;Varslet den;Partshørt den"
    return _changed(
        "sanktioner",
        persons,
        header,
        lambda row: [row[0], _danish(row[1]), *row[2:6], f"{row[6]},00", row[7], *map(_danish, row[8:11])],
    )


def _text(rows: Rows, delimiter: str) -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator="\r\n").writerows(rows)
    return out.getvalue()


def _zipped(name: str, data: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return out.getvalue()


def _parquet(rows: Rows) -> bytes:
    out = io.BytesIO()
    columns = zip(rows[0], zip(*rows[1:], strict=True), strict=True)
    parquet.write_table(pa.table({name: pa.array(column, pa.string()) for name, column in columns}), out)
    return out.getvalue()
