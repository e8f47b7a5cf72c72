"""CPR numbers are stopped at the door, or replaced by pseudonyms on the way in; none is ever written or told."""

import os
import random
import zipfile
from pathlib import Path

import polars as pl
import pytest
from workbooks import rows_of, workbook

from evaluator.cli import main
from evaluator.errors import ExtractError
from evaluator.extracts.load import load
from evaluator.extracts.pseudonymise import new_key, pseudonymise
from evaluator.project import Project

HEAD = "cpr;foedselsaar;koen\n"


def _numbers(count: int) -> list[str]:
    draw = random.Random(5)
    found = {
        f"{draw.randint(1, 28):02}{draw.randint(1, 12):02}{draw.randint(0, 99):02}{draw.randint(0, 9999):04}"
        for _ in range(2 * count)
    }
    return sorted(found)[:count]


@pytest.fixture
def key(project: Project, tmp_path: Path) -> Path:
    path = tmp_path / "noegle.txt"
    new_key(project, path)
    return path


def _file(tmp_path: Path, text: str, encoding: str = "utf-8") -> Path:
    path = tmp_path / "borgere.csv"
    path.write_bytes(text.encode(encoding))
    return path


def _bytes(project: Project) -> bytes:
    return b"\n".join(path.read_bytes() for path in project.root.rglob("*") if path.is_file())


def test_500_numbers_become_500_pseudonyms_and_leave_no_trace(project: Project, tmp_path: Path, key: Path) -> None:
    numbers = _numbers(500)
    path = _file(tmp_path, HEAD + "".join(f"{n[:6]}-{n[6:]};1990;M\n" for n in numbers))
    target, rows = pseudonymise(project, path, "cpr", key)
    made = [line.split(";")[0] for line in target.read_text(encoding="utf-8").splitlines()[1:]]
    assert rows == len(set(made)) == 500
    kept = _bytes(project)
    assert [n for n in numbers if n.encode() in kept or f"{n[:6]}-{n[6:]}".encode() in kept] == []
    assert key.read_bytes().strip() not in kept


def test_a_number_has_one_pseudonym_however_it_is_written(project: Project, tmp_path: Path, key: Path) -> None:
    text = HEAD + "0101901234;1990;M\n010190-1234;1990;M\n101901234;1990;M\n010190 1234;1990;M\n;1990;M\n"
    lines = pseudonymise(project, _file(tmp_path, text), "cpr", key)[0].read_text(encoding="utf-8").splitlines()
    first = [line.split(";")[0] for line in lines[1:]]
    assert len(set(first[:4])) == 1 and first[0].startswith("p") and first[4] == ""


def test_another_key_gives_other_pseudonyms(project: Project, tmp_path: Path, key: Path) -> None:
    path = _file(tmp_path, HEAD + "0101901234;1990;M\n")
    before = pseudonymise(project, path, "cpr", key)[0].read_bytes()
    assert pseudonymise(project, path, "cpr", key)[0].read_bytes() == before
    new_key(project, tmp_path / "ny.txt")
    assert pseudonymise(project, path, "cpr", tmp_path / "ny.txt")[0].read_bytes() != before


def test_danish_letters_arrive_as_utf_8(project: Project, tmp_path: Path, key: Path) -> None:
    path = _file(tmp_path, "cpr;navn\r\n0101901234;Åse Ærø\r\n", "cp1252")
    assert "Åse Ærø" in pseudonymise(project, path, "cpr", key)[0].read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("0101901234;se 020290-4321;M", "line 3 holds a CPR number in another column"),
        ("9999991234;1990;M", "line 3 has something else"),
        ("0101901234;1990", "line 3 has 2 fields"),
    ],
)
def test_what_cannot_be_replaced_is_refused_and_nothing_is_written(
    row: str, told: str, project: Project, tmp_path: Path, key: Path
) -> None:
    with pytest.raises(ExtractError, match=told) as refused:
        pseudonymise(project, _file(tmp_path, f"{HEAD}0101901234;1990;M\n{row}\n"), "cpr", key)
    assert not {"0101901234", "020290", "9999991234"} & set(str(refused.value).split())
    assert list(project.extracts.iterdir()) == []


