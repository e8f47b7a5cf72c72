-- Active citizens and caseload of each team, day by day, counted from who had whom.
-- grain:   municipality_code, team, day
-- inputs:  marts.caseworker_assignments, staging.stg_caseload
-- outputs: municipality_code, team, day, citizens, caseworkers, fte, caseload
-- note:    citizens and caseworkers are persons with a stretch on that day, each once, whatever the number of roles
-- note:    fte is that of the month in the extract sagstal; where the municipality delivers none, the caseworkers present, if evaluator.toml says that each is full-time, and else null
-- note:    caseload is citizens per full-time equivalent; null when fte is unknown or zero

with present as (
    select
        municipality_code,
        team,
        'citizen' as kind,
        person_id as present_id,
        from_on,
        to_on
    from marts.caseworker_assignments
    union all
    select
        municipality_code,
        team,
        'caseworker' as kind,
        caseworker_id as present_id,
        from_on,
        to_on
    from marts.caseworker_assignments
),

marked as (
    select
        municipality_code,
        team,
        kind,
        from_on,
        to_on,
        present_id,
        max(to_on) over (
            partition by municipality_code, team, kind, present_id
            order by from_on, to_on
            rows between unbounded preceding and 1 preceding
        ) as covered_to
    from present
),

-- The part of each stretch that no earlier one covers: each present day once.
own_days as (
    select
        municipality_code,
        team,
        kind,
        greatest(from_on, coalesce(next_day(covered_to), from_on)) as from_on,
        to_on
    from marked
    where coalesce(to_on > covered_to, true)
),

changes as (
    select
        municipality_code,
        team,
        kind,
        from_on as day,
        1 as step
    from own_days
    union all
    select
        municipality_code,
        team,
        kind,
        next_day(to_on) as day,
        -1 as step
    from own_days
),

net_changes as (
    select
        municipality_code,
        team,
        day,
        coalesce(sum(step) filter (where kind = 'citizen'), 0) as citizens,
        coalesce(sum(step) filter (where kind = 'caseworker'), 0) as caseworkers
    from changes
    group by all
),

lives as (
    select
        municipality_code,
        team,
        min(from_on) as first_day,
        max(to_on) as last_day
    from own_days
    group by all
),

days as (
    select
        municipality_code,
        team,
        unnest(generate_series(first_day, last_day, to_days(1)))::date as day
    from lives
),

counts as (
    select
        days.municipality_code,
        days.team,
        days.day,
        (sum(coalesce(net_changes.citizens, 0)) over so_far)::integer as citizens,
        (sum(coalesce(net_changes.caseworkers, 0)) over so_far)::integer as caseworkers
    from days
    left join net_changes
        on net_changes.municipality_code is not distinct from days.municipality_code
        and net_changes.team is not distinct from days.team
        and net_changes.day = days.day
    window so_far as (
        partition by days.municipality_code, days.team
        order by days.day
        rows unbounded preceding
    )
),

staffing as (
    select
        municipality_code,
        team,
        month,
        sum(fte) as fte
    from staging.stg_caseload
    group by all
),

reporting as (
    select distinct municipality_code
    from staging.stg_caseload
),

staffed as (
    select
        counts.municipality_code,
        counts.team,
        counts.day,
        counts.citizens,
        counts.caseworkers,
        case
            when reporting.municipality_code is not null then staffing.fte
            when coalesce(getvariable('caseworkers_are_full_time'), false) then counts.caseworkers
        end as fte
    from counts
    left join reporting using (municipality_code)
    left join staffing
        on staffing.municipality_code = counts.municipality_code
        and staffing.team = counts.team
        and staffing.month = month_of(counts.day)
)

select
    municipality_code,
    team,
    day,
    citizens,
    caseworkers,
    fte,
    citizens / nullif(fte, 0) as caseload
from staffed
