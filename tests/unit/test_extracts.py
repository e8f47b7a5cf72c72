"""Deliveries: what is loaded, counted and replaced."""

import pyarrow as pa
import pytest
from extract_files import GOOD, deliver

from evaluator.errors import ExtractError
from evaluator.extracts import load as load_module
from evaluator.extracts.contract import contracts
from evaluator.extracts.load import load
from evaluator.extracts.reading import blocks
from evaluator.models import build
from evaluator.store import connect


def rows(project, sql):
    with connect(project, read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_every_contract_has_a_good_file_here():
    assert [contract.name for contract in contracts()] == sorted(GOOD)


@pytest.mark.parametrize("contract", contracts(), ids=lambda contract: contract.name)
def test_a_contract_names_each_column_once_and_describes_it(contract):
    names = [name.casefold() for column in contract.columns for name in (column.name, *column.aliases)]
    assert len(names) == len(set(names))
    assert not set(names) & set(contract.ignored)
    assert contract.description
    assert all(column.description for column in contract.columns)
    assert all(contract.column(name).type == "date" for pair in contract.ordered for name in pair)


@pytest.mark.parametrize("extract", sorted(GOOD))
def test_a_good_file_is_recognised_by_its_header_and_loaded_whole(project, extract):
    (delivery,) = load(project, [deliver(project, "levering.csv", GOOD[extract])])
    lines = GOOD[extract].splitlines()
    assert (delivery.extract, delivery.file, delivery.status) == (extract, "levering.csv", "loaded")
    assert (delivery.rows, delivery.rejected) == (len(lines) - 1, 0)
    assert rows(project, f"select _line, _delivery from raw.{extract} order by 1") == [
        (number, 1) for number in range(2, len(lines) + 1)
    ]


def test_raw_keeps_the_text_as_delivered(project):
    load(project, [deliver(project, "a.csv", GOOD["personer"]), deliver(project, "b.csv", GOOD["sanktioner"])])
    assert rows(project, "select kommunekode, foedselsaar, udgaaet_dato from raw.personer order by _line") == [
        ("0615", "1995", None),
        ("740", "1990", "2017-03-01"),
    ]
    assert rows(project, "select beloeb, varsel_dato from raw.sanktioner") == [("1.060,50", None)]


def test_without_files_every_csv_in_extracts_is_loaded(project):
    for name, text in GOOD.items():
        deliver(project, f"{name}.csv", text)
    deliver(project, "noter.txt", "not an extract")
    assert [delivery.extract for delivery in load(project)] == sorted(GOOD)


def test_what_comes_before_a_file_that_is_refused_stays_loaded(project):
    first = deliver(project, "a.csv", GOOD["personer"])
    with pytest.raises(ExtractError, match=r"^b\.csv: no such file"):
        load(project, [first, first.with_name("b.csv"), first.with_name("c.csv")])
    assert rows(project, "select file from raw.deliveries") == [("a.csv",)]


def test_the_ledger_says_what_came_when(project):
    load(project, [deliver(project, "ydelser.csv", GOOD["ydelser"])])
    ledger = "select delivery_id, extract, file, bytes, rows, rejected, period_from::varchar, period_to::varchar, "
    assert rows(project, ledger + "length(sha256), replaced_by from raw.deliveries") == [
        (1, "ydelser", "ydelser.csv", len(GOOD["ydelser"]), 3, 0, "2016-01-04", "2016-08-01", 64, None)
    ]


def test_the_same_bytes_twice_are_a_no_op(project):
    (first,) = load(project, [deliver(project, "a.csv", GOOD["ydelser"])])
    (second,) = load(project, [deliver(project, "b.csv", GOOD["ydelser"])])
    assert (second.status, second.file, second.rows) == ("already_loaded", "a.csv", first.rows)
    assert rows(project, "select count(*) from raw.ydelser") == [(3,)]


def test_a_new_version_replaces_the_rows_of_its_period(project):
    header = "pnr_pseudo;maaned;timer;loen;branche\n"
    old = "".join(f"P0000001;2016-{month:02d};10;100;1\n" for month in range(1, 7))
    new = "".join(f"P0000001;2016-{month:02d};20;200;1\n" for month in range(4, 9))
    load(project, [deliver(project, "old.csv", header + old)])
    (delivery,) = load(project, [deliver(project, "new.csv", header + new)])
    assert delivery.replaced == 3
    assert rows(project, "select maaned, timer from raw.beskaeftigelse order by 1") == [
        (f"2016-{month:02d}", "10" if month < 4 else "20") for month in range(1, 9)
    ]
    assert rows(project, "select replaced_by from raw.deliveries order by delivery_id") == [(None,), (None,)]


def test_a_delivery_with_nothing_left_is_marked_as_replaced(project):
    load(project, [deliver(project, "old.csv", GOOD["visitation"])])
    load(project, [deliver(project, "new.csv", GOOD["visitation"].replace("2.13", "2.12"))])
    assert rows(project, "select delivery_id, replaced_by from raw.deliveries order by 1") == [(1, 2), (2, None)]
    assert rows(project, "select distinct _delivery from raw.visitation") == [(2,)]


def test_a_delivery_replaces_only_its_own_municipality(project):
    header = "pnr_pseudo;fra;til;ydelseskode;myndighedskode\n"
    load(project, [deliver(project, "a.csv", header + "P0000001;2016-01-04;;730;0615\nP0000002;2016-01-04;;730;740\n")])
    load(project, [deliver(project, "b.csv", header + "P0000001;2016-01-04;2016-09-04;730;615\n")])
    assert rows(project, "select pnr_pseudo, til from raw.ydelser order by 1") == [
        ("P0000001", "2016-09-04"),
        ("P0000002", None),
    ]


def test_series_of_other_benefits_and_periods_stand_beside_each_other(project):
    header = "kommunekode;periode;ydelse;fuldtid\n"
    for number, row in enumerate(("615;2017K1;kontanthjaelp;5", "615;2017K1;dagpenge;6", "615;2017;kontanthjaelp;7")):
        load(project, [deliver(project, f"{number}.csv", f"{header}{row}\n")])
    load(project, [deliver(project, "new.csv", f"{header}615;2017K1;kontanthjaelp;8\n")])
    assert rows(project, "select periode, ydelse, fuldtid from raw.kommunepanel order by all") == [
        ("2017", "kontanthjaelp", "7"),
        ("2017K1", "dagpenge", "6"),
        ("2017K1", "kontanthjaelp", "8"),
    ]


def test_the_whole_list_of_interventions_is_replaced_by_a_new_one(project):
    load(project, [deliver(project, "a.csv", GOOD["indsats"])])
    load(project, [deliver(project, "b.csv", GOOD["indsats"].replace("615;", "740;"))])
    assert rows(project, "select kommunekode from raw.indsats") == [("740",)]


@pytest.mark.parametrize(
    ("extract", "row", "columns"),
    [
        ("ydelser", "P0000001;2016-13-01;;730;615", ["fra"]),
        ("ydelser", "P0000001;2016-02-30;;730;615", ["fra"]),
        ("ydelser", "P0000001;01/02/2016;;730;615", ["fra"]),
        ("ydelser", ";2016-01-01;;730;61500", ["myndighedskode", "pnr_pseudo"]),
        ("tilbud", "P0000001;2016-01-01;;projekt;1.234", ["timer_pr_uge"]),
        ("tilbud", "P0000001;2016-01-01;;projekt;12.5", ["timer_pr_uge"]),
        ("beskaeftigelse", "P0000001;2016-00;1;1;1", ["maaned"]),
        ("beskaeftigelse", "P0000001;2016-01;;mange;1", ["loen", "timer"]),
        ("visitation", "P0000001;2016-01-01;;2.3;ukendt", ["visitation"]),
        ("samtaler", "P0000001;2016-01-01;jobsamtale;brev;;2;", ["udeblevet"]),
        ("personer", "P0000003;95;X;dansk;grundskole;0;1;615;;996", ["foedselsaar", "koen", "udgaaet_kode"]),
        ("kommunepanel", "615;2017K5;kontanthjaelp;;?;;;;", ["fuldtid", "periode"]),
    ],
)
def test_a_row_that_cannot_be_typed_is_noted_by_line_and_column_only(project, extract, row, columns):
    header = GOOD[extract].splitlines()[0]
    first, second, rest = GOOD[extract].splitlines()[1].split(";", 2)
    keys = [(first, 1970 + n) if extract == "kommunepanel" else (f"P1{n:06d}", second) for n in range(40)]
    good = "".join(f"{key};{other};{rest}\n" for key, other in keys)
    (delivery,) = load(project, [deliver(project, "a.csv", f"{header}\n{good}{row}\n")])
    assert (delivery.rows, delivery.rejected) == (41, 1)
    noted = rows(project, "from raw.rejects order by column_name")
    assert noted == [(1, extract, "a.csv", 42, column) for column in columns]
    assert rows(project, f"select count(*) from raw.{extract}") == [(41,)]


def test_rejects_leave_with_the_rows_that_a_new_version_replaces(project):
    good = "P0000001;2016-01;1;1;1\n" * 40
    header = "pnr_pseudo;maaned;timer;loen;branche\n"
    load(project, [deliver(project, "a.csv", f"{header}{good}P0000001;2016-01;x;1;1\nP0000001;x;1;1;1\n")])
    load(project, [deliver(project, "b.csv", f"{header}{good}P0000001;2016-01;2;1;1\n")])
    assert rows(project, "select count(*) from raw.rejects") == [(0,)]
    assert rows(project, "select rejected, replaced_by from raw.deliveries order by delivery_id") == [(2, 2), (0, None)]


def test_words_of_a_domain_are_kept_in_the_contracts_spelling(project):
    header = "pnr_pseudo;fra;til;maalgruppe;visitation\n"
    words = ["Jobparat", "åbenlyst uddannelsesparat", " aktivitetsparat ", "AABENLYST_UDDANNELSESPARAT"]
    lines = "".join(f"P000000{at};2016-01-01;;2.2;{word}\n" for at, word in enumerate(words))
    (delivery,) = load(project, [deliver(project, "a.csv", header + lines)])
    assert delivery.rejected == 0
    assert [word for (word,) in rows(project, "select visitation from raw.visitation order by _line")] == [
        "jobparat",
        "aabenlyst_uddannelsesparat",
        "aktivitetsparat",
        "aabenlyst_uddannelsesparat",
    ]


def test_employees_are_known_by_their_column_beside_a_series_named_in_the_mapping(project, shared):
    (project.root / "mapping.toml").write_text(
        '[kommunepanel.set]\nydelse = "nettoledige_kontanthjaelp"\n', encoding="utf-8"
    )
    for table, number in (("auk01", 7524), ("lbesk69", 7100)):
        (file,) = (shared / "domain" / "data").glob(f"{table}_*.csv")
        (delivery,) = load(project, [file])
        assert (delivery.extract, delivery.rows, delivery.rejected) == ("kommunepanel", number, 0)
    assert rows(project, "select ydelse, count(*) from raw.kommunepanel group by 1 order by 1") == [
        ("fuldtidsansatte", 7100),
        ("nettoledige_kontanthjaelp", 7524),
    ]


def test_christiansoe_is_no_municipality_and_leaves_the_published_figures(project, shared):
    (file,) = (shared / "domain" / "data").glob("lbesk69_*.csv")
    load(project, [file])
    with connect(project) as connection:
        build(connection, ("staging",))
        known = connection.sql("select count(distinct municipality_code) from staging.stg_municipality_panel")
        assert known.fetchall() == [(99,)]


def test_statbank_loads_as_an_ordinary_delivery_through_aliases(project, shared):
    (project.root / "mapping.toml").write_text(
        '[kommunepanel.set]\nydelse = "nettoledige_kontanthjaelp"\n', encoding="utf-8"
    )
    (file,) = (shared / "domain" / "data").glob("auk01_*.csv")
    (delivery,) = load(project, [file])
    assert (delivery.extract, delivery.rows, delivery.rejected) == ("kommunepanel", 7524, 0)
    assert (str(delivery.period_from), str(delivery.period_to)) == ("2007-01-01", "2025-10-01")
    assert rows(project, "select distinct ydelse, visitation from raw.kommunepanel") == [
        ("nettoledige_kontanthjaelp", None)
    ]
    country = "select as_municipality(kommunekode), count(*) from raw.kommunepanel where kommunekode = '0' group by 1"
    assert rows(project, country) == [("000", 76)]
    assert rows(project, "select count(distinct kommunekode) from raw.kommunepanel") == [(99,)]
    zeros = file.read_text(encoding="utf-8").count(";0\n")
    assert zeros > 0
    assert rows(project, "select count(*) from raw.kommunepanel where as_statistic(fuldtid) = 0") == [(zeros,)]
    assert load(project, [file])[0].status == "already_loaded"


def test_no_block_of_a_delivery_is_kept_while_the_next_are_read(project, monkeypatch):
    size = 50_000
    monkeypatch.setattr(load_module, "blocks", lambda source: blocks(source, size))
    rows = "".join(f"P{n:07d};2016-{n % 12 + 1:02d};37;6000;561010\n" for n in range(60_000))
    path = deliver(project, "b.csv", "pnr_pseudo;maaned;timer;loen;branche\n" + rows)
    before, held = pa.total_allocated_bytes(), []
    [delivery] = load(project, [path], lambda file, stage, rows: held.append(pa.total_allocated_bytes() - before))
    assert delivery.rows == 60_000
    assert len(held) > 30
    assert max(held) < 10 * size  # of 2 MB
