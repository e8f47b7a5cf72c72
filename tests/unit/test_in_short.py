"""The short answer about one municipality and the claim beside it, sentence by sentence on invented released rows."""

import math

import pytest

from reports import answer
from reports.pages import claim, front, in_short
from reports.released import TABLES, Released

FACTS = {
    "answer_kind": "undecided", "primary_outcome": "recipients", "estimator": "mean_log_change",
    "country_change": "-0.0669", "detectable_fall": "0.327", "plausible_low": "-0.1", "plausible_high": "-0.01",
}  # fmt: skip


def estimate(value, low, high, aggregate="overall", label="", at=0):
    return {
        "outcome": "recipients", "horizon_weeks": None, "aggregate": aggregate, "at": at, "at_label": label,
        "value": value, "low": low, "high": high, "p_value": 0.3, "unit": "log", "status": "estimated",
        "is_primary": aggregate == "overall", "relevant_change": math.log1p(0.05), "method": "ferman_pinto", "n": 272,
        "reason": None, "what_would_help": None, "p_family": None,
    }  # fmt: skip


def told(own=(-0.17, -0.48, 0.14), facts=None, **tables):
    """Return the released tables of a run with four false starts of two methods and one other method."""
    rows = [
        estimate(*own), estimate(-0.08, -0.4, 0.2, "estimator", "synthetic_did"),
        *(estimate(-0.05, -0.3, 0.3, "placebo_date", label) for label in ("2014-01", "2015-01", "2016-01")),
        estimate(-0.5, -0.9, -0.1, "placebo_date", "2016-01 synthetic_did"),
    ]  # fmt: skip
    before_after = {
        "outcome": "recipients", "horizon_weeks": None, "before": 272, "after": 227, "change": 227 / 272 - 1,
        "counterfactual_after": 269, "effect": own[0], "unit": "log", "status": "estimated",
    }  # fmt: skip
    places = [
        {"outcome": "recipients", "rank": at, "effect": effect, "is_treated": effect == own[0]}
        for at, effect in enumerate((-0.5, -0.3, own[0], 0.0, 0.4))
    ]
    given = {"estimates": rows, "before_after": [before_after], "placebos": places, "fits": [{"outcome": "recipients"}]}
    return Released("r", FACTS | (facts or {}), {key: [] for key in TABLES} | given | tables)


def answers(released):
    return dict(in_short.in_short(released))


def test_an_undecided_series_says_what_could_be_found_and_what_happened_elsewhere():
    found = answers(told())
    assert "ikke det samme som, at det ikke virkede" in found["Virkede det?"]
    sure = found["Hvor sikkert er det?"]
    assert "2 metoder giver mellem −15,6 pct. og −7,7 pct.; ingen af dem" in sure
    assert "2 af 4 andre kommuner faldt lige så meget eller mere" in sure
    assert "3 falske startdatoer (2014, 2015 og 2016), hvor intet skete, viser metoden noget ved ingen" in sure
    anyway = found["Hvad ville være sket alligevel?"]
    assert (
        "fra 272 til 227" in anyway and "blevet 269 (−1,1 pct., et gennemsnit hvor hver kommune tæller ens)" in anyway
    )
    assert anyway.endswith("var ændringen −6,7 pct.")
    assert found["Hvad kan man sige?"] == (
        "Et fald skal i denne serie være på omkring 33 pct. for at blive fundet i fire af fem tilfælde; det var kendt "
        "før start. En virkning som i tidligere undersøgelser (1 til 10 pct. færre) kan hverken ses eller udelukkes."
    )


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ((0.2, -0.005, 0.4), "er udelukket."),
        ((0.0, -0.04, 0.04), "En del af det, tidligere undersøgelser har fundet (1 til 10 pct. færre), er udelukket."),
    ],
)
def test_what_the_interval_rules_out_is_said(own, said):
    assert answers(told(own))["Hvad kan man sige?"].endswith(said)


def test_without_the_plans_number_or_a_band_nothing_is_made_up():
    found = answers(told(facts={"detectable_fall": "", "plausible_low": ""}))["Hvad kan man sige?"]
    assert found == "Kun store ændringer kan skelnes fra de udsving, andre kommuner har af sig selv."
    assert "hele landet" not in answers(told(facts={"country_change": ""}))["Hvad ville være sket alligevel?"]


