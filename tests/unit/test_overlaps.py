"""Spells that share a day are told by file and line, never by a value."""

from extract_files import deliver

from evaluator.extracts.load import load
from evaluator.extracts.overlaps import overlaps
from evaluator.models import build
from evaluator.store import connect

HEADER = "pnr_pseudo;fra;til;ydelseskode;myndighedskode\n"
TABLE, EXTRACTS = "staging.stg_benefit_spells", frozenset({"ydelser"})


def told(project, *files):
    for at, text in enumerate(files):
        load(project, [deliver(project, f"{'abc'[at]}.csv", text)])
    with connect(project) as connection:
        build(connection, ("staging",))
        return overlaps(connection, TABLE, EXTRACTS)


def test_spells_side_by_side_are_no_overlap(project):
    assert told(project, HEADER + "P1;2016-01-04;2016-01-10;730;615\nP1;11-01-2016;;730;615\n") == ""


def test_two_lines_of_a_file_are_named_in_the_order_of_their_days(project):
    text = HEADER + "P2;2016-01-04;;730;615\nP1;2016-01-10;;730;615\nP1;2016-01-04;2016-01-10;720;615\n"
    assert told(project, text) == "a.csv, lines 4 and 3"


def test_lines_of_two_deliveries_are_named_with_their_files(project):
    first = HEADER + "P1;2016-01-04;2016-03-01;730;615\n"
    second = HEADER + "P3;2016-02-01;2016-02-20;730;740\nP1;2016-02-10;2016-02-20;730;740\n"
    assert told(project, first, second) == "a.csv, line 2, and b.csv, line 3"


def test_at_most_three_are_named(project):
    pairs = "".join(f"P{n};2016-01-04;;730;615\nP{n};2016-02-04;;730;615\n" for n in range(9))
    assert told(project, HEADER + pairs) == "a.csv, lines 2 and 3; a.csv, lines 4 and 5; a.csv, lines 6 and 7"


def test_spells_that_gave_way_to_dream_are_left_out(project):
    dream = "lobenr,nykom2016,y_1620\nP1,615,720\n"
    spells = HEADER + "P1;2016-01-04;;730;615\nP1;2016-02-04;;730;615\n"
    assert told(project, spells, dream) == ""
