"""What a report says where a number is lacking: small counts, no plan, no delivery, no counterfactual."""

# ruff: noqa: E501  (a sentence is compared on one line)

import json
import re

import pytest
from release_fixture import connection, copy
from test_report import outline, text_of

import reports
from reports import answer, words
from reports.charts import before_after, event_study
from reports.pages import front
from reports.released import read
from reports.write import as_json

HIDE = "value = null, low = null, high = null, band_low = null, band_high = null, n = null, status = 'suppressed'"
EVENTS = "aggregate = 'event'"


@pytest.fixture(scope="module")
def store():
    with connection() as opened:
        yield opened


def fact(key: str, value: object) -> str:
    return f"update release.run set value = '{value}' where {{run}} and key = '{key}'"


def estimates(change: str, where: str = "true") -> str:
    return f"update release.estimates set {change} where {{run}} and {where}"


def section(html: str, key: str) -> str:
    """Return a section, or where it is left out the line that says why."""
    return re.search(rf'<(section|div) id="afsnit-{key}".*?</\1>', html, flags=re.DOTALL).group(0)


def said(store, run: str, *changes: str) -> str:
    return answer.sentence(read(store, copy(store, run, "proeve", *changes)))


def page(store, run: str, *changes: str) -> str:
    html = reports.render(store, copy(store, run, "proeve", *changes))
    assert outline(html).open == []
    return html


def test_a_refused_run_gives_the_reason_of_its_primary_outcome(store):
    first = "insert into release.refusals (run_id, outcome, reason) select run_id, 'benefit', 'Noget andet.' from release.run where {run} limit 1"
    assert (
        said(store, "refused", first) == "Der er ikke beregnet noget svar: der er kun én periode før indsatsens start."
    )
    other = fact("primary_outcome", "education")
    assert said(store, "refused", first, other) == "Der er ikke beregnet noget svar: noget andet."


UNDELIVERED = "update release.delivery set verdict = 'not_delivered', delivered_share = 0.1 where {run}"


@pytest.mark.parametrize("kind", ["effect", "no_relevant_effect", "undecided", "refused"])
def test_what_was_not_delivered_is_not_said_to_lack_an_effect(store, kind):
    text = text_of(page(store, "trappe", UNDELIVERED, fact("answer_kind", kind)))
    opening = "Ikke gennemført Indsatsen blev ikke gennemført som planlagt"
    assert (opening if kind != "refused" else opening.removeprefix("Ikke gennemført ")) in text
    for claim in ("effekt af betydning", "Indsatsens effekt er", "kan tilskrives indsatsen", "Effekt +"):
        assert claim not in text.split("Bag svaret")[0]
    assert "■ Det planlagte fald i sagstallet er ikke gennemført i 15 af 15 kommuner." in text


def test_an_undelivered_intervention_keeps_its_number_without_a_verdict(store):
    assert said(store, "trappe", UNDELIVERED) == (
        "Indsatsen blev ikke gennemført som planlagt, så tallet siger ikke, om den virker: 2,3 pct.point flere var i "
        "job 52 uger efter, at de begyndte på ydelsen, end man kunne vente ud fra sammenligningen (95 pct. interval fra "
        "1,2 til 3,4 pct.point)."
    )


@pytest.mark.parametrize(
    ("low", "high", "change", "expected"),
    [
        (-0.010, 0.050, "null", " og rummer ingen effekt."),
        (-0.010, 0.050, "0.02", " og rummer både ingen effekt og en ændring af betydning."),
        (-0.050, 0.010, "0.02", " og rummer både ingen effekt og en ændring af betydning."),
        (-0.010, 0.0196, "0.02", " og rummer både ingen effekt og en ændring af betydning."),
        (-0.010, 0.015, "0.02", " og rummer ingen effekt."),
        (0.002, 0.015, "0.02", "til 1,5 pct.point."),
    ],
)
def test_an_undecided_answer_claims_no_more_than_the_printed_interval_holds(store, low, high, change, expected):
    changed = estimates(f"low = {low}, high = {high}, relevant_change = {change}", "is_primary")
    assert said(store, "trappe", fact("answer_kind", "undecided"), changed).endswith(expected)


