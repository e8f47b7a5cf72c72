-- Sanctions as decided, with the steps that the law asks for beforehand.
-- grain:   person_id, decided_on, sanction_type
-- inputs:  raw.sanktioner, raw.rejects
-- outputs: person_id, decided_on, paragraph, sanction_type, reason, days, amount_dkk, status, guided_on, warned_on, heard_on
-- note:    reversed decisions stay in; they were felt when made

with rejected as (
    select delivery_id as _delivery, line as _line
    from raw.rejects
    where extract = 'sanktioner'
)

select
    as_text(pnr_pseudo) as person_id,
    as_date(dato) as decided_on,
    as_text(paragraf) as paragraph,
    as_text(type) as sanction_type,
    as_text(aarsag) as reason,
    as_integer(antal_dage) as days,
    as_decimal(beloeb) as amount_dkk,
    as_text(status) as status,
    as_date(vejledt_dato) as guided_on,
    as_date(varsel_dato) as warned_on,
    as_date(partshoert_dato) as heard_on
from raw.sanktioner
anti join rejected using (_delivery, _line)
