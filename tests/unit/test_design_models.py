"""Entrants, their end states and the cells that the estimators read."""

import datetime as dt

import pytest
from small_register import build_design, build_marts, fill, open_store, person

D = dt.date
ENTRY, END = "2016-01-04", "2018-12-30"
WEEK_26 = "2016-07-04"  # Monday of the 26th week after entry; its Thursday lies in July
ON_BENEFIT = [(ENTRY, "2016-02-28", "730")]
ALL_ALONG = [(ENTRY, "", "730")]

# name: spells (from, to, code), months with (month, hours, wage), studies (from, to), left the register on, state
STATES = {
    "left the register beats a running benefit": (ALL_ALONG, [], [], "2016-06-01", "left_register"),
    "leaving on the week's Sunday is leaving in the week": (ALL_ALONG, [], [], "2016-07-10", "left_register"),
    "leaving after the week is not yet leaving": (ALL_ALONG, [], [], "2016-07-11", "entry_benefit"),
    "wage subsidy inside the benefit": ([*ON_BENEFIT, ("2016-02-29", "", "735")], [], [], "", "supported_work"),
    "public wage subsidy on another benefit": ([*ON_BENEFIT, ("2016-02-29", "", "816")], [], [], "", "supported_work"),
    "fleksjob": ([*ON_BENEFIT, ("2016-03-01", "", "771")], [("2016-07", "80", "9000")], [], "", "supported_work"),
    "supported work beats the entry benefit in a shared week": (
        [(ENTRY, "2016-07-05", "730"), ("2016-07-06", "", "771")], [], [], "", "supported_work"),
    "still on the entry benefit": (ALL_ALONG, [], [], "", "entry_benefit"),
    "another activation of the same benefit": ([*ON_BENEFIT, ("2016-02-29", "", "137")], [], [], "", "entry_benefit"),
    "one day of the benefit fills the week": (
        [(ENTRY, WEEK_26, "730"), ("2016-07-05", "", "890")], [], [], "", "entry_benefit"),
    "entry benefit with wages beside it": (ALL_ALONG, [("2016-07", "30", "5000")], [], "", "entry_benefit"),
    "uddannelseshjaelp after kontanthjaelp": ([*ON_BENEFIT, ("2016-02-29", "", "720")], [], [], "", "other_benefit"),
    "sick pay": ([*ON_BENEFIT, ("2016-05-02", "", "890")], [], [], "", "other_benefit"),
    "foertidspension": ([*ON_BENEFIT, ("2016-05-02", "", "783")], [], [], "", "other_benefit"),
    "785 ends in 5 and is no wage subsidy": ([*ON_BENEFIT, ("2016-05-02", "", "785")], [], [], "", "other_benefit"),
    "parental leave": ([*ON_BENEFIT, ("2016-05-02", "", "881")], [], [], "", "other_benefit"),
    "adult apprentice": ([*ON_BENEFIT, ("2016-05-02", "", "521")], [("2016-07", "16", "200")], [], "", "other_benefit"),
    "a code outside the table is not dropped": ([*ON_BENEFIT, ("2016-05-02", "", "555")], [], [], "", "other_benefit"),
    "another benefit beats education": (
        [*ON_BENEFIT, ("2016-05-02", "", "890")], [], [("2016-01-01", "")], "", "other_benefit"),
    "student grant": ([*ON_BENEFIT, ("2016-05-02", "", "651")], [], [], "", "education"),
    "education without a grant": (ON_BENEFIT, [], [("2016-05-02", "2016-12-31")], "", "education"),
    "education beats wage": (ON_BENEFIT, [("2016-07", "160", "20000")], [("2016-05-02", "")], "", "education"),
    "education that is over": (ON_BENEFIT, [], [("2016-03-01", "2016-07-03")], "", "self_support"),
    "holiday benefit from a job": ([*ON_BENEFIT, ("2016-07-04", "2016-07-24", "121")], [], [], "", "job"),
    "holiday benefit from no job": ([*ON_BENEFIT, ("2016-07-04", "2016-07-24", "124")], [], [], "", "other_benefit"),
    "blank week with wage": (ON_BENEFIT, [("2016-07", "120,5", "15000")], [], "", "job"),
    "wage without hours": (ON_BENEFIT, [("2016-07", "", "15000")], [], "", "job"),
    "wage in the month before": (ON_BENEFIT, [("2016-06", "120", "15000")], [], "", "self_support"),
    "wage that a correction takes back": (
        ON_BENEFIT, [("2016-07", "120", "15000"), ("2016-07", "-120", "-15000")], [], "", "self_support"),
    "blank week without anything": (ON_BENEFIT, [], [], "", "self_support"),
    "back on the benefit after an exit": ([*ON_BENEFIT, ("2016-06-06", "", "733")], [], [], "", "entry_benefit"),
}  # fmt: skip


