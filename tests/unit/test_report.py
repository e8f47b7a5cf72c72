"""The report of four runs: what it says, what it must not say, and that it can be read offline by everybody."""

# ruff: noqa: E501  (a sentence is compared on one line)

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from release_fixture import RUNS, connection, facts, fill, put

import reports
from evaluator.errors import ProjectError
from evaluator.project import Project
from evaluator.release import COLUMNS
from evaluator.store import connect
from reports import theme
from reports.released import TABLES, read
from reports.write import as_json

FOLDER = Path(reports.__file__).parent
VOID = {"meta", "link", "br", "img", "hr", "input"}


class Outline(HTMLParser):
    """Collects elements with their attributes, and checks that they are closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def all(self, tag):
        return [attrs for name, attrs in self.seen if name == tag]


def outline(html: str) -> Outline:
    parsed = Outline()
    parsed.feed(html)
    parsed.close()
    return parsed


def text_of(html: str) -> str:
    body = re.sub(r"<(style|svg).*?</\1>", " ", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


@pytest.fixture(scope="module")
def store():
    with connection() as opened:
        yield opened


@pytest.fixture(scope="module")
def pages(store):
    return {name: reports.render(store, run_id) for name, run_id in RUNS.items()}


@pytest.mark.parametrize("name", RUNS)
def test_the_report_is_well_formed_danish_html(pages, name):
    parsed = outline(pages[name])
    assert parsed.open == []
    assert parsed.all("html")[0]["lang"] == "da"
    assert len(parsed.all("h1")) == 1
    identifiers = [attrs["id"] for _, attrs in parsed.seen if "id" in attrs]
    assert len(identifiers) == len(set(identifiers))


@pytest.mark.parametrize("name", RUNS)
def test_nothing_is_loaded_and_nothing_runs(pages, name):
    parsed = outline(pages[name])
    assert parsed.all("script") == []
    assert parsed.all("link") == []
    assert parsed.all("img") == []
    assert "@import" not in pages[name]
    addresses = [v for _, attrs in parsed.seen for k, v in attrs.items() if k in ("href", "src", "xlink:href")]
    assert all(address.startswith("#") for address in addresses)
    assert re.findall(r"url\((?!#)", pages[name]) == []


@pytest.mark.parametrize("name", RUNS)
def test_every_chart_has_an_alternative_text_a_caption_and_a_table(pages, name):
    figures = re.findall(r"<figure.*?</figure>", pages[name], flags=re.DOTALL)
    for figure in figures:
        parsed = outline(figure)
        assert [len(parsed.all(tag)) for tag in ("svg", "figcaption", "table", "details", "h3")] == [1, 1, 1, 1, 1]
        assert parsed.all("svg")[0]["role"] == "img"
        assert len(parsed.all("svg")[0]["aria-label"]) > 20
    assert len(figures) == pages[name].count("<svg")
    assert (len(figures) == 0) == (name == "refused")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("trappe", "Indsatsens effekt er, at 2,3 pct.point flere var i job 52 uger efter, at de begyndte på ydelsen, "
                   "end uden indsatsen (95 pct. interval fra 1,2 til 3,4 pct.point)."),
        ("horsens", "Det kan ikke afgøres, om indsatsen betød, at der blev flere eller færre modtagere: det bedste bud er −10,7 pct., "
                    "men intervallet går fra −42,8 til 25,7 pct. og rummer både ingen effekt og en ændring af betydning."),
        ("sanktioner", "Én sanktion mere pr. 100 modtagere om måneden er forbundet med, at afgangen til selvforsørgelse "
                       "uden job er 0,0900 pr. 100 personer højere (95 pct. interval fra 0,0500 til 0,1300)."),
        ("refused", "Der er ikke beregnet noget svar: der er kun én periode før indsatsens start."),
    ],
)  # fmt: skip
def test_the_answer_is_one_sentence_in_words_the_design_has_earned(pages, name, expected):
    assert expected in text_of(pages[name])


def test_an_association_is_never_called_an_effect(pages):
    assert "effekt" not in text_of(pages["sanktioner"]).lower()


def test_an_association_whose_interval_holds_zero_is_undecided(store):
    facts(store, "flad", name="flad", kind="sanction", answer_kind="association", primary_outcome="exit_job",
          horizon_weeks=52)  # fmt: skip
    put(store, "flad", "estimates", outcome="exit_job", aggregate="overall", value=0.0001, low=-0.0005, high=0.0007,
        unit="rate", status="estimated", is_primary=True, n=900, method="cluster")  # fmt: skip
    text = text_of(reports.render(store, "flad"))
    assert (
        "Det kan ikke afgøres, om én sanktion mere pr. 100 modtagere om måneden er forbundet med en højere eller lavere "
        "afgang til job" in text
    )


def test_a_tight_interval_around_zero_is_no_effect_of_importance(store):
    facts(store, "nul", name="nul", kind="caseload", answer_kind="no_relevant_effect", primary_outcome="job",
          horizon_weeks=26, estimator="group_time")  # fmt: skip
    put(store, "nul", "estimates", outcome="job", horizon_weeks=26, aggregate="overall", value=0.001, low=-0.004,
        high=0.006, unit="share", status="estimated", is_primary=True, n=900, method="leave_one_cluster_out")  # fmt: skip
    assert "Indsatsen har ikke haft en effekt af betydning" in text_of(reports.render(store, "nul"))


def test_a_refused_run_prints_no_size_in_any_output(store, pages):
    written = pages["refused"] + as_json(read(store, RUNS["refused"]))
    assert "77,8" not in written
    assert "0.7777" not in written
    assert "95 pct. interval</dt><dd>" not in re.sub(r"\s+", "", pages["refused"]).split("Ordliste")[0]
    assert "Udtræk, der går mindst 24 måneder længere tilbage." in pages["refused"]


def test_the_raw_change_stands_beside_the_counterfactual(pages):
    text = text_of(pages["horsens"])
    assert "Før-efter-tallet er −16,7 pct.: fra 198 personer til 165 personer." in text
    assert "Uden indsatsen ville det efter beregningen være blevet 185 personer." in text


def test_the_delivery_is_told_before_the_effect_is_explained(pages):
    text = text_of(pages["trappe"])
    assert "gennemført i 9, delvist gennemført i 3, ikke gennemført i 2 og ikke målt i 1 af 15 kommuner" in text
    assert text.index("Blev det gennemført?") < text.index("Før og efter")


def test_an_exploratory_run_says_so_with_the_number_of_runs(pages):
    assert "Udforskende: Der er 3 kørsler af denne indsats." in text_of(pages["horsens"])
    assert "Udforskende" not in pages["trappe"]


def test_page_one_carries_three_caveats_and_links_to_the_rest(pages):
    front, rest = pages["horsens"].split('<nav aria-label="Indhold">')
    assert front.count("<li>Tallene er nettoledige") == 1
    assert "Nogle af sammenligningskommunerne" not in front
    assert "Nogle af sammenligningskommunerne" in rest
    assert 'href="#flere-forbehold"' in front


def test_money_and_advice_are_said_to_be_left_out(pages):
    assert text_of(pages["trappe"]).count("Ikke opgjort.") == 2


def test_suppressed_and_not_estimable_values_look_different(pages):
    assert '<span class="suppressed">..</span>' in pages["trappe"]
    assert '<span class="not-estimable">kan ikke beregnes</span>' in pages["trappe"]
    assert '<span class="missing">mangler</span>' in pages["horsens"]


def test_partly_exposed_cohorts_are_told_apart(pages):
    assert "delvist omfattet" in pages["trappe"]


def test_reforms_inside_the_range_are_named(pages):
    assert "Refusionsreform (1. januar 2016)" in text_of(pages["trappe"])
    assert "covid" not in text_of(pages["trappe"])


def test_public_series_are_not_said_to_be_rounded(pages):
    assert "offentliggjorte tal og vises, som de er" in text_of(pages["horsens"])
    assert "afrundet til nærmeste 5, så" in text_of(pages["trappe"])


def test_hostile_text_is_shown_and_never_run(store):
    evil = '"><script>alert(1)</script>'
    facts(store, "ond", name="../../etc", title=evil, question=evil, claim=evil, kind="caseload", estimator=evil,
          answer_kind="effect", primary_outcome="job", horizon_weeks=52, notes=evil)  # fmt: skip
    put(store, "ond", "caveats", position=1, text=evil)
    put(store, "ond", "delivery", municipality_name=evil, measured_before=70, measured_after=35, planned_before=70,
        planned_after=35, verdict="delivered", delivered_share=1.0)  # fmt: skip
    put(store, "ond", "caseload_path", municipality_name=evil, month="2017-01-01", caseload=70, status="shown")
    put(store, "ond", "caseload_path", municipality_name=evil, month="2017-02-01", caseload=60, status="shown")
    html = reports.render(store, "ond")
    parsed = outline(html)
    assert parsed.all("script") == []
    assert parsed.open == []
    assert "&lt;script&gt;" in html


def test_the_same_run_gives_the_same_bytes(store, pages):
    assert reports.render(store, RUNS["trappe"]) == pages["trappe"]


def test_the_json_holds_the_released_tables(store):
    content = json.loads(as_json(read(store, RUNS["trappe"])))
    assert set(content["tables"]) == set(TABLES)
    assert content["run"]["name"] == "trappe"


def test_the_report_lies_in_the_projects_folder_with_its_json_beside_it(tmp_path):
    project = Project.create(tmp_path / "project", example=False)
    with connect(project) as opened:
        fill(opened)
    path = reports.write_report(project, RUNS["refused"])
    assert path == project.reports / "for-faa-a1b2c3d4.html"
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))["run_id"] == RUNS["refused"]


def test_a_run_that_is_not_released_is_named_in_one_message(store):
    with pytest.raises(ProjectError, match=r"report: run ukendt is not released; expected a finished run\."):
        reports.render(store, "ukendt")


def test_the_report_reads_every_released_table_and_no_other():
    assert {"run", *TABLES} == set(COLUMNS)
    sources = "\n".join(path.read_text(encoding="utf-8") for path in FOLDER.rglob("*.py"))
    assert re.findall(r"\b(?:from|join)\s+(?:raw|staging|marts|design|results|meta)\.", sources) == []
    assert re.findall(r"select .* from (\w+)\.", sources) == ["release"]


def test_colours_are_named_in_the_theme_only():
    files = [p for p in FOLDER.rglob("*") if p.suffix in (".py", ".css", ".html") and p.name != "theme.py"]
    assert [p.name for p in files if re.search(r"#[0-9a-fA-F]{6}\b", p.read_text(encoding="utf-8"))] == []


def _luminance(colour: str) -> float:
    parts = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize(
    ("text", "ground"),
    [(t, g) for t in ("ink", "muted", "treated", "comparison", "red") for g in ("paper", "surface")]
    + [(light, f"{light}_soft") for light in ("green", "amber", "red")]
    + [("muted", f"{light}_soft") for light in ("green", "amber", "red")],
)
def test_text_has_the_contrast_of_wcag_aa(text, ground):
    bright, dark = sorted((_luminance(theme.PALETTE[name]) for name in (text, ground)), reverse=True)
    assert (bright + 0.05) / (dark + 0.05) >= 4.5
