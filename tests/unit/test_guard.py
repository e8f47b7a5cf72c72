"""The CPR guard by column: what is stopped, what is passed and written down, and how often it is wrong."""

import random
from dataclasses import replace

import duckdb
import pyarrow as pa
import pytest
from extract_files import GOOD, deliver

from evaluator.disclosure import MINIMUM_COUNT
from evaluator.errors import ExtractError
from evaluator.extracts import matching
from evaluator.extracts.contract import contracts, described
from evaluator.extracts.cpr import may_hold_cpr
from evaluator.extracts.guard import Tally
from evaluator.extracts.load import load
from evaluator.project import Project
from evaluator.quality import ledger
from evaluator.quality.rules import RULES
from evaluator.release_rules import Policy
from evaluator.store import connect
from reports import quality_words

CELLS = 1_000_000
SHARE = 50_000  # cells of each kind of column in a file
MEETINGS = GOOD["samtaler"].splitlines()[0]


def tallied(cells):
    tally = Tally()
    tally.add(pa.array(cells, pa.string()), pa.array(range(2, len(cells) + 2)))
    return tally


def hexadecimal(draw, length):
    return f"{draw.getrandbits(4 * length):0{length}x}"


# Each kind as SQL over five independent numbers a to e of 64 bits.
YEAR, MONTH, DAY = "1990 + a % 30", "lpad((1 + b % 12)::text, 2, '0')", "lpad((1 + c % 28)::text, 2, '0')"
SIX, PHONE = "lpad((b % 1000000)::text, 6, '0')", "(20000000 + a % 80000000)::text"
AMOUNT = "exp(9 + 1.5 * sqrt(-2 * ln((1 + a % 1000000) / 1000001)) * cos(2 * pi() * (b % 1000000) / 1000000))"
HEX = "concat(lpad(to_hex(a), 16, '0'), lpad(to_hex(b), 16, '0'), lpad(to_hex(c), 16, '0'), lpad(to_hex(d), 16, '0'))"
KINDS = {
    "ids of ten digits": "lpad((a % 10000000000)::text, 10, '0')",
    "ids without leading zeros": "(a % 10000000000)::text",
    "ids after a letter": "concat('S', lpad((a % 10000000000)::text, 10, '0'))",
    "ids of nine digits": "(100000000 + a % 900000000)::text",
    "phones": PHONE,
    "phones in pairs": "concat_ws(' ', 20 + a % 80, 10 + b % 90, 10 + c % 90, 10 + d % 90)",
    "phones with country": f"concat('+45', {PHONE})",
    "cases by year": f"concat(2001 + a % 19, {SIX})",
    "cases with a hyphen": f"concat(2001 + a % 19, '-', {SIX})",
    "amounts": f"replace(printf('%.2f', {AMOUNT}), '.', ',')",
    "whole amounts": f"round({AMOUNT})::bigint::text",
    "fractions": "replace((a / 18446744073709551616)::text, '.', ',')",
    "dates": f"concat_ws('-', {DAY}, {MONTH}, {YEAR})",
    "dates by ISO": f"concat_ws('-', {YEAR}, {MONTH}, {DAY})",
    "pseudonyms of 16": f"lower({HEX})[:16]",
    "pseudonyms of 33": f"concat('p', lower({HEX})[:32])",
    "hashes": f"lower({HEX})",
    "UUIDs": f"regexp_replace(lower({HEX})[:32], '(.{{8}})(.{{4}})(.{{4}})(.{{4}})(.{{12}})', '\\1-\\2-\\3-\\4-\\5')",
    "codes": "concat('0', 101 + a % 760)",
    "EAN": "concat('57', lpad((a % 100000000000)::text, 11, '0'))",
}


def made(kind, count, seed=1):
    """Return cells of a kind; the same seed gives the same ones."""
    numbers = ", ".join(f"hash(i, {seed}, '{letter}') as {letter}" for letter in "abcde")
    rows = duckdb.sql(f"select {KINDS[kind]} as cell from (select {numbers} from range({count}) r(i))").fetchall()
    return [cell for (cell,) in rows]


def test_a_million_cells_of_other_numbers_are_passed():
    assert len(KINDS) * SHARE == CELLS
    stopped = []
    for kind in KINDS:
        cells = made(kind, SHARE)
        assert len(set(cells)) > SHARE / 100
        tally = tallied(cells) if may_hold_cpr("\n".join(cells).encode()) else Tally()
        stopped += [(kind, tally)] if tally.offence() else []
    assert stopped == []