@pytest.mark.parametrize(
    ("planned", "measured", "verdict", "expected"),
    [
        ((None, None), (None, None), "not_measured", "Ikke målt. Hverken planlagt eller målt sagstal er leveret, så det er ukendt, om borgerne fik indsatsen."),
        ((None, None), (70.0, 38.0), "not_measured", "Der er ikke leveret et planlagt sagstal. Målt: fra 70 til 38."),
        ((70.0, 35.0), (None, None), "not_measured", "Ikke målt. Planlagt: fra 70 til 35 sager; det faktiske sagstal er ikke målt, og det er derfor ukendt, om borgerne fik indsatsen."),
        ((70.0, 35.0), (70.0, 38.0), "delivered", "Gennemført. Planlagt: fra 70 til 35 sager; målt: fra 70 til 38."),
    ],
)  # fmt: skip
def test_planned_and_measured_caseloads_are_told_as_far_as_they_are_known(store, planned, measured, verdict, expected):
    released = read(store, copy(store, "horsens", "proeve"))
    row = released["delivery"][0]
    row.update(
        planned_before=planned[0],
        planned_after=planned[1],
        measured_before=measured[0],
        measured_after=measured[1],
        verdict=verdict,
    )
    assert front.context(released)["delivery"]["sentence"] == expected


def test_measured_caseloads_without_any_plan_are_not_called_unmeasured(store):
    html = page(store, "trappe", "update release.delivery set planned_before = null, planned_after = null, "
                "delivered_share = null, verdict = 'not_measured' where {run}")  # fmt: skip
    text = text_of(section(html, "gennemfoert"))
    assert "Der er ikke leveret et planlagt sagstal. Det målte sagstal står i tabellen." in text
    assert "uden plan at måle mod" in text
    assert "Målt sagstal før og efter starten" in html
    assert "planlagt efter" not in section(html, "sagstal")


def test_a_fall_that_the_count_does_not_see_is_told_and_the_count_stands_in_the_table(store):
    released = read(store, copy(store, "horsens", "optalt"))
    row = released["delivery"][0]
    row.update(measured_before=70.0, measured_after=38.0, verdict="delivered")
    assert front.context(released)["delivery"]["why"] == ""
    assert "Optalt" not in front.delivery_table(released["delivery"]).headers
    row.update(counted_before=66.0, counted_after=64.0, counted_verdict="not_delivered")
    assert (
        "faldt sagstallet under en fjerdedel af det planlagte i Horsens" in front.context(released)["delivery"]["why"]
    )
    shown = front.delivery_table(released["delivery"])
    assert (shown.headers[-1], shown.rows[0][-1]) == ("Optalt", "66 → 64")


def test_whole_caseloads_are_shown_whole(store):
    shown = text_of(section(page(store, "trappe"), "sagstal"))
    assert re.findall(r"\d+,0\b(?! pct)", shown) == []


@pytest.mark.parametrize(
    ("estimator", "expected"),
    [
        ("mean_log_change", "Ændring mod andre kommuners ændring"),
        ("municipality_panel", "Kommuner over tid med faste forskelle"),
        ("group_time", "Forskelle i forskelle, kohorte for kohorte"),
        ("imputation", "Imputation"),
        ("a_strangers_method", "A strangers method"),
    ],
)
def test_the_method_told_is_the_one_that_answered(store, estimator, expected):
    assert f"<h3>{expected}</h3>" in page(store, "trappe", fact("estimator", estimator))


@pytest.mark.parametrize("run", ["trappe", "horsens"])
@pytest.mark.parametrize(
    ("months", "expected"),
    [(0, None), (1, "Den sidste måned før start bruges ikke"), (6, "De sidste 6 måneder før start bruges ikke")],
)
def test_the_months_left_out_before_the_start_are_told_for_persons_and_series(store, run, months, expected):
    put = f"insert into release.run select run_id, 'anticipation_months', '{months}' from release.run where {{run}} limit 1"
    text = text_of(
        section(page(store, run, "delete from release.run where {run} and key = 'anticipation_months'", put), "metode")
    )
    assert (expected in text) if expected else ("før start bruges ikke" not in text)


