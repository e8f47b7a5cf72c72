"""Formulas and scripts in what others wrote stay text, in every file that the product writes."""

import csv
import json

import pytest
from release_fixture import connection, copy

import reports
from evaluator.connectors.landing import Provenance, land
from evaluator.evaluation.show import as_json
from evaluator.extracts.pseudonymise import new_key, pseudonymise
from evaluator.extracts.table_text import inert
from reports.released import read

EVIL = '=HYPERLINK("http://x")<script>alert(1)</script>'
FORMULAS = ("=1+1", "+SUM(A1)", "-2+3", "@SUM(1)", "\t=1", " =1+1", "-cmd|'/c calc'!A1", EVIL)
HARMLESS = ("", "-", "..", "-5", "+45 12345678", "-1.234,5", "P0000001", "2016-03-01", "a=b", "1-2", "3 @ 4")
FREE = {
    "delivery": ("municipality_name",),
    "caseload_path": ("municipality_name",),
    "weights": ("municipality_name",),
    "groups": ("group_name", "reason"),
    "quality": ("notes", "rule", "table_name"),
    "deliveries": ("file", "source", "extract"),
    "refusals": ("reason", "what_would_help"),
    "caveats": ("text",),
    "estimates": ("reason", "what_would_help", "at_label"),
    "curve": ("reason", "leave_out"),
    "diagnostics": ("label", "threshold", "why"),
}
"""Columns of text that comes from files, specs or services, at least in part."""
FACTS = "update release.run set value = '{evil}' where {run} and key in ('title', 'question', 'estimand', 'source')"


def spoiled(run):
    """Return a store in which every free text of a run is hostile, and the run's name."""
    store = connection()
    changes = [
        f"update release.{table} set {column} = '{EVIL}' where {{run}} and {column} is not null"
        for table, columns in FREE.items()
        for column in columns
    ]
    return store, copy(store, run, "ond", *changes, FACTS.replace("{evil}", EVIL))


@pytest.mark.parametrize(("run", "least"), [("trappe", 600), ("refused", 20)])
def test_a_report_shows_scripts_and_formulas_as_text(run, least):
    store, name = spoiled(run)
    html = reports.render(store, name)
    assert "<script" not in html
    assert html.count("&lt;script&gt;") >= least
    assert 'href="http' not in html


def test_json_gives_hostile_text_back_as_it_was():
    store, name = spoiled("trappe")
    written = json.loads(reports.write.as_json(read(store, name)))
    shown = json.loads(as_json(store, name))
    for tables in (written["tables"], shown):
        assert {row["file"] for row in tables["deliveries"]} == {EVIL}
        assert {row["text"] for row in tables["caveats"]} == {EVIL}


def test_a_cell_is_changed_only_when_a_spreadsheet_would_run_it():
    assert [inert(cell) for cell in FORMULAS] == [f"'{cell}" for cell in FORMULAS]
    assert [inert(cell) for cell in HARMLESS] == list(HARMLESS)


def test_no_fetched_delivery_holds_a_formula(project):
    source = Provenance("Udgiver", "AUK01", "a" * 64, "2026-11-28", "CC BY 4.0")
    path = land(project, ("kommunekode", "=navn"), [["615", cell] for cell in (*FORMULAS, *HARMLESS)], source)
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file, delimiter=";")
    assert header == ["kommunekode", "'=navn"]
    assert [cell for _, cell in rows] == [*(f"'{cell}" for cell in FORMULAS), *HARMLESS]


def test_no_delivery_with_pseudonyms_holds_a_formula(project, tmp_path):
    key, given = tmp_path / "noegle.txt", tmp_path / "borgere.csv"
    new_key(project, key)
    with given.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=";").writerows([["cpr", "note"], *(["0101901234", cell] for cell in FORMULAS)])
    target, rows = pseudonymise(project, given, "cpr", key)
    with target.open(encoding="utf-8", newline="") as file:
        notes = [cells[1] for cells in csv.reader(file, delimiter=";")][1:]
    assert rows == len(FORMULAS)
    assert notes == [f"'{cell}" for cell in FORMULAS]
