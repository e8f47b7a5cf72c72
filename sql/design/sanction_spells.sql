-- Benefit spells of a sample of persons: when the first sanction came and how the spell ended.
-- grain:   person_id, spell_number
-- inputs:  marts.exits, marts.benefit_spells, marts.sanction_events, marts.observation, staging.stg_persons
-- outputs: person_id, spell_number, benefit, municipality_code, from_week, entry_weeks, weeks, destination, age_group, sex, sanction_weeks, notice_weeks, sanction_type, is_reversed, exit_week, back_week
-- note:    persons are drawn by a seeded hash, with all their spells; without sanction_persons there are none
-- note:    weeks counts to the exit or the censoring; destination is null where the spell is censored, supported work is another benefit
-- note:    entry_weeks: the panel begins so far into the spell, which is under observation from there on only
-- note:    a spell already running when the data begin is left out: its length is unknown
-- note:    sanction_weeks counts from the spell's first week to that of its first decision, reversed ones too
-- note:    notice_weeks to the first varsel or partshoering of that decision, where one is known, and not to before the spell
-- note:    back_week begins the next spell on one of the benefits

with spells as (
    select
        exits.person_id,
        exits.spell_number,
        exits.benefit,
        exits.municipality_code,
        benefit_spells.from_week,
        greatest(weeks_between(benefit_spells.from_week, week_of(getvariable('panel_from'))), 0) as entry_weeks,
        weeks_between(benefit_spells.from_week, weeks_after(week_of(getvariable('panel_to')), 1)) as panel_weeks,
        exits.weeks as spell_weeks,
        case
            when exits.is_censored then null
            when exits.destination = 'supported_work' then 'other_benefit'
            else exits.destination
        end as spell_destination,
        exits.exit_week
    from marts.exits as exits
    inner join marts.benefit_spells as benefit_spells using (person_id, spell_number)
    cross join marts.observation as observation
    where getvariable('sanction_persons') is not null
        and list_contains(getvariable('benefits'), exits.benefit)
        and benefit_spells.from_week > week_of(observation.data_from)
),

seen as (
    select
        person_id,
        spell_number,
        benefit,
        municipality_code,
        from_week,
        entry_weeks,
        least(spell_weeks, panel_weeks) as weeks,
        case when spell_weeks <= panel_weeks then spell_destination end as destination,
        exit_week
    from spells
    where least(spell_weeks, panel_weeks) > entry_weeks
),

persons as (
    select person_id
    from seen
    group by person_id
    qualify row_number() over (order by md5(concat(getvariable('sanction_seed'), person_id)), person_id)
        <= getvariable('sanction_persons')
),

sampled as (
    select
        seen.person_id,
        seen.spell_number,
        seen.benefit,
        seen.municipality_code,
        seen.from_week,
        seen.entry_weeks,
        seen.weeks,
        seen.destination,
        case when seen.destination is not null then seen.exit_week end as exit_week
    from seen
    semi join persons using (person_id)
),

first_sanctions as (
    select
        sampled.person_id,
        sampled.spell_number,
        min(weeks_between(sampled.from_week, week_of(events.decided_on))) as sanction_weeks,
        arg_min(
            coalesce(least(events.warned_on, events.heard_on), events.decided_on),
            (events.decided_on, events.sanction_type)
        ) as noticed_on,
        arg_min(events.sanction_type, (events.decided_on, events.sanction_type)) as sanction_type,
        arg_min(events.is_reversed, (events.decided_on, events.sanction_type)) as is_reversed
    from sampled
    inner join marts.sanction_events as events
        on events.person_id = sampled.person_id
        and events.decided_on >= sampled.from_week
        and events.decided_on < weeks_after(sampled.from_week, sampled.weeks)
    group by sampled.person_id, sampled.spell_number
),

returns as (
    select
        sampled.person_id,
        sampled.spell_number,
        min(later.from_week) as back_week
    from sampled
    inner join marts.benefit_spells as later
        on later.person_id = sampled.person_id
        and later.from_week >= sampled.exit_week
        and later.spell_number <> sampled.spell_number
    where list_contains(getvariable('benefits'), later.benefit)
    group by sampled.person_id, sampled.spell_number
)

select
    sampled.person_id,
    sampled.spell_number,
    sampled.benefit,
    sampled.municipality_code,
    sampled.from_week,
    sampled.entry_weeks,
    sampled.weeks,
    sampled.destination,
    age_group(year(thursday_of(sampled.from_week)) - persons.birth_year) as age_group,
    persons.sex,
    first_sanctions.sanction_weeks,
    case
        when first_sanctions.noticed_on <= sampled.from_week then 0
        else least(
            weeks_between(sampled.from_week, week_of(first_sanctions.noticed_on)), first_sanctions.sanction_weeks
        )
    end as notice_weeks,
    first_sanctions.sanction_type,
    first_sanctions.is_reversed,
    sampled.exit_week,
    returns.back_week
from sampled
left join first_sanctions using (person_id, spell_number)
left join returns using (person_id, spell_number)
left join staging.stg_persons as persons on persons.person_id = sampled.person_id
