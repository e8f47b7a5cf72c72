-- Spells of one benefit code, as paid.
-- grain:   person_id, from_on
-- inputs:  raw.ydelser, raw.rejects
-- outputs: person_id, from_on, to_on, benefit_code, municipality_code
-- note:    to_on is the last day paid, null while the spell runs; spells of one person do not overlap (an expectation holds it)

with rejected as (
    select delivery_id as _delivery, line as _line
    from raw.rejects
    where extract = 'ydelser'
)

select
    as_text(pnr_pseudo) as person_id,
    as_date(fra) as from_on,
    as_date(til) as to_on,
    as_text(ydelseskode) as benefit_code,
    as_municipality(myndighedskode) as municipality_code
from raw.ydelser
anti join rejected using (_delivery, _line)
