-- What each entrant's horizon week holds, and how many weeks on benefit and sick pay led to it.
-- grain:   person_id, entry_week, horizon_weeks
-- inputs:  design.horizons, marts.week_status, marts.benefit_weeks
-- outputs: person_id, entry_week, horizon_weeks, has_left, is_supported_work, is_entry_benefit, is_other_benefit, is_education, is_holiday_pay, benefit_weeks, sick_weeks
-- note:    weeks are counted from the week after entry to the horizon week, both included

with statuses as (
    select
        horizons.person_id,
        horizons.entry_week,
        horizons.horizon_weeks,
        week_status.status,
        week_status.benefit,
        week_status.benefit = horizons.benefit as is_entry,
        week_status.to_week >= horizons.horizon_week as is_current,
        shared_weeks(
            week_status.from_week, week_status.to_week, horizons.entry_week, horizons.horizon_week
        ) as weeks
    from design.horizons as horizons
    inner join marts.week_status as week_status
        on week_status.person_id = horizons.person_id
        and week_status.from_week <= horizons.horizon_week
        and week_status.to_week > horizons.entry_week
),

current_statuses as (
    select
        person_id,
        entry_week,
        horizon_weeks,
        bool_or(is_current and status = 'left_register') as has_left,
        bool_or(is_current and status = 'supported_work') as is_supported_work,
        bool_or(is_current and status = 'benefit' and is_entry) as is_entry_benefit,
        bool_or(is_current and status = 'benefit' and not is_entry) as is_other_benefit,
        bool_or(is_current and status = 'education') as is_education,
        bool_or(is_current and status = 'job') as is_holiday_pay,
        sum(weeks) filter (where status = 'benefit' and is_sick_pay(benefit)) as sick_weeks
    from statuses
    group by person_id, entry_week, horizon_weeks
),

paid_weeks as (
    select
        horizons.person_id,
        horizons.entry_week,
        horizons.horizon_weeks,
        sum(
            shared_weeks(paid.from_week, paid.to_week, horizons.entry_week, horizons.horizon_week)
        ) as benefit_weeks
    from design.horizons as horizons
    inner join marts.benefit_weeks as paid
        on paid.person_id = horizons.person_id
        and paid.from_week <= horizons.horizon_week
        and paid.to_week > horizons.entry_week
    group by horizons.person_id, horizons.entry_week, horizons.horizon_weeks
)

select
    person_id,
    entry_week,
    horizon_weeks,
    coalesce(current_statuses.has_left, false) as has_left,
    coalesce(current_statuses.is_supported_work, false) as is_supported_work,
    coalesce(current_statuses.is_entry_benefit, false) as is_entry_benefit,
    coalesce(current_statuses.is_other_benefit, false) as is_other_benefit,
    coalesce(current_statuses.is_education, false) as is_education,
    coalesce(current_statuses.is_holiday_pay, false) as is_holiday_pay,
    coalesce(paid_weeks.benefit_weeks, 0)::integer as benefit_weeks,
    coalesce(current_statuses.sick_weeks, 0)::integer as sick_weeks
from design.horizons
left join current_statuses using (person_id, entry_week, horizon_weeks)
left join paid_weeks using (person_id, entry_week, horizon_weeks)