@pytest.mark.parametrize("kind", ["ids of ten digits", "ids of nine digits", "cases by year", "pseudonyms of 16"])
def test_small_columns_of_ids_are_passed_from_fifty_numbers_on(kind):
    cells = made(kind, 60 * 200)
    assert [tallied(cells[at : at + 60]).offence() for at in range(0, len(cells), 60)] == [0] * 200


def number(draw, form):
    """Return a CPR number in one of the forms that are met."""
    day, month, year = draw.randrange(1, 29), draw.randrange(1, 13), draw.randrange(100)
    day = draw.randrange(1, 10) if "zero" in form else day + 60 * (form == "replacement")
    serial = f"{draw.randrange(1, 10**4):04d}"
    first = f"{day:02d}{month:02d}{year:02d}"
    return {
        "hyphen": f"{first}-{serial}",
        "blank": f"{first} {serial}",
        "dash": f"{first}–{serial}",
        "dots": f"{day:02d}.{month:02d}.{year:02d}-{serial}",
        "zero lost": f"{first[1:]}{serial}",
        "zero lost, hyphen": f"{first[1:]}-{serial}",
        "as a float": f"{first}{serial}.0",
    }.get(form, first + serial)


FORMS = ("plain", "hyphen", "blank", "dash", "dots", "zero lost", "zero lost, hyphen", "replacement", "as a float")
AROUND = ("{}", " {} ", "se {}", "borger {} er flyttet", "CPR:{}", "({})", "{}/2016", "P{}", "\t{}")
FILLED = {
    "blank": lambda r: "",
    "pseudonyms": lambda r: f"P{r.randrange(10**7):07d}",
    "hashes": lambda r: hexadecimal(r, 64),
    "short numbers": lambda r: str(r.randrange(1000)),
    "text": lambda r: r.choice(["mødt", "ikke mødt", "aflyst af borger", "udeblevet 2016-03-01"]),
    "phones": lambda r: str(r.randrange(20_000_000, 100_000_000)),
    "other forms": lambda r: f"{r.randrange(2001, 2020)}-{r.randrange(10**6):06d}",
}


