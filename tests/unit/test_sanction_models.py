"""The benefit spells of a sanction evaluation, on registers written by hand: when, how long, cut where, beside whom."""

from small_register import build_design, build_marts, fill, open_store, person

JOBPARAT = "jobparat"
SANCTIONS = {"sanction_persons": 100, "sanction_seed": 7}


def rows(connection, query):
    return connection.execute(query).fetchall()


def register(**changes):
    """Two alike on kontanthjaelp from the same week on: A is sanctioned in the sixth week, both are to leave for a job.

    Z is there so that the data begin before them.
    """
    base = {
        "personer": [person("A"), person("B"), person("Z")],
        "ydelser": [
            ("A", "2016-01-04", "2016-06-26", "730", "0615"),
            ("B", "2016-01-04", "2016-09-04", "730", "0615"),
            ("Z", "2015-11-02", "2017-12-31", "730", "0615"),
        ],
        "visitation": [(who, "2015-11-02", "", JOBPARAT) for who in "ABZ"],
        "samtaler": [("A", "2016-02-02", "jobsamtale", "1"), ("B", "2016-02-03", "jobsamtale", "1")],
        "sanktioner": [("A", "2016-02-10", "37", "punktsanktion", "truffet")],
        "beskaeftigelse": [
            ("A", "2016-07", "100", "20000"),
            ("B", "2016-09", "100", "20000"),
            ("Z", "2018-06", "1", "1"),
        ],
    }
    return {**base, **changes}


def built(folder, **changes):
    connection = open_store(folder)
    fill(connection, register(**changes))
    build_marts(connection)
    build_design(connection, **SANCTIONS)
    return connection


def test_a_spell_has_its_first_sanction_and_where_it_ended(tmp_path):
    with built(tmp_path) as connection:
        found = rows(
            connection,
            "select person_id, weeks, destination, sanction_weeks, sanction_type, is_reversed "
            "from design.sanction_spells order by 1",
        )
    assert found == [("A", 25, "job", 5, "punktsanktion", False), ("B", 35, "job", None, None, None)]


def test_a_spell_that_runs_when_the_data_begin_is_left_out(tmp_path):
    with built(tmp_path) as connection:
        assert rows(connection, "select count(*) from design.sanction_spells where person_id = 'Z'") == [(0,)]


def test_rows_are_cut_at_the_no_show_the_sanction_its_pieces_and_quarters(tmp_path):
    with built(tmp_path) as connection:
        found = rows(
            connection,
            "select start_weeks, stop_weeks, transition, since_sanction_weeks, no_shows, is_no_show_recent, state "
            "from design.sanction_episodes where person_id = 'A' order by 1",
        )
    assert found == [
        (0, 4, None, None, 0, False, "free"),
        (4, 5, "sanction", None, 1, True, "free"),
        (5, 9, None, 0, 1, True, "sanctioned"),
        (9, 10, None, 4, 1, False, "sanctioned"),
        (10, 13, None, 5, 1, False, "sanctioned"),
        (13, 18, None, 8, 1, False, "sanctioned"),
        (18, 25, "job", 13, 1, False, "sanctioned"),
    ]


def test_the_caseload_is_that_of_the_quarter_and_unknown_before_it_was_counted(tmp_path):
    held = [(who, "2015-11-02", "2016-12-31", "S1", "Unge", "primaer") for who in "AZ"]
    hours = [("S1", "Unge", "615", f"2016-{month:02d}", "40", "0,5" if month < 7 else "1") for month in range(4, 13)]
    with built(tmp_path, sagsbehandler=held, sagstal=hours) as connection:
        found = dict(
            rows(
                connection,
                "select start_weeks, caseload::double from design.sanction_episodes where person_id = 'B' order by 1",
            )
        )
    weeks = {start: found[start] for start in (0, 12, 13, 25, 26) if start in found}
    # Friday 1 April 2016 is of a week of March, Friday 1 July of one of June
    assert weeks == {0: None, 13: 4.0, 26: 2.0}


