-- How far the data reach, and how far outcomes can be read from them.
-- grain:   one row
-- inputs:  staging.stg_benefit_spells, marts.wage_months
-- outputs: data_from, data_to, wage_to, outcome_to, exits_to
-- note:    data_to is the last day of any benefit spell; wage_to the last month whose wages are final (months wait as evaluator.toml says)
-- note:    outcome_to lies four weeks before data_to; exits_to is the last week an exit can be dated in with its destination known

with benefit_days as (
    select
        min(from_on) as data_from,
        greatest(max(from_on), max(to_on)) as data_to
    from staging.stg_benefit_spells
),

wage_months as (
    select max(month) as last_month
    from marts.wage_months
),

reach as (
    select
        data_from,
        data_to,
        months_after(
            least(month_of(data_to), last_month),
            -coalesce(getvariable('wage_final_after_months'), default_wage_final_after_months())::integer
        ) as final_month,
        last_month is not null as has_wages,
        weeks_after(data_to, -observation_lag_weeks()) as outcome_to
    from benefit_days
    cross join wage_months
),

final_wages as (
    select
        data_from,
        data_to,
        case when has_wages then final_month end as wage_to,
        outcome_to
    from reach
)

select
    data_from,
    data_to,
    wage_to,
    outcome_to,
    exits_seen_to(data_to, outcome_to, wage_to, exit_weeks()) as exits_to
from final_wages
