"""A mapping proposed for an unfamiliar file makes the file known; a row of data is never repeated."""

import pytest
from extract_files import GOOD, deliver

from evaluator.cli import main
from evaluator.extracts.load import load

RENAMED = GOOD["ydelser"].replace("pnr_pseudo;fra;til", "borgerid_pseudo;fradato;til", 1)


def told(capsys, project, path):
    code = main(["map", str(path), "--project", str(project.root)])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_what_is_proposed_can_be_pasted_and_the_file_then_loads(project, capsys):
    path = deliver(project, "y.csv", RENAMED)
    code, out, _ = told(capsys, project, path)
    assert code == 0
    assert out.splitlines() == [
        "# y.csv: ydelser, 3 columns known, 2 proposed",
        "",
        "[ydelser.aliases]",
        'fra = ["fradato"]',
        'pnr_pseudo = ["borgerid_pseudo"]',
    ]
    project.mapping.write_text(out, encoding="utf-8")
    assert load(project, [path])[0].rows == 3
    assert "nothing to do: the file is recognised as it is" in told(capsys, project, path)[1]


def test_what_the_file_lacks_and_has_besides_is_said(project, capsys):
    text = "pnr_pseudo;fra;til;ydelseskode;sagsnote\nP1;2016-01-04;;730;\n"
    out = told(capsys, project, deliver(project, "y.csv", text))[1]
    assert '# myndighedskode = ""   # not in the file: one value for all' in out
    assert '# "sagsnote" belongs to no column of ydelser: take it out of the file' in out


@pytest.mark.parametrize("text", ["P0000001;2016-01-01;;Jensen;615\n", "a;b\n1;2\n"])
def test_a_file_like_no_extract_is_refused_without_its_text(project, capsys, text):
    code, out, err = told(capsys, project, deliver(project, "y.csv", text))
    assert (code, out) == (1, "")
    assert err.startswith("evaluator: y.csv: the header is like no extract;")
    assert "Jensen" not in err