def write(connection, histories, *, extra=None):
    """Fill the store with one person per history, and someone who is seen to the end of the data."""
    rows = {name: [] for name in ("personer", "ydelser", "beskaeftigelse", "uddannelse")}
    rows |= {"personer": [person("P0")], "ydelser": [("P0", "2014-01-06", END, "111", "615")]}
    rows["beskaeftigelse"] = [("P0", "2018-12", "1", "1")]
    for name, (spells, wages, studies, left_on) in histories.items():
        rows["personer"].append(person(name, left_on=left_on))
        rows["ydelser"] += [(name, start, end, code, "0615") for start, end, code in spells]
        rows["beskaeftigelse"] += [(name, *wage) for wage in wages]
        rows["uddannelse"] += [(name, *study, "hf") for study in studies]
    fill(connection, rows | (extra or {}))
    build_marts(connection)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with open_store(tmp_path_factory.mktemp("states")) as connection:
        yield connection


@pytest.fixture(scope="module")
def states(store):
    write(store, {name: history[:-1] for name, history in STATES.items()})
    build_design(store)
    return dict(store.execute("select person_id, state from design.entrant_outcomes").fetchall())


@pytest.mark.parametrize("name", STATES)
def test_a_persons_state_is_decided_in_the_stated_order(states, name):
    assert states[name] == STATES[name][-1]


def test_cells_count_everybody_once(store, states):
    cell = store.execute("from design.cells").fetchall()
    names = [column[0] for column in store.execute("from design.cells").description]
    assert len(cell) == 1
    values = dict(zip(names, cell[0], strict=True))
    assert (values["municipality_code"], values["period_on"], values["horizon_weeks"]) == ("615", D(2016, 1, 1), 26)
    assert values["persons"] == len(STATES)
    for state in (
        "job",
        "education",
        "other_benefit",
        "supported_work",
        "entry_benefit",
        "self_support",
        "left_register",
    ):
        assert values[state] == sum(history[-1] == state for history in STATES.values())


def test_the_wage_month_is_the_one_that_holds_the_weeks_thursday(store):
    blank = [(ENTRY, "2016-02-28", "730")]
    earlier = [("2015-01-05", "2015-03-01", "730")]
    histories = {
        "25 weeks, Thursday 30 June, wage in June": (blank, [("2016-06", "50", "7000")], [], ""),
        "25 weeks, Thursday 30 June, wage in July": (blank, [("2016-07", "50", "7000")], [], ""),
        "week 53, Thursday 31 December, wage in December": (earlier, [("2015-12", "50", "7000")], [], ""),
        "week 53, Thursday 31 December, wage in January": (earlier, [("2016-01", "50", "7000")], [], ""),
    }
    write(store, histories)
    build_design(store, horizons=[25, 51])
    found = store.execute(
        "select person_id, state from design.entrant_outcomes where (person_id, horizon_weeks) in "
        "(select person_id, case when person_id like '25%' then 25 else 51 end from design.entrants)"
    )
    assert dict(found.fetchall()) == {
        name: "job" if name.endswith(("in June", "in December")) else "self_support" for name in histories
    }


