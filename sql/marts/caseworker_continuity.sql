-- Continuity of contact for each citizen and year: changes of caseworker, and whom the meetings were held with.
-- grain:   person_id, year
-- inputs:  marts.caseworker_assignments, staging.stg_meetings
-- outputs: person_id, year, citizen_years, changes, changes_per_year, meetings, upc, coc, secon
-- note:    citizen_years is the share of the year's days on which somebody carried the case; changes_per_year is null without any
-- note:    meetings held with a known caseworker; upc: share with the most used (usual provider)
-- note:    coc (Bice and Boxerman): (sum of squares - n) / (n (n - 1)); secon: share of successive meetings with the same; both null under two meetings

with marked as (
    select
        person_id,
        from_on,
        to_on,
        max(to_on) over (
            partition by person_id
            order by from_on, to_on
            rows between unbounded preceding and 1 preceding
        ) as covered_to
    from marts.caseworker_assignments
),

own_days as (
    select
        person_id,
        greatest(from_on, coalesce(next_day(covered_to), from_on)) as from_on,
        to_on
    from marked
    where coalesce(to_on > covered_to, true)
),

own_years as (
    select
        person_id,
        from_on,
        to_on,
        unnest(generate_series(year(from_on), year(to_on)))::integer as year
    from own_days
),

assigned as (
    select
        person_id,
        year,
        sum(days_of(greatest(from_on, first_day_of_year(year)), least(to_on, last_day_of_year(year)))) as days
    from own_years
    group by all
),

changed as (
    select
        person_id,
        year(from_on)::integer as year,
        count(*) filter (where is_change)::integer as changes
    from marts.caseworker_assignments
    group by all
),

meetings as (
    select
        person_id,
        year(held_on)::integer as year,
        caseworker_id,
        lag(caseworker_id) over (
            partition by person_id, year(held_on)
            order by held_on, meeting_type, caseworker_id
        ) as caseworker_before
    from staging.stg_meetings
    where not coalesce(is_no_show, false) and caseworker_id is not null
),

shared as (
    select
        person_id,
        year,
        caseworker_id,
        count(*) as held,
        count(*) filter (where caseworker_id = caseworker_before) as repeated
    from meetings
    group by all
),

contacts as (
    select
        person_id,
        year,
        sum(held)::integer as meetings,
        sum(repeated)::integer as repeated,
        max(held)::integer as most_used,
        sum(held * held)::integer as squares
    from shared
    group by all
)

select
    person_id,
    year,
    coalesce(assigned.days, 0) / days_of(first_day_of_year(year), last_day_of_year(year)) as citizen_years,
    coalesce(changed.changes, 0) as changes,
    changed.changes / nullif(citizen_years, 0) as changes_per_year,
    coalesce(contacts.meetings, 0) as meetings,
    contacts.most_used / contacts.meetings as upc,
    (contacts.squares - contacts.meetings) / nullif(contacts.meetings * (contacts.meetings - 1), 0) as coc,
    contacts.repeated / nullif(contacts.meetings - 1, 0) as secon
from assigned
full join changed using (person_id, year)
full join contacts using (person_id, year)
