-- Spells of a caseworker's responsibility for a person.
-- grain:   person_id, from_on, role
-- inputs:  raw.sagsbehandler, raw.rejects
-- outputs: person_id, from_on, to_on, caseworker_id, team, role
-- note:    a person may have several caseworkers at a time, in different roles

with rejected as (
    select delivery_id as _delivery, line as _line
    from raw.rejects
    where extract = 'sagsbehandler'
)

select
    as_text(pnr_pseudo) as person_id,
    as_date(fra) as from_on,
    as_date(til) as to_on,
    as_text(sagsbehandler_id) as caseworker_id,
    as_text(team) as team,
    as_text(rolle) as role
from raw.sagsbehandler
anti join rejected using (_delivery, _line)