def test_a_suppressed_answer_says_so_in_the_box_and_in_the_sentence(store):
    html = page(store, "trappe", estimates(HIDE, "is_primary"))
    text = text_of(html)
    assert "Svaret vises ikke: tallet hviler på for få personer til at blive vist." in text
    assert text.count("Diskretioneret", 0, text.index("Blev det gennemført?")) == 3
    assert "Forskel Diskretioneret" in text
    assert "Før og efter vises ikke: der er for få personer bag tallene." in text


def test_a_suppressed_answer_of_an_undelivered_intervention_says_both(store):
    assert said(store, "trappe", UNDELIVERED, estimates(HIDE, "is_primary")) == (
        "Indsatsen blev ikke gennemført som planlagt, og tallet hviler på for få personer til at blive vist."
    )


@pytest.mark.parametrize(("hidden", "expected"), [("= 20", "1 punkt."), (">= 20", "4 punkter.")])
def test_hidden_event_times_are_counted_under_the_chart(store, hidden, expected):
    shown = section(page(store, "trappe", estimates(HIDE, f'{EVENTS} and "at" {hidden} and "at" < 24')), "forloeb")
    assert f"Skjult, fordi for få personer ligger bag: {expected}" in shown


@pytest.mark.parametrize(
    ("key", "change", "expected"),
    [
        ("forloeb", estimates(HIDE, EVENTS), "Forløbet er diskretioneret"),
        ("udfald", estimates(HIDE), "Udfaldene vises ikke: der er for få personer bag dem"),
        ("hvem", "update release.groups set value = null, low = null, high = null, status = 'suppressed' where {run}", "Grupperne er diskretioneret"),
        ("over-tid", "update release.means set share = null, persons = null, status = 'suppressed' where {run}", "Tallene over tid er diskretioneret"),
        ("borgerne", "update release.end_states set share = null, status = 'suppressed' where {run}", "Vises ikke: der er for få personer bag hver tilstand."),
    ],
)  # fmt: skip
def test_a_section_that_is_all_hidden_says_so_instead_of_an_empty_chart(store, key, change, expected):
    shown = section(page(store, "trappe", change), key)
    assert "<svg" not in shown
    assert expected in text_of(shown)


def test_hidden_outcomes_and_end_states_leave_their_charts_and_are_counted(store):
    html = page(store, "trappe", estimates(HIDE, "outcome in ('education', 'self_support')"))
    for key, noun in (("borgerne", "2 tilstande."), ("udfald", "2 udfald.")):
        shown = section(html, key)
        drawing, rest = re.search(r"<svg.*?</svg>", shown, flags=re.DOTALL).group(0), text_of(shown)
        assert "Uddannelse" not in drawing
        assert f"Skjult, fordi for få personer ligger bag: {noun}" in rest
        assert "Uddannelse" in rest
        assert "summerer til 100" not in rest


def test_p_values_are_adjusted_for_the_declared_outcomes_and_say_of_how_many(store):
    shown = text_of(section(page(store, "trappe"), "udfald"))
    assert "p, korrigeret" in shown and "under 0,001" in shown and "0,094" in shown
    assert "p er korrigeret for de 2, der på forhånd er valgt og kan beregnes" in shown
    for change in (estimates("p_family = null"), "delete from release.run where {run} and key = 'family_size'"):
        assert "korrigeret" not in text_of(section(page(store, "trappe", change), "udfald"))


def test_page_one_names_the_outcomes_that_moved_after_adjustment(store):
    both = text_of(page(store, "trappe"))
    assert "Efter korrektion for, at 2 udfald er undersøgt, er der forskel på job efter 52 uger: +" in both
    assert "p under 0,001)." in both
    none = text_of(page(store, "trappe", estimates("p_family = 0.06", "p_family is not null")))
    assert "Efter korrektion for, at 2 udfald er undersøgt, kan ingen af dem skelnes fra uændret." in none
    assert "Efter korrektion" not in text_of(page(store, "trappe", UNDELIVERED))


def test_more_activation_is_not_said_to_be_delivered_by_its_caseload(store):
    kind = "update release.run set value = 'activation' where {run} and key = 'kind'"
    assert "Om der blev givet mere aktivering, er ikke målt" in text_of(page(store, "trappe", kind))


