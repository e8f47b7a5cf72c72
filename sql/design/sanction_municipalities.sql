-- Benefit spells begun in the panel by municipality: with a sanction, weeks, and exits by destination.
-- grain:   municipality_code
-- inputs:  marts.benefit_spells, marts.exits, marts.sanction_events
-- outputs: municipality_code, spells, sanctioned, weeks, exits_job, exits_education, exits_other_benefit, exits_self_support
-- note:    everybody on the benefits counts, not a sample; a spell without a municipality is of none
-- note:    exits into supported work are to another benefit; spells are followed to the end of the data

with spells as (
    select
        exits.person_id,
        exits.spell_number,
        exits.municipality_code,
        exits.weeks,
        exits.destination,
        benefit_spells.from_week,
        benefit_spells.to_week
    from marts.exits as exits
    inner join marts.benefit_spells as benefit_spells using (person_id, spell_number)
    where getvariable('sanction_persons') is not null
        and list_contains(getvariable('benefits'), exits.benefit)
        and exits.municipality_code is not null
        and thursday_of(benefit_spells.from_week) between getvariable('panel_from') and getvariable('panel_to')
),

sanctioned as (
    select distinct
        spells.person_id,
        spells.spell_number
    from spells
    inner join marts.sanction_events as events
        on events.person_id = spells.person_id
        and events.decided_on between spells.from_week and sunday_of(spells.to_week)
)

select
    spells.municipality_code,
    count(*)::integer as spells,
    count(sanctioned.person_id)::integer as sanctioned,
    sum(spells.weeks)::integer as weeks,
    (count(*) filter (where spells.destination = 'job'))::integer as exits_job,
    (count(*) filter (where spells.destination = 'education'))::integer as exits_education,
    (count(*) filter (where spells.destination in ('other_benefit', 'supported_work')))::integer as exits_other_benefit,
    (count(*) filter (where spells.destination = 'self_support'))::integer as exits_self_support
from spells
left join sanctioned using (person_id, spell_number)
group by spells.municipality_code
