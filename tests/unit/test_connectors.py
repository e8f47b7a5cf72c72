"""StatBank and jobindsats, asked over HTTP on this machine: every documented answer and every documented refusal."""

import csv
import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from evaluator.cli import main
from evaluator.connectors import jobindsats, statbank
from evaluator.connectors.fetch import Wish, fetch_jobindsats, fetch_statbank, values
from evaluator.connectors.landing import sources
from evaluator.connectors.service import Service
from evaluator.errors import FetchError
from evaluator.extracts.load import load
from evaluator.pipeline import _provenance
from evaluator.project import Project
from evaluator.results import Findings
from evaluator.store import connect
from tests.statistics_server import BENEFIT, OTHER, TOKEN, Statistics, serving

FEW = {
    (area, quarter): str(100 + at)
    for at, (area, quarter) in enumerate(
        (a, f"{year}K{k}") for a in ("0", "615", "084", "740") for year in (2016, 2017) for k in (1, 2, 3, 4)
    )
} | {("740", "2017K4"): "..", ("615", "2017K1"): "198,5"}
TABLE = ["OMRÅDE=kommuner", f"YDELSESTYPE={BENEFIT}", "Tid=*"]
SHARED_FILE = "domain/data/auk01_nettoledige_kontanthjaelp_kommune_kvartal.csv"


@pytest.fixture
def served() -> Iterator[Statistics]:
    with serving(Statistics(FEW)) as statistics:
        yield statistics


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def bank(served: Statistics, waits: list[float]) -> Service:
    return Service("StatBank", served.url, sleep=waits.append)


def _selected(bank: Service, given: list[str], form: str = "CSV") -> statbank.Query:
    return statbank.select(statbank.table_info(bank, "auk01"), values(given), form)


def _landed(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file, delimiter=";"))


@pytest.mark.parametrize("form", statbank.FORMATS)
def test_real_values_are_the_same_rows_in_every_format(
    form: str, shared: Path, project: Project, waits: list[float]
) -> None:
    with (shared / SHARED_FILE).open(encoding="utf-8", newline="") as file:
        real = [(r["kommunekode"], r["kvartal"], r["fuldtidsmodtagere"]) for r in csv.DictReader(file, delimiter=";")]
    assert len(real) == 7524
    cells = {(area, quarter): number for area, quarter, number in real}
    with serving(Statistics(cells)) as served:
        service = Service("StatBank", served.url, sleep=waits.append)
        wish = Wish(values([*TABLE, "KØN=TOT", "ALDER=TOT"]), "nettoledige_kontanthjaelp", form)
        fetched = fetch_statbank(project, service, "AUK01", wish)
        assert [body["format"] for body in served.bodies] == [form]
    assert sorted((a, q, n) for a, q, _, n in _landed(fetched.path)[1:]) == sorted(real)


def test_patterns_are_written_out_and_counted(bank: Service) -> None:
    for pattern, count in (
        ("*", 8), ("2017*", 4), ("*K1", 2), ("(1)", 1), ("(-n+5)", 5), (">=2016K2<=2017K1", 4), (">2017K1", 3),
        ("<2016K2", 1), ("2016K1,2017K1", 2),
    ):  # fmt: skip
        query = _selected(bank, ["OMRÅDE=615,740", f"YDELSESTYPE={BENEFIT}", f"tid={pattern}"])
        assert query.cells == 2 * count, pattern
    assert query.selected["Tid"] == ("2016K1", "2017K1")


