-- What the registers knew of each entrant before the entry week.
-- grain:   person_id, entry_week
-- inputs:  design.entrants, marts.benefit_weeks, marts.wage_months, marts.sanction_events
-- outputs: person_id, entry_week, earlier_benefit_weeks, earlier_wage_months, earlier_sanctions
-- note:    weeks on any benefit and months with paid work in the history_weeks() and history_months() before; decisions ever before
-- note:    data that begin later than a year before the entry count what they hold

with benefit_weeks as (
    select
        entrants.person_id,
        entrants.entry_week,
        sum(
            shared_weeks(
                paid.from_week,
                paid.to_week,
                weeks_after(entrants.entry_week, -history_weeks() - 1),
                weeks_after(entrants.entry_week, -1)
            )
        )::integer as weeks
    from design.entrants as entrants
    inner join marts.benefit_weeks as paid
        on paid.person_id = entrants.person_id
        and paid.from_week < entrants.entry_week
        and paid.to_week >= weeks_after(entrants.entry_week, -history_weeks())
    group by entrants.person_id, entrants.entry_week
),

wage_months as (
    select
        entrants.person_id,
        entrants.entry_week,
        count(*)::integer as months
    from design.entrants as entrants
    inner join marts.wage_months as wages
        on wages.person_id = entrants.person_id
        and wages.is_employed
        and wages.month < thursday_month(entrants.entry_week)
        and wages.month >= months_after(thursday_month(entrants.entry_week), -history_months())
    group by entrants.person_id, entrants.entry_week
),

sanctions as (
    select
        entrants.person_id,
        entrants.entry_week,
        count(*)::integer as decisions
    from design.entrants as entrants
    inner join marts.sanction_events as events
        on events.person_id = entrants.person_id
        and events.decided_on < entrants.entry_week
    group by entrants.person_id, entrants.entry_week
)

select
    person_id,
    entry_week,
    coalesce(benefit_weeks.weeks, 0) as earlier_benefit_weeks,
    coalesce(wage_months.months, 0) as earlier_wage_months,
    coalesce(sanctions.decisions, 0) as earlier_sanctions
from design.entrants
left join benefit_weeks using (person_id, entry_week)
left join wage_months using (person_id, entry_week)
left join sanctions using (person_id, entry_week)