def test_hours_weeks_and_sanctions_on_the_way_are_counted(store):
    histories = {
        # 7 weeks after entry on 730 (to 28 February), 4 on sick pay from 6 June, one shared by both from 6 July
        "sick": ([*ON_BENEFIT, ("2016-06-06", "2016-07-05", "890"), ("2016-07-06", "", "730")],
                 [("2016-07", "19,9", "2500"), ("2016-07", "0,1", "20")], [], ""),
        "few": (ON_BENEFIT, [("2016-07", "87", "9000")], [], ""),
        "unknown hours": (ON_BENEFIT, [("2016-07", "", "9000")], [], ""),
        "none": (ALL_ALONG, [], [], ""),
    }  # fmt: skip
    decided = {"2016-01-08": "truffet", "2016-01-11": "truffet", "2016-07-10": "ophaevet", "2016-07-11": "truffet"}
    sanctions = [("none", day, "37", "punktsanktion", status) for day, status in decided.items()]
    write(store, histories, extra={"sanktioner": sanctions})
    build_design(store)
    columns = (
        "person_id, paid_hours, paid_hours_any, paid_hours_20, paid_hours_87, benefit_weeks, sick_weeks, sanctions"
    )
    found = store.execute(f"select {columns} from design.entrant_outcomes order by person_id").fetchall()
    assert found == [
        ("few", 87, 1, 1, 1, 7, 0, 0),
        ("none", 0, 0, 0, 0, 26, 0, 2),
        ("sick", 20, 1, 1, 0, 12, 5, 0),
        ("unknown hours", None, 1, None, None, 7, 0, 0),
    ]
    cells = store.execute(
        "select persons, paid_hours_any, paid_hours_20, persons_with_hours from design.cells"
    ).fetchall()
    assert cells == [(4, 3, 2, 3)]


def test_a_return_or_a_new_placement_makes_no_new_entrant(store):
    histories = {
        "returns": ([*ON_BENEFIT, ("2016-09-05", "", "730")], [], [], ""),
        "moves on": ([*ON_BENEFIT, ("2016-02-29", "", "720")], [], [], ""),
        "before the panel": ([("2014-06-02", "2014-07-06", "730"), *ON_BENEFIT], [], [], ""),
    }
    placements = [
        ("returns", ENTRY, "2016-01-31", "aktivitetsparat"),
        ("returns", "2016-02-01", "", "jobparat"),
        ("moves on", "2016-01-10", "", "jobparat"),
        ("before the panel", ENTRY, "", "jobparat"),
    ]
    write(store, histories, extra={"visitation": placements})
    build_design(store)
    columns = "person_id, entry_week, period_on, benefit, target_group, age_group, municipality_code, has_children"
    found = store.execute(f"select {columns} from design.entrants order by person_id").fetchall()
    common = (D(2016, 1, 4), D(2016, 1, 1), "kontanthjaelp")
    assert found == [
        ("moves on", *common, "jobparat", "30-49", "615", False),
        ("returns", *common, "aktivitetsparat", "30-49", "615", False),
    ]
    build_design(store, target_groups=["aktivitetsparat"])
    assert store.execute("select person_id from design.entrants").fetchall() == [("returns",)]
    build_design(store, benefits=["uddannelseshjaelp"], period_months=3)
    assert store.execute("select person_id, period_on from design.entrants").fetchall() == [("moves on", D(2016, 1, 1))]


def test_an_entry_belongs_to_the_month_of_its_weeks_thursday(store):
    histories = {
        "Wednesday 31 December": ([("2014-12-31", "", "730")], [], [], ""),
        "Friday 1 April": ([("2016-04-01", "", "730")], [], [], ""),
    }
    write(store, histories)
    build_design(store)
    found = dict(store.execute("select person_id, period_on from design.entrants").fetchall())
    assert found == {"Wednesday 31 December": D(2015, 1, 1), "Friday 1 April": D(2016, 3, 1)}


def test_age_is_the_year_of_entry_less_the_year_of_birth(store):
    people = [person(born, born=born) for born in ("1999", "1998", "1992", "1991", "1966", "1950", "1949")]
    spells = [(row[0], ENTRY, END, "730", "615") for row in people]
    fill(store, {"personer": people, "ydelser": spells})
    build_marts(store)
    build_design(store)
    found = dict(store.execute("select person_id, age_group from design.entrants").fetchall())
    assert found == {"1998": "18-24", "1992": "18-24", "1991": "25-29", "1966": "50-66", "1950": "50-66"}