def test_over_the_limit_periods_are_split_and_nothing_is_lost(
    project: Project, bank: Service, served: Statistics, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.limit = 9
    plan = statbank.plan
    monkeypatch.setattr(statbank, "plan", lambda query: plan(query, 9))
    fetched = fetch_statbank(project, bank, "AUK01", Wish(values(TABLE)))
    assert [len(body["variables"][-1]["values"]) for body in served.bodies] == [3, 3, 2]
    assert (fetched.rows, fetched.left_out) == (24, 0)


def test_over_the_limit_with_every_variable_bulk_is_asked_for(bank: Service) -> None:
    query = _selected(bank, [*TABLE[1:], "OMRÅDE=*", "KØN=*", "ALDER=*"])
    assert [part.format for part in statbank.plan(query, query.cells)] == ["CSV"]
    assert [part.format for part in statbank.plan(query, query.cells - 1)] == ["BULK"]


def test_a_period_that_is_too_large_alone_is_refused(bank: Service) -> None:
    with pytest.raises(FetchError, match="for each period"):
        statbank.plan(_selected(bank, [*TABLE[1:], "OMRÅDE=*"]), 3)


@pytest.mark.parametrize(
    ("given", "form", "told"),
    [
        (["OMRÅDE=999", *TABLE[1:]], "CSV", "no value '999'"),
        (["Farve=1", *TABLE], "CSV", "no variable 'Farve'"),
        (["OMRÅDE=615", "Tid=*"], "CSV", "no values for YDELSESTYPE"),
        (["OMRÅDE=615", *TABLE[1:]], "BULK", "BULK sums nothing"),
        (["OMRÅDE"], "CSV", "expected VARIABLE=VALUES"),
    ],
)
def test_a_wrong_selection_is_refused_before_data_are_asked_for(
    given: list[str], form: str, told: str, bank: Service, served: Statistics
) -> None:
    with pytest.raises(FetchError, match=told):
        _selected(bank, given, form)
    assert served.bodies == []


def test_each_error_body_of_statbank_is_told_with_its_code(bank: Service, served: Statistics) -> None:
    query = _selected(bank, ["OMRÅDE=615", *TABLE[1:]])
    chosen = dict(query.selected)
    served.limit = 1
    told = {}
    for name, asked in (
        ("limit", query),
        ("value", statbank.Query(query.table, {**chosen, "OMRÅDE": ("999",)})),
        ("missing", statbank.Query(query.table, {"Tid": chosen["Tid"]})),
        ("format", statbank.Query(query.table, chosen, "")),
        ("table", statbank.Query(statbank.Table("", "", "", "", ()), {})),
    ):
        with pytest.raises(FetchError) as refused:
            statbank.ask(bank, asked)
        told[name] = str(refused.value)
    with pytest.raises(FetchError) as refused:
        statbank.table_info(bank, "AUK99")
    assert "EXTRACT-NOTFOUND, 'Tabellen blev ikke fundet'" in str(refused.value)
    assert "REQUEST-LIMIT" in told["limit"] and "BULK" in told["limit"]
    assert "EXTRACT-NOTFOUND" in told["value"]
    assert "EXTRACT-NOTALLOWED" in told["missing"]
    assert "REQUEST-MISSING" in told["format"] and "REQUEST-MISSING" in told["table"]
    assert served.seen[-1] == ("/tableinfo", None)
    with pytest.raises(FetchError, match="REQUEST-NOTFOUND"):
        statbank.table_info(Service("StatBank", f"{served.url}/forkert"), "AUK01")


def test_calls_are_paced_and_repeated_after_server_errors_only(
    bank: Service, served: Statistics, waits: list[float]
) -> None:
    served.moods = [(503, {}), (429, {"Retry-After": "7"}), (500, {})]
    bank.clock = lambda: 0.0
    statbank.table_info(bank, "AUK01")
    assert [wait for wait in waits if wait >= 1] == [1.0, 7.0, 4.0]
    assert [wait for wait in waits if wait < 1] == [0.25, 0.5, 0.75]
    served.moods = [(500, {})] * 5
    with pytest.raises(FetchError, match="answered 500 in 5 attempts"):
        statbank.table_info(bank, "AUK01")
    calls = len(served.seen)
    with pytest.raises(FetchError):
        statbank.table_info(bank, "AUK99")
    assert len(served.seen) == calls + 1


def test_a_service_that_is_not_there_is_told(waits: list[float]) -> None:
    with pytest.raises(FetchError, match="did not answer"):
        statbank.table_info(Service("StatBank", "http://127.0.0.1:9", sleep=waits.append), "AUK01")


def test_an_answer_that_was_cut_is_refused(bank: Service) -> None:
    query = _selected(bank, ["OMRÅDE=615", *TABLE[1:]])
    whole = statbank.ask(bank, query)
    assert len(statbank.rows(query, whole)) == 8
    with pytest.raises(FetchError, match="not the 8 cells"):
        statbank.rows(query, whole[: whole.index(b"2017K2")].rsplit(b"\r\n", 1)[0])
    with pytest.raises(FetchError, match="not the 8 cells"):
        statbank.rows(query, whole.replace(b"615;", b"740;"))
    with pytest.raises(FetchError, match="columns"):
        statbank.rows(query, b"<html>\xff</html>")
    with pytest.raises(FetchError, match="no JSON-stat"):
        statbank.rows(_selected(bank, ["OMRÅDE=615", *TABLE[1:]], "JSONSTAT"), b"[]")


def test_a_fetched_table_is_loaded_as_any_other_delivery(project: Project, bank: Service) -> None:
    fetched = fetch_statbank(project, bank, "AUK01", Wish(values(["OMRÅDE=*", *TABLE[1:]]), "kth"))
    assert (fetched.rows, fetched.left_out) == (24, 8)
    delivery = load(project)[0]
    assert (delivery.extract, delivery.rows, delivery.rejected) == ("kommunepanel", 24, 0)
    with connect(project) as connection:
        query = "select fuldtid from raw.kommunepanel where kommunekode || periode in ('7402017K4', '6152017K1')"
        assert sorted(connection.execute(query).fetchall()) == [("..",), ("198,5",)]


def test_the_answer_is_kept_until_a_refresh_and_its_source_stands_beside_it(
    project: Project, bank: Service, served: Statistics
) -> None:
    wish = Wish(values(TABLE), "kth")
    first = fetch_statbank(project, bank, "AUK01", wish)
    again = fetch_statbank(project, bank, "AUK01", wish)
    assert (again.path, again.source) == (first.path, first.source)
    assert len(served.bodies) == 1
    fetch_statbank(project, bank, "AUK01", Wish(values(TABLE), "kth", refresh=True))
    assert len(served.bodies) == 2
    source = json.loads(first.path.with_suffix(".source.json").read_text("utf-8"))
    assert source["query_sha256"] == first.source.query_sha256
    assert sources(project) == {sha256(first.path.read_bytes()).hexdigest(): source["line"]}
    assert source["line"].startswith("Danmarks Statistik, statistikbanken.dk, AUK01, forespørgsel ")
    assert source["line"].endswith("CC BY 4.0")
    for kept in (project.store / "fetched").glob("*.answer"):
        kept.write_bytes(b"harmed")
    fetch_statbank(project, bank, "AUK01", wish)
    assert len(served.bodies) == 3


@pytest.mark.parametrize(
    ("given", "benefit", "told"),
    [
        ([*TABLE, "KØN=M,K"], None, "2 values of KØN"),
        (["OMRÅDE=kommuner", f"YDELSESTYPE={BENEFIT},{OTHER}", "Tid=*"], "kth", "under one --benefit"),
        (["OMRÅDE=084", *TABLE[1:]], "kth", "none of 8 rows is a municipality"),
    ],
)
def test_what_the_extract_has_no_place_for_is_refused(
    given: list[str], benefit: str | None, told: str, project: Project, bank: Service
) -> None:
    with pytest.raises(FetchError, match=told):
        fetch_statbank(project, bank, "AUK01", Wish(values(given), benefit))
    assert list(project.extracts.iterdir()) == []


@pytest.fixture
def keyed(served: Statistics, monkeypatch: pytest.MonkeyPatch) -> Statistics:
    monkeypatch.setenv("JOBINDSATS_TOKEN", TOKEN)
    monkeypatch.setenv("EVALUATOR_JOBINDSATS_URL", f"{served.url}/v3")
    return served


def test_jobindsats_lands_with_codes_and_its_own_marks(project: Project, keyed: Statistics) -> None:
    keyed.moods = [(429, {"Retry-After": "0"})]
    fetched = fetch_jobindsats(project, "kontanthjaelp")
    assert (fetched.rows, fetched.left_out) == (5, 1)
    assert _landed(fetched.path)[1:] == [
        ["0", "2017M01", "kontanthjaelp", "19164,5"],
        ["615", "2017M01", "kontanthjaelp", "164,0"],
        ["492", "2017M01", "kontanthjaelp", "-"],
        ["825", "2017M01", "kontanthjaelp", ".."],
        ["741", "2017M01", "kontanthjaelp", ""],
    ]
    assert load(project)[0].rejected == 0
    kept = b"".join(path.read_bytes() for path in project.root.rglob("*") if path.is_file())
    assert TOKEN.encode() not in kept


def test_version_2_gives_the_same_rows(project: Project, keyed: Statistics, monkeypatch: pytest.MonkeyPatch) -> None:
    third = _landed(fetch_jobindsats(project, "kontanthjaelp").path)
    monkeypatch.setenv("EVALUATOR_JOBINDSATS_URL", f"{keyed.url}/v2")
    with pytest.raises(FetchError, match="lacks body"):
        fetch_jobindsats(project, "kontanthjaelp", "v2")
    own = '[egen]\ntable = "y36a02"\nbenefit = "kontanthjaelp"\narea = "område"\nperiod = "Periode"\n'
    own += 'measure = "Antal fuldtidspersoner"\nbody = { area = "*", period = ["2017M01"] }\n'
    (project.root / "jobindsats.toml").write_text(own, encoding="utf-8")
    assert _landed(fetch_jobindsats(project, "egen", "v2").path) == third


def test_tables_of_jobindsats_are_listed_and_described(keyed: Statistics) -> None:
    at = jobindsats.service("v3", f"{keyed.url}/v3")
    assert jobindsats.tables(at) == {"y36a02": "Kontanthjælp"}
    assert set(jobindsats.table(at, "y36a02")) == {"periods", "dimensions", "measures"}
    with pytest.raises(FetchError, match="status 404"):
        jobindsats.table(at, "y99")


def test_what_jobindsats_refuses_is_told_without_the_token(
    project: Project, keyed: Statistics, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = jobindsats.service("v3", f"{keyed.url}/v3")
    with pytest.raises(FetchError, match="422"):
        jobindsats.ask_v3(at, "y36a02", {})
    assert TOKEN not in repr(at)
    monkeypatch.setenv("JOBINDSATS_TOKEN", "en-anden-noegle")
    with pytest.raises(FetchError, match="401") as refused:
        fetch_jobindsats(project, "kontanthjaelp")
    assert "en-anden-noegle" not in str(refused.value)
    monkeypatch.delenv("JOBINDSATS_TOKEN")
    with pytest.raises(FetchError, match="no token"):
        fetch_jobindsats(project, "kontanthjaelp")
    with pytest.raises(FetchError, match="no table 'ukendt'"):
        fetch_jobindsats(project, "ukendt")


def test_the_command_shows_a_table_and_fetches_it(
    project: Project, served: Statistics, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EVALUATOR_STATBANK_URL", served.url)
    at = ["--project", str(project.root)]
    assert main(["fetch", "statbank", "auk01", *at]) == 0
    assert "KØN: 3 values, TOT to K, summed when left out" in capsys.readouterr().out
    assert main(["fetch", "statbank", "auk01", *TABLE, "--benefit", "kth", "--format", "JSONSTAT", *at]) == 0
    assert "24 rows\nDanmarks Statistik" in capsys.readouterr().out


def test_a_run_keeps_the_source_of_what_it_read(project: Project, bank: Service) -> None:
    fetched = fetch_statbank(project, bank, "AUK01", Wish(values(TABLE), "kth"))
    load(project)
    findings = Findings()
    with connect(project) as connection:
        _provenance(connection, findings, sources(project))
    assert [row["source"] for row in findings.rows["deliveries"]] == [fetched.source.line()]
