-- How each benefit episode ended, by each number of weeks off the benefit that could make an exit: exit_weeks() is the rule.
-- grain:   exit_weeks, person_id, benefit, from_week
-- inputs:  marts.benefit_episodes, marts.week_status, marts.observation, marts.wage_months
-- outputs: exit_weeks, person_id, benefit, from_week, exit_week, destination, is_censored, weeks
-- note:    an exit is exit_weeks in a row off the benefit, dated at the first; the destination is the state of the last of them
-- note:    is_censored: no exit seen by exits_seen_to() (destination null), or the person left the register
-- note:    weeks counts the weeks after each of which an exit would have been seen, so a censored spell lasts longer than them
-- note:    exits after that are censored whatever their destination, so that late wages do not choose who is counted
-- note:    without any final wage month there are no rows

with endings as (
    select
        episodes.exit_weeks,
        episodes.person_id,
        episodes.benefit,
        episodes.from_week,
        weeks_after(episodes.to_week, 1) as off_week,
        weeks_after(episodes.to_week, episodes.exit_weeks) as destination_week,
        exits_seen_to(
            observation.data_to, observation.outcome_to, observation.wage_to, episodes.exit_weeks
        ) as last_seen_week
    from marts.benefit_episodes as episodes
    cross join marts.observation as observation
    where observation.exits_to is not null
),

destination_weeks as (
    select distinct
        person_id,
        destination_week
    from endings
    where off_week <= last_seen_week
),

destination_statuses as (
    select
        seen.person_id,
        seen.destination_week,
        bool_or(week_status.status = 'left_register') as has_left,
        bool_or(week_status.status = 'supported_work') as is_supported_work,
        bool_or(week_status.status = 'benefit') as is_other_benefit,
        bool_or(week_status.status = 'education') as is_education,
        bool_or(week_status.status = 'job') as is_holiday
    from destination_weeks as seen
    inner join marts.week_status as week_status
        on week_status.person_id = seen.person_id
        and seen.destination_week between week_status.from_week and week_status.to_week
    group by seen.person_id, seen.destination_week
),

destinations as (
    select
        seen.person_id,
        seen.destination_week,
        end_state(
            statuses.has_left,
            statuses.is_supported_work,
            false,
            statuses.is_other_benefit,
            statuses.is_education,
            coalesce(statuses.is_holiday, false) or coalesce(wages.is_employed, false)
        ) as destination
    from destination_weeks as seen
    left join destination_statuses as statuses using (person_id, destination_week)
    left join marts.wage_months as wages
        on wages.person_id = seen.person_id
        and wages.month = thursday_month(seen.destination_week)
),

outcomes as (
    select
        endings.exit_weeks,
        person_id,
        endings.benefit,
        endings.from_week,
        greatest(endings.from_week, least(endings.off_week, endings.last_seen_week)) as exit_week,
        case when endings.off_week <= endings.last_seen_week then destinations.destination end as destination
    from endings
    left join destinations using (person_id, destination_week)
)

select
    exit_weeks,
    person_id,
    benefit,
    from_week,
    exit_week,
    destination,
    coalesce(destination = 'left_register', true) as is_censored,
    weeks_between(from_week, exit_week) as weeks
from outcomes
