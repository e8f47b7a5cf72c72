-- Each intake with its caseworker, what was known then, and what came of it: the frame of `strictness`.
-- grain:   person_id, entry_week, horizon_weeks
-- inputs:  design.entrants, design.entrant_outcomes, design.intake_history, marts.caseworker_assignments, staging.stg_meetings
-- outputs: person_id, entry_week, horizon_weeks, municipality_code, period_on, caseworker_id, team, benefit, target_group, age_group, sex, education_level, has_children, is_single, earlier_benefit_weeks, earlier_wage_months, earlier_sanctions, state, is_sanctioned, sanctions, meetings, no_shows
-- note:    one row per intake at each horizon; the caseworker is the first to carry the case from the entry week to intake_weeks() after it
-- note:    of several on the same day primaer goes before koordinerende; null where nobody carried the case by then
-- note:    is_sanctioned and sanctions count decisions after the entry week up to the horizon week, also reversed ones and those of later caseworkers
-- note:    meetings are those of the same weeks, missed ones (no_shows) among them; both are decided or moved by the caseworker

with first_caseworkers as (
    select
        entrants.person_id,
        entrants.entry_week,
        assignments.caseworker_id,
        assignments.team
    from design.entrants as entrants
    inner join marts.caseworker_assignments as assignments
        on assignments.person_id = entrants.person_id
        and assignments.to_on >= entrants.entry_week
        and assignments.from_on <= sunday_of(weeks_after(entrants.entry_week, intake_weeks()))
    qualify row_number() over (
        partition by entrants.person_id, entrants.entry_week
        order by
            greatest(assignments.from_on, entrants.entry_week), is_second_role(assignments.role),
            assignments.from_on desc, assignments.caseworker_id
    ) = 1
),

meetings as (
    select
        outcomes.person_id,
        outcomes.entry_week,
        outcomes.horizon_weeks,
        count(*)::integer as meetings,
        count(*) filter (where held.is_no_show)::integer as no_shows
    from design.entrant_outcomes as outcomes
    inner join staging.stg_meetings as held
        on held.person_id = outcomes.person_id
        and week_of(held.held_on) > outcomes.entry_week
        and week_of(held.held_on) <= weeks_after(outcomes.entry_week, outcomes.horizon_weeks)
    group by outcomes.person_id, outcomes.entry_week, outcomes.horizon_weeks
)

select
    person_id,
    entry_week,
    outcomes.horizon_weeks,
    entrants.municipality_code,
    entrants.period_on,
    first_caseworkers.caseworker_id,
    first_caseworkers.team,
    entrants.benefit,
    entrants.target_group,
    entrants.age_group,
    entrants.sex,
    entrants.education_level,
    entrants.has_children,
    entrants.is_single,
    history.earlier_benefit_weeks,
    history.earlier_wage_months,
    history.earlier_sanctions,
    outcomes.state,
    outcomes.sanctions > 0 as is_sanctioned,
    outcomes.sanctions,
    coalesce(meetings.meetings, 0) as meetings,
    coalesce(meetings.no_shows, 0) as no_shows
from design.entrant_outcomes as outcomes
inner join design.entrants as entrants using (person_id, entry_week)
inner join design.intake_history as history using (person_id, entry_week)
left join first_caseworkers using (person_id, entry_week)
left join meetings using (person_id, entry_week, horizon_weeks)
