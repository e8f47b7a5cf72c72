"""The quality report: what was delivered and lost, series that break, and what may leave."""

import datetime as dt
import json
import re

import pytest
from extract_files import GOOD, deliver
from small_register import build_marts, fill, open_store, person

from evaluator import pipeline, results
from evaluator.disclosure import MINIMUM_COUNT
from evaluator.errors import ProjectError
from evaluator.models import build
from evaluator.project import Project
from evaluator.quality import ledger, verdict, volume
from evaluator.quality.exits import DESTINATIONS, exits
from evaluator.quality.measure import measure
from evaluator.quality.rules import RULES
from evaluator.release import QUALITY_COLUMNS, release_quality
from evaluator.release_rules import Policy
from evaluator.store import connect
from evaluator.vocabulary import Finding, Verdict
from reports import quality_words, write_quality
from reports.pages import quality as page
from reports.released import read_quality

D = dt.date
DREAM = ("dream", "dream_lang")  # they would take the place of ydelser
POLICY = Policy(MINIMUM_COUNT)
MEETINGS = "pnr_pseudo;dato;samtaletype;kontaktform;sagsbehandler_id;udeblevet;registreret"


def months(first, counts, name="samtaler"):
    start = first.year * 12 + first.month - 1
    return [
        {"series": name, "month": D((start + n) // 12, (start + n) % 12 + 1, 1), "rows": rows}
        for n, rows in enumerate(counts)
    ]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A store with two versions of the meetings, rejects in the newer one, and no programmes."""
    made = Project.create(tmp_path_factory.mktemp("quality") / "project")
    for name in GOOD:
        if name not in ("samtaler", "tilbud", *DREAM):
            deliver(made, f"{name}.csv", GOOD[name])
    first = [f"P0000001;2016-{m:02d}-01;jobsamtale;personlig;S0001;0;2016-{m:02d}-03" for m in range(1, 11)]
    deliver(made, "samtaler.csv", "\n".join([MEETINGS, *first]) + "\n")
    pipeline.load(made)
    days = [D(2016, 2, 1) + dt.timedelta(days=n) for n in range(300)]
    lines = [f"P0000001;{day};jobsamtale;personlig;S0001;0;{day + dt.timedelta(days=40)}" for day in days]
    lines[7] = lines[7].replace(";0;", ";maaske;")
    lines[8] = lines[8].replace("jobsamtale", "")
    deliver(made, "samtaler-2.csv", "\n".join([MEETINGS, *lines]) + "\n")
    pipeline.load(made)
    with connect(made) as connection:
        build(connection, ("staging", "marts"), {"wage_final_after_months": 0})
    return made


@pytest.fixture(scope="module")
def released(project):
    with connect(project) as connection:
        results.create(connection)
        results.append(connection, "state", measure(connection))
        release_quality(connection, "state")
        return read_quality(connection, "state")


def test_every_row_of_a_delivery_is_usable_rejected_or_replaced(project):
    with connect(project) as connection:
        rows = {row["file"]: row for row in ledger.deliveries(connection)}
        reconciled = {row["extract"]: row for row in ledger.reconciled(connection, list(rows.values()))}
    parts = ("rows", "usable", "rejected", "replaced", "is_balanced")
    assert [rows["samtaler.csv"][name] for name in parts] == [10, 1, 0, 9, True]
    assert [rows["samtaler-2.csv"][name] for name in parts] == [300, 298, 2, 0, True]
    parts = ("rows", "typed", "merged", "rejected", "replaced", "is_balanced")
    assert [reconciled["samtaler"][name] for name in parts] == [310, 299, 0, 2, 9, True]
    assert [reconciled["beskaeftigelse"][name] for name in parts] == [2, 1, 1, 0, 0, True]
    for row in reconciled.values():
        assert row["rows"] == row["typed"] + row["merged"] + row["rejected"] + row["replaced"]


def test_rows_merged_or_replaced_are_counted_by_the_name_of_their_rule(project):
    with connect(project) as connection:
        delivered = ledger.deliveries(connection)
        merged = ledger.merged(connection)
        extracts = {row["extract"]: row for row in ledger.reconciled(connection, delivered)}
    told = [(row["file"], row["rule"], row["rows"]) for row in (*merged, *ledger.replaced(delivered))]
    assert told == [("beskaeftigelse.csv", "correction", 1), ("samtaler.csv", "overlapping", 9)]
    for name, row in extracts.items():
        assert row["merged"] == sum(part["rows"] for part in merged if part["extract"] == name)


def test_a_delivery_named_like_a_script_or_a_formula_stays_text(tmp_path):
    made = Project.create(tmp_path / "project")
    names = {"=HYPERLINK(1)<script>x": "beskaeftigelse", "@SUM(1)<b>": "kommunepanel", "personer": "personer"}
    texts = GOOD | {"kommunepanel": GOOD["kommunepanel"] + "411;2017K1;kontanthjaelp;aktivitetsparat;..;..;3;4,1;9\n"}
    for file, extract in names.items():
        deliver(made, f"{file}.csv", texts[extract] + "P0000001;2016-06;1,0;1,00;1\n" * (extract == "beskaeftigelse"))
    pipeline.load(made)
    with connect(made) as connection:
        build(connection, ("staging", "marts"), {"wage_final_after_months": 0})
        results.create(connection)
        results.append(connection, "state", measure(connection))
        release_quality(connection, "state")
        rules = [(row["rule"], row["rows"]) for row in ledger.merged(connection)]
    assert rules == [("correction", 1), ("several_jobs", 1), ("christiansoe", 1)]
    text = write_quality(made, "state").read_text(encoding="utf-8")
    assert "=HYPERLINK(1)&lt;script&gt;x.csv" in text and "@SUM(1)&lt;b&gt;.csv" in text
    assert "<script" not in text and "<b>.csv" not in text


def test_rows_that_went_missing_or_were_doubled_do_not_balance(project):
    for harm in (
        "delete from raw.samtaler where _line = 20 and _delivery = (select max(_delivery) from raw.samtaler)",
        "insert into raw.visitation select * from raw.visitation limit 1",
    ):
        with connect(project) as connection:
            connection.begin()
            connection.execute(harm)
            rows = ledger.deliveries(connection)
            lost = [row["extract"] for row in ledger.reconciled(connection, rows) if not row["is_balanced"]]
            connection.rollback()
        assert lost == [re.search(r"raw\.(\w+)", harm)[1]]


def test_rejects_are_told_by_what_was_wrong(project):
    with connect(project) as connection:
        found = [tuple(row.values()) for row in ledger.rejects(connection)]
    assert found == [("samtaler", "samtaletype", "missing", 1), ("samtaler", "udeblevet", "flag", 1)]


def test_a_reject_of_a_column_that_no_contract_names_cannot_be_read(project):
    with connect(project) as connection:
        connection.begin()
        connection.execute(
            "insert into raw.rejects select max(_delivery), 'ydelser', 'ydelser.csv', 2, 'y_1651' from raw.ydelser"
        )
        found = [tuple(row.values()) for row in ledger.rejects(connection)]
        connection.rollback()
    assert ("ydelser", "y_1651", "unreadable", 1) in found


def test_what_is_empty_or_not_stated_is_unknown(tmp_path):
    made = Project.create(tmp_path / "project")
    deliver(made, "personer.csv", GOOD["personer"].replace("grundskole", "uoplyst"))
    pipeline.load(made)
    with connect(made) as connection:
        found = {row["column_name"]: row for row in ledger.unknowns(connection)}
    assert {name: row["unknown"] for name, row in found.items() if row["unknown"]} == {
        "udd_niveau": 1,
        "udgaaet_dato": 1,
        "udgaaet_kode": 1,
    }
    assert [name for name, row in found.items() if row["may_be_blank"]] == ["udgaaet_dato", "udgaaet_kode"]


FLAT = [100] * 48
SEASON = [100, 100, 100, 30, 30, 30, 100, 100, 100, 250, 250, 250] * 4
# name: counts by month from January 2015, then (kind, index)
SERIES = {
    "nothing happens": (FLAT, []),
    "a level that halves": (FLAT[:30] + [50] * 18, [("shift", 30)]),
    "a level that doubles": (FLAT[:30] + [200] * 18, [("shift", 30)]),
    "a month is missing": ([*FLAT[:20], 0, *FLAT[21:]], [("gap", 20)]),
    "two months are missing": ([*FLAT[:20], 0, 10, *FLAT[22:]], [("gap", 20), ("gap", 21)]),
    "a season": (SEASON, []),
    "a season and a break": ([n if at < 29 else n // 3 for at, n in enumerate(SEASON)], [("shift", 29)]),
    "a register that fills up": ([int(400 * (1 - 0.9**n)) + 1 for n in range(48)], []),
    "too few to tell": ([4] * 30 + [1] * 18, []),
    "within chance": ([30] * 30 + [17] * 18, []),
}


@pytest.mark.parametrize("name", SERIES)
def test_gaps_and_changes_of_level_are_found_and_seasons_are_not(name):
    counts, expected = SERIES[name]
    found = [(kind, at) for kind, at, _, _ in (*volume.gaps(counts), *volume.shifts(counts))]
    assert found == expected


def test_a_break_beside_a_reform_is_explained_and_a_gap_only_by_a_shock_that_lasts():
    shift = volume.breaks(months(D(2013, 7, 1), FLAT[:30] + [50] * 18))  # January 2016
    gap = volume.breaks(months(D(2014, 5, 1), [*FLAT[:20], 0, *FLAT[21:]]))  # January 2016
    covid = volume.breaks(months(D(2018, 8, 1), [*FLAT[:20], 0, *FLAT[21:]]))  # April 2020
    assert [row["reform"] for row in (*shift, *gap)] == ["Refusionsreform", None]
    assert [row["reform"] for row in covid] == ["Nedlukning under covid-19"]


def test_the_verdict_is_the_worst_of_what_was_found():
    good = [{"extract": n, "rows": 100, "typed": 100, "rejected": 0, "is_balanced": True} for n in verdict.NEEDED]
    good += [{"extract": n, "rows": 100, "typed": 100, "rejected": 0, "is_balanced": True} for n in verdict.WANTED]
    nothing = {"series": [], "breaks": [], "delays": []}
    rule = {"severity": "critical", "passed": False, "table_name": "t", "rule": "r", "unexpected": 1, "notes": "Fordi."}
    assert verdict.light(verdict.actions(good, [], nothing, [])) == "green"
    assert verdict.light(verdict.actions(good, [], nothing, [rule | {"severity": "warning"}])) == "green"
    assert verdict.light(verdict.actions(good[:-1], [], nothing, [])) == "amber"
    assert verdict.light(verdict.actions(good[1:], [], nothing, [])) == "red"
    assert verdict.light(verdict.actions(good, [], nothing, [rule])) == "red"
    broken = [good[0] | {"is_balanced": False}, *good[1:]]
    assert verdict.light(verdict.actions(broken, [], nothing, [])) == "red"
    instead = [row | {"extract": {"ydelser": "dream"}.get(row["extract"], row["extract"])} for row in good]
    assert verdict.light(verdict.actions(instead, [], nothing, [])) == "green"
    published = [{"extract": "kommunepanel", "rows": 9, "typed": 9, "rejected": 0, "is_balanced": True}]
    assert verdict.actions(published, [], nothing, []) == []


def test_what_to_ask_for_names_the_column_the_month_and_the_share():
    ledger_rows = [{"extract": "samtaler", "rows": 1000, "typed": 990, "rejected": 10, "is_balanced": True}]
    column = {"extract": "personer", "column_name": "udd_niveau", "rows": 50, "unknown": 20, "may_be_blank": False}
    series = months(D(2015, 1, 1), FLAT, volume.RECIPIENTS) + months(D(2015, 1, 1), FLAT[:30], "sanktioner")
    series += months(D(2015, 1, 1), [*FLAT[:-1], 20], "ydelser")
    delays = [{"delay": "week", "meetings": 80}, {"delay": "later", "meetings": 20}]
    found = verdict.actions(ledger_rows, [column], {"series": series, "breaks": [], "delays": delays}, [])
    told = {(row["code"], row["subject"], row.get("item") or row.get("month")) for row in found}
    assert told >= {
        ("rejected", "samtaler", None),
        ("unknown", "personer", "udd_niveau"),
        ("ends_early", "sanktioner", D(2017, 6, 1)),
        ("tail", "ydelser", D(2018, 12, 1)),
        ("late", "samtaler", None),
    }
    shown = {row["code"]: (row["rows"], row["share"]) for row in RULES["quality_actions"](_filled(found), POLICY)}
    assert (shown["unknown"], shown["rejected"]) == ((20, 0.4), (10, 0.01))


def _filled(rows):
    """Give rows the columns that they leave out, as a table of results does."""
    return [dict.fromkeys(results.columns("quality_actions")) | row for row in rows]


KINDS = {
    "rule": "Fordi. Det gælder højst 5 rækker.",
    "unbalanced": "Rækkerne går ikke op",
    "absent": "Er ikke leveret. Uden dem er kontakt og udeblivelser ukendt.",
    "rejected": "Højst 5 rækker er afvist.",
    "unknown": "Kolonnen registreret er ukendt i højst 5 rækker.",
    "ends_early": "Slutter i maj 2017",
    "tail": "Den sidste måned, maj 2017",
    "gap": "Næsten ingen rækker i maj 2017, samtidig med: Fordi.",
    "shift": "Niveauet skifter i maj 2017, samtidig med: Fordi.",
    "late": "Højst 5 samtaler er registreret over en måned for sent.",
}


@pytest.mark.parametrize("code", KINDS)
def test_every_kind_of_thing_to_do_is_told_in_danish(code):
    row = {"code": code, "subject": "samtaler", "item": "registreret", "month": "2017-05-01", "rows": None}
    about, text = quality_words.action(row | {"share": None, "status": "few", "notes": "Fordi."})
    assert (about, text.startswith(KINDS[code])) == ("Samtaler", True), text


def test_small_counts_stay_and_parts_add_up():
    row = {"rows": 1003, "typed": 993, "merged": 7, "rejected": 3, "replaced": 0, "is_balanced": True}
    (shown,) = RULES["quality_extracts"]([row], POLICY)
    assert [shown[name] for name in ("rows", "typed", "merged", "rejected", "replaced")] == [1005, 995, 5, None, 0]
    assert [shown[f"{name}_status"] for name in ("rejected", "replaced")] == ["few", "none"]
    (tiny,) = RULES["quality_extracts"]([row | {"rows": 5, "typed": 5, "merged": 0, "rejected": 0}], POLICY)
    assert [tiny[name] for name in ("rows", "typed")] == [None, None]


def test_a_single_small_month_hides_a_second_one():
    shown = RULES["quality_series"](months(D(2016, 1, 1), [40, 3, 52, 61]), POLICY)
    assert [row["rows"] for row in shown] == [None, None, 50, 60]
    assert all(row["rows"] is None or row["rows"] % 5 == 0 for row in shown)


@pytest.mark.parametrize("count", range(8))
def test_two_states_one_row_apart_never_show_a_small_count(count):
    row = {"extract": "personer", "column_name": "udd_niveau", "may_be_blank": False, "rows": 1000, "unknown": count}
    (shown,) = RULES["quality_columns"]([row], POLICY)
    assert shown["unknown"] in (0, None, 5, 10)
    assert (shown["unknown"] is None) == (0 < count <= MINIMUM_COUNT)


def test_the_released_tables_are_what_the_page_says(released):
    assert {"run", *released.tables} == set(QUALITY_COLUMNS)
    shown = page.context(released)
    text = repr(shown)
    assert shown["figures"]["months"].table.headers[:3] == ("Måned", "Personer på ydelse", "Ydelser")
    assert "Er ikke leveret. Uden dem er aktivering og praktik ukendt." in text
    assert "samtaler" in text
    assert "er registreret over en måned for sent" in text
    assert released.fact("light") == "amber"
    assert not re.search(r"P000000\d|S0001", text)


def test_the_report_is_one_file_without_scripts_and_without_persons(project, released):
    path = write_quality(project, "state")
    text = path.read_text(encoding="utf-8")
    assert path.name == "datakvalitet.html"
    assert "Kan leverancen bruges?" in text
    assert not re.search(r"<script|<link|<iframe|<img|@import|https?://(?!www\.w3\.org)", text)
    told = path.with_suffix(".json").read_text(encoding="utf-8")
    assert not re.search(r"P000000\d|S0001", text + told)
    assert set(json.loads(told)["tables"]) == set(QUALITY_COLUMNS) - {"run"}


def test_one_command_writes_it_even_when_a_critical_rule_fails(tmp_path):
    made = Project.create(tmp_path / "project")
    with pytest.raises(ProjectError, match="no delivery is loaded"):
        pipeline.quality(made, lambda project: Verdict(()), write_quality)
    for name in GOOD.keys() - set(DREAM):
        deliver(made, f"{name}.csv", GOOD[name])

    def fail(project):
        with connect(project) as connection:
            connection.execute(
                "insert into meta.findings values (now()::timestamp, 'staging.stg_persons', 'unique(person_id)', "
                "'critical', false, 2, 2, 'En dublet tæller én person to gange.')"
            )
        return Verdict((Finding("staging.stg_persons", "unique(person_id)", "critical", False, 2, 2, "En dublet."),))

    light, path = pipeline.quality(made, fail, write_quality)
    first = path.read_bytes()
    assert light == "red"
    assert "Én fejl standser en kørsel" in first.decode()
    assert "En dublet tæller én person to gange." in first.decode()
    again, path = pipeline.quality(made, fail, write_quality)
    assert (again, path.read_bytes()) == ("red", first)
    passed = pipeline.quality(made, lambda project: Verdict(()), write_quality)
    assert pipeline.quality(made, lambda project: pytest.fail("checked again"), write_quality) == passed


def test_benefits_that_give_way_to_dream_are_all_accounted_for(tmp_path):
    made = Project.create(tmp_path / "project")
    for name in ("personer", "ydelser", *DREAM):
        deliver(made, f"{name}.csv", GOOD[name])
    pipeline.load(made)
    with connect(made) as connection:
        build(connection, ("staging",), {"wage_final_after_months": 0})
        found = {row["extract"]: row for row in ledger.reconciled(connection, ledger.deliveries(connection))}
    assert all(row["is_balanced"] for row in found.values())
    assert (found["ydelser"]["rows"], found["ydelser"]["typed"], found["ydelser"]["merged"]) == (3, 3, 0)


def test_exits_are_counted_by_each_rule_over_the_same_months(tmp_path):
    last = "2018-12-30"
    weeks_off = {"A": 1, "B": 2, "C": 5, "D": 9}  # then back on the benefit, for ever
    rows = [("X", "2017-01-02", last, "111", "615"), ("Z", "2017-01-02", "2018-10-28", "730", "615")]
    for name, off in weeks_off.items():
        rows.append((name, "2017-01-02", "2017-06-04", "730", "615"))
        rows.append((name, str(D(2017, 6, 5) + dt.timedelta(weeks=off)), last, "730", "615"))
    rows += [("E", "2017-01-02", "2017-06-04", "730", "615"), ("F", "2017-01-02", "2017-06-04", "143", "615")]
    wages = [("E", f"2017-{month:02d}", "100", "20000") for month in (6, 7, 8)] + [("X", "2018-12", "1", "1")]
    with open_store(tmp_path) as connection:
        people = [person(name) for name in (*weeks_off, "E", "F", "X", "Z")]
        fill(connection, {"personer": people, "ydelser": rows, "beskaeftigelse": wages})
        build_marts(connection)
        found = exits(connection)
    counts = {(row["exit_weeks"], row["destination"]): row["exits"] for row in found if row["exits"]}
    assert len(found) == 4 * len(DESTINATIONS)
    # Z leaves on 29 October 2018, too late for thirteen weeks, and is left out of every rule.
    assert counts == {
        **{(2, "self_support"): 4, (4, "self_support"): 3, (8, "self_support"): 2, (13, "self_support"): 1},
        **{(weeks, "job"): 1 for weeks in (2, 4, 8, 13)},
    }


def test_a_small_destination_hides_another_and_the_total_stays():
    counts = dict(zip(DESTINATIONS, (201, 99, 50, 3, 40), strict=True))
    rows = [{"exit_weeks": 4, "destination": name, "exits": n} for name, n in counts.items()]
    released = RULES["quality_exits"](rows, POLICY)
    assert {row["destination"]: row["exits"] for row in released} == {
        **{"job": 200, "education": 100, "other_benefit": 50, "supported_work": None, "self_support": None},
        "all": 395,
    }
    shown = page._exits(released)
    assert shown is not None
    assert shown.rows == (("4 uger", "395", "200", "100", "50", "..", "..", "50,6 pct."),)