def test_five_hundred_planted_numbers_are_stopped_at_their_lines():
    draw = random.Random(500)
    missed = []
    for planted in range(500):
        form, around, filled = FORMS[planted % 9], AROUND[planted // 9 % 9], sorted(FILLED)[planted % 7]
        cells = [FILLED[filled](draw) for _ in range(draw.choice([1, 30, 400]))]
        place = draw.randrange(len(cells))
        cells[place] = around.format(number(draw, form))
        found = tallied(cells).offence() if may_hold_cpr("\n".join(cells).encode()) else 0
        missed += [] if found == place + 2 else [(form, around, filled)]
    assert missed == []


@pytest.mark.parametrize("form", FORMS)
def test_a_column_of_nothing_else_is_stopped(form):
    draw = random.Random(form)
    assert tallied([number(draw, form) for _ in range(5_000)]).offence() == 2


def test_the_number_in_another_form_than_the_ids_of_its_column_is_stopped():
    draw = random.Random(3)
    cells = made("ids of ten digits", 1_000)
    cells[700] = number(draw, "hyphen")
    assert tallied(cells).offence() == 702


SERIES = {
    "a series": lambda draw: [str(4_500_000_000 + n) for n in range(draw.choice([50, 60, 400]))],
    "a prefix": lambda draw: [f"98{draw.randrange(10**8):08d}" for _ in range(60)],
    "years": lambda draw: [f"{draw.randrange(1998, 2020)}{draw.randrange(10**6):06d}" for _ in range(80)],
    "nine digits": lambda draw: [str(950_000_000 + draw.randrange(10**6)) for _ in range(50)],
    "a series after a letter": lambda draw: [f"S{4_500_000_000 + n}" for n in range(55)],
}


@pytest.mark.parametrize("series", sorted(SERIES))
def test_one_number_among_ids_that_begin_alike_is_stopped(series):
    draw, missed = random.Random(series), 0
    for _ in range(100):
        cells = SERIES[series](draw)
        assert tallied(cells).offence() == 0
        place = draw.randrange(len(cells))
        planted = next(text for text in iter(lambda: number(draw, "plain"), "") if text[:2] not in ("19", "20"))
        cells[place] = planted
        missed += tallied(cells).offence() != place + 2
    assert missed == 0


def test_one_number_among_random_ids_is_passed_as_the_module_says():
    cells = made("ids of ten digits", 60)
    cells[40] = number(random.Random(4), "plain")
    assert tallied(cells).offence() == 0


def test_a_series_from_anywhere_has_no_number_that_is_strange_to_it():
    draw, strange = random.Random(10), 0
    for _ in range(1_000):
        start = draw.randrange(10**8, 10**10 - 1_000)
        strange += tallied([str(start + n) for n in range(1_000)]).shapes["whole"].stranger() > 0
    assert strange == 0


def test_the_first_line_that_offends_is_given_across_blocks():
    tally = Tally()
    for start in (2, 102):
        tally.add(pa.array(["x"] * 99 + ["0101901234"]), pa.array(range(start, start + 100)))
    assert tally.offence() == 101


def meetings(ids):
    return "\n".join([MEETINGS, *(f"P0000001;2016-02-01;jobsamtale;personlig;{i};0;" for i in ids)]) + "\n"


def test_a_column_of_ids_is_loaded_and_written_down(project):
    load(project, [deliver(project, "s.csv", meetings(made("ids of ten digits", 400)))])
    with connect(project) as connection:
        [(extract, column, verdict, numbers, dated)] = connection.execute(
            "select * exclude (delivery_id) from raw.judged_columns"
        ).fetchall()
    assert (extract, column, verdict, numbers) == ("samtaler", "sagsbehandler_id", "ids", 400)
    assert 10 < dated < 60


def test_a_declared_column_is_loaded_and_written_down_and_no_other_is(project):
    deliver(project, "s.csv", meetings(["0101901234"] * 3).replace("sagsbehandler_id", "Medarbejder"))
    (project.root / "mapping.toml").write_text(
        '[samtaler]\nno_cpr = ["sagsbehandler_id"]\n[samtaler.aliases]\nsagsbehandler_id = "medarbejder"\n',
        encoding="utf-8",
    )
    project = Project.open(project.root)
    assert load(project)[0].rows == 3
    with connect(project) as connection:
        assert connection.execute("select * from raw.judged_columns").fetchall() == [
            (1, "samtaler", "Medarbejder", "declared", 1, 1)
        ]
    deliver(project, "t.csv", meetings(["0101901234"]).replace("P0000001", "0202901234"))
    with pytest.raises(ExtractError, match=r"t\.csv: line 2, column 1 \(pnr_pseudo\) holds a CPR number"):
        load(project)


def test_a_column_that_the_contract_declares_is_loaded_and_told_as_such(project, monkeypatch):
    [of_meetings] = [contract for contract in contracts() if contract.name == "samtaler"]
    columns = [replace(column, no_cpr=column.name == "sagsbehandler_id") for column in of_meetings.columns]
    declared = replace(of_meetings, columns=tuple(columns))
    monkeypatch.setattr(matching, "contracts", lambda: (declared,))
    assert "sagsbehandler_id code (may be blank, no CPR numbers)" in described(declared)
    assert load(project, [deliver(project, "s.csv", meetings(["0101901234"] * 9))])[0].rows == 9
    with connect(project) as connection:
        [row] = RULES["quality_judged"](ledger.judged(connection), Policy(MINIMUM_COUNT))
    assert (row["column_name"], row["verdict"]) == ("sagsbehandler_id", "contract")
    assert quality_words.JUDGED[row["verdict"]] == "erklæret uden CPR-numre i udtrækkets kontrakt"
    deliver(project, "t.csv", meetings(["0101901234"]).replace("P0000001", "0202901234"))
    with pytest.raises(ExtractError, match=r"t\.csv: line 2, column 1 \(pnr_pseudo\) holds a CPR number"):
        load(project)


def test_a_declared_column_that_the_extract_has_not_is_refused(project):
    (project.root / "mapping.toml").write_text('\n[samtaler]\nno_cpr = ["sag"]\n', encoding="utf-8")
    with pytest.raises(ExtractError, match=r"mapping\.toml:3: the extract samtaler has no column 'sag'"):
        load(project, [deliver(project, "s.csv", GOOD["samtaler"])])
