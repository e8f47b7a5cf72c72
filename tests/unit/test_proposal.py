"""A mapping proposed for unfamiliar files makes them known; a row of data is never repeated."""

import pytest
from extract_files import GOOD, deliver

from evaluator.cli import main
from evaluator.errors import ExtractError
from evaluator.extracts.load import load
from evaluator.store import connect

RENAMED = GOOD["ydelser"].replace("pnr_pseudo;fra;til", "borgerid_pseudo;fradato;til", 1)


def told(capsys, project, *paths):
    code = main(["map", *map(str, paths), "--project", str(project.root)])
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
    assert '# myndighedskode = ""   # not found: one value for all, or an alias of a column' in out
    assert '[ydelser]\nignored = ["sagsnote"]' in out


def test_what_stands_under_a_name_decides_between_names(project, capsys):
    head = "pnr_pseudo;foedselsaar;koen;oprindelse;udd_niveau;boern;enlig;bor_i;udgået_den;udgangskode\n"
    text = head + "P1;1990;K;dansk;gymnasial;0;1;615;01-02-2019;997\nP2;1991;M;dansk;gymnasial;0;1;740;;\n"
    lines = told(capsys, project, deliver(project, "p.csv", text))[1].splitlines()
    assert 'udgaaet_dato = ["udgået_den"]' in lines
    assert 'udgaaet_kode = ["udgangskode"]' in lines
    assert 'kommunekode = ["bor_i"]' in lines
    words = told(capsys, project, deliver(project, "q.csv", text.replace(";615;", ";Horsens;")))[1]
    assert "bor_i" not in words.split("[personer.aliases]")[1]


def test_without_names_every_file_is_looked_at_and_files_of_one_extract_share_a_table(project, capsys):
    deliver(project, "a.csv", RENAMED)
    deliver(project, "b.csv", RENAMED.replace("fradato", "fra_dag", 1))
    deliver(project, "c.csv", GOOD["personer"])
    deliver(project, "d.csv", "a;b\n1;2\n")
    code, out, err = told(capsys, project)
    assert code == 1
    assert err.splitlines()[-1].startswith("evaluator: d.csv: the header is like no extract;")
    assert out.splitlines() == [
        "# a.csv: ydelser, 3 columns known, 2 proposed",
        "# b.csv: ydelser, 3 columns known, 2 proposed",
        "# c.csv: personer, nothing to do: the file is recognised as it is",
        "",
        "[ydelser.aliases]",
        'fra = ["fradato", "fra_dag"]',
        'pnr_pseudo = ["borgerid_pseudo"]',
    ]


def test_where_lines_belong_is_said_when_the_mapping_has_some(project, capsys):
    project.mapping.write_text('[ydelser.aliases]\nfra = ["fradato"]\n', encoding="utf-8")
    out = told(capsys, project, deliver(project, "y.csv", RENAMED))[1]
    assert "# mapping.toml names ydelser already: put the lines under the headings that are there" in out


@pytest.mark.parametrize("text", ["P0000001;2016-01-01;;Jensen;615\n", "a;b\n1;2\n"])
def test_a_file_like_no_extract_is_refused_without_its_text(project, capsys, text):
    code, out, err = told(capsys, project, deliver(project, "y.csv", text))
    assert (code, out) == (1, "")
    assert err.startswith("evaluator: y.csv: the header is like no extract;")
    assert "Jensen" not in err


def test_a_column_of_no_use_is_passed_over_when_declared_and_still_judged(project):
    text = GOOD["ydelser"].replace("myndighedskode\n", "myndighedskode;sagsnote\n", 1).replace("615\n", "615;x\n")
    path = deliver(project, "y.csv", text.replace("740\n", "740;\n"))
    with pytest.raises(ExtractError, match="column 'sagsnote' is unknown"):
        load(project, [path])
    project.mapping.write_text('[ydelser]\nignored = ["Sagsnote"]\n', encoding="utf-8")
    assert load(project, [path])[0].rows == 3
    with pytest.raises(ExtractError, match=r"line 2, column 6 \(sagsnote\) holds a CPR number"):
        load(project, [deliver(project, "z.csv", text.replace(";x", ";0101901234").replace("740\n", "740;\n"))])


def test_a_column_of_use_is_not_passed_over(project):
    project.mapping.write_text('[ydelser]\nignored = ["dreamkode"]\n', encoding="utf-8")
    with pytest.raises(ExtractError, match=r"mapping\.toml:2: 'dreamkode' is the column 'ydelseskode' of ydelser;"):
        load(project, [deliver(project, "y.csv", GOOD["ydelser"])])


def test_a_column_that_may_be_blank_can_be_set_blank(project):
    text = GOOD["visitation"].replace(";til;", ";slut_paa_det;", 1)
    project.mapping.write_text('[visitation]\nignored = ["slut_paa_det"]\n[visitation.set]\ntil = ""\n', "utf-8")
    (delivery,) = load(project, [deliver(project, "v.csv", text)])
    assert (delivery.rows, delivery.rejected) == (2, 0)
    with connect(project, read_only=True) as connection:
        assert connection.execute("select distinct til from raw.visitation").fetchall() == [(None,)]
