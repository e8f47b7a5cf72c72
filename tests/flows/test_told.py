"""Errors are told by what the engine says, or by kind and place; never by a value."""

from pathlib import Path

import duckdb
import pytest

from evaluator.errors import CheckError, ExtractError, ModelError, PanelError, ProjectError, SpecError
from flows.told import StepError, explain, told


def _raised_by_duckdb() -> Exception:
    try:
        duckdb.execute("select cast('P0000123' as integer)")
    except duckdb.Error as error:
        return error
    raise AssertionError("a text was read as a number")


def test_an_unforeseen_error_is_told_without_the_value_it_quotes() -> None:
    error = _raised_by_duckdb()
    assert "P0000123" in str(error)
    assert "P0000123" not in str(told("byg tabeller", error))
    assert str(told("byg tabeller", error)).startswith("byg tabeller: ConversionException in test_told.py:")


def test_an_error_of_the_engine_keeps_its_words_and_loses_its_cause() -> None:
    error = ExtractError("ydelser.csv: 3 rows end before they begin; expected none. Correct them.")
    error.__cause__ = _raised_by_duckdb()
    assert (str(told("x", error)), told("x", error).__cause__) == (str(error), None)


def test_a_fault_of_the_disk_may_pass_and_is_the_projects(tmp_path: Path) -> None:
    with pytest.raises(OSError) as raised:
        (tmp_path / "missing").read_bytes()
    assert isinstance(told("indlæs leverancer", raised.value), ProjectError)


@pytest.mark.parametrize(
    ("error", "begins"),
    [
        (ExtractError(""), "En fil i extracts/ blev afvist"),
        (CheckError(""), "Data er indlæst, men en kritisk kontrol fejlede"),
        (SpecError(""), "En specifikation i specs/ kan ikke bruges"),
        (ProjectError(""), "Projektets mappe eller database kunne ikke åbnes"),
        (ModelError(""), "En tabel kunne ikke bygges"),
        (PanelError(""), "En tabel kunne ikke bygges"),
        (StepError(""), "Der skete en fejl, som programmet ikke kender"),
    ],
)
def test_every_kind_of_error_is_explained_in_danish(error: Exception, begins: str) -> None:
    happened, to_do = explain(error)
    assert happened.startswith(begins)
    assert to_do
