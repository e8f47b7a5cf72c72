-- Spells of offers: placements, courses, mentors and municipal projects.
-- grain:   person_id, from_on, programme_type
-- inputs:  raw.tilbud, raw.rejects
-- outputs: person_id, from_on, to_on, programme_type, hours_per_week
-- note:    offers of one person may overlap; programme_type projekt is a participant of a municipal project

with rejected as (
    select delivery_id as _delivery, line as _line
    from raw.rejects
    where extract = 'tilbud'
)

select
    as_text(pnr_pseudo) as person_id,
    as_date(fra) as from_on,
    as_date(til) as to_on,
    as_text(type) as programme_type,
    as_decimal(timer_pr_uge) as hours_per_week
from raw.tilbud
anti join rejected using (_delivery, _line)
