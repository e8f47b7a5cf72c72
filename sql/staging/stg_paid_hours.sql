-- Paid hours and wage of a person in a month.
-- grain:   person_id, month
-- inputs:  raw.beskaeftigelse, raw.rejects
-- outputs: person_id, month, paid_hours, wage_dkk
-- note:    several jobs and corrections (negative rows) are summed; paid_hours is null when no row of the month states hours

with rejected as (
    select delivery_id as _delivery, line as _line
    from raw.rejects
    where extract = 'beskaeftigelse'
)

select
    as_text(pnr_pseudo) as person_id,
    as_month(maaned) as month,
    sum(as_decimal(timer)) as paid_hours,
    sum(as_decimal(loen)) as wage_dkk
from raw.beskaeftigelse
anti join rejected using (_delivery, _line)
group by all