def horizons_seen(store):
    found = store.execute("select person_id, horizon_weeks from design.entrant_outcomes order by all").fetchall()
    return [(name, weeks) for name, weeks in found if name != "P0"]


def test_nothing_is_read_after_the_first_start(store):
    # Entry 4 January 2016: week 4 ends 7 February, week 8 ends 6 March, week 12 ends 3 April
    write(store, {"A": (ALL_ALONG, [], [], "")})
    for outcomes_to, seen in [
        (D(2016, 4, 30), [4, 8, 12]),
        (D(2016, 4, 2), [4, 8]),  # the 12th week ends on Sunday 3 April
        (D(2016, 3, 30), [4]),  # March is not over, and the 8th week lies in it by its Thursday
        (D(2016, 2, 28), []),  # February has 29 days
        (None, [4, 8, 12]),
    ]:
        build_design(store, horizons=[4, 8, 12], outcomes_to=outcomes_to)
        assert horizons_seen(store) == [("A", weeks) for weeks in seen], outcomes_to


def test_states_are_unknown_in_the_last_four_weeks_and_without_final_wages_for_all_alike(store):
    # Data end Sunday 30 December 2018: the last week that counts begins by 2 December.
    histories = {
        "on benefit": ([("2018-09-03", "", "730")], [], [], ""),
        "off": ([("2018-09-03", "2018-09-16", "730")], [("2018-12", "100", "10000")], [], ""),
    }
    write(store, histories)
    build_design(store, horizons=[4, 12, 13])
    assert horizons_seen(store) == [("off", 4), ("off", 12), ("on benefit", 4), ("on benefit", 12)]
    build_marts(store, wage_final_after_months=2)  # October is the last final month
    build_design(store, horizons=[4, 8, 9])
    # 8 weeks: 29 October, Thursday 1 November
    assert horizons_seen(store) == [("off", 4), ("on benefit", 4)]


def test_a_stock_is_drawn_by_the_same_rule_in_every_period(store):
    histories = {"stays": ([("2016-01-04", "2016-08-31", "730")], [], [], ""),
                 "leaves": ([("2016-01-04", "2016-04-14", "730")], [], [], "")}  # fmt: skip
    write(store, histories)
    build_design(store, entry="stock", period_months=3)
    found = store.execute("select person_id, period_on, entry_week from design.entrants order by all").fetchall()
    assert found == [
        ("leaves", D(2016, 1, 1), D(2016, 1, 11)),
        ("stays", D(2016, 1, 1), D(2016, 1, 11)),
        ("stays", D(2016, 4, 1), D(2016, 4, 11)),
        ("stays", D(2016, 7, 1), D(2016, 7, 11)),
    ]
    assert store.execute("select persons from design.cells order by period_on").fetchall() == [(2,), (1,), (1,)]


def test_the_series_is_the_mean_of_whole_periods_with_zeros_for_nobody(store):
    histories = {"stays": ([("2016-01-04", "2016-08-31", "730")], [], [], ""),
                 "leaves": ([("2016-01-04", "2016-05-14", "730")], [], [], "")}  # fmt: skip
    write(store, histories)
    span = {"panel_from": D(2016, 1, 1), "panel_to": D(2016, 12, 31)}
    build_design(store, period_months=3, **span)
    series = "select period_on, recipients from design.stock_series order by all"
    assert store.execute(series).fetchall() == [
        (D(2016, 1, 1), 2.0), (D(2016, 4, 1), 4 / 3), (D(2016, 7, 1), 2 / 3), (D(2016, 10, 1), 0.0)]  # fmt: skip
    build_design(store, period_months=3, outcomes_to=D(2016, 8, 31), **span)
    assert store.execute(series).fetchall() == [(D(2016, 1, 1), 2.0), (D(2016, 4, 1), 4 / 3)]
