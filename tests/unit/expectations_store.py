"""A project with hand-made staging and mart tables: five persons without fault, and offences planted on request."""

from pathlib import Path

from evaluator.project import Project
from evaluator.store import connect

TABLES = {
    "staging.stg_persons": "person_id varchar, birth_year integer, sex varchar, origin varchar,"
    " education_level varchar, has_children boolean, is_single boolean, municipality_code varchar,"
    " left_on date, left_code varchar",
    "staging.stg_benefit_spells": "person_id varchar, from_on date, to_on date, benefit_code varchar,"
    " municipality_code varchar",
    "staging.stg_visitation": "person_id varchar, from_on date, to_on date, target_group varchar",
    "staging.stg_caseworkers": "person_id varchar, from_on date, to_on date, caseworker_id varchar, team varchar,"
    " role varchar",
    "staging.stg_caseload": "caseworker_id varchar, team varchar, municipality_code varchar, month date, cases integer,"
    " fte decimal(18, 4)",
    "staging.stg_meetings": "person_id varchar, held_on date, meeting_type varchar, contact_form varchar,"
    " caseworker_id varchar, is_no_show boolean, registered_on date",
    "staging.stg_programmes": "person_id varchar, from_on date, to_on date, programme_type varchar,"
    " hours_per_week decimal(18, 4)",
    "staging.stg_sanctions": "person_id varchar, decided_on date, paragraph varchar, sanction_type varchar,"
    " reason varchar, days integer, amount_dkk decimal(18, 4), status varchar, guided_on date, warned_on date,"
    " heard_on date",
    "staging.stg_paid_hours": "person_id varchar, month date, paid_hours decimal(18, 4), wage_dkk decimal(18, 4)",
    "staging.stg_education": "person_id varchar, from_on date, to_on date, education_type varchar, level varchar",
    "staging.stg_interventions": "municipality_code varchar, team varchar, start_on date, end_on date,"
    " intervention varchar, planned_before integer, planned_after integer, budget_dkk decimal(18, 4),"
    " target_group varchar",
    "staging.stg_municipality_panel": "municipality_code varchar, period_on date, period_kind varchar, benefit varchar,"
    " target_group varchar, full_time decimal(18, 4), persons integer, sanctions integer, unemployed integer,"
    " population integer, is_suppressed boolean",
    "staging.stg_dream_codes": "benefit_code varchar, code_name varchar, benefit varchar, outcome_class varchar,"
    " valid_from date, valid_to date",
    "marts.observation": "data_from date, data_to date, wage_to date",
    "marts.week_status": "person_id varchar, status varchar, benefit varchar, from_week date, to_week date",
    "marts.benefit_spells": "person_id varchar, spell_number integer, benefit varchar, municipality_code varchar,"
    " from_week date, to_week date, is_open boolean",
    "marts.exits": "person_id varchar, spell_number integer, benefit varchar, municipality_code varchar,"
    " exit_week date, destination varchar, is_censored boolean, weeks integer",
    "marts.person_month": "person_id varchar, month date, municipality_code varchar, benefit varchar,"
    " target_group varchar, age_group varchar, is_supported_work boolean, is_sick boolean, paid_hours decimal(18, 4),"
    " is_sanctioned boolean, sanctions integer",
    "marts.municipality_period": "municipality_code varchar, month date, persons_on_benefit integer, entries integer,"
    " exits_job integer, exits_education integer, exits_other_benefit integer, exits_self_support integer,"
    " sanctions integer, no_shows integer, meetings integer, caseload double",
    "marts.municipality_statistics": "municipality_code varchar, period_on date, period_kind varchar, benefit varchar,"
    " target_group varchar, full_time decimal(18, 4), is_suppressed boolean",
    "marts.caseworker_month": "caseworker_id varchar, team varchar, municipality_code varchar, month date,"
    " cases integer, fte decimal(18, 4), caseload double",
    "marts.caseworker_assignments": "person_id varchar, role varchar, from_on date, to_on date, caseworker_id varchar,"
    " team varchar, municipality_code varchar, is_change boolean, move varchar",
    "marts.caseload_day": "municipality_code varchar, team varchar, day date, citizens integer, caseworkers integer,"
    " fte decimal(18, 4), caseload double",
    "marts.caseload_month": "municipality_code varchar, team varchar, month date, days integer, citizen_days integer,"
    " fte_days decimal(18, 6), measured_days integer, caseload double",
    "marts.team_moves": "municipality_code varchar, month date, stretches integer, changes integer,"
    " to_intensive integer, to_normal integer",
    "marts.caseworker_continuity": "person_id varchar, year integer, citizen_years double, changes integer,"
    " changes_per_year double, meetings integer, upc double, coc double, secon double",
    "marts.sanction_events": "person_id varchar, decided_on date, sanction_type varchar, paragraph varchar,"
    " reason varchar, status varchar, is_reversed boolean, warned_on date, heard_on date, benefit varchar,"
    " municipality_code varchar",
}

