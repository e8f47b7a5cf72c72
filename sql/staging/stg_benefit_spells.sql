-- Spells of one benefit code, as paid.
-- grain:   person_id, from_on
-- inputs:  raw.ydelser, raw.rejects, staging.stg_dream_spells
-- outputs: person_id, from_on, to_on, benefit_code, municipality_code
-- note:    to_on is the last day paid, null while the spell runs; spells of one person do not overlap (an expectation holds it)
-- note:    a person in DREAM is taken from there alone: it holds every benefit in every municipality

with rejected as (
    select delivery_id as _delivery, line as _line
    from raw.rejects
    where extract = 'ydelser'
),

paid_spells as (
    select
        as_text(pnr_pseudo) as person_id,
        as_date(fra) as from_on,
        as_date(til) as to_on,
        as_text(ydelseskode) as benefit_code,
        as_municipality(myndighedskode) as municipality_code
    from raw.ydelser
    anti join rejected using (_delivery, _line)
)

select person_id, from_on, to_on, benefit_code, municipality_code
from paid_spells
anti join (select distinct person_id from staging.stg_dream_spells) as dream using (person_id)
union all
select person_id, from_on, to_on, benefit_code, municipality_code
from staging.stg_dream_spells
