"""DREAM, wide and long, against a slow reading of the rules; what the wide file may look like, and what is refused."""

import datetime as dt
import random
import re
import subprocess
import sys

import numpy as np
import pytest
from dream_reference import Person, exits, long_file, mondays, person_months, spells, wide_file
from extract_files import GOOD, deliver
from history_reference import HISTORIES
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evaluator.errors import ExtractError
from evaluator.extracts import wide
from evaluator.extracts.load import load
from evaluator.models import build, build_models, order, read_models
from evaluator.project import Project
from evaluator.store import connect, transaction

PEOPLE = 40
WEEKS = mondays(dt.date(2015, 11, 30), 70)  # over the week 53 of 2015 and the end of 2016
MONTHS = [dt.date(2015 + n // 12, n % 12 + 1, 1) for n in range(10, 28)]
YEARS = range(2016, 2018)
CODES = ("130", "730", "735", "720", "143", "890", "771", "651", "121", "997", "999", "783", "452")
HOMES = ("615", "0740", "101")


@st.composite
def histories(draw):
    person = Person(homes=draw(st.dictionaries(st.sampled_from(YEARS), st.sampled_from(HOMES), max_size=2)))
    at = draw(st.integers(0, 20))
    while at < len(WEEKS):
        length, code = draw(st.integers(1, 30)), draw(st.sampled_from(CODES))
        person.codes |= dict.fromkeys(WEEKS[at : at + length], code)
        at += length + draw(st.sampled_from([0, 0, 1, 2, 3, 4, 5, 12]))
    person.branches = draw(st.sets(st.sampled_from(MONTHS), max_size=8))
    return person


def drawn_at_random(seed):
    """Return a person by a seed, as `histories` draws one."""
    rng = random.Random(seed)
    person = Person(homes={year: rng.choice(HOMES) for year in YEARS if rng.random() < 0.8})
    at = rng.randrange(20)
    while at < len(WEEKS):
        length, code = rng.randint(1, 30), rng.choice(CODES)
        person.codes |= dict.fromkeys(WEEKS[at : at + length], code)
        at += length + rng.choice([0, 0, 1, 2, 3, 4, 5, 12])
    person.branches = {month for month in MONTHS if rng.random() < 0.3}
    return person


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    return Project.create(tmp_path_factory.mktemp("dream") / "project")


def empty(project):
    with connect(project) as connection, transaction(connection):
        for table in ("dream", "dream_lang", "deliveries", "rejects"):
            connection.execute(f"delete from raw.{table}")


def needed(*names):
    """Return these models and all they come from, in order."""
    models = {model.table: model for model in read_models(("staging", "marts"))}
    wanted, ahead = set(), list(names)
    while ahead:
        name = ahead.pop()
        if name in models and name not in wanted:
            wanted.add(name)
            ahead += models[name].inputs
    return order(models[name] for name in wanted)


NEEDED = needed("staging.stg_dream_spells", "marts.person_month", "marts.exits_by_rule")


def tables(project, *queries):
    """Build and return the rows of each query by person, and how far outcomes and wages reach."""
    with connect(project) as connection:
        build_models(connection, NEEDED, {"wage_final_after_months": 0})
        found = []
        for query in queries:
            rows: dict = {}
            for name, *row in connection.execute(query).fetchall():
                rows.setdefault(name, []).append(tuple(row))
            found.append(rows)
        return found, connection.execute("select outcome_to, wage_to from marts.observation").fetchall()[0]


SPELLS = "select person_id, from_on, to_on, benefit_code, municipality_code from staging.stg_dream_spells order by all"
PERSON_MONTHS = (
    "select person_id, month, municipality_code, benefit, is_supported_work, paid_hours::integer "
    "from marts.person_month order by all"
)
EXITS = (
    "select person_id, exit_weeks, benefit, exit_week, destination from marts.exits_by_rule "
    "where not is_censored order by all"
)


def compare(project, people):
    deliver(project, "dream.csv", wide_file(people, WEEKS, MONTHS, YEARS))
    load(project)
    (found, months, ended), (outcome_to, wage_to) = tables(project, SPELLS, PERSON_MONTHS, EXITS)
    for name, person in people.items():
        assert found.get(name, []) == spells(person, WEEKS), person
        assert months.get(name, []) == person_months(person, MONTHS, wage_to), person
        assert ended.get(name, []) == sorted(exits(person, WEEKS, outcome_to, wage_to)), person


@settings(max_examples=HISTORIES // PEOPLE, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.lists(histories(), min_size=PEOPLE, max_size=PEOPLE))
def test_a_wide_file_gives_the_spells_months_and_exits_of_a_slow_reading(stored, drawn):
    empty(stored)
    compare(stored, {f"P{n}": person for n, person in enumerate(drawn)})


def test_two_thousand_persons_have_the_spells_months_and_exits_of_a_slow_reading(project):
    compare(project, {f"P{n:04d}": drawn_at_random(n) for n in range(2000)})


def test_the_long_form_gives_the_spells_of_the_wide_one(project):
    people = {f"P{n:04d}": drawn_at_random(n) for n in range(200)}
    load(project, [deliver(project, "lang.csv", long_file(people))])
    (found,), _ = tables(project, SPELLS)
    for name, person in people.items():
        assert found.get(name, []) == spells(person, WEEKS), person


def test_a_person_in_several_extracts_is_taken_from_the_wide_file_alone(project):
    wide = "lobenr,nykom2016,y_1651,y_1652\nP1,615,720,\n"
    long = "pnr_pseudo;aar;uge;kode;kommunekode\nP1;2016;52;730;615\nP2;2016;52;730;615\n"
    paid = "pnr_pseudo;fra;til;ydelseskode;myndighedskode\n"
    paid += "".join(f"P{n};2016-01-04;2016-01-10;130;615\n" for n in (1, 2, 3))
    for name, text in (("a", wide), ("b", long), ("c", paid)):
        load(project, [deliver(project, f"{name}.csv", text)])
    query = "select person_id, benefit_code from staging.stg_benefit_spells"
    assert tables(project, query)[0] == [{"P1": [("720",)], "P2": [("730",)], "P3": [("130",)]}]


FORMS = {
    "other order": "y_1652,y_1651,branche_2017_01,lobenr,br_2016_12,nykom2016\n727,720,561010,P0000001,,615\n",
    "quoted": '"lobenr","nykom2016","y_1651","y_1652","branche_2016_12","branche_2017_01","note"\n'
    '"P0000001","615","720","727","","561010",""\n',
    "a separator inside": "lobenr,nykom2016,y_1651,y_1652,branche_2016_12,branche_2017_01,note\n"
    'P0000001,615,720,727,,561010,"a, b"\n',
    "blanks and no last line break": "lobenr;nykom2016;y_1651;y_1652;br_2016_12;br_2017_01\n"
    "P0000001; 615;720 ;727;;561010",
    "lines of Windows": "lobenr\tnykom2016\ty_1651\ty_1652\tbr_2016_12\tbr_2017_01\r\n"
    "P0000001\t615\t720\t727\t\t561010\r\n\r\n",
}


@pytest.mark.parametrize("form", sorted(FORMS))
def test_the_same_runs_are_read_from_every_form(project, form):
    load(project, [deliver(project, "d.csv", FORMS[form])])
    with connect(project) as connection:
        day = dt.date.fromisoformat
        runs = ("2016-12-19", "2016-12-25", "720"), ("2016-12-26", "2017-01-01", "727")
        assert connection.execute("select pnr_pseudo, ydelser, brancher from raw.dream").fetchall() == [
            (
                "P0000001",
                [{"fra": day(first), "til": day(last), "kode": code} for first, last, code in runs],
                [{"fra": day("2017-01-01"), "til": day("2017-01-31"), "kode": "561010"}],
            )
        ]


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("lobenr,nykom2016,y_1650,y_1652", "columns are missing between 'y_1650' and 'y_1652'; expected every one"),
        ("lobenr,nykom2016,y_1652,y_1653,y_1701", None),  # 2016 has 52 weeks: y_1653 is no week
        ("lobenr,nykom2016,y_1652,y_1652", "column 'y_1652' of dream stands twice"),
        ("lobenr,y_1652,y_1701", "column 'kommuner' is missing"),
        ("lobenr,nykom2016,y_1652,branche_2016_10,branche_2016_12", "columns are missing between 'branche_2016_10'"),
    ],
)
def test_a_header_with_missing_or_repeated_weeks_is_refused(project, header, words):
    path = deliver(project, "d.csv", f"{header}\n" + ",".join(["P1", *[""] * header.count(",")]) + "\n")
    if words is None:
        assert load(project, [path])[0].rows == 1
        return
    with pytest.raises(ExtractError, match=re.escape(f"d.csv: {words}")):
        load(project, [path])


@pytest.mark.parametrize("name", ["y_1653", "branche_2016_13"])
def test_codes_in_a_week_or_month_that_no_year_has_are_refused(project, name):
    rows = "P1,615,720,,730\nP2,615,720, ,730\nP3,615,720,720,730\n"
    path = deliver(project, "d.csv", f"lobenr,nykom2016,y_1652,{name},y_1701\n{rows}")
    with pytest.raises(ExtractError, match=f"d\\.csv: line 4 has a value in column '{name}', but no calendar"):
        load(project, [path])
    quoted = rows.replace("P3", '"P,3"')
    with pytest.raises(ExtractError, match="line 4 has a value in column"):
        load(project, [deliver(project, "e.csv", f"lobenr,nykom2016,y_1652,{name},y_1701\n{quoted}")])
    assert load(project, [deliver(project, "f.csv", path.read_text("utf-8").replace("720,720,", "720,,"))])[0].rows == 3


def test_week_53_follows_week_52_only_in_the_years_that_have_it(project):
    path = deliver(project, "d.csv", "lobenr,nykom2015,y_1552,y_1601\nP1,615,720,720\n")
    with pytest.raises(ExtractError, match="columns are missing between 'y_1552' and 'y_1601'"):
        load(project, [path])


def test_a_cell_that_is_no_code_rejects_its_row_and_names_its_column(project):
    (project.root / "evaluator.toml").write_text("[data]\nmax_rejected_share = 0.8\n", encoding="utf-8")
    project = Project.open(project.root)
    text = "lobenr,nykom2016,y_1651,y_1652,br_2016_12\nP1,615,720,,\nP2,615,7x0,æøåæøåæøå,\nP3,6150,730,,\n"
    text += "P4,615,730,,561010 og 561020\n"
    (delivery,) = load(project, [deliver(project, "d.csv", text)])
    assert (delivery.rows, delivery.rejected) == (4, 3)
    with connect(project) as connection:
        rejects = connection.execute("select line, column_name from raw.rejects order by all").fetchall()
        assert rejects == [(3, "y_1651"), (3, "y_1652"), (4, "nykom2016"), (5, "br_2016_12")]
        build(connection, ("staging",))
        assert connection.execute("select distinct person_id from staging.stg_dream_spells").fetchall() == [("P1",)]


def test_a_new_delivery_replaces_the_persons_in_it(project):
    load(project, [deliver(project, "a.csv", GOOD["dream"])])
    text = "lobenr,nykom2016,y_1651\nP0000001,615,\n"
    (delivery,) = load(project, [deliver(project, "b.csv", text)])
    assert delivery.replaced == 1
    assert tables(project, SPELLS)[0][0].keys() == {"P0000002"}


@pytest.mark.parametrize("piece", [8, 24, 1 << 18])
def test_cells_of_any_length_are_cut_as_a_plain_split_cuts_them(monkeypatch, piece):
    monkeypatch.setattr(wide, "PIECE", piece)
    rng = random.Random(piece)
    values = [
        "",
        "",
        "130",
        "130",
        "720",
        "1",
        "12",
        "1,3",
        "7200",
        "P0000001",
        "P00000012",
        "æøå",
        " 130",
        "130 ",
        "   ",
    ]
    for _ in range(60):
        width, kinds = rng.randint(1, 9), rng.sample(values, 4)
        rows = [rng.choices(kinds, k=width) for _ in range(rng.randint(1, 9))]
        ending = rng.choice(["\n", "\r\n"])
        cells = wide.cut("".join(";".join(row) + ending for row in rows).encode(), ";", width, 2)
        assert cells is not None
        assert [cells.texts(column).to_pylist() for column in range(width)] == [
            list(column) for column in zip(*rows, strict=True)
        ]
        assert cells.lines.tolist() == list(range(2, 2 + len(rows)))
        order = rng.sample(range(width), rng.randint(1, width))
        begin, which = wide._inside(cells, np.array(order))
        keys = np.repeat(wide._keys(cells, which), np.diff(begin, append=len(rows) * len(order)))
        texts = [int(key).to_bytes(8, "little").rstrip(b"\0") for key in keys]
        expected = [row[column].strip().encode() for row in rows for column in order]
        assert texts == [b"\xff" * 8 if len(word) > wide.MOST_BYTES else word for word in expected]


def test_lines_of_another_width_are_not_cut():
    assert wide.cut(b"1;2;3\n1;2\n", ";", 3, 2) is None
    assert wide.cut(b"1;2\n3;4;5;6\n", ";", 3, 2) is None
    assert wide.cut(b"130;130;130\n130;130;130;130\n", ";", 3, 2) is None


def test_a_wide_file_without_persons_is_loaded_with_none(project):
    deliver(project, "dream.csv", "lobenr,nykom2016,y_1651,y_1652\n")
    assert [delivery.rows for delivery in load(project)] == [0]


def test_a_value_in_a_column_without_a_name_is_refused(project):
    path = deliver(project, "d.csv", "lobenr,nykom2016,y_1651,\nP1,615,720,\nP2,615,720,x\n")
    with pytest.raises(ExtractError, match="line 3 has a value in column 4, which has no name"):
        load(project, [path])


def test_visitation_by_quarter_is_kept_as_runs(project):
    header = "lobenr,nykom2016,visit3kv2016,visit4kv2016,visit1kv2017,y_1651,visitnote"
    load(project, [deliver(project, "d.csv", f"{header}\nP1,615,11,11,2,720,x\nP2,615,,12,,,\nP3,615,,,,,\n")])
    with connect(project) as connection:
        runs = connection.execute(
            "select pnr_pseudo, fra::varchar, til::varchar, kode from "
            "(select pnr_pseudo, unnest(visitationer, recursive := true) from raw.dream) order by all"
        ).fetchall()
    assert runs == [
        ("P1", "2016-07-01", "2016-12-31", "11"),
        ("P1", "2017-01-01", "2017-03-31", "2"),
        ("P2", "2016-10-01", "2016-12-31", "12"),
    ]


def test_a_quarter_missing_between_others_is_refused(project):
    path = deliver(project, "d.csv", "lobenr,nykom2016,visit1kv2016,visit3kv2016,y_1651\nP1,615,,,720\n")
    with pytest.raises(ExtractError, match="columns are missing between 'visit1kv2016' and 'visit3kv2016'"):
        load(project, [path])


def test_a_wide_file_is_loaded_without_importing_pandas(project):
    path = deliver(project, "dream.csv", "lobenr,nykom2016,y_1651,y_1652\nP1,615,130,\n")
    program = (
        "import sys; from pathlib import Path; from evaluator.extracts.load import load; "
        "from evaluator.project import Project; root, path = map(Path, sys.argv[1:]); "
        "print(load(Project.open(root), [path])[0].rows, 'pandas' in sys.modules)"
    )
    command = [sys.executable, "-c", program, str(project.root), str(path)]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout.split() == ["1", "False"]
