"""Episodes, exits and monthly tables on a register written by hand."""

import datetime as dt
from decimal import Decimal

import pytest
from small_register import build_marts, fill, open_store, person

D = dt.date
END = "2018-12-30"
LAST_WAGE = ("P0", "2018-12", "1", "1")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with open_store(tmp_path_factory.mktemp("marts")) as connection:
        yield connection


def write(store, spells, *, left_on="", wage_final_after_months=0, **extra):
    """Build the marts of one person A with these spells, and someone who is seen to the end of the data."""
    rows = {"personer": [person("P0"), person("A", left_on=left_on)], "beskaeftigelse": [LAST_WAGE]}
    rows["ydelser"] = [("P0", "2014-01-06", END, "111", "615"), *(("A", *spell, "0615") for spell in spells)]
    fill(store, rows | {name: [*rows.get(name, ()), *more] for name, more in extra.items()})
    build_marts(store, wage_final_after_months)


def weeks_later(day, weeks):
    return (D.fromisoformat(day) + dt.timedelta(weeks=weeks)).isoformat()


FIRST_END = "2016-02-28"  # a Sunday

# name: second spell begins so many whole weeks after 28 February; how many episodes that makes
GAPS = {"no gap": (0, 1), "two weeks": (2, 1), "three weeks": (3, 1), "four weeks": (4, 2), "five weeks": (5, 2)}


def test_four_weeks_in_a_row_off_the_benefit_end_an_episode(store):
    returns = {name: weeks_later("2016-02-29", weeks) for name, (weeks, _) in GAPS.items()}
    spells = [(name, "2016-01-04", FIRST_END, "730", "615") for name in GAPS]
    spells += [(name, day, "2016-06-26", "733", "615") for name, day in returns.items()]
    write(store, [], ydelser=spells)
    query = "select from_week, to_week from marts.benefit_spells where person_id = ? order by all"
    for name, (_, episodes) in GAPS.items():
        one = [(D(2016, 1, 4), D(2016, 6, 20))]
        two = [(D(2016, 1, 4), D(2016, 2, 22)), (D.fromisoformat(returns[name]), D(2016, 6, 20))]
        assert store.execute(query, [name]).fetchall() == (one if episodes == 1 else two), name


def test_episodes_cross_the_year_and_week_53(store):
    write(store, [("2015-10-05", "2015-12-06", "730"), ("2016-01-03", "2016-02-28", "730")])
    # Off in weeks 50, 51 and 52; back on the Sunday of week 53
    found = store.execute("select from_week, to_week from marts.benefit_spells where person_id = 'A'").fetchall()
    assert found == [(D(2015, 10, 5), D(2016, 2, 22))]
    write(store, [("2015-10-05", "2015-12-06", "730"), ("2016-01-04", "2016-02-28", "730")])
    found = store.execute(
        "select exit_week, destination, weeks from marts.exits where person_id = 'A' order by all"
    ).fetchall()
    assert found == [(D(2015, 12, 7), "self_support", 9), (D(2016, 2, 29), "self_support", 8)]


ON = ("2016-01-04", FIRST_END, "730")
# name: spells, further extracts, then exits as (benefit, exit_week, destination)
KTH, OFF = "kontanthjaelp", D(2016, 2, 29)
EXITS = {
    "to nothing": ([ON], {}, [(KTH, OFF, "self_support")]),
    "the fourth week decides": (
        [ON, ("2016-02-29", "2016-03-20", "890")], {"beskaeftigelse": [("A", "2016-03", "30", "9000")]},
        [(KTH, OFF, "job"), ("sygedagpenge", D(2016, 3, 21), "self_support")]),
    "a wage in another month than the fourth week's": (
        [ON], {"beskaeftigelse": [("A", "2016-02", "30", "9000")]}, [(KTH, OFF, "self_support")]),
    "to the other of the two benefits": (
        [ON, ("2016-02-29", "2016-04-17", "143")], {},
        [(KTH, OFF, "other_benefit"), ("uddannelseshjaelp", D(2016, 4, 18), "self_support")]),
    "to a student grant": ([ON, ("2016-03-07", "2016-06-26", "651")], {}, [(KTH, OFF, "education")]),
    "to education without a grant": (
        [ON], {"uddannelse": [("A", "2016-03-14", "", "hf")]}, [(KTH, OFF, "education")]),
    "to fleksjob": (
        [ON, ("2016-02-29", "2016-04-17", "771")], {},
        [("fleksjob", D(2016, 4, 18), "self_support"), (KTH, OFF, "supported_work")]),
    "wage subsidy is no exit": (
        [ON, ("2016-02-29", "2016-05-29", "735"), ("2016-05-30", "2016-06-26", "730")], {},
        [(KTH, D(2016, 6, 27), "self_support")]),
    "sick pay of three weeks is no exit": (
        [ON, ("2016-02-29", "2016-03-20", "890"), ("2016-03-21", "2016-06-26", "730")], {},
        [(KTH, D(2016, 6, 27), "self_support"), ("sygedagpenge", D(2016, 3, 21), "other_benefit")]),
    "another target group is no exit": (
        [("2016-01-04", FIRST_END, "130"), ("2016-02-29", "2016-06-26", "730")], {},
        [(KTH, D(2016, 6, 27), "self_support")]),
}  # fmt: skip


