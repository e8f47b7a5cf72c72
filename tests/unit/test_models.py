"""Headers, order, builds that skip what is unchanged, and messages that name the place."""

import pytest
from small_register import COLUMNS, build_marts, fill, open_store, person

from evaluator.errors import ModelError
from evaluator.models import build, build_models, order, parse, read_models, why

HEADER = """-- What the table is,
-- in a sentence.
-- grain:   person_id, month
-- inputs:  {inputs}
-- outputs: person_id, month, hours
-- note:    a first remark
--          that goes on
-- note:    a second one

select 1
"""
PERSONS = [person("A"), person("B")]
SPELLS = [("A", "2016-01-04", "2016-12-31", "730", "615"), ("B", "2016-01-04", "2016-12-31", "730", "615")]


def model(name, *inputs, schema="marts"):
    return parse(HEADER.format(inputs=", ".join(inputs)), schema, name)


@pytest.fixture
def store(tmp_path):
    with open_store(tmp_path) as connection:
        fill(connection, {"personer": PERSONS, "ydelser": SPELLS})
        yield connection


def test_a_header_is_read_into_a_model():
    found = model("hours", "raw.beskaeftigelse", "staging.stg_persons")
    assert found.table == "marts.hours"
    assert found.path == "sql/marts/hours.sql"
    assert found.description == "What the table is, in a sentence."
    assert found.grain == ("person_id", "month")
    assert found.inputs == ("raw.beskaeftigelse", "staging.stg_persons")
    assert found.outputs == ("person_id", "month", "hours")
    assert found.notes == ("a first remark that goes on", "a second one")


@pytest.mark.parametrize("missing", ["grain", "inputs", "outputs"])
def test_an_incomplete_header_is_refused_with_its_place(missing):
    text = "\n".join(line for line in HEADER.splitlines() if f"{missing}:" not in line)
    with pytest.raises(ModelError, match=rf"sql/marts/hours.sql:\d+: the header has no single '{missing}'"):
        parse(text, "marts", "hours")


def test_a_header_without_a_query_is_refused():
    with pytest.raises(ModelError, match=r"sql/marts/hours.sql:1: there is no query"):
        parse("-- Only words.\n", "marts", "hours")


def test_models_come_after_their_inputs_and_by_name_otherwise():
    models = [model("c", "marts.a"), model("b", "raw.x"), model("a", "marts.z", "marts.b"), model("z", "raw.x")]
    assert [m.name for m in order(models)] == ["b", "z", "a", "c"]
    assert order(reversed(models)) == order(models)


def test_an_unknown_input_is_named_with_file_and_line():
    with pytest.raises(ModelError, match=r"sql/marts/a.sql:4: unknown input 'staging.stg_nothing'"):
        order([model("a", "staging.stg_nothing")])


def test_models_that_wait_for_each_other_are_named():
    with pytest.raises(ModelError, match=r"sql/marts/\w.sql:4: models wait for each other: .*marts.a needs marts.b"):
        order([model("a", "marts.b"), model("b", "marts.a"), model("c", "marts.a")])


def test_a_second_build_skips_everything(store):
    first = build(store, ("staging", "marts"), {"wage_final_after_months": 2})
    assert len(first) == sum(m.schema in ("staging", "marts") for m in read_models())
    assert not any(b.skipped for b in first)
    again = build(store, ("staging", "marts"), {"wage_final_after_months": 2})
    assert all(b.skipped for b in again)
    assert [b.rows for b in again] == [b.rows for b in first]


def rebuilt(store, **variables):
    return {b.model.name for b in build(store, ("staging", "marts"), variables) if not b.skipped}


def test_a_new_delivery_builds_what_depends_on_it_and_nothing_else(store):
    build(store)
    fill(store, {"personer": PERSONS, "ydelser": SPELLS, "sanktioner": [("A", "2016-03-03", "37", "andre", "truffet")]})
    assert rebuilt(store) == {"stg_sanctions", "sanction_events", "person_month", "municipality_period"}


def test_another_setting_builds_what_reads_it(store):
    build(store, variables={"wage_final_after_months": 2})
    found = rebuilt(store, wage_final_after_months=1)
    assert {"observation", "exits", "person_month"} <= found
    assert not any(name.startswith("stg_") for name in found)


def test_a_table_that_was_dropped_is_built_again(store):
    build(store)
    store.execute("drop table marts.caseworker_month")
    assert "caseworker_month" in rebuilt(store)


def test_a_model_without_its_inputs_says_what_to_do(store):
    with pytest.raises(
        ModelError, match=r"sql/design/\w+.sql:\d+: \w+\.\w+ is not built. Run 'evaluator build' first."
    ):
        build(store, ("design",))


def test_tables_are_the_same_whatever_the_threads_and_the_order_of_rows(store):
    rows = {name: [] for name in COLUMNS}
    rows["personer"] = [person(f"P{n}", municipality=str(101 + n % 3)) for n in range(50)]
    rows["ydelser"] = [(f"P{n}", f"2016-0{1 + n % 9}-04", "2016-12-31", "730", "101") for n in range(50)]
    rows["beskaeftigelse"] = [(f"P{n % 50}", "2016-02", f"{n},{n % 7}", "1000,33") for n in range(200)]
    found = []
    for turned in (False, True):
        fill(store, {name: some[::-1] if turned else some for name, some in rows.items()})
        build_marts(store)
        tables = [m.table for m in read_models(("staging", "marts"))]
        found.append({table: store.execute(f"from {table}").fetchall() for table in tables})
    assert found[0] == found[1]


# query, what the message says
BROKEN = [
    ("\nselect\n    nothing\nfrom raw.personer\n", r"sql/staging/stg_persons.sql:8: Binder Error: .*nothing"),
    ("\nselect cast(pnr_pseudo as integer) as person_id from raw.personer\n", r"staging.stg_persons: .*Conversion"),
]


@pytest.mark.parametrize(("query", "message"), BROKEN)
def test_a_broken_query_is_explained_without_values_and_leaves_the_table(store, query, message):
    good = next(m for m in read_models() if m.name == "stg_persons")
    build_models(store, [good], {})
    broken = parse(good.sql[: good.sql.index("\n\n") + 1] + query, "staging", "stg_persons")
    with pytest.raises(ModelError, match=message) as refusal:
        build_models(store, [broken], {})
    assert "'A'" not in str(refusal.value)
    assert store.execute("select count(*) from staging.stg_persons").fetchone() == (2,)


def test_why_counts_rows_repeats_and_rejects(store):
    fill(store, {"personer": [person("A"), person("A"), person("B")], "ydelser": SPELLS})
    store.execute("insert into raw.rejects values (2, 'ydelser', 'ydelser.csv', 3, 'til')")
    build(store)
    text = why(store, "stg_persons")
    assert text.startswith("staging.stg_persons: Every person known to the extracts")
    assert "grain     person_id" in text
    assert "rows      3" in text
    assert "repeats   1 rows too many over 1 repeated (person_id)" in text
    assert "rejected  1 rows of extract ydelser" in why(store, "marts.exits")
    with pytest.raises(ModelError, match="nonsense: no such model; expected one of "):
        why(store, "nonsense")
