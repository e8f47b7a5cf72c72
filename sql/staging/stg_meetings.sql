-- Meetings held or missed.
-- grain:   person_id, held_on, meeting_type
-- inputs:  raw.samtaler, raw.rejects
-- outputs: person_id, held_on, meeting_type, contact_form, caseworker_id, is_no_show, registered_on
-- note:    registered_on may lie well after held_on

with rejected as (
    select delivery_id as _delivery, line as _line
    from raw.rejects
    where extract = 'samtaler'
)

select
    as_text(pnr_pseudo) as person_id,
    as_date(dato) as held_on,
    as_text(samtaletype) as meeting_type,
    as_text(kontaktform) as contact_form,
    as_text(sagsbehandler_id) as caseworker_id,
    as_flag(udeblevet) as is_no_show,
    as_date(registreret) as registered_on
from raw.samtaler
anti join rejected using (_delivery, _line)
