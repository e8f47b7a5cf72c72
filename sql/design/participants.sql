-- Entrants by end state, and those among them who took part in the municipality's own project before the horizon.
-- grain:   municipality_code, period_on, horizon_weeks, state
-- inputs:  design.entrants, design.entrant_outcomes, design.horizons, staging.stg_programmes
-- outputs: municipality_code, period_on, horizon_weeks, state, persons, participants
-- note:    a participant has an offer of the type own_project() that begins between entry and the horizon week
-- note:    who takes part is decided after entry, often by who is nearest to a job: the shares of participants are no effect

with taking_part as (
    select distinct
        horizons.person_id,
        horizons.entry_week,
        horizons.horizon_weeks
    from design.horizons as horizons
    inner join staging.stg_programmes as programmes
        on programmes.person_id = horizons.person_id
        and programmes.programme_type = own_project()
        and programmes.from_on between horizons.entry_week and sunday_of(horizons.horizon_week)
)

select
    entrants.municipality_code,
    entrants.period_on,
    outcomes.horizon_weeks,
    outcomes.state,
    count(*)::integer as persons,
    count(taking_part.person_id)::integer as participants
from design.entrants as entrants
inner join design.entrant_outcomes as outcomes using (person_id, entry_week)
left join taking_part using (person_id, entry_week, horizon_weeks)
group by entrants.municipality_code, entrants.period_on, outcomes.horizon_weeks, outcomes.state
