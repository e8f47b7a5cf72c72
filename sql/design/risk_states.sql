-- Where each person of the risk weeks is, week by week, to the last horizon after them.
-- grain:   person_id, benefit, week
-- inputs:  design.risk_weeks, marts.week_status, marts.wage_months, marts.observation
-- outputs: person_id, benefit, week, state
-- note:    benefit is the one of the spell, which decides between entry_benefit and other_benefit; one state, in the order of end_state()
-- note:    absent when the week lies in the last four weeks of data, its wage month is not final, or either ends after outcomes_to

with spans as (
    select
        person_id,
        benefit,
        min(week) as from_week,
        weeks_after(max(week), list_max(getvariable('risk_horizons'))::integer) as to_week
    from design.risk_weeks
    group by all
),

statuses as (
    select
        person_id,
        benefit,
        unnest(generate_series(from_week, to_week, to_weeks(1)))::date as week,
        null as status,
        null as held_benefit
    from spans
    union all
    select
        spans.person_id,
        spans.benefit,
        unnest(generate_series(
            greatest(spans.from_week, week_status.from_week),
            least(spans.to_week, week_status.to_week),
            to_weeks(1)
        ))::date as week,
        week_status.status,
        week_status.benefit as held_benefit
    from spans
    inner join marts.week_status as week_status
        on week_status.person_id = spans.person_id
        and week_status.from_week <= spans.to_week
        and week_status.to_week >= spans.from_week
),

weeks as (
    select
        person_id,
        benefit,
        week,
        thursday_month(week) as wage_month,
        coalesce(bool_or(status = 'left_register'), false) as has_left,
        coalesce(bool_or(status = 'supported_work'), false) as is_supported_work,
        coalesce(bool_or(status = 'benefit' and held_benefit = benefit), false) as is_entry_benefit,
        coalesce(bool_or(status = 'benefit' and held_benefit <> benefit), false) as is_other_benefit,
        coalesce(bool_or(status = 'education'), false) as is_education,
        coalesce(bool_or(status = 'job'), false) as is_holiday_pay
    from statuses
    group by all
)

select
    weeks.person_id,
    weeks.benefit,
    weeks.week,
    end_state(
        weeks.has_left,
        weeks.is_supported_work,
        weeks.is_entry_benefit,
        weeks.is_other_benefit,
        weeks.is_education,
        weeks.is_holiday_pay or coalesce(wages.is_employed, false)
    ) as state
from weeks
cross join marts.observation as observation
left join marts.wage_months as wages
    on wages.person_id = weeks.person_id and wages.month = weeks.wage_month
where weeks.week <= observation.outcome_to
    and weeks.wage_month <= observation.wage_to
    and coalesce(sunday_of(weeks.week) <= getvariable('outcomes_to')::date, true)
    and coalesce(last_day(weeks.wage_month) <= getvariable('outcomes_to')::date, true)