@pytest.fixture(scope="module")
def exits(store):
    rows = {"personer": [], "ydelser": [("P0", "2014-01-06", END, "111", "615")], "beskaeftigelse": [LAST_WAGE]}
    for name, (spells, extra, _) in EXITS.items():
        rows["personer"].append(person(name))
        rows["ydelser"] += [(name, *spell, "0615") for spell in spells]
        for extract, more in extra.items():
            rows.setdefault(extract, []).extend((name, *row[1:]) for row in more)
    fill(store, rows)
    build_marts(store)
    query = "select person_id, benefit, exit_week, destination from marts.exits where not is_censored order by all"
    return store.execute(query).fetchall()


@pytest.mark.parametrize("name", EXITS)
def test_an_exit_is_dated_at_the_first_week_off_and_named_by_the_fourth(exits, name):
    assert [row[1:] for row in exits if row[0] == name] == EXITS[name][2]


def test_leaving_the_register_censors(store):
    write(store, [ON], left_on="2016-03-23")
    row = "select exit_week, destination, is_censored, weeks from marts.exits where person_id = 'A'"
    assert store.execute(row).fetchall() == [(D(2016, 2, 29), "left_register", True, 8)]
    write(store, [ON], left_on="2016-03-28")  # the Monday after the fourth week
    assert store.execute(row).fetchall() == [(D(2016, 2, 29), "self_support", False, 8)]


def test_an_exit_counts_only_when_its_fourth_week_and_final_wages_are_seen(store):
    # Data end Sunday 30 December 2018, so the last exit that counts is dated in the week of 26 November.
    # With October as the last final wage month it is 1 October; its fourth week is the last one of October.
    # Who is on the benefit in the week of 26 November has not left by then. Whether the ninth week was the last is not
    # seen, so the spell is censored after eight.
    row = "select exit_week, destination, is_censored, weeks from marts.exits where person_id = 'A'"
    for start, last_day, months, expected in [
        ("2018-10-01", "2018-11-25", 0, (D(2018, 11, 26), "self_support", False, 8)),
        ("2018-10-01", "2018-12-02", 0, (D(2018, 11, 26), None, True, 8)),
        ("2018-10-01", "", 0, (D(2018, 11, 26), None, True, 8)),
        ("2018-12-10", "", 0, (D(2018, 12, 10), None, True, 0)),
        ("2018-09-03", "2018-09-30", 2, (D(2018, 10, 1), "self_support", False, 4)),
        ("2018-09-03", "2018-10-07", 2, (D(2018, 10, 1), None, True, 4)),
    ]:
        write(store, [(start, last_day, "730")], wage_final_after_months=months)
        assert store.execute(row).fetchall() == [expected], (start, last_day)


def test_an_episode_is_open_until_four_weeks_off_are_seen(store):
    for last_day, is_open in [("2018-11-25", False), ("2018-12-02", True), ("", True)]:
        write(store, [("2018-10-01", last_day, "730")])
        found = store.execute("select is_open from marts.benefit_spells where person_id = 'A'").fetchall()
        assert found == [(is_open,)], last_day


def test_the_reach_of_the_data(store):
    write(store, [ON], wage_final_after_months=2)
    found = store.execute("select data_from, data_to, wage_to, outcome_to, exits_to from marts.observation").fetchall()
    assert found == [(D(2014, 1, 6), D(2018, 12, 30), D(2018, 10, 1), D(2018, 12, 2), D(2018, 10, 1))]
    fill(store, {"personer": [person("A")], "ydelser": [("A", *ON, "615")]})
    build_marts(store)
    assert store.execute("select wage_to, exits_to from marts.observation").fetchall() == [(None, None)]


