-- Spells of the target group that the jobcentre has placed a person in.
-- grain:   person_id, from_on
-- inputs:  raw.visitation, raw.rejects
-- outputs: person_id, from_on, to_on, target_group
-- note:    to_on is null while the placement stands

with rejected as (
    select delivery_id as _delivery, line as _line
    from raw.rejects
    where extract = 'visitation'
)

select
    as_text(pnr_pseudo) as person_id,
    as_date(fra) as from_on,
    as_date(til) as to_on,
    as_text(visitation) as target_group
from raw.visitation
anti join rejected using (_delivery, _line)
