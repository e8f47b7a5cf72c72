"""Every kind of offence is found, counted and told; no value of a person comes along."""

import pytest
from expectations_store import TABLES, hand_made_project

from evaluator.errors import CheckError
from evaluator.project import Project
from evaluator.store import connect
from evaluator.vocabulary import Finding, Verdict
from expectations.run import check, suites

# what is done to the clean tables | table | rule that must fail | severity | offending rows
OFFENCES = (
    (
        "insert into staging.stg_persons select * from staging.stg_persons where person_id = 'P0000001'",
        ("staging.stg_persons", "unique(person_id)", "critical", 2),
    ),
    (
        "update staging.stg_persons set municipality_code = '411' where person_id = 'P0000002'",
        ("staging.stg_persons", "municipality is known", "critical", 1),
    ),
    (
        "update staging.stg_persons set sex = 'X' where person_id in ('P0000003', 'P0000004')",
        ("staging.stg_persons", "one_of(sex)", "critical", 2),
    ),
    (
        "update staging.stg_persons set birth_year = 217 where person_id = 'P0000005'",
        ("staging.stg_persons", "between(birth_year, 1900, 2025)", "critical", 1),
    ),
    (
        "update staging.stg_persons set left_code = '999' where person_id = 'P0000005'",
        ("staging.stg_persons", "left_on and left_code together", "warning", 1),
    ),
    (
        "insert into staging.stg_benefit_spells values ('P0000001', '2016-05-01', '2016-04-01', '130', '615')",
        ("staging.stg_benefit_spells", "spell runs forward", "critical", 1),
    ),
    (
        "insert into staging.stg_benefit_spells values ('P0000002', '2017-03-05', '2017-03-20', '130', '615')",
        ("staging.stg_benefit_spells", "spells of (person_id) do not overlap", "critical", 1),
    ),
    (
        "insert into staging.stg_benefit_spells values ('P9999999', '2017-01-02', '2017-01-08', '998', '000')",
        ("staging.stg_benefit_spells", "person is known", "warning", 1),
        ("staging.stg_benefit_spells", "person is known, at most 1%", "critical", 1),
        ("staging.stg_benefit_spells", "benefit code is known", "warning", 1),
        ("staging.stg_benefit_spells", "municipality is known", "critical", 1),
    ),
    (
        "update staging.stg_dream_codes set valid_to = '2000-01-01'",
        ("staging.stg_benefit_spells", "benefit code is in use", "warning", 12),
    ),
    (
        "insert into staging.stg_visitation values ('P0000001', '2016-01-01', '2016-02-01', 'parat')",
        ("staging.stg_visitation", "one_of(target_group)", "critical", 1),
    ),
    (
        "insert into staging.stg_caseload values ('S1', 'A', '615', '2017-01-01', 40, 1)",
        ("staging.stg_caseload", "unique(caseworker_id, team, municipality_code, month)", "critical", 2),
    ),
    (
        "insert into staging.stg_meetings values ('P0000001', '2031-01-01', 'cv', 'brev', 'S1', false, '2031-01-02')",
        ("staging.stg_meetings", "held_on is not in the future", "warning", 1),
    ),
    (
        "insert into staging.stg_paid_hours values ('P0000001', '2017-02-02', 900, 100)",
        ("staging.stg_paid_hours", "month is the first of a month", "critical", 1),
        ("staging.stg_paid_hours", "paid hours within -400 and 800", "critical", 1),
    ),
    (
        "update staging.stg_municipality_panel set full_time = 0 where municipality_code = '000'",
        ("staging.stg_municipality_panel", "zero or missing cell", "warning", 1),
    ),
    (
        "delete from staging.stg_dream_codes where benefit_code = '199'",
        ("staging.stg_dream_codes", "row_count(100, None)", "critical", 99),
    ),
    (
        "insert into raw.deliveries values"
        " (2, 'ydelser', 'ydelser-2.csv', 'b', 40, 400, 3, '2017-01-01', '2017-12-31', '2018-02-15 06:00', null);"
        "update raw.deliveries set replaced_by = 2 where delivery_id = 1",
        ("raw.deliveries", "a new version holds at least 90% of what it replaces", "warning", 1),
        ("raw.deliveries", "a new version holds at least 50% of what it replaces", "critical", 1),
        ("raw.deliveries", "rejected rows at most 0.5%", "warning", 1),
    ),
    (
        "insert into marts.person_month select * from marts.person_month where person_id = 'P0000001'",
        ("marts.person_month", "unique(person_id, month)", "critical", 2),
    ),
    (
        "update marts.benefit_spells set from_week = '2017-01-03' where person_id = 'P0000001'",
        ("marts.benefit_spells", "from_week is a Monday", "critical", 1),
    ),
    (
        "update marts.exits set destination = null where person_id = 'P0000001'",
        ("marts.exits", "a finished spell has a destination", "critical", 1),
    ),
    (
        "insert into marts.observation select * from marts.observation",
        ("marts.observation", "row_count(1, 1)", "critical", 2),
    ),
)
EXPECTED = tuple(finding for _, *findings in OFFENCES for finding in findings)


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Verdict:
    return check(hand_made_project(tmp_path_factory.mktemp("clean") / "project"))


@pytest.fixture(scope="module")
def faulty_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return hand_made_project(tmp_path_factory.mktemp("faulty") / "project", *(offence[0] for offence in OFFENCES))


@pytest.fixture(scope="module")
def faulty(faulty_project: Project) -> Verdict:
    return check(faulty_project)


def test_clean_tables_pass_every_rule(clean: Verdict) -> None:
    assert [finding for finding in clean.findings if not finding.passed] == []
    assert {finding.table for finding in clean.findings} == {*TABLES, "raw.deliveries"}


@pytest.mark.parametrize("expected", EXPECTED, ids=lambda e: f"{e[0]}: {e[1]}")
def test_a_planted_offence_is_found_and_counted(expected: tuple[str, str, str, int], faulty: Verdict) -> None:
    failed = {(f.table, f.rule, f.severity): f.unexpected for f in faulty.findings if not f.passed}
    table, rule, severity, rows = expected
    assert failed.get((table, rule, severity)) == rows


def test_the_findings_are_kept_in_the_store(faulty_project: Project, faulty: Verdict) -> None:
    query = "select table_name, rule, severity, passed, rows, unexpected, notes from meta.findings"
    with connect(faulty_project) as connection:
        kept = connection.execute(query).fetchall()
    assert [Finding(*row) for row in kept] == list(faulty.findings)


def test_no_person_is_named_in_a_finding(faulty: Verdict) -> None:
    assert "P0000" not in repr(faulty)
    assert "P9999999" not in repr(faulty)


def test_a_missing_staging_table_is_told(tmp_path) -> None:
    project = hand_made_project(tmp_path / "project", without="staging.stg_visitation")
    with pytest.raises(CheckError, match=r"staging\.stg_visitation: the table is missing"):
        check(project)


def test_every_rule_has_a_reason_and_a_name_of_its_own() -> None:
    for suite in suites():
        assert all(rule.notes.endswith(".") for rule in suite.rules)
        names = [rule.name for rule in suite.rules]
        assert sorted(set(names)) == sorted(names)
