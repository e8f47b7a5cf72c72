"""The frame of intakes: who had whom first, what was known before, and what came of it."""

import pytest
from small_register import build_design, build_marts, fill, open_store, person

from evaluator.estimators.strictness import strictness

ENTRY, END = "2016-01-04", "2018-12-30"


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with open_store(tmp_path_factory.mktemp("intakes")) as connection:
        yield connection


def intakes(store, columns, spells=(), **extracts):
    """Return columns of the intake of person A, who enters on 4 January 2016 and stays to the end."""
    rows = {
        "personer": [person("A"), person("P0")],
        "ydelser": [("P0", "2014-01-06", END, "111", "615"), ("A", ENTRY, END, "730", "615"), *spells],
        "beskaeftigelse": [("P0", "2018-12", "1", "1")],
    }
    for name, more in extracts.items():
        rows[name] = rows.get(name, []) + more
    fill(store, rows)
    build_marts(store)
    build_design(store)
    return store.execute(f"select {columns} from design.intakes where person_id = 'A'").fetchall()


CASEWORKERS = {
    "the first of two": ([("2016-01-04", "2016-02-01", "S1", "primaer"), ("2016-02-02", "", "S2", "primaer")], "S1"),
    "one from before who still has the case": (
        [("2015-06-01", "2016-01-10", "S1", "primaer"), ("2016-01-11", "", "S2", "primaer")], "S1"),
    "the newer of two from before": (
        [("2015-06-01", END, "S1", "primaer"), ("2015-12-01", END, "S2", "primaer")], "S2"),
    "not one who had it until the week before": (
        [("2015-06-01", "2016-01-03", "S1", "primaer"), ("2016-01-11", "", "S2", "primaer")], "S2"),
    "the primary before the coordinating": (
        [("2016-01-05", "", "S1", "koordinerende"), ("2016-01-05", "", "S2", "primaer")], "S2"),
    "not who only finds placements": (
        [("2016-01-04", "", "S1", "virksomhedskonsulent"), ("2016-01-06", "", "S2", "primaer")], "S2"),
    "within four weeks": ([("2016-02-07", "", "S1", "primaer")], "S1"),
    "not after four weeks": ([("2016-02-08", "", "S1", "primaer")], None),
    "nobody": ([], None),
}  # fmt: skip


@pytest.mark.parametrize("case", CASEWORKERS)
def test_the_caseworker_at_intake_is_the_first_to_carry_the_case(store, case):
    spells, expected = CASEWORKERS[case]
    rows = [("A", start, end, name, "Unge", role) for start, end, name, role in spells]
    found = intakes(store, "caseworker_id, team", sagsbehandler=rows)
    assert found == [(expected, "Unge" if expected else None)]


def test_history_ends_before_the_entry_week_and_reaches_a_year_back(store):
    found = intakes(
        store,
        "earlier_benefit_weeks, earlier_wage_months, earlier_sanctions",
        # 4 weeks of dagpenge a year before (the first of them 53 weeks before), 2 to the week before entry
        spells=[("A", "2014-12-29", "2015-01-25", "111", "615"), ("A", "2015-12-21", "2016-01-03", "111", "615")],
        beskaeftigelse=[("A", month, "100", "9000") for month in ("2014-12", "2015-01", "2015-12", "2016-01")],
        sanktioner=[("A", day, "37", "punktsanktion", "truffet") for day in ("2014-05-01", "2016-01-03", "2016-01-04")],
    )
    assert found == [(5, 2, 2)]


def test_sanctions_and_meetings_are_those_from_the_week_after_entry_to_the_horizon_week(store):
    days = ("2016-01-08", "2016-01-11", "2016-07-10", "2016-07-11")  # entry week, the week after, week 26, week 27
    found = intakes(
        store,
        "is_sanctioned, sanctions, meetings, no_shows",
        sanktioner=[("A", day, "37", "punktsanktion", "ophaevet") for day in days],
        samtaler=[("A", day, "jobsamtale", missed) for day, missed in zip(days, "1101", strict=True)],
    )
    assert found == [(True, 2, 2, 1)]
    assert intakes(store, "is_sanctioned, sanctions, meetings, no_shows") == [(False, 0, 0, 0)]


def test_the_frame_is_what_the_instrument_reads(store):
    intakes(store, "person_id", sagsbehandler=[("A", ENTRY, END, "S1", "Unge", "primaer")])
    frame = store.sql("from design.intakes where horizon_weeks = 26").pl()
    assert "0 sagsbehandlere" in strictness(frame).effects["job"].estimate.reason
