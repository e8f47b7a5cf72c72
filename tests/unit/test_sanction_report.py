"""Page one of a sanction report: where people went, by how much, and what other calculations would have said."""

# ruff: noqa: E501  (a sentence is compared on one line)

import math
import re

import pytest
from release_fixture import connection, copy, put

import reports

BANDS = {"job": (0.85, 1.15, 0.7, 1.35), "self_support": (1.0, 1.6, 0.0, 2.2)}
ENDS = ("green_low", "green_high", "amber_low", "amber_high")
RATIOS = {"job": 1.02, "education": 0.97, "other_benefit": 1.05, "self_support": 1.31}
PIECES = ((0, 4), (5, 12), (13, 26), (27, None))


def text_of(html):
    body = re.sub(r"<(style|svg).*?</\1>", " ", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


def effect(store, run, destination, ratio, half=0.2, **more):
    value = round(math.log(ratio), 2)
    row = {"destination": destination, "method": "timing_of_events", "subset": "all", "group_name": "", "from_weeks": 5,
           "to_weeks": 12, "value": value, "low": value - half, "high": value + half, "se": half / 2, "p_value": 0.01,
           "unit": "log_hazard", "events": 140, "persons": 2600, "is_headline": False, "status": "estimated",
           **dict(zip(ENDS, BANDS.get(destination, (None,) * 4), strict=True))}  # fmt: skip
    put(store, run, "sanction_effects", **{**row, **more})


def filled(store, run):
    """Put the released rows of sanctions in the run."""
    for destination, ratio in RATIOS.items():
        for low, high in PIECES:
            place = {"from_weeks": low, "to_weeks": high, "is_headline": low == 5}
            effect(store, run, destination, ratio, **place)
            effect(
                store,
                run,
                destination,
                ratio * 0.9,
                **{**place, "is_headline": False, "method": "without_heterogeneity"},
            )
        effect(store, run, destination, 0.55, 0.05, method="naive", from_weeks=0, to_weeks=None)
        effect(store, run, destination, ratio * 1.01, subset="without_reversed")
        effect(store, run, destination, ratio * 1.1, subset="from_notice")
        for arm, factor in (("sanctioned", 1.0), ("comparable", 0.8)):
            for week in (4, 24, 52):
                part = factor * week / 500
                put(store, run, "sanction_incidence", arm=arm, destination=destination, weeks=week, share=part,
                    low=part * 0.9, high=part * 1.1, persons=2600, status="shown")  # fmt: skip
    effect(
        store,
        run,
        "self_support",
        1.4,
        subset="sanction_type",
        group_name="punktsanktion",
        method="without_heterogeneity",
        to_weeks=None,
    )
    measures = [("sanctioned", "all", 0.241), ("reversed", "all", 0.081), ("fifth", "1", 0.14), ("fifth", "5", 0.52),
                ("municipality", "Horsens", 0.31), ("type", "punktsanktion", 0.84)]  # fmt: skip
    for measure, name, part in measures:
        put(
            store,
            run,
            "sanction_shares",
            measure=measure,
            arm="",
            group_name=name,
            persons=9000,
            share=part,
            status="shown",
        )
    for name, part in (("job", 0.2), ("self_support", 0.58)):
        put(store, run, "sanction_shares", measure="relapse", arm="sanctioned", group_name=name, weeks=52, persons=400,
            share=part, low=part - 0.05, high=part + 0.05, status="shown")  # fmt: skip
    put(store, run, "sanction_amounts", sanction_type="punktsanktion", is_reversed=False, decisions=1200, persons=700,
        without_amount=0, amount_dkk=1_900_000.0, status="shown")  # fmt: skip


@pytest.fixture(scope="module")
def store():
    with connection() as opened:
        yield opened


@pytest.fixture(scope="module")
def page(store):
    run = copy(store, "sanktioner", "fulgt")
    filled(store, run)
    return reports.render(store, run)


@pytest.mark.parametrize(
    "expected",
    [
        "I uge 5–12 efter en sanktion er afgangen til selvforsørgelse uden job 1,31 gange så høj som uden (1,07 til 1,60); "
        "afgangen til job (1,02 gange, 0,84 til 1,25), uddannelse (0,97 gange, 0,79 til 1,19) og en anden ydelse",
        "24,1 pct. af forløbene rummer en sanktion: i gennemsnit 14 pct. i den femtedel af kommunerne, der bruger dem "
        "mindst, og 52 pct. i den, der bruger dem mest.",
        "Inden for et år: job 10,4 pct. (8,3)",
        "Inden for et år er 58 pct. af dem, der gik til selvforsørgelse uden job og 20 pct. af dem, der gik til job "
        "tilbage på ydelsen.",
        "8,1 pct. af afgørelserne blev ophævet eller hjemvist. Uden dem er forholdet for selvforsørgelse 1,32 mod 1,31 med.",
        "Borgerne mistede 1,9 mio. kr. ved 1.200 sanktioner, der stod ved magt: 1.600 kr. pr. sanktion i gennemsnit.",
        "Talt fra varsel eller partshøring i stedet for afgørelsen er forholdet",
        "talt fra varsel eller partshøring",
        "En beregning uden uobserverede forskelle ville have sagt 0,91 for job og 1,17 for selvforsørgelse uden job.",
        "En naiv sammenligning ville have sagt 0,55 for job og 0,55 for selvforsørgelse uden job.",
        "Udeblivelser regnes som en tilstand for sig.",
        "Hvad truslen om en sanktion gør ved dem, der aldrig får en, er ikke målt.",
        "Én sanktion mere pr. 100 modtagere om måneden er forbundet med",
    ],
)
def test_page_one_answers_what_happens_to_those_who_are_sanctioned(page, expected):
    assert expected in text_of(page)


def test_the_charts_name_each_exit_and_have_a_table(page):
    figures = dict(re.findall(r'<figure id="figur-(\w+)">(.*?)</figure>', page, flags=re.DOTALL))
    for key in ("virkning", "hvorhen"):
        for label in ("Job", "Uddannelse", "Anden ydelse", "Selvforsørgelse uden job"):
            assert label in figures[key]
        assert "<table>" in figures[key]
        assert "NaN" not in figures[key]


def test_an_exit_that_falls_is_said_to_fall(store):
    run = copy(store, "sanktioner", "faldet")
    effect(store, run, "job", 0.6, is_headline=True)
    told = text_of(reports.render(store, run))
    assert "er afgangen til job 0,60 gange så høj som uden (0,49 til 0,73) (95 pct. interval i parentes)" in told


def test_hidden_effects_and_shares_leave_the_comparison_of_municipalities_as_the_answer(store):
    run = copy(store, "sanktioner", "skjult")
    gone = dict.fromkeys(("value", "low", "high", "se", "p_value"))
    effect(store, run, "job", 1.0, is_headline=True, status="suppressed", **gone)
    put(store, run, "sanction_shares", measure="sanctioned", arm="", group_name="all", persons=10, status="suppressed")
    told = text_of(reports.render(store, run))
    assert "Én sanktion mere pr. 100 modtagere om måneden er forbundet med" in told
    assert "I uge 5–12" not in told


def test_a_run_without_sanctions_has_no_word_of_them(store):
    assert "Hvad sker der efter en sanktion?" not in text_of(reports.render(store, "a1b2c3d4e5f60003"))
