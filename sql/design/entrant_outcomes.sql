-- Where each entrant is so many weeks after entry, and what happened on the way.
-- grain:   person_id, entry_week, horizon_weeks
-- inputs:  design.horizons, design.horizon_statuses, marts.wage_months, marts.sanction_events
-- outputs: person_id, entry_week, horizon_weeks, state, paid_hours, paid_hours_any, paid_hours_20, paid_hours_87, benefit_weeks, sick_weeks, sanctions
-- note:    exactly one state, in the order of end_state(); absent when not observed (design.horizons)
-- note:    paid hours are those of the month that holds the week's Thursday, also beside a benefit; null when a wage states no hours
-- note:    sanctions count every decision from the week after entry to the horizon week, reversed ones too

with sanction_counts as (
    select
        horizons.person_id,
        horizons.entry_week,
        horizons.horizon_weeks,
        count(*)::integer as sanctions
    from design.horizons as horizons
    inner join marts.sanction_events as events
        on events.person_id = horizons.person_id
        and week_of(events.decided_on) > horizons.entry_week
        and week_of(events.decided_on) <= horizons.horizon_week
    group by horizons.person_id, horizons.entry_week, horizons.horizon_weeks
),

worked_months as (
    select
        horizons.person_id,
        horizons.entry_week,
        horizons.horizon_weeks,
        coalesce(wages.is_employed, false) as is_paid,
        stated_hours(wages.paid_hours, wages.is_employed) as paid_hours
    from design.horizons as horizons
    left join marts.wage_months as wages
        on wages.person_id = horizons.person_id and wages.month = horizons.wage_month
)

select
    person_id,
    entry_week,
    horizon_weeks,
    end_state(
        statuses.has_left,
        statuses.is_supported_work,
        statuses.is_entry_benefit,
        statuses.is_other_benefit,
        statuses.is_education,
        statuses.is_holiday_pay or worked_months.is_paid
    ) as state,
    worked_months.paid_hours,
    worked_months.is_paid::integer as paid_hours_any,
    (worked_months.paid_hours >= few_hours())::integer as paid_hours_20,
    (worked_months.paid_hours >= part_time_hours())::integer as paid_hours_87,
    statuses.benefit_weeks,
    statuses.sick_weeks,
    coalesce(sanction_counts.sanctions, 0) as sanctions
from design.horizon_statuses as statuses
inner join worked_months using (person_id, entry_week, horizon_weeks)
left join sanction_counts using (person_id, entry_week, horizon_weeks)
