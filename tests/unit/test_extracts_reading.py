"""Character sets, quotation marks, line ends and names of columns that are read without a word."""

import codecs

import pytest
from extract_files import GOOD, deliver

from evaluator.extracts.load import load
from evaluator.extracts.reading import blocks, header, open_source, parse
from evaluator.store import connect

TEXT = "pnr_pseudo;fra;til;uddannelsesart;niveau\nP0000001;2016-01-01;;Æblegård på Ærø;kort\nP0000002;2016-02-01;;é;b\n"


def loaded(project, data: bytes):
    load(project, [deliver(project, "a.csv", data)])
    with connect(project, read_only=True) as connection:
        return connection.execute("select uddannelsesart, niveau, _line from raw.uddannelse order by _line").fetchall()


@pytest.mark.parametrize(
    "data",
    [
        TEXT.encode(),
        TEXT.encode("cp1252"),
        TEXT.encode("latin-1"),
        codecs.BOM_UTF8 + TEXT.encode(),
        TEXT.replace("\n", "\r\n").encode(),
        TEXT.removesuffix("\n").encode(),
        TEXT.replace("Æblegård på Ærø", '"Æblegård på Ærø"').encode(),
        TEXT.replace("uddannelsesart", "UDDANNELSE").replace("pnr_pseudo", " Borger_ID ").encode(),
        "\n".join(";".join(reversed(line.split(";"))) for line in TEXT.splitlines()).encode(),
    ],
    ids=["utf-8", "cp1252", "latin-1", "bom", "crlf", "no last line end", "quoted", "aliases", "other order"],
)
def test_the_same_rows_are_read_from_every_form(project, data):
    assert loaded(project, data) == [("Æblegård på Ærø", "kort", 2), ("é", "b", 3)]


def test_semicolons_and_line_breaks_inside_quotes_belong_to_the_field(project):
    text = TEXT.replace("Æblegård på Ærø", '"a;b\nc ""d"""')
    assert loaded(project, text.encode()) == [('a;b\nc "d"', "kort", 2), ("é", "b", 4)]


def test_blank_lines_are_passed_over_and_line_numbers_stay_true(project):
    text = TEXT.replace("kort\n", "kort\n\n\n") + "\n"
    assert loaded(project, text.encode()) == [("Æblegård på Ærø", "kort", 2), ("é", "b", 5)]


def test_a_delivery_without_rows_is_entered_with_none(project):
    assert loaded(project, TEXT.splitlines()[0].encode()) == []
    assert loaded(project, (TEXT.splitlines()[0] + "\n").encode()) == []


@pytest.mark.parametrize("size", [1, 30, 64, 100, 10_000])
def test_blocks_of_any_size_give_the_same_rows_and_lines(tmp_path, size):
    rows = [
        f'P{number:07d};"x{number}\n;y";{number}' if number % 3 else f"P{number:07d};å;{number}" for number in range(50)
    ]
    path = tmp_path / "a.csv"
    path.write_text("a;b;c\n" + "\n".join(rows) + "\n", encoding="cp1252")
    source = open_source(path)
    tables = [parse(source, block, header(source)).to_pylist() for block in blocks(source, size)]
    read = [row for table in tables for row in table]
    line, wanted = 2, []
    for number in range(50):
        wanted.append(
            {"a": f"P{number:07d}", "b": f"x{number}\n;y" if number % 3 else "å", "c": str(number), "_line": line}
        )
        line += 2 if number % 3 else 1
    assert read == wanted


def test_the_mapping_gives_more_names_and_fixed_values(project):
    (project.root / "mapping.toml").write_text(
        '[uddannelse.aliases]\nuddannelsesart = ["studie", "retning"]\n[uddannelse.set]\nniveau = "ukendt"\n',
        encoding="utf-8",
    )
    text = "pnr_pseudo;fra;til;Retning\nP0000001;2016-01-01;;hf\n"
    assert loaded(project, text.encode()) == [("hf", "ukendt", 2)]


def test_a_column_in_the_file_comes_before_the_fixed_value(project):
    (project.root / "mapping.toml").write_text('[uddannelse.set]\nniveau = "ukendt"\n', encoding="utf-8")
    assert [niveau for _, niveau, _ in loaded(project, TEXT.encode())] == ["kort", "b"]


def test_progress_is_told_by_file_and_stage(project):
    seen = []
    load(project, [deliver(project, "a.csv", GOOD["ydelser"])], progress=lambda *step: seen.append(step))
    assert seen == [("a.csv", "inserting", 3), ("a.csv", "checked", 3), ("a.csv", "committed", 3)]