def test_false_starts_that_show_something_are_counted():
    rows = [estimate(-0.17, -0.48, 0.14), estimate(-0.3, -0.5, -0.1, "placebo_date", "2016-01")]
    assert (
        "På en falsk startdato (2016), hvor intet skete, viser metoden noget."
        in (answers(told(estimates=rows))["Hvor sikkert er det?"])
    )


def test_a_difference_beyond_every_earlier_study_is_not_called_the_interventions():
    """Hjoerring: +64 per cent in a year is beyond chance and is no effect of fewer cases."""
    large = told((0.5, 0.17, 0.82), {"answer_kind": "effect", "plausibility": "red"})
    assert answer.is_unexplained(large) and answer.size_label(large) == "Forskel"
    assert "kan have andre årsager end indsatsen" in answer.sentence(large)
    assert "Indsatsens effekt" not in answer.sentence(large)
    assert "Om det er indsatsens virkning, er ikke vist" in answers(large)["Virkede det?"]
    assert "uden videre at tilskrive indsatsen" in front.context(large)["comparison"]["sentence"]
    small = told((-0.08, -0.15, -0.01), {"answer_kind": "effect", "plausibility": "green"})
    assert not answer.is_unexplained(small) and answer.sentence(small).startswith("Indsatsens effekt er, at")
    assert answers(small)["Virkede det?"].startswith("Antallet af modtagere blev lavere, end det ellers")
    assert answers(small)["Hvad kan man sige?"].startswith("At antallet ændrede sig usædvanligt meget")


def test_a_hidden_or_refused_answer_has_no_short_one():
    assert front.context(told(facts={"answer_kind": "refused"}))["in_short"] == []
    hidden = [estimate(None, None, None) | {"status": "suppressed"}]
    assert in_short.in_short(told(estimates=hidden)) == []
    assert in_short.in_short(told(fits=[])) == []  # a person design has a page of its own


def claimed(**more):
    row = {
        "text": "198 til 164", "kind": "count", "before": 198.0, "after": 164.0, "parts": "", "persons": -34.0,
        "change": 164 / 198 - 1, "amount_dkk": 1.8e6, "amount": "saved", "dkk_per_person": 1.8e6 / 34,
        "verdict": "amber", "green_low": -0.1, "green_high": -0.01, "amber_low": -0.2, "amber_high": 0.03,
        "source": "kommunen", "note": None,
    }  # fmt: skip
    shown = claim.claim(told(claim=[row | more]))
    return {line["label"]: line["text"] for line in shown["lines"]}


def test_the_claim_is_held_up_to_the_counterfactual_and_to_earlier_studies():
    found = claimed()
    assert found["Regnestykket:"] == (
        "198 til 164 er 34 færre (−17 pct.). 1,8 mio. kr. sparet er 52.941 kr. pr. person."
    )
    assert "ville der være 196, og indsatsens andel er 32 færre" in found["Uden indsatsen:"]
    assert found["Tidligere undersøgelser:"].endswith("typisk fra −10 til −1 pct., yderst fra −20 til 3 pct.")
    shares = claimed(kind="share", before=13.0, after=52.0, change=0.39, persons=None, dkk_per_person=None,
                     verdict="red", green_low=0.0, green_high=0.04, amber_low=-0.02, amber_high=0.08)  # fmt: skip
    assert shares["Regnestykket:"] == "13 pct. til 52 pct. er +39 pct.point."
    assert "5 gange så stor som yderkanten" in shares["Tidligere undersøgelser:"]
    more = claimed(kind="more", parts="18 + 22", persons=40.0, before=None, after=None, change=None, verdict=None,
                   amount_dkk=5e6, dkk_per_person=125_000.0, amount="spent")  # fmt: skip
    assert more["Regnestykket:"] == "18 + 22 er 40 flere. 5,0 mio. kr. brugt er 125.000 kr. pr. person."
    assert "bedste bud en forskel på −42 modtagere" in more["Uden indsatsen:"]
    assert more["Tidligere undersøgelser:"].startswith("Kan ikke vurderes")
    assert claim.claim(told()) is None
