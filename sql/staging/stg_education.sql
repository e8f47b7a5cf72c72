-- Spells of ordinary education.
-- grain:   person_id, from_on, education_type
-- inputs:  raw.uddannelse, raw.rejects
-- outputs: person_id, from_on, to_on, education_type, level
-- note:    spells may overlap; to_on is null while the education runs

with rejected as (
    select delivery_id as _delivery, line as _line
    from raw.rejects
    where extract = 'uddannelse'
)

select
    as_text(pnr_pseudo) as person_id,
    as_date(fra) as from_on,
    as_date(til) as to_on,
    as_text(uddannelsesart) as education_type,
    as_text(niveau) as level
from raw.uddannelse
anti join rejected using (_delivery, _line)
