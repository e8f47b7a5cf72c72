"""DREAM's codes: a project adds to them in a file of its own, and those in no list are named."""

import datetime as dt
import re

import pytest
from extract_files import deliver

from evaluator import pipeline
from evaluator.errors import ExtractError
from evaluator.extracts.load import load
from evaluator.store import connect

OWN = """\
[[group]]
benefit = "seniorpension"
class = "varig"
names = { 452 = "Seniorpension" }
valid_from = 2020-01-01

[[group]]
benefit = "fleksjob"
class = "andet"
codes = "771"
name = "Fleksjob"
"""


def codes_of(project):
    with connect(project) as connection:
        return connection.execute(
            "select code, class, valid_from from raw.dream_codes where code in ('452', '720', '771') order by 1"
        ).fetchall()


def test_a_project_adds_codes_and_changes_classes_in_a_file_of_its_own(project):
    reform = dt.date(2014, 1, 1)
    before = [("720", "ydelse", reform), ("771", "stottet_job", None)]
    assert codes_of(project) == before
    project.codes.write_text(OWN, encoding="utf-8")
    assert codes_of(project) == [
        ("452", "varig", dt.date(2020, 1, 1)),
        ("720", "ydelse", reform),
        ("771", "andet", None),
    ]
    project.codes.unlink()
    assert codes_of(project) == before


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"varig"', '"pension"', "group 1: the class is none of ydelse,"),
        ('"771"', '"771;772"', "group 2: codes are not numbers and ranges"),
        ("2020-01-01", '"2020"', "group 1: valid_from or valid_to is no date"),
        ('name = "Fleksjob"', 'navn = "Fleksjob"', "group 2: keys are missing or unknown"),
    ],
)
def test_a_wrong_list_of_codes_is_refused(project, old, new, words):
    project.codes.write_text(OWN.replace(old, new), encoding="utf-8")
    with pytest.raises(ExtractError, match=re.escape(f"dream_codes.toml: {words}")):
        codes_of(project)


def test_codes_in_no_list_are_named_when_enough_persons_have_them(project):
    rows = "".join(f"P{n},615,452\n" for n in range(7)) + "P8,615,453\nP9,615,454\n"
    load(project, [deliver(project, "d.csv", f"lobenr,nykom2016,y_1651\n{rows}")])
    pipeline.build(project)
    assert pipeline.unknown_codes(project) == (("452", 7), ("others", 2))
