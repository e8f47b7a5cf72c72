"""Statistics Denmark's AUK01 through the whole product: extract, contract, store, spec, inference, release."""

import json
import math
from pathlib import Path
from shutil import copy

import pytest

from evaluator.design.frozen import freeze
from evaluator.evaluation.plan import describe
from evaluator.evaluation.series import estimator_of, read_panel
from evaluator.evaluation.series_power import known_beforehand, sentences
from evaluator.evaluation.show import released
from evaluator.inference.placebo import randomisation
from evaluator.pipeline import build, estimate, load, release
from evaluator.project import Project
from evaluator.spec_reading import read_spec
from evaluator.store import connect

PUBLIC = Path(__file__).resolve().parents[2] / "data/public"
TOLERANCE = 0.001 + 1e-9  # the published ends are given to three decimals

# change in per cent, rank from below, of, one-sided p, two-sided p, interval of d in log points
EXPECTED = {
    "horsens-2017": (-16.64, 19, 87, 0.218, 0.414, (-0.559, 0.229)),
    "silkeborg-2017": (-2.15, 46, 87, 0.529, 0.943, (-0.398, 0.393)),
    "ballerup-2017": (-24.25, 6, 87, 0.069, 0.161, (-0.654, 0.131)),
    "hjoerring-2017": (60.86, 86, 87, 0.989, 0.023, (0.119, 0.881)),
    "silkeborg-2015": (-2.4, 50, 91, None, None, None),
}
# what the report says: Ferman and Pinto's interval, narrower since small donors no longer set the plain ranks' ends
SCALED = {
    "horsens-2017": (-0.482, 0.144), "silkeborg-2017": (-0.312, 0.297), "ballerup-2017": (-0.595, 0.063),
    "hjoerring-2017": (0.168, 0.823),
}  # fmt: skip
COUNTRY = -6.70
POOL_OF_84 = {"horsens-2017": 18, "silkeborg-2017": 44, "ballerup-2017": 6, "hjoerring-2017": 83}
PROJECTS = {"horsens-2017": "615", "silkeborg-2017": "740", "ballerup-2017": "151", "hjoerring-2017": "860"}


