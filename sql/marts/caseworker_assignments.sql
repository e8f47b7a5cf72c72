-- Who carried whose case, from day to day, and where each stretch came from.
-- grain:   person_id, role, from_on, caseworker_id
-- inputs:  staging.stg_caseworkers, staging.stg_caseload, staging.stg_persons, staging.stg_interventions
-- outputs: person_id, role, from_on, to_on, caseworker_id, team, municipality_code, is_change, move
-- note:    roles that carry a case only; a stretch that still runs ends on the last day that the extract speaks of
-- note:    is_change: another caseworker than the one before in that role, who ended at most four weeks earlier
-- note:    move: to_intensive or to_normal, into or out of a team whose intervention runs on that day; else null
-- note:    municipality_code is where the caseworker's cases are counted most often, or else the citizen's own

with reach as (
    select greatest(max(from_on), max(to_on)) as last_day
    from staging.stg_caseworkers
),

stretches as (
    select
        spells.person_id,
        spells.role,
        spells.from_on,
        spells.caseworker_id,
        min(spells.team) as team,
        max(coalesce(spells.to_on, reach.last_day)) as to_on
    from staging.stg_caseworkers as spells
    cross join reach
    where carries_case(spells.role)
    group by all
),

counted_places as (
    select
        caseworker_id,
        municipality_code,
        count(*) as months
    from staging.stg_caseload
    group by all
),

places as (
    select
        caseworker_id,
        municipality_code
    from counted_places
    qualify row_number() over (partition by caseworker_id order by months desc, municipality_code) = 1
),

chained as (
    select
        stretches.person_id,
        stretches.role,
        stretches.from_on,
        stretches.to_on,
        stretches.caseworker_id,
        stretches.team,
        coalesce(places.municipality_code, persons.municipality_code) as municipality_code,
        case
            when lag(stretches.to_on) over earlier >= weeks_after(stretches.from_on, -exit_weeks())
                then lag(stretches.caseworker_id) over earlier
        end as caseworker_before,
        case
            when lag(stretches.to_on) over earlier >= weeks_after(stretches.from_on, -exit_weeks())
                then lag(stretches.team) over earlier
        end as team_before
    from stretches
    left join places using (caseworker_id)
    left join staging.stg_persons as persons using (person_id)
    window earlier as (
        partition by stretches.person_id, stretches.role
        order by stretches.from_on, stretches.to_on, stretches.caseworker_id
    )
),

intensive as (
    select distinct
        chained.municipality_code,
        interventions.team,
        chained.from_on
    from chained
    inner join staging.stg_interventions as interventions
        on interventions.municipality_code = chained.municipality_code
        and interventions.team in (chained.team, chained.team_before)
        and chained.from_on >= interventions.start_on
        and coalesce(chained.from_on <= interventions.end_on, true)
)

select
    chained.person_id,
    chained.role,
    chained.from_on,
    chained.to_on,
    chained.caseworker_id,
    chained.team,
    chained.municipality_code,
    coalesce(chained.caseworker_id <> chained.caseworker_before, false) as is_change,
    case
        when chained.team_before is null or (now_intensive.team is null) = (was_intensive.team is null) then null
        when now_intensive.team is not null then 'to_intensive'
        else 'to_normal'
    end as move
from chained
left join intensive as now_intensive
    on now_intensive.municipality_code = chained.municipality_code
    and now_intensive.team = chained.team
    and now_intensive.from_on = chained.from_on
left join intensive as was_intensive
    on was_intensive.municipality_code = chained.municipality_code
    and was_intensive.team = chained.team_before
    and was_intensive.from_on = chained.from_on
