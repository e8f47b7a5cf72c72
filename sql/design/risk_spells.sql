-- Spells on the population's benefits that began in the panel: first sanction, exit, and what came before them.
-- grain:   person_id, spell_number
-- inputs:  design.sanction_spells, marts.benefit_spells, marts.exits, marts.sanction_events, marts.wage_months, staging.stg_meetings, staging.stg_persons
-- outputs: person_id, spell_number, benefit, municipality_code, from_week, to_week, sanction_week, sanction_type, is_reversed, destination, exit_week, earlier_sanctions, work_months, no_shows_before, birth_year, sex, has_children
-- note:    of the persons that sanction_persons draws (design.sanction_spells), of everybody where it is null
-- note:    without risk_horizons there are no rows: they are made for questions of sanctions and meetings only
-- note:    sanction_week is that of the spell's first decision, whatever became of it; is_reversed when no decision of that week stood
-- note:    destination is null where no exit was seen by exit_week
-- note:    earlier_sanctions are decisions before the spell, no_shows_before weeks with a missed meeting; work_months are those with paid work of the year before it, null where wages do not reach so far back

with spells as (
    select
        person_id,
        spell_number,
        benefit,
        municipality_code,
        from_week,
        to_week
    from marts.benefit_spells
    where len(getvariable('risk_horizons')) > 0
        and list_contains(getvariable('benefits'), benefit)
        and (getvariable('sanction_persons') is null or person_id in (select person_id from design.sanction_spells))
        and thursday_of(from_week) between getvariable('panel_from') and getvariable('panel_to')
),

first_decisions as (
    select
        spells.person_id,
        spells.spell_number,
        week_of(events.decided_on) as sanction_week,
        min(events.sanction_type) as sanction_type,
        bool_and(events.is_reversed) as is_reversed
    from spells
    inner join marts.sanction_events as events
        on events.person_id = spells.person_id
        and week_of(events.decided_on) between spells.from_week and spells.to_week
    group by spells.person_id, spells.spell_number, week_of(events.decided_on)
    qualify row_number() over (
        partition by spells.person_id, spells.spell_number
        order by week_of(events.decided_on)
    ) = 1
),

earlier_decisions as (
    select
        spells.person_id,
        spells.spell_number,
        count(*)::integer as earlier_sanctions
    from spells
    inner join marts.sanction_events as events
        on events.person_id = spells.person_id and week_of(events.decided_on) < spells.from_week
    group by all
),

first_wage_month as (
    select min(month) as month
    from marts.wage_months
),

worked_months as (
    select
        spells.person_id,
        spells.spell_number,
        count(*)::integer as work_months
    from spells
    inner join marts.wage_months as wages
        on wages.person_id = spells.person_id
        and wages.is_employed
        and wages.month >= months_after(month_of(spells.from_week), -months_of_work_before())
        and wages.month < month_of(spells.from_week)
    group by all
),

no_show_weeks as (
    select
        person_id,
        week_of(held_on) as week,
        row_number() over (partition by person_id order by week_of(held_on)) as so_far
    from staging.stg_meetings
    where is_no_show
    group by person_id, week_of(held_on)
)

select
    spells.person_id,
    spells.spell_number,
    spells.benefit,
    spells.municipality_code,
    spells.from_week,
    spells.to_week,
    first_decisions.sanction_week,
    first_decisions.sanction_type,
    first_decisions.is_reversed,
    case when not exits.is_censored then exits.destination end as destination,
    coalesce(exits.exit_week, spells.from_week) as exit_week,
    coalesce(earlier_decisions.earlier_sanctions, 0) as earlier_sanctions,
    case
        when months_after(month_of(spells.from_week), -months_of_work_before()) >= first_wage_month.month
            then coalesce(worked_months.work_months, 0)
    end as work_months,
    coalesce(no_shows.so_far, 0) as no_shows_before,
    persons.birth_year,
    persons.sex,
    persons.has_children
from spells
cross join first_wage_month
inner join staging.stg_persons as persons on persons.person_id = spells.person_id
left join marts.exits as exits
    on exits.person_id = spells.person_id and exits.spell_number = spells.spell_number
left join first_decisions
    on first_decisions.person_id = spells.person_id and first_decisions.spell_number = spells.spell_number
left join earlier_decisions
    on earlier_decisions.person_id = spells.person_id and earlier_decisions.spell_number = spells.spell_number
left join worked_months
    on worked_months.person_id = spells.person_id and worked_months.spell_number = spells.spell_number
asof left join no_show_weeks as no_shows
    on no_shows.person_id = spells.person_id and no_shows.week < spells.from_week
