-- How each benefit episode ended: when, and where the person went.
-- grain:   person_id, spell_number
-- inputs:  marts.benefit_spells, marts.week_status, marts.observation, marts.wage_months
-- outputs: person_id, spell_number, benefit, municipality_code, exit_week, destination, is_censored, weeks
-- note:    an exit is four weeks in a row off the benefit, dated at the first; the destination is the state of the fourth week
-- note:    is_censored: no exit seen by observation.exits_to (destination null), or the person left the register; weeks counts to then
-- note:    exits after exits_to are censored whatever their destination, so that late wages do not choose who is counted
-- note:    without any final wage month there are no rows

with endings as (
    select
        spells.person_id,
        spells.spell_number,
        spells.benefit,
        spells.municipality_code,
        spells.from_week,
        weeks_after(spells.to_week, 1) as off_week,
        weeks_after(spells.to_week, exit_weeks()) as destination_week,
        weeks_after(observation.exits_to, 1) as unseen_week
    from marts.benefit_spells as spells
    cross join marts.observation as observation
    where observation.exits_to is not null
),

seen_endings as (
    select
        person_id,
        spell_number,
        destination_week
    from endings
    where off_week < unseen_week
),

destination_statuses as (
    select
        seen_endings.person_id,
        seen_endings.spell_number,
        bool_or(week_status.status = 'left_register') as has_left,
        bool_or(week_status.status = 'supported_work') as is_supported_work,
        bool_or(week_status.status = 'benefit') as is_other_benefit,
        bool_or(week_status.status = 'education') as is_education,
        bool_or(week_status.status = 'job') as is_holiday
    from seen_endings
    inner join marts.week_status as week_status
        on week_status.person_id = seen_endings.person_id
        and seen_endings.destination_week between week_status.from_week and week_status.to_week
    group by seen_endings.person_id, seen_endings.spell_number
),

destinations as (
    select
        seen_endings.person_id,
        seen_endings.spell_number,
        end_state(
            statuses.has_left,
            statuses.is_supported_work,
            false,
            statuses.is_other_benefit,
            statuses.is_education,
            coalesce(statuses.is_holiday, false) or coalesce(wages.is_employed, false)
        ) as destination
    from seen_endings
    left join destination_statuses as statuses using (person_id, spell_number)
    left join marts.wage_months as wages
        on wages.person_id = seen_endings.person_id
        and wages.month = thursday_month(seen_endings.destination_week)
)

select
    person_id,
    spell_number,
    endings.benefit,
    endings.municipality_code,
    greatest(endings.from_week, least(endings.off_week, endings.unseen_week)) as exit_week,
    destinations.destination,
    coalesce(destinations.destination = 'left_register', true) as is_censored,
    weeks_between(endings.from_week, exit_week) as weeks
from endings
left join destinations using (person_id, spell_number)
