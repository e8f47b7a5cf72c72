-- Episodes on one benefit, by each number of weeks off it that could end one: exit_weeks() is the rule.
-- grain:   exit_weeks, person_id, benefit, from_week
-- inputs:  marts.week_status
-- outputs: exit_weeks, person_id, benefit, from_week, to_week
-- note:    less than exit_weeks off the benefit do not end an episode, nor does supported work paid by the benefit

with benefit_stretches as (
    select
        person_id,
        benefit,
        from_week,
        max(to_week) as to_week
    from marts.week_status
    where status in ('benefit', 'supported_work')
    group by person_id, benefit, from_week
),

spaced_stretches as (
    select
        person_id,
        benefit,
        from_week,
        to_week,
        weeks_between(max(to_week) over earlier, from_week) - 1 as weeks_off
    from benefit_stretches
    window earlier as (
        partition by person_id, benefit
        order by from_week, to_week
        rows between unbounded preceding and 1 preceding
    )
),

numbered_stretches as (
    select
        rules.exit_weeks,
        person_id,
        benefit,
        from_week,
        to_week,
        count(*) filter (where weeks_off >= rules.exit_weeks) over (
            partition by rules.exit_weeks, person_id, benefit
            order by from_week, to_week
            rows unbounded preceding
        ) as episode
    from spaced_stretches
    cross join (select unnest(exit_rules()) as exit_weeks) as rules
)

select
    exit_weeks,
    person_id,
    benefit,
    min(from_week) as from_week,
    max(to_week) as to_week
from numbered_stretches
group by exit_weeks, person_id, benefit, episode
