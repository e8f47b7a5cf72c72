-- Stretches of weeks on any benefit or in supported work, each week counted once.
-- grain:   person_id, from_week
-- inputs:  marts.week_status
-- outputs: person_id, from_week, to_week
-- note:    two benefits that share or adjoin a week are one stretch

with paid_weeks as (
    select
        person_id,
        from_week,
        to_week
    from marts.week_status
    where status in ('benefit', 'supported_work')
),

marked_weeks as (
    select
        person_id,
        from_week,
        to_week,
        from_week > weeks_after(max(to_week) over earlier, 1) as is_new
    from paid_weeks
    window earlier as (
        partition by person_id
        order by from_week, to_week
        rows between unbounded preceding and 1 preceding
    )
),

numbered_weeks as (
    select
        person_id,
        from_week,
        to_week,
        count(*) filter (where is_new) over (
            partition by person_id
            order by from_week, to_week
            rows unbounded preceding
        ) as stretch
    from marked_weeks
)

select
    person_id,
    min(from_week) as from_week,
    max(to_week) as to_week
from numbered_weeks
group by person_id, stretch