def test_weeks_on_two_benefits_count_once(store):
    write(
        store,
        [("2016-01-04", "2016-02-10", "730"), ("2016-02-11", "2016-02-28", "890"), ("2016-03-07", "2016-03-13", "783")],
    )
    found = store.execute(
        "select from_week, to_week from marts.benefit_weeks where person_id = 'A' order by all"
    ).fetchall()
    assert found == [(D(2016, 1, 4), D(2016, 2, 22)), (D(2016, 3, 7), D(2016, 3, 7))]


def test_a_month_has_the_status_of_its_15th(store):
    write(
        store,
        [("2016-01-16", "2016-02-14", "730"), ("2016-02-15", "2016-03-20", "895"), ("2016-04-01", "2016-04-30", "651")],
        visitation=[("A", "2016-01-01", "2016-02-20", "jobparat"), ("A", "2016-02-21", "", "aktivitetsparat")],
        sanktioner=[
            ("A", "2016-02-03", "37", "punktsanktion", "truffet"),
            ("A", "2016-02-20", "37", "ophoer", "ophaevet"),
        ],
        beskaeftigelse=[("A", "2016-03", "12,5", "1500")],
    )
    columns = (
        "month, benefit, target_group, age, age_group, is_supported_work, is_sick, paid_hours, is_sanctioned, sanctions"
    )
    found = store.execute(f"select {columns} from marts.person_month where person_id = 'A' order by month").fetchall()
    assert found == [
        (D(2016, 2, 1), "sygedagpenge", "jobparat", 36, "30-49", True, True, Decimal(0), True, 2),
        (D(2016, 3, 1), "sygedagpenge", "aktivitetsparat", 36, "30-49", True, True, Decimal("12.5"), False, 0),
    ]


def test_hours_of_a_month_that_is_not_final_are_unknown(store):
    write(store, [("2018-10-01", "", "730")], wage_final_after_months=1, beskaeftigelse=[("A", "2018-12", "5", "700")])
    found = store.execute(
        "select month, paid_hours from marts.person_month where person_id = 'A' order by month"
    ).fetchall()
    assert found == [(D(2018, 10, 1), 0), (D(2018, 11, 1), 0), (D(2018, 12, 1), None)]


def test_a_municipality_counts_the_two_benefits_as_one(store):
    write(
        store,
        [("2016-01-04", FIRST_END, "143"), ("2016-02-29", "2016-05-29", "730"), ("2016-09-05", "2016-10-30", "730")],
        samtaler=[("A", "2016-02-03", "jobsamtale", "0"), ("A", "2016-02-17", "jobsamtale", "1")],
        sanktioner=[("A", "2016-03-03", "37", "punktsanktion", "truffet")],
        sagstal=[("S1", "T", "615", "2016-02", "60", "1"), ("S2", "T", "615", "2016-02", "30", "0,5")],
    )
    columns = (
        "month, persons_on_benefit, entries, exits_job + exits_education + exits_other_benefit, exits_self_support, "
        "sanctions, meetings, no_shows, caseload"
    )
    found = store.execute(
        f"select {columns} from marts.municipality_period where municipality_code = '615' "
        "and month between '2016-01-01' and '2016-06-01' order by month"
    ).fetchall()
    assert found == [
        (D(2016, 1, 1), 1, 1, 0, 0, 0, 0, 0, None),
        (D(2016, 2, 1), 1, 0, 0, 0, 0, 1, 1, 60.0),
        (D(2016, 3, 1), 1, 0, 0, 0, 1, 0, 0, None),
        (D(2016, 4, 1), 1, 0, 0, 0, 0, 0, 0, None),
        (D(2016, 5, 1), 1, 0, 0, 0, 0, 0, 0, None),
        (D(2016, 6, 1), 0, 0, 0, 1, 0, 0, 0, None),
    ]
    edges = "select entries, exits_self_support from marts.municipality_period where month = ?"
    assert store.execute(edges, [D(2014, 1, 1)]).fetchall() == [(None, 0)]
    assert store.execute(edges, [D(2018, 10, 1)]).fetchall() == [(0, 0)]
    assert store.execute(edges, [D(2018, 11, 1)]).fetchall() == [(0, 0)]
    assert store.execute(edges, [D(2018, 12, 1)]).fetchall() == [(0, None)]


def test_what_was_never_delivered_is_unknown_not_zero(store):
    write(store, [ON])
    found = store.execute(
        "select distinct sanctions, meetings, no_shows, caseload from marts.municipality_period"
    ).fetchall()
    assert found == [(None, None, None, None)]


