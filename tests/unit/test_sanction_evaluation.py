"""The rows of the duration model of sanctions, on spells made up so that the answer is known."""

import datetime as dt
import math
from dataclasses import replace
from itertools import count

import polars as pl
import pytest

from evaluator.errors import SpecError
from evaluator.estimators.timing_of_events import FEWEST
from evaluator.evaluation.sanction_courses import courses
from evaluator.evaluation.sanction_effects import effects
from evaluator.evaluation.sanction_hazards import DESTINATIONS, Spells, hazards, told
from evaluator.results import Findings
from evaluator.spec_reading import parse_spec
from evaluator.vocabulary import NotEstimable

MONDAY = dt.date(2016, 1, 4)
SPEC = """
[evaluation]
name = "s"
title = "s"
question = "s"
[intervention]
kind = "sanction"
name = "s"
[population]
benefits = ["uddannelseshjaelp", "kontanthjaelp"]
[panel]
from = 2014-01-01
to = 2019-12-31
[[outcome]]
name = "exit_job"
[sanctions]
persons = 1000
mass_points = 1
[estimation]
estimators = ["municipality_panel"]
"""


def spell(number, destination, weeks, sanctioned=None, is_reversed=False, away=()):
    """Return one spell and its episodes: cut at the sanction, at 5, 13 and 27 weeks after it, and when away."""
    person = {"person_id": f"P{number:05}", "spell_number": 1}
    pieces = [] if sanctioned is None else [sanctioned + piece for piece in (0, 5, 13, 27)]
    cuts = sorted({at for at in (0, *pieces, *away) if at < weeks})
    whole = {
        **person, "benefit": "kontanthjaelp", "municipality_code": f"{101 + number % 4}", "from_week": MONDAY,
        "entry_weeks": 0, "weeks": weeks, "destination": destination, "age_group": ("18-24", "30-49")[number % 2],
        "sex": ("K", "M")[number // 2 % 2], "sanction_weeks": sanctioned, "notice_weeks": sanctioned,
        "sanction_type": None if sanctioned is None else ("punktsanktion", "periodesanktion")[number % 2],
        "is_reversed": None if sanctioned is None else is_reversed,
        "exit_week": MONDAY + dt.timedelta(weeks=weeks) if destination else None,
        "back_week": MONDAY + dt.timedelta(weeks=weeks + 10) if destination and number % 2 else None,
    }  # fmt: skip
    rows = []
    for start, stop in zip(cuts, (*cuts[1:], weeks), strict=True):
        is_after = sanctioned is not None and start >= sanctioned
        is_away = bool(away) and away[0] <= start < away[1]
        ended = destination if stop == weeks else "sanction" if stop == sanctioned else None
        state = "sanctioned" if is_after else "away" if is_away and ended != "sanction" else "free"
        rows.append({
            **person, "start_weeks": start, "stop_weeks": stop, "transition": ended,
            "since_sanction_weeks": start - sanctioned if is_after else None,
            "since_notice_weeks": start - sanctioned if is_after else None, "benefit": "kontanthjaelp",
            "target_group": ("jobparat", "aktivitetsparat")[number % 3 // 2], "age_group": whole["age_group"],
            "sex": whole["sex"], "year": 2016, "no_shows": 0, "is_no_show_recent": False, "is_away": is_away,
            "caseload": None, "state": state,
        })  # fmt: skip
    return whole, rows


def data(*made):
    whole, parts = zip(*made, strict=True)
    spells, episodes = pl.DataFrame(whole, infer_schema_length=None), pl.DataFrame(
        [row for rows in parts for row in rows], infer_schema_length=None
    )  # fmt: skip
    sanctioned = spells.filter(pl.col("sanction_weeks").is_not_null())
    comparisons = sanctioned.select(
        "person_id", "spell_number", "is_reversed", "destination",
        weeks_after=pl.col("weeks") - pl.col("sanction_weeks"),
        compared_weeks_after=pl.lit(20), compared_destination=pl.lit("job"),
    )  # fmt: skip
    places = pl.DataFrame([
        {"municipality_code": f"{101 + i}", "spells": 100, "sanctioned": 20 + i, "weeks": 4000,
         **{f"exits_{name}": 10 + i for name in DESTINATIONS}} for i in range(4)
    ])  # fmt: skip
    kinds = [{"sanction_type": "punktsanktion", "is_reversed": is_reversed, "decisions": 60, "persons": 50,
              "without_amount": 0, "amount_dkk": 60_000.0} for is_reversed in (False, True)]  # fmt: skip
    return Spells(spells, episodes, comparisons, places, pl.DataFrame(kinds))


def crowd(sanctioned_exits=14, free_exits=40):
    """Return spells with as many exits of each kind in each piece after a sanction, and without one."""
    made, number = [], 0
    for destination in DESTINATIONS:
        for weeks in (3, 9, 20, 40):
            for _ in range(sanctioned_exits):
                made.append(spell(number, destination, 10 + weeks, 10, is_reversed=number % 5 == 0))
                number += 1
        for place in range(free_exits):
            made.append(spell(number, destination, 4 + place))
            number += 1
    return data(*made)


def test_pieces_are_the_finest_with_enough_exits_of_each_kind():
    assert [piece.from_weeks for piece in hazards(crowd()).pieces] == [0, 5, 13, 27]
    number, made = count(), []
    for name in ("job", "self_support"):
        made += [spell(next(number), name, weeks, 10) for weeks in (12, 18) for _ in range(FEWEST)]
    for name in ("job", "self_support", "education"):
        made += [spell(next(number), name, 5 + i) for i in range(30)]
    found = hazards(data(*made))
    assert [piece.from_weeks for piece in found.pieces] == [0, 5]
    assert found.exits == ("job", "self_support")  # nobody left for education after a sanction: those are censored
    assert "education" not in found.frame["transition"].drop_nulls().to_list()


def test_too_few_exits_after_a_sanction_are_refused_in_words():
    few = [spell(i, "job", 12, 10) for i in range(FEWEST - 1)] + [spell(100 + i, "job", 5 + i) for i in range(40)]
    found = hazards(data(*few))
    assert isinstance(found, NotEstimable) and "afgange til job" in found.reason


def test_a_spell_sanctioned_in_its_first_week_is_left_out():
    one, early = crowd(), data(*[spell(7000 + i, "job", 30, 0) for i in range(30)])
    both = replace(one, spells=pl.concat([one.spells, early.spells], how="vertical_relaxed"),
                   episodes=pl.concat([one.episodes, early.episodes], how="vertical_relaxed"))  # fmt: skip
    assert hazards(both).frame["person_id"].unique().sort().equals(hazards(one).frame["person_id"].unique().sort())


def test_a_category_without_enough_transitions_of_a_kind_joins_the_reference():
    columns = {"few": [1.0, 0.0] * 40, "even": [1.0, 1.0, 0.0, 0.0] * 20, "year": [-1.0, 0.0, 1.0, 2.0] * 20}
    frame = pl.DataFrame({"transition": ["job", "sanction"] * 40, **columns})
    assert told(frame, ["few", "even", "year"], ("job", "sanction")) == ["even", "year"]


def test_weeks_away_are_on_neither_side():
    one = crowd()
    away = data(*[spell(5000 + i, "job", 30, None, away=(5, 25)) for i in range(30)])
    both = Spells(
        pl.concat([one.spells, away.spells], how="vertical_relaxed"),
        pl.concat([one.episodes, away.episodes], how="vertical_relaxed"),
        one.comparisons, one.municipalities, one.decisions,
    )  # fmt: skip
    frame = hazards(both).frame.filter(pl.col("person_id") >= "P05000")
    assert frame.filter(pl.col("state") != "away")["duration"].sum() == 30 * 10
    assert frame.filter(pl.col("is_away"))["state"].unique().to_list() == ["away"]
    assert frame.filter(pl.col("state") == "away")["transition"].null_count() == 30


def test_without_the_reversed_a_spell_ends_at_the_decision():
    whole = crowd()
    cut = whole.without_reversed()
    own = cut.spells.join(whole.spells.filter(pl.col("is_reversed")), on="person_id", how="semi")
    assert len(own) and own["destination"].is_null().all() and own["sanction_weeks"].is_null().all()
    assert own["weeks"].to_list() == [10] * len(own)
    rows = cut.episodes.join(own, on="person_id", how="semi")
    assert rows["transition"].is_null().all() and set(rows["state"]) == {"free"}
    assert len(cut.spells) == len(whole.spells)


def test_a_sanction_counted_from_its_notice_begins_when_it_was_given():
    whole = data(spell(0, "job", 30, sanctioned=10), spell(1, "job", 30))
    early = whole.spells.with_columns(notice_weeks=pl.col("sanction_weeks") - 10)
    since = pl.when(pl.col("person_id") == "P00000").then("start_weeks")
    told = replace(whole, spells=early, episodes=whole.episodes.with_columns(since_notice_weeks=since)).from_notice()
    rows = told.episodes.filter(pl.col("person_id") == "P00000").sort("start_weeks")
    assert rows["since_sanction_weeks"].to_list() == rows["start_weeks"].to_list()
    assert set(rows["state"]) == {"sanctioned"} and rows["transition"].to_list() == [None, None, None, "job"]
    other = told.episodes.filter(pl.col("person_id") == "P00001")
    assert other.select(whole.episodes.columns).equals(whole.episodes.filter(pl.col("person_id") == "P00001"))


def test_a_municipality_that_sanctions_more_has_a_higher_level():
    levels = hazards(crowd()).frame.group_by("municipality_code").agg(pl.col("level_sanction").first()).sort(pl.first())
    assert levels["level_sanction"].is_sorted()
    assert levels["level_sanction"].sum() == pytest.approx(0, abs=1e-12)


def test_effects_hold_every_exit_method_and_subset_and_one_headline_each():
    findings = Findings()
    spec = parse_spec(SPEC, "s.toml")
    headline, checks = effects(crowd(), spec, findings)
    rows = findings.rows["sanction_effects"]
    told = {(row["method"], row["subset"]) for row in rows}
    assert told >= {("timing_of_events", "all"), ("without_heterogeneity", "all"), ("naive", "all"),
                    ("timing_of_events", "without_reversed")}  # fmt: skip
    assert [row["destination"] for row in rows if row["is_headline"]] == list(DESTINATIONS)
    (own,) = [row for row in rows if row["is_headline"] and row["destination"] == "self_support"]
    assert own["value"] == pytest.approx(headline.value)
    assert own["plausibility"] in ("green", "amber", "red")
    assert {check.name for check in checks} == {"anticipation_job", "anticipation_self_support", "heterogeneity"}


def test_the_naive_ratio_is_of_exits_per_week():
    findings = Findings()
    whole = crowd()
    effects(whole, parse_spec(SPEC, "s.toml"), findings)
    (row,) = [r for r in findings.rows["sanction_effects"] if r["method"] == "naive" and r["destination"] == "job"]
    ever = pl.col("sanction_weeks").is_not_null()
    rates = [
        part.filter(pl.col("destination") == "job").height / part["weeks"].sum()
        for part in (whole.spells.filter(ever), whole.spells.filter(~ever))
    ]
    assert row["value"] == pytest.approx(math.log(rates[0] / rates[1]))


def test_courses_count_shares_returns_and_kroner():
    findings = Findings()
    courses(crowd(), {"101": "København"}, dt.date(2019, 12, 31), findings)
    shares = {(r["measure"], r["arm"], r["group_name"], r.get("weeks")): r for r in findings.rows["sanction_shares"]}
    assert shares["sanctioned", "", "all", None]["share"] == pytest.approx(86 / 400)
    assert ("municipality", "", "København", None) in shares
    assert shares["reversed", "", "all", None]["share"] == 0.5
    back = shares["relapse", "sanctioned", "job", 26]
    assert back["share"] == pytest.approx(back["count"] / back["persons"]) and 0.4 < back["share"] < 0.6
    last = [r for r in findings.rows["sanction_incidence"] if r["weeks"] == 52 and r["arm"] == "sanctioned"]
    assert sum(row["share"] for row in last) == pytest.approx(1)
    assert [row["amount_dkk"] for row in findings.rows["sanction_amounts"]] == [60_000.0, 60_000.0]


def test_persons_are_followed_in_a_sanction_spec_alone():
    other = SPEC.replace('kind = "sanction"', 'kind = "caseload"').replace('name = "exit_job"', 'name = "job"')
    with pytest.raises(SpecError, match="persons are followed from a sanction on"):
        parse_spec(other.replace("municipality_panel", "group_time"), "s.toml")


def test_a_spec_keeps_its_hash_without_the_section():
    section = SPEC[SPEC.index("[sanctions]") : SPEC.index("[estimation]")]
    without = parse_spec(SPEC.replace(section, ""), "s.toml")
    assert without.sanctions is None
    assert without.content_hash != parse_spec(SPEC, "s.toml").content_hash
