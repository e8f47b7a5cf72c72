"""The section on how well the answer holds: each figure's title is its finding, and a warning is never an answer."""

# ruff: noqa: E501  (a sentence is compared on one line)

import re

import pytest
from release_fixture import connection, copy
from test_report import text_of
from test_report_gaps import HIDE, estimates, fact, page, section

from reports import words
from reports.figure import Figure
from reports.pages import robustness
from reports.released import read

BREAKDOWN = "update release.diagnostics set value = {} where {{run}} and name = 'breakdown'"
KEY = "holdbarhed"


@pytest.fixture(scope="module")
def store():
    with connection() as opened:
        yield opened


@pytest.fixture(scope="module")
def plain(store) -> str:
    return page(store, "trappe")


def shown(store, *changes: str, run: str = "trappe") -> str:
    return section(page(store, run, *changes), KEY)


def figures(store, *changes: str) -> list[Figure]:
    """Return the figures of the section alone, which takes less time than a whole page."""
    released = read(store, copy(store, "trappe", "proeve", *changes))
    return [figure for figure in robustness.figures(released) if figure is not None]


def test_every_figure_has_its_finding_as_title(plain):
    found = re.findall(r"<h3>(.*?)</h3>", section(plain, KEY), flags=re.DOTALL)
    assert [text_of(title).strip() for title in found] == [
        "Svaret holder, så længe skævheden efter start er under 1,3 gange den største før start",
        "8 af 9 sæt valg peger samme vej som svaret; 8 har et interval uden nul",
        "Andre metoder og færre kommuner giver mellem +1,6 pct.point og +2,7 pct.point",
        "0 af 2 falske startdatoer giver en forskel, hvor ingen kan være",
        "Fuldtidsansatte i kommunen, som indsatsen ikke kan flytte: +0,4 pct.",
        "Advarsel: 12 pct. af den gængse regression er vildledende sammenligninger",
    ]


@pytest.mark.parametrize(
    ("value", "title"),
    [
        ("0", "Intervallet rummer nul, allerede hvis udviklingen var helt parallel"),
        ("null", "Intervallet rummer nul, allerede hvis udviklingen var helt parallel"),
        ("5.0", "Svaret holder, selv om udviklingen var 5,0 gange så skæv efter start som før"),
        ("0.4", "Svaret holder, så længe skævheden efter start er under 0,4 gange den største før start"),
    ],
)
def test_the_breakdown_value_is_said_in_words(store, value, title):
    assert figures(store, BREAKDOWN.format(value))[0].title == title


def test_what_the_test_before_the_start_could_see_is_told(store, plain):
    text = text_of(section(plain, KEY))
    assert (
        "En skæv tendens på 0,2 pct.point pr. måned ville testen før start finde med 80 pct. sandsynlighed. Den ville "
        "flytte svaret 3,2 pct.point; 3,4 pct.point, når testen ikke finder den."
    ) in text
    refused = (
        "insert into release.run select run_id, 'drift_refused', 'Ingen perioder.' from release.run where {run} limit 1"
    )
    assert "Styrken af testen før start kan ikke beregnes: Ingen perioder." in figures(store, refused)[0].notes[0]


def test_the_joint_test_is_told_with_its_null(store, plain):
    assert "medianen af alle valg mod 199 tilfældige fordelinger af indsatsen på andre kommuner; p = 0,015." in text_of(
        section(plain, KEY)
    )
    (some,) = figures(store, fact("curve_joint_choices", 4))[1].notes
    assert "medianen af 4 af 9 sæt valg mod 199" in some
    none = (
        "update release.run set key = 'curve_refused', value = 'kun 12 kan beregnes.' where {run} and key = 'curve_p'"
    )
    assert figures(store, none)[1].notes[0] == "Fælles test: kun 12 kan beregnes."


def test_a_choice_that_was_not_one_has_no_row_in_the_matrix(plain):
    drawing = re.search(r'<figure id="figur-valg">.*?</figure>', plain, flags=re.DOTALL).group(0)
    svg = re.search(r"<svg.*?</svg>", drawing, flags=re.DOTALL).group(0)
    assert "Kommuner: uden den største" in svg
    assert "Før: 6 måneder" in svg
    assert "Justering" not in svg
    assert "Justering: ingen" in text_of(drawing)  # the table says everything


def test_the_exhibit_is_a_warning_and_never_the_answer(store, plain):
    front = text_of(plain[: plain.index('id="afsnit-sagstal"')])
    assert "0,9 pct.point" not in front
    text = text_of(section(plain, KEY))
    assert "bruges ikke" in text
    assert "Mod kommuner, der allerede har indsatsen (vildledende): vægt 12 pct., forskel −3,0 pct.point" in text
    assert "de 90 kommuner" in text
    one = "delete from release.decomposition where {run} and kind = 'later_earlier'"
    assert figures(store, one)[-1].title == "Advarsel: den gængse regression er ikke et svar"


def test_hidden_rows_are_counted_and_leave_no_number(store):
    found = figures(store, estimates(HIDE, "aggregate = 'without_municipality'"))[2]
    assert found.key == "andre-metoder"
    assert found.notes == ("Skjult, fordi for få personer ligger bag: 1 beregning.",)
    assert "1,6" not in repr((found.title, found.description, found.table, found.svg))


@pytest.mark.parametrize(
    ("run", "expected"),
    [("horsens", "Én kommune har indsatsen."), ("sanktioner", "Sanktioner har ingen startdato")],
)
def test_a_run_without_these_figures_says_why(store, run, expected):
    html = shown(store, run=run)
    assert "<svg" not in html
    assert expected in text_of(html)


def test_a_refused_run_shows_none_of_it(store):
    assert f'id="afsnit-{KEY}"' not in page(store, "refused")


def test_page_one_names_the_passed_checks_in_a_line_and_lists_the_others(store):
    html = section(
        page(
            store,
            "trappe",
            BREAKDOWN.format("0.4"),
            "update release.diagnostics set verdict = 'amber' where {run} and name = 'breakdown'",
        ),
        "trovaerdighed",
    )
    visible = text_of(re.sub(r"<details>.*?</details>", "", html, flags=re.DOTALL))
    assert (
        "3 af 4 kontroller er bestået: Antal kommuner med indsatsen · Samme borgere før og efter · Samme udvikling før start."
        in visible
    )
    assert "Tåler skæv udvikling : 0,40 (krav: mindst 1) – gul." in visible
    assert "p over 0,10" not in visible


def test_the_method_page_names_the_degrees_of_freedom_and_the_adjustment(store):
    adjusted = [
        f"insert into release.run select run_id, '{key}', '{value}' from release.run where {{run}} limit 1"
        for key, value in (("adjustment", "doubly_robust"), ("covariates", "age_group, sex"))
    ]
    html = page(store, "trappe", estimates("freedom = 9.44", "aggregate = 'overall'"), *adjusted)
    text = text_of(section(html, "metode"))
    assert "t-fordeling med 9,4 effektive frihedsgrader" in text
    assert "Der er justeret for alder og køn ved indgangen (dobbelt robust)." in text
    assert "Rambachan og Roth" in text


def test_words_of_the_section_are_explained_only_where_it_stands(store, plain):
    assert set(words.GLOSSARY) >= words.ABOUT_ROBUSTNESS
    assert "Falsk start" in text_of(section(plain, "metode"))
    assert "Falsk start" not in text_of(section(page(store, "sanktioner"), "metode"))
