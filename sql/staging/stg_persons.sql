-- Every person known to the extracts, with what is known before any intervention.
-- grain:   person_id
-- inputs:  raw.personer, raw.rejects
-- outputs: person_id, birth_year, sex, origin, education_level, has_children, is_single, municipality_code, left_on, left_code
-- note:    left_on and left_code (997 emigrated, 998 pension, 999 dead) are null while the person is in the register

with rejected as (
    select delivery_id as _delivery, line as _line
    from raw.rejects
    where extract = 'personer'
)

select
    as_text(pnr_pseudo) as person_id,
    as_integer(foedselsaar) as birth_year,
    as_text(koen) as sex,
    as_text(oprindelse) as origin,
    as_text(udd_niveau) as education_level,
    as_flag(boern) as has_children,
    as_flag(enlig) as is_single,
    as_municipality(kommunekode) as municipality_code,
    as_date(udgaaet_dato) as left_on,
    as_text(udgaaet_kode) as left_code
from raw.personer
anti join rejected using (_delivery, _line)
