"""The written extracts: their rows, and that a rebuild gives the same bytes."""

import re
from pathlib import Path

import polars as pl
import pytest

from evaluator.registers import simulate, truth, write_register, writing

REGISTER = Path(__file__).resolve().parents[2] / "data" / "synthetic" / "register"
RECIPE = {"persons": 1500, "seed": 20170101, "municipalities": ["615", "370", "630", "265", "360", "580"]}
HEADERS = {
    "personer": "pnr_pseudo;foedselsaar;koen;oprindelse;udd_niveau;boern;enlig;kommunekode;udgaaet_dato;udgaaet_kode",
    "ydelser": "pnr_pseudo;fra;til;ydelseskode;myndighedskode",
    "visitation": "pnr_pseudo;fra;til;maalgruppe;visitation",
    "sagsbehandler": "pnr_pseudo;fra;til;sagsbehandler_id;team;rolle",
    "sagstal": "sagsbehandler_id;team;kommunekode;maaned;antal_sager;aarsvaerk",
    "samtaler": "pnr_pseudo;dato;samtaletype;kontaktform;sagsbehandler_id;udeblevet;registreret",
    "tilbud": "pnr_pseudo;fra;til;type;timer_pr_uge",
    "sanktioner": "pnr_pseudo;dato;paragraf;type;aarsag;antal_dage;beloeb;status;"
    "vejledt_dato;varsel_dato;partshoert_dato",
    "beskaeftigelse": "pnr_pseudo;maaned;timer;loen;branche",
    "uddannelse": "pnr_pseudo;fra;til;uddannelsesart;niveau",
    "indsats": "kommunekode;team;fra;til;indsats_navn;sagstal_foer;sagstal_efter;budget_kr;maalgruppe",
    "kommunepanel": "kommunekode;periode;ydelse;visitation;fuldtid;antal;sanktioner;ledighed;befolkning",
    "fuldtidsansatte": "kommunekode;kvartal;fuldtidsansatte",
}
SPELLS = ("ydelser", "visitation", "sagsbehandler", "tilbud", "uddannelse")
LAST_DAY = "2019-12-31"
LARGEST_BYTES = 2_000_000


@pytest.fixture(scope="module")
def extracts():
    return {
        name: pl.read_csv(REGISTER / f"{name}.csv", separator=";", infer_schema=False).fill_null("") for name in HEADERS
    }


def test_a_rebuild_gives_the_committed_bytes(tmp_path):
    write_register(tmp_path, **RECIPE)
    written = sorted(path.name for path in tmp_path.iterdir())
    assert written == sorted(path.name for path in REGISTER.iterdir())
    assert [name for name in written if (tmp_path / name).read_bytes() != (REGISTER / name).read_bytes()] == []


@pytest.mark.parametrize("name", HEADERS)
def test_files_carry_the_columns_of_their_contract(name):
    data = (REGISTER / f"{name}.csv").read_bytes()
    assert data.split(b"\n", 1)[0].decode() == HEADERS[name]
    assert b"\r" not in data
    assert len(data) < LARGEST_BYTES


@pytest.mark.parametrize("path", sorted(REGISTER.iterdir()), ids=lambda path: path.name)
def test_nothing_looks_like_a_cpr_number(path):
    text = path.read_text(encoding="utf-8")
    assert re.search(r"\d{10}|\d{6}-\d{4}", text) is None


@pytest.mark.parametrize("name", SPELLS)
def test_spells_run_forwards(name, extracts):
    rows = extracts[name]
    assert rows.filter((pl.col("til") != "") & (pl.col("til") < pl.col("fra"))).is_empty()


@pytest.mark.parametrize("name", ("ydelser", "visitation", "sagsbehandler", "uddannelse"))
def test_spells_of_one_person_do_not_overlap(name, extracts):
    rows = extracts[name].sort("pnr_pseudo", "fra")
    after = rows.with_columns(next_from=pl.col("fra").shift(-1).over("pnr_pseudo"))
    clashing = after.filter(pl.col("next_from").is_not_null())
    clashing = clashing.filter((pl.col("til") == "") | (pl.col("til") >= pl.col("next_from")))
    assert clashing.is_empty(), clashing.head(3)


@pytest.mark.parametrize("name", [n for n in HEADERS if HEADERS[n].startswith("pnr_pseudo")])
def test_every_row_belongs_to_a_known_person(name, extracts):
    assert set(extracts[name]["pnr_pseudo"]) <= set(extracts["personer"]["pnr_pseudo"])


def test_persons_are_unique(extracts):
    assert extracts["personer"]["pnr_pseudo"].is_unique().all()


def test_no_day_lies_after_the_data(extracts):
    for name, column in (("samtaler", "registreret"), ("sanktioner", "dato"), ("personer", "udgaaet_dato")):
        assert extracts[name][column].max() <= LAST_DAY