CLEAN = """
    insert into raw.deliveries values
        (1, 'ydelser', 'ydelser.csv', 'a', 100, 1000, 0, '2017-01-01', '2017-12-31', '2018-01-15 06:00', null);
    insert into staging.stg_dream_codes
        select cast(range as varchar), 'kode', 'kontanthjaelp', 'ydelse', null, null from range(100, 200);
    insert into staging.stg_persons
        select concat('P000000', range), 1980 + range, 'K', 'dansk', 'uoplyst', false, true, '615', null, null
        from range(1, 6);
    insert into staging.stg_benefit_spells
        select person_id, date '2017-01-02', date '2017-03-05', '130', '615' from staging.stg_persons
        union all
        select person_id, date '2017-05-01', null, '131', '615' from staging.stg_persons;
    insert into staging.stg_visitation
        select person_id, date '2017-01-02', null, 'aktivitetsparat' from staging.stg_persons;
    insert into staging.stg_caseload values ('S1', 'A', '615', '2017-01-01', 40, 1);
    insert into staging.stg_interventions values
        ('615', null, '2017-01-01', null, 'faerre-sager', 70, 35, 1000000, null);
    insert into staging.stg_municipality_panel values
        ('615', '2017-01-01', 'quarter', 'kontanthjaelp', null, 100, 120, 3, 4, 90000, false),
        ('000', '2017-01-01', 'quarter', 'kontanthjaelp', null, 9000, 12000, 30, 40, 5000000, false);
    insert into marts.observation values ('2017-01-02', '2017-12-31', '2017-10-01');
    insert into marts.benefit_spells
        select person_id, 1, 'kontanthjaelp', '615', '2017-01-02', '2017-02-27', false from staging.stg_persons;
    insert into marts.exits
        select person_id, 1, 'kontanthjaelp', '615', '2017-03-06', 'job', false, 9 from staging.stg_persons;
    insert into marts.person_month
        select person_id, '2017-01-01', '615', 'kontanthjaelp', 'aktivitetsparat', '30-49', false, false, 0, false, 0
        from staging.stg_persons;
    insert into marts.municipality_period values ('615', '2017-01-01', 5, 5, 0, 0, 0, 0, 0, 0, 0, 40);
    insert into marts.municipality_statistics values
        ('615', '2017-01-01', 'quarter', 'kontanthjaelp', null, 100, false);
    insert into marts.caseworker_month values ('S1', 'A', '615', '2017-01-01', 40, 1, 40);
    insert into marts.caseworker_assignments
        select person_id, 'primaer', '2017-01-02', '2017-03-05', 'S1', 'A', '615', false, null from staging.stg_persons;
    insert into marts.caseload_day values ('615', 'A', '2017-01-02', 5, 1, 1, 5);
    insert into marts.caseload_month values ('615', 'A', '2017-01-01', 30, 150, 30, 30, 5);
    insert into marts.team_moves values ('615', '2017-01-01', 5, 0, 0, 0);
    insert into marts.caseworker_continuity
        select person_id, 2017, 0.2, 0, 0, 2, 1, 1, 1 from staging.stg_persons;
"""


def hand_made_project(folder: Path, *statements: str, without: str = "nothing") -> Project:
    """Return a project whose store holds the clean tables, changed by `statements`; none that begin with `without`."""
    project = Project.create(folder)
    with connect(project) as connection:
        for table, columns in TABLES.items():
            connection.execute(f"create table {table} ({columns})")
        connection.execute(CLEAN)
        for statement in statements:
            connection.execute(statement)
        for table in TABLES:
            if table.startswith(without):
                connection.execute(f"drop table {table}")
    return project
