-- How many people of a spec's population each municipality has on benefit, period by period.
-- grain:   municipality_code, period_on
-- inputs:  marts.person_month, marts.observation
-- outputs: municipality_code, period_on, recipients
-- note:    the target group and age of the month itself; the mean over the months of the period, which must all be observed
-- note:    a municipality without recipients in a month has zero; months that end after outcomes_to are not read

with observed_months as (
    select unnest(generate_series(month_of(data_from), month_of(data_to), to_months(1)))::date as month
    from marts.observation
),

months as (
    select
        month,
        period_of(month, getvariable('period_months')) as period_on
    from observed_months
    cross join marts.observation
    where status_day(month) between data_from and data_to
        and month between month_of(getvariable('panel_from')) and getvariable('panel_to')
        and coalesce(last_day(month) <= getvariable('outcomes_to')::date, true)
),

whole_periods as (
    select
        period_on,
        count(*) as months
    from months
    group by period_on
    having count(*) = getvariable('period_months')
),

municipalities as (
    select distinct municipality_code
    from marts.person_month
    where municipality_code is not null
),

counts as (
    select
        municipality_code,
        period_of(month, getvariable('period_months')) as period_on,
        count(*) as person_months
    from marts.person_month
    inner join months using (month)
    where list_contains(getvariable('benefits'), benefit)
        and is_in_list(target_group, getvariable('target_groups'))
        and age between getvariable('age_from') and getvariable('age_to')
    group by all
)

select
    municipality_code,
    period_on,
    coalesce(counts.person_months, 0) / whole_periods.months as recipients
from municipalities
cross join whole_periods
left join counts using (municipality_code, period_on)