def test_a_sanction_falls_on_the_latest_benefit_reversed_or_not(store):
    write(
        store,
        [ON, ("2016-02-29", "2016-03-27", "890")],
        sanktioner=[
            ("A", "2015-12-01", "37", "punktsanktion", "truffet"),
            ("A", "2016-02-03", "37", "punktsanktion", "hjemvist"),
            ("A", "2016-04-20", "38", "periodesanktion", "truffet"),
        ],
    )
    columns = "decided_on, is_reversed, benefit, municipality_code"
    assert store.execute(f"select {columns} from marts.sanction_events order by all").fetchall() == [
        (D(2015, 12, 1), False, None, "615"),
        (D(2016, 2, 3), True, "kontanthjaelp", "615"),
        (D(2016, 4, 20), False, "sygedagpenge", "615"),
    ]


def test_caseload_is_cases_over_full_time_equivalents(store):
    rows = [
        ("S1", "T", "0615", "2016-02", "45", "0,9"),
        ("S2", "T", "615", "2016-02", "45", "0"),
        ("S3", "T", "615", "2016-02", "", "1"),
    ]
    write(store, [ON], sagstal=rows)
    found = store.execute("select caseworker_id, cases, caseload from marts.caseworker_month order by 1").fetchall()
    assert found == [("S1", 45, 50.0), ("S2", 45, None), ("S3", None, None)]


def test_published_numbers_keep_suppressed_zero_and_unknown_apart(store):
    texts = {"2017K1": "1.234,5", "2017K2": "..", "2017K3": "-", "2017K4": ""}
    rows = [("0", period, "kth", value) for period, value in texts.items()] + [("101", "2017M02", "kth", "7")]
    write(store, [ON], kommunepanel=rows)
    columns = "municipality_code, period_on, period_kind, target_group, full_time, is_suppressed"
    assert store.execute(f"select {columns} from marts.municipality_statistics order by all").fetchall() == [
        ("000", D(2017, 1, 1), "quarter", "alle", Decimal("1234.5"), False),
        ("000", D(2017, 4, 1), "quarter", "alle", None, True),
        ("000", D(2017, 7, 1), "quarter", "alle", Decimal(0), False),
        ("000", D(2017, 10, 1), "quarter", "alle", None, False),
        ("101", D(2017, 2, 1), "month", "alle", Decimal(7), False),
    ]


def test_rejected_rows_stay_out_of_staging(store):
    write(store, [ON, ("2016-06-06", "2016-07-03", "730")])
    delivery, line = store.execute("select _delivery, max(_line) from raw.ydelser group by 1").fetchall()[0]
    store.execute("insert into raw.rejects values (?, 'ydelser', 'ydelser.csv', ?, 'til')", [delivery, line])
    store.execute("update raw.deliveries set sha256 = 'other' where extract = 'ydelser'")
    build_marts(store)
    found = store.execute("select from_on from staging.stg_benefit_spells where person_id = 'A'").fetchall()
    store.execute("delete from raw.rejects")
    assert found == [(D(2016, 1, 4),)]


# text, macro, value
READ = [
    ("2017-01-05", "as_date", D(2017, 1, 5)), ("05-01-2017", "as_date", D(2017, 1, 5)), ("2017-02-30", "as_date", None),
    ("5/1 2017", "as_date", None), ("17-01-05", "as_date", None), ("2017-03", "as_month", D(2017, 3, 1)),
    ("2017-13", "as_month", None), ("12", "as_integer", 12), ("12,5", "as_integer", None), (" -3 ", "as_integer", -3),
    ("1234,5", "as_decimal", Decimal("1234.5")), ("1.234,5", "as_decimal", Decimal("1234.5")),
    ("1.234", "as_decimal", None), ("12.5", "as_decimal", None), ("-37,25", "as_decimal", Decimal("-37.25")),
    ("1", "as_flag", True), ("nej", "as_flag", False), ("2", "as_flag", None), ("0615", "as_municipality", "615"),
    ("615", "as_municipality", "615"), ("0", "as_municipality", "000"), ("1615", "as_municipality", None),
    ("  ", "as_text", None), ("2017K3", "as_period", D(2017, 7, 1)), ("2017", "as_period", D(2017, 1, 1)),
    ("2017K5", "as_period", None), ("..", "as_statistic", None), ("-", "as_statistic", Decimal(0)),
]  # fmt: skip


@pytest.mark.parametrize(("text", "macro", "value"), READ)
def test_texts_are_read_strictly_or_not_at_all(store, text, macro, value):
    assert store.execute(f"select {macro}(?)", [text]).fetchone() == (value,)