@pytest.fixture(scope="module")
def series(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return a project with the delivery loaded through the public mapping, and the committed specs."""
    project = Project.create(tmp_path_factory.mktemp("public"))
    copy(PUBLIC / "mapping.toml", project.root / "mapping.toml")
    for spec in (PUBLIC / "specs").glob("*.toml"):
        copy(spec, project.specs / spec.name)
    copy(next((shared / "domain/data").glob("auk01_*.csv")), project.extracts / "auk01.csv")
    load(project)
    build(project)
    return project


def _told(project: Project, spec: str) -> dict[str, list[dict[str, object]]]:
    run_id = estimate(project, project.specs / f"{spec}.toml")
    release(project, run_id)
    with connect(project) as connection:
        return released(connection, run_id)


def _plain_interval(project: Project, name: str) -> tuple[float, float]:
    """Return the effects that the plain rank of the log change does not reject."""
    spec = read_spec(project.specs / f"{name}.toml")
    with connect(project) as connection:
        panel = read_panel(connection, spec, freeze(connection, spec))
    found = randomisation(estimator_of(spec).fit(panel), donors_see_treated=True)
    return found.low, found.high


@pytest.mark.parametrize("spec", EXPECTED)
def test_the_committed_specs_give_the_known_numbers(series: Project, spec: str) -> None:
    change, rank, of, below, two_sided, interval = EXPECTED[spec]
    tables = _told(series, spec)
    facts = {row["key"]: row["value"] for row in tables["run"]}
    overall = next(row for row in tables["estimates"] if row["aggregate"] == "overall")
    assert tables["before_after"][0]["change"] == pytest.approx(change / 100, abs=5e-4 if of == 91 else 5e-5)
    assert (facts["rank"], facts["rank_of"]) == (str(rank), str(of))
    if interval is not None:
        assert float(str(facts["p_below"])) == pytest.approx(below, abs=6e-4)
        assert float(str(facts["p_two_sided"])) == pytest.approx(two_sided, abs=6e-4)
        assert _plain_interval(series, spec) == pytest.approx(interval, abs=TOLERANCE)
        assert (overall["low"], overall["high"]) == pytest.approx(SCALED[spec], abs=TOLERANCE)
        assert overall["method"] == "ferman_pinto"
    if spec.endswith("2017"):
        assert float(str(facts["country_change"])) == pytest.approx(COUNTRY / 100, abs=1e-4)  # -6.6949


@pytest.mark.parametrize("spec", POOL_OF_84)
def test_the_other_projects_can_be_taken_out_of_the_pool(series: Project, spec: str) -> None:
    others = [code for name, code in PROJECTS.items() if name != spec]
    text = (series.specs / f"{spec}.toml").read_text(encoding="utf-8")
    alone = series.specs / f"{spec}-84.toml"
    alone.write_text(text.replace("exclude_donors = []", f"exclude_donors = {json.dumps(others)}"), encoding="utf-8")
    facts = {row["key"]: row["value"] for row in _told(series, alone.stem)["run"]}
    assert (facts["rank"], facts["rank_of"]) == (str(POOL_OF_84[spec]), "84")


def test_the_report_says_that_the_category_is_not_the_target_group(series: Project) -> None:
    texts = [str(row["text"]) for row in _told(series, "horsens-2017")["caveats"]]
    assert "ikke projektets målgruppe" in texts[0]


def test_the_whole_country_is_never_a_donor(series: Project) -> None:
    with connect(series) as connection:
        codes = connection.execute("select distinct municipality_code from marts.municipality_statistics").fetchall()
    assert ("000",) in codes
    assert len(_told(series, "horsens-2017")["placebos"]) == 87


def test_the_plan_says_what_horsens_could_ever_show_and_reads_nothing_later(series: Project) -> None:
    spec = series.specs / "horsens-2017.toml"
    told = describe(series, spec)
    assert "en kommune med 272 modtagere" in told and "1/87 = 0,011" in told and "16 kvartaler" in told
    rows = [[cell.strip() for cell in line.split("|")] for line in told.splitlines() if line.count("|") > 4][1:]
    assert [row[0] for row in rows] == ["1", "2", "4", "8"]
    assert [row[-1] for row in rows] == ["12", "11", "9", "5"]
    falls = [float(row[1].replace(",", ".")) for row in rows]
    assert falls == sorted(falls) and falls == pytest.approx([29.7, 30.8, 32.6, 36.4], abs=1.0)
    for row in rows:  # both directions are one effect in log points, and so many of 272
        fall, rise = (float(row[at].replace(",", ".")) / 100 for at in (1, 3))
        assert (1 - fall) * (1 + rise) == pytest.approx(1, abs=2e-3)
        assert int(row[2]) == pytest.approx(272 * fall, abs=1.5) and int(row[4]) == pytest.approx(272 * rise, abs=1.5)
    with connect(series) as connection:
        connection.execute("begin")
        connection.execute("delete from marts.municipality_statistics where period_on >= '2017-01-01'")
        facts = known_beforehand(connection, read_spec(spec), freeze(connection, read_spec(spec)))
        fewer = sentences(connection, read_spec(spec), freeze(connection, read_spec(spec)))
        connection.execute("rollback")
    assert all(line in told for line in fewer)
    assert 100 * facts["detectable_fall"] == pytest.approx(falls[2], abs=0.06)  # page one says the plan's number


@pytest.mark.parametrize("spec", PROJECTS)
def test_several_methods_stand_beside_one_another_with_the_tests_they_are_offered(series: Project, spec: str) -> None:
    tables = _told(series, spec)
    headline = [row for row in tables["tests"] if row["is_headline"]]
    assert {row["estimator"] for row in headline} >= {"mean_log_change", "synthetic_did", "synthetic_control"}
    for row in tables["tests"]:
        assert row["is_offered"] or row["reason"], row  # what is not offered says why
        if row["is_offered"] and row["p_value"] is not None:
            assert 0 < row["p_value"] <= 1 and row["low"] <= row["high"]
    fits = {row["estimator"]: row for row in tables["fits"]}
    assert {"synthetic_did", "synthetic_control"} <= set(fits)
    for row in fits.values():
        assert row["donors"] >= 80 and (row["slack"] is None or row["slack"] <= 1e-6)
    for estimator in ("synthetic_did", "synthetic_control"):
        weights = [row["weight"] for row in tables["weights"] if row["estimator"] == estimator]
        assert weights == sorted(weights, reverse=True) and 0 < sum(weights) <= 1.01
        path = [row for row in tables["paths"] if row["estimator"] == estimator]
        assert {row["is_after"] for row in path} == {True, False}
        for row in path:
            assert row["counterfactual"] == pytest.approx(row["actual"] / math.exp(row["gap"]), rel=2e-3)
    starts = {row["at_label"] for row in tables["estimates"] if row["aggregate"] == "placebo_date"}
    assert {str(label)[:4] for label in starts} >= {"2014", "2015", "2016"}, tables["estimates"]


def test_the_claim_is_arithmetic_with_a_light_of_its_own(series: Project) -> None:
    (claim,) = _told(series, "horsens-2017")["claim"]
    assert (claim["before"], claim["after"]) == (198, 164) and claim["change"] == pytest.approx(164 / 198 - 1, abs=1e-3)
    assert claim["amount_dkk"] == 1_800_000 and claim["dkk_per_person"] == pytest.approx(1_800_000 / 34, rel=1e-3)
    assert claim["verdict"] in ("green", "amber", "red") and claim["source"]