def test_registration_comes_after_the_meeting_and_sometimes_late(extracts):
    days = extracts["samtaler"].select(pl.col("dato", "registreret").str.to_date())
    lag = (days["registreret"] - days["dato"]).dt.total_days()
    assert lag.min() >= 0
    assert 0.02 < (lag > 20).mean() < 0.10


def test_corrections_leave_a_positive_sum(extracts):
    rows = extracts["beskaeftigelse"].with_columns(pl.col("timer").str.replace(",", ".").cast(pl.Float64))
    assert (rows["timer"] < 0).any()
    assert (rows.group_by("pnr_pseudo", "maaned").agg(pl.col("timer").sum())["timer"] > 0).all()


def test_the_steps_of_a_sanction_come_in_order(extracts):
    rows = extracts["sanktioner"]
    for earlier, later in (("vejledt_dato", "dato"), ("varsel_dato", "partshoert_dato"), ("partshoert_dato", "dato")):
        both = rows.filter((pl.col(earlier) != "") & (pl.col(later) != ""))
        assert not both.is_empty()
        assert (both[earlier] <= both[later]).all()


def test_measured_caseloads_follow_the_plan(extracts):
    rows = extracts["sagstal"].with_columns(
        pl.col("antal_sager").cast(pl.Float64), pl.col("aarsvaerk").str.replace(",", ".").cast(pl.Float64)
    )
    here = rows.filter(pl.col("kommunekode") == "615")

    def caseload(year):
        months = here.filter(pl.col("maaned").str.starts_with(year))
        return months["antal_sager"].sum() / months["aarsvaerk"].sum()

    assert caseload("2016") == pytest.approx(70, abs=3)
    assert caseload("2018") == pytest.approx(38, abs=2)


def test_small_counts_are_hidden_in_the_municipality_panel(extracts):
    shown = extracts["kommunepanel"].filter(pl.col("antal") != "..")["antal"].cast(pl.Int64)
    assert (extracts["kommunepanel"]["antal"] == "..").any()
    assert not shown.is_between(1, 4).any()


def test_every_target_group_and_sanction_type_occurs(extracts):
    assert set(extracts["visitation"]["visitation"]) == {
        "jobparat", "aktivitetsparat", "uddannelsesparat", "aabenlyst_uddannelsesparat"}  # fmt: skip
    assert set(extracts["sanktioner"]["status"]) == {"truffet", "ophaevet", "hjemvist"}


def test_three_of_the_six_municipalities_have_an_intervention(extracts):
    found = dict(extracts["indsats"].select("kommunekode", "indsats_navn").rows())
    assert found == {"615": "mod-til-uddannelse", "370": "faerre-sager", "630": "faerre-sager"}


def test_a_register_in_parts_holds_every_person_once_and_the_truth_of_all(tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "PART", 400)
    recipe = {"persons": 1000, "seed": 7, "municipalities": ["615", "370"]}
    for folder in ("a", "b"):
        write_register(tmp_path / folder, **recipe)
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert [n for n in names if (tmp_path / "a" / n).read_bytes() != (tmp_path / "b" / n).read_bytes()] == []

    def rows(name):
        return pl.read_csv(tmp_path / "a" / f"{name}.csv", separator=";", infer_schema=False)

    assert rows("personer")["pnr_pseudo"].to_list() == [f"P{number:07d}" for number in range(1, 1001)]
    assert not rows("personer")["foedselsaar"][:300].equals(rows("personer")["foedselsaar"][334:634])
    for name in ("ydelser", "samtaler", "beskaeftigelse", "sagsbehandler"):
        assert rows(name)["pnr_pseudo"].is_sorted()
        assert int(rows(name)["pnr_pseudo"].max()[1:]) > 900
    workers = set(rows("sagstal")["sagsbehandler_id"])
    assert set(rows("sagsbehandler")["sagsbehandler_id"]) <= workers
    parts = [truth.build(simulate(n, 7, codes=("615", "370"), part=part)) for part, n in enumerate((334, 333, 333))]
    told = truth.read(tmp_path / "a" / "truth.json")
    assert told["persons"] == 1000
    for spec, found in told["specs"].items():
        keys = [tuple(row[:6]) for row in found]
        assert len(set(keys)) == len(keys)
        for column in range(6, len(truth.COLUMNS)):
            assert sum(row[column] for row in found) == sum(row[column] for one in parts for row in one["specs"][spec])
    assert [row[1] for row in told["stock"]["horsens"]] == [
        sum(values) for values in zip(*([row[1] for row in one["stock"]["horsens"]] for one in parts), strict=True)
    ]


def test_a_register_of_one_part_keeps_the_order_of_its_truth():
    one = truth.build(simulate(600, 7, codes=("615", "370")))
    nothing = {name: [] for name in one["specs"]}
    assert truth.merged(one, {"persons": 0, "specs": nothing, "stock": {"horsens": []}}) == one
