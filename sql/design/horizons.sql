-- The weeks in which each entrant's outcome can be read.
-- grain:   person_id, entry_week, horizon_weeks
-- inputs:  design.entrants, marts.observation
-- outputs: person_id, entry_week, horizon_weeks, benefit, horizon_week, wage_month
-- note:    absent when the week lies in the last four weeks of data, or its wage month is not final: for every state alike
-- note:    absent when the week or its wage month ends after outcomes_to; without outcomes_to all observed weeks are there

with asked_horizons as (
    select unnest(getvariable('horizons'))::integer as horizon_weeks
),

entrant_weeks as (
    select
        person_id,
        entry_week,
        horizon_weeks,
        benefit,
        weeks_after(entry_week, horizon_weeks) as horizon_week,
        thursday_month(horizon_week) as wage_month
    from design.entrants
    cross join asked_horizons
)

select
    person_id,
    entry_week,
    horizon_weeks,
    benefit,
    horizon_week,
    wage_month
from entrant_weeks
cross join marts.observation
where horizon_week <= outcome_to
    and wage_month <= wage_to
    and coalesce(sunday_of(horizon_week) <= getvariable('outcomes_to')::date, true)
    and coalesce(last_day(wage_month) <= getvariable('outcomes_to')::date, true)