def test_p_values_are_said_to_be_adjusted_for_a_hidden_outcome_too(store):
    hide = estimates(HIDE + ", p_value = null, p_family = null", "outcome = 'education'")
    shown = text_of(section(page(store, "trappe", hide), "udfald"))
    assert "under 0,001" in shown and "0,094" not in shown
    assert "p er korrigeret for de 2, der på forhånd er valgt og kan beregnes" in shown


def test_hidden_exits_of_an_association_say_so(store):
    shown = text_of(section(page(store, "sanktioner", estimates(HIDE)), "borgerne"))
    assert "Vises ikke: der er for få personer bag hver afgang" in shown


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("not_estimable", "fordi det ikke kan beregnes, hvad der ellers ville være sket."),
        ("suppressed", "der er for få personer bag tallene."),
    ],
)
def test_before_and_after_without_numbers_say_why(store, status, expected):
    change = f"update release.before_after set before = null, after = null, change = null, counterfactual_after = null, effect = null, status = '{status}' where {{run}}"
    shown = section(page(store, "trappe", change), "foer-efter")
    assert "<svg" not in shown
    assert expected in text_of(shown)


def test_placebos_need_no_scaled_effect(store):
    html = page(store, "horsens", "update release.placebos set scaled = null where {run}", fact("scaled_rank", ""),
                "delete from release.estimates where {run} and aggregate = 'overall_scaled'")  # fmt: skip
    shown = section(html, "placebo")
    assert "<svg" in shown
    assert "kaleret efter størrelse" not in shown
    assert "mangler" not in shown


def test_a_counterfactual_below_zero_is_told_but_draws_no_bar(store):
    change = "update release.end_states set share = -0.004 where {run} and arm = 'counterfactual' and state = 'left_register'"
    shown = section(page(store, "trappe", change), "borgerne")
    assert "−0,4 pct." in shown
    assert words.BELOW_ZERO in shown
    bars = re.findall(r'<path d="M(-?[\d.]+),-?[\d.]+h(-?[\d.]+)v', shown)
    assert len(bars) == 10
    assert all(float(start) == 0 and float(width) >= 0 for start, width in bars)


def test_no_before_after_bar_is_drawn_below_zero():
    row = {
        "before": 0.02,
        "after": 0.01,
        "counterfactual_after": -0.004,
        "unit": "share",
        "effect": 0.014,
        "change": -0.01,
    }
    estimate = {"value": 0.014, "low": 0.004, "high": 0.024}
    assert before_after.counterfactual_interval(row, estimate) == (0.0, pytest.approx(0.006))
    shown = before_after.before_after(row, estimate, "Titel")
    assert shown.notes == (words.BELOW_ZERO,)
    assert shown.table.rows[2][1] == "−0,4 pct."


def event(at: int, half: float, band: float) -> dict:
    return {"at": at, "is_partly_exposed": False, "unit": "share", "status": "estimated", "n": 100, "value": 0.0,
            "low": -half, "high": half, "band_low": -band, "band_high": band}  # fmt: skip


@pytest.mark.parametrize(("widest", "is_clipped"), [(0.022, False), (0.9, True)])
def test_only_a_band_wider_than_the_figure_is_cut_and_said_to_be(widest, is_clipped):
    rows = [event(-1, 0.01, 0.015), event(0, 0.02, 0.022), event(1, 0.01, widest)]
    shown = event_study.event_study(rows, "month", "Titel")
    assert ("skåret af" in shown.caption) == is_clipped
    assert "80" not in re.findall(r">[−+]?(\d+)<", str(shown.svg))
    assert f"{100 * widest:.1f}".replace(".", ",") in shown.table.rows[2][4]


def test_an_open_interval_is_written_to_json_as_text(store):
    run = copy(store, "horsens", "proeve", estimates("low = '-inf'", "is_primary"))
    rows = json.loads(as_json(read(store, run)))["tables"]["estimates"]
    assert "-inf" in [row["low"] for row in rows]
    assert "uden grænse til den anden side" in reports.render(store, run)