def test_key_and_numbers_must_lie_outside_the_project(project: Project, tmp_path: Path, key: Path) -> None:
    path = _file(tmp_path, HEAD + "0101901234;1990;M\n")
    with pytest.raises(ExtractError, match="the key lies in the project"):
        new_key(project, project.root / "noegle.txt")
    with pytest.raises(ExtractError, match="the key lies in the project"):
        pseudonymise(project, path, "cpr", project.store / "noegle.txt")
    inside = project.extracts / "borgere.csv"
    inside.write_bytes(path.read_bytes())
    with pytest.raises(ExtractError, match="with CPR numbers lies in the project"):
        pseudonymise(project, inside, "cpr", key)
    with pytest.raises(ExtractError, match="the key exists"):
        new_key(project, key)
    if os.name == "posix":
        assert key.stat().st_mode & 0o077 == 0
    key.write_text("kort", encoding="ascii")
    with pytest.raises(ExtractError, match="too short"):
        pseudonymise(project, path, "cpr", key)


def test_the_command_makes_a_key_and_a_delivery_that_loads(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "pnr_pseudo;fra;til;uddannelsesart;niveau\n0101901234;2016-01-01;2016-06-30;eud;30\n"
    words = ["pseudonymise", str(_file(tmp_path, text)), "--column", "pnr_pseudo", "--key", str(tmp_path / "n.txt")]
    assert main([*words, "--new-key", "--project", str(project.root)]) == 0
    assert "borgere.csv: 1 rows" in capsys.readouterr().out
    assert load(project)[0].extract == "uddannelse"
    assert b"0101901234" not in _bytes(project)


TEXT = (
    "pnr_pseudo;fra;til;uddannelsesart;niveau\n0101901234;2016-01-01;2016-06-30;eud;30\n020290-4321;2016-02-01;;hf;20\n"
)


def _zipped(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("udtræk.csv", TEXT)


FORMS = {
    "borgere.xlsx": lambda path: path.write_bytes(workbook(Ark1=rows_of(TEXT))),
    "borgere.zip": _zipped,
    "borgere.csv.zip": _zipped,
    "borgere.parquet": lambda path: pl.read_csv(TEXT.encode(), separator=";", infer_schema=False).write_parquet(path),
    "borgere.txt": lambda path: path.write_bytes(TEXT.encode("utf-16")),
}


@pytest.mark.parametrize("name", sorted(FORMS))
def test_every_form_that_is_loaded_becomes_a_csv_that_loads(
    name: str, project: Project, tmp_path: Path, key: Path
) -> None:
    (tmp_path / "borgere.csv").write_text(TEXT, encoding="utf-8")
    plain = pseudonymise(project, tmp_path / "borgere.csv", "pnr_pseudo", key)[0]
    path = tmp_path / name
    FORMS[name](path)
    target, rows = pseudonymise(project, path, "pnr_pseudo", key)
    assert (target.name, rows) == (f"{name}.csv", 2)
    assert target.read_bytes() == plain.read_bytes()
    plain.unlink()
    assert [delivery.rows for delivery in load(project)] == [2]


def test_a_column_of_other_ids_is_judged_as_the_loader_judges_it(project: Project, tmp_path: Path, key: Path) -> None:
    draw = random.Random(9)
    ids = [f"{draw.randrange(10**9, 10**10)}" for _ in range(400)]
    lines = "".join(f"{number};{staff};x\n" for number, staff in zip(_numbers(400), ids, strict=True))
    target, rows = pseudonymise(project, _file(tmp_path, f"cpr;sagsnr;note\n{lines}"), "cpr", key)
    assert rows == 400
    assert [line.split(";")[1] for line in target.read_text(encoding="utf-8").splitlines()[1:]] == ids


def test_a_declared_column_is_left_as_it_is(project: Project, tmp_path: Path, key: Path) -> None:
    path = _file(tmp_path, "cpr;Sagsbehandler_id\n0101901234;0202901234\n")
    with pytest.raises(ExtractError, match=r"line 2 .* 2 \(Sagsbehandler_id\); .* declare it under no_cpr"):
        pseudonymise(project, path, "cpr", key)
    project.mapping.write_text('[samtaler]\nno_cpr = ["sagsbehandler_id"]\n', encoding="utf-8")
    assert "0202901234" in pseudonymise(project, path, "cpr", key)[0].read_text(encoding="utf-8")


def test_files_of_one_name_and_two_endings_do_not_overwrite_each_other(
    project: Project, tmp_path: Path, key: Path
) -> None:
    for name, number in (("samtaler.csv", "0101901234"), ("samtaler.txt", "0202901234")):
        (tmp_path / name).write_text(f"{HEAD}{number};1990;M\n", encoding="utf-8")
        pseudonymise(project, tmp_path / name, "cpr", key)
    made = {path.name: path.read_bytes() for path in project.extracts.iterdir()}
    assert sorted(made) == ["samtaler.csv", "samtaler.txt.csv"] and len(set(made.values())) == 2
