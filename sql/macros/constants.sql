-- The numbers of the models, each with its source.

-- Weeks in a row off the entry benefit that make an exit (DESIGN section 1; DREAMtoolsR uses four).
create or replace temp macro exit_weeks() as 4;

-- The rules that exits are also counted by, to see how much rests on the four weeks (DOMAIN 2.2: sensitivity 2, 8 and 13).
create or replace temp macro exit_rules() as [2, exit_weeks(), 8, 13];

-- Outcomes are observed until so many weeks before the data end (DESIGN section 1).
create or replace temp macro observation_lag_weeks() as 4;

-- Months before a wage month counts as final, unless evaluator.toml says otherwise ([data] wage_final_after_months).
create or replace temp macro default_wage_final_after_months() as 2;

-- Paid hours a month: "few hours" and the small-job threshold (DOMAIN 1, claim 3.2).
create or replace temp macro few_hours() as 20;
create or replace temp macro part_time_hours() as 87;

-- Age groups of the reports; 18 and 30 are the age limits of uddannelseshjaelp, 66 the last before folkepension.
create or replace temp macro age_group(age) as
    case
        when age between 18 and 24 then '18-24'
        when age between 25 and 29 then '25-29'
        when age between 30 and 49 then '30-49'
        when age between 50 and 66 then '50-66'
    end;

-- Christiansø, in Statistics Denmark's tables beside the 98 municipalities, belongs to none (DOMAIN 2.3).
create or replace temp macro no_municipality() as '411';

-- The type of an offer that says its person takes part in the municipality's own project (contract tilbud).
create or replace temp macro own_project() as 'projekt';

-- A quotient with six decimals: sums of it are exact, and so the same whatever the number of threads.
create or replace temp macro exact_ratio(value) as value::decimal(18, 6);

-- Weeks since a sanction at which its effect may change: the pieces 0-4, 5-12, 13-26 and later.
create or replace temp macro sanction_pieces() as [0, 5, 13, 27];

-- Weeks in which a missed meeting counts as recent: as long as the first piece after a sanction.
create or replace temp macro recent_weeks() as 5;

-- Deduction for one event at the rates of 2021: 400 DKK for monthly aid of 5,633-9,935 DKK, 600 up to 13,519 (DOMAIN 4);
-- stands in where no amount is delivered.
create or replace temp macro fixed_deduction_dkk(benefit) as
    case when benefit = 'uddannelseshjaelp' then 400 else 600 end;

-- Weeks after the entry week in which the first to carry the case counts as the caseworker at intake: as long as a change
-- of caseworker may take (marts.caseworker_assignments).
create or replace temp macro intake_weeks() as 4;

-- How far back what was known at intake reaches: a year.
create or replace temp macro history_weeks() as 52;
create or replace temp macro history_months() as 12;