def test_rows_cover_each_week_of_a_spell_once(tmp_path):
    visits = [("A", "2015-11-02", "2016-03-06", JOBPARAT), ("A", "2016-03-07", "", "aktivitetsparat")]
    with built(tmp_path, visitation=visits) as connection:
        found = rows(
            connection,
            "select person_id, sum(stop_weeks - start_weeks) = max(stop_weeks), min(stop_weeks - start_weeks) > 0, "
            "count(transition) filter (where transition <> 'sanction') "
            "from design.sanction_episodes group by 1 order by 1",
        )
        groups = rows(connection, "select distinct target_group, start_weeks >= 9 from design.sanction_episodes where "
                      "person_id = 'A' order by 2")  # fmt: skip
    assert found == [("A", True, True, 1), ("B", True, True, 1)]
    assert groups == [(JOBPARAT, False), ("aktivitetsparat", True)]


def test_quarters_and_years_begin_with_their_first_iso_week(tmp_path):
    """1 January 2016 is a Friday: its week belongs to 2015."""
    spells = [("A", "2015-11-09", "2016-06-26", "730", "0615"), *register()["ydelser"][1:]]
    with built(tmp_path, ydelser=spells, sanktioner=[], samtaler=[]) as connection:
        found = rows(connection, "select start_weeks, stop_weeks, year from design.sanction_episodes where "
                     "person_id = 'A' order by 1")  # fmt: skip
    assert found == [(0, 8, 2015), (8, 21, 2016), (21, 33, 2016)]


def test_who_is_in_supported_work_is_away(tmp_path):
    spells = [
        ("A", "2016-01-04", "2016-02-28", "730", "0615"),
        ("A", "2016-02-29", "2016-03-27", "735", "0615"),
        ("A", "2016-03-28", "2016-06-26", "730", "0615"),
        *register()["ydelser"][1:],
    ]
    with built(tmp_path, ydelser=spells, sanktioner=[]) as connection:
        found = rows(
            connection,
            "select start_weeks, stop_weeks, state from design.sanction_episodes where person_id = 'A' and is_away",
        )
    assert found == [(8, 9, "away"), (9, 12, "away")]


def test_the_comparable_spell_is_as_far_on_and_not_yet_sanctioned(tmp_path):
    with built(tmp_path) as connection:
        assert rows(
            connection,
            "select person_id, weeks_after, destination, compared_weeks_after, compared_destination "
            "from design.sanction_comparisons",
        ) == [("A", 20, "job", 30, "job")]


def test_nobody_is_comparable_whose_missed_meeting_is_long_ago(tmp_path):
    with built(tmp_path, samtaler=[("A", "2016-02-02", "jobsamtale", "1")]) as connection:
        assert rows(connection, "select person_id, compared_weeks_after from design.sanction_comparisons") == [
            ("A", None)
        ]


def test_kroner_and_reversed_decisions_are_counted_apart(tmp_path):
    decided = [
        ("A", "2016-02-10", "37", "punktsanktion", "truffet"),
        ("B", "2016-03-01", "37", "punktsanktion", "ophaevet"),
    ]
    with built(tmp_path, sanktioner=decided) as connection:
        found = rows(
            connection,
            "select is_reversed, decisions, persons, without_amount, amount_dkk::integer "
            "from design.sanction_decisions order by 1",
        )
        places = rows(connection, "select municipality_code, spells, sanctioned from design.sanction_municipalities")
    assert found == [(False, 1, 1, 1, 600), (True, 1, 1, 1, 600)]
    assert places == [("615", 3, 2)]


def test_without_a_sample_there_are_no_rows(tmp_path):
    connection = open_store(tmp_path)
    with connection:
        fill(connection, register())
        build_marts(connection)
        build_design(connection)
        for name in ("spells", "episodes", "comparisons", "decisions", "municipalities"):
            assert rows(connection, f"select count(*) from design.sanction_{name}") == [(0,)]


def test_the_sample_is_of_persons_and_the_same_each_time(tmp_path):
    with built(tmp_path) as connection:
        drawn = []
        for seed in (1, 2, 3, 4, 5, 6, 1):
            build_design(connection, sanction_persons=1, sanction_seed=seed)
            drawn.append(rows(connection, "select distinct person_id from design.sanction_spells"))
    assert all(len(one) == 1 for one in drawn)
    assert drawn[0] == drawn[-1]
    assert len({str(one) for one in drawn}) == 2
