-- Months with paid work: hours and wage as reported by employers, or a branch in DREAM.
-- grain:   person_id, month
-- inputs:  staging.stg_paid_hours, staging.stg_branch_months
-- outputs: person_id, month, paid_hours, wage_dkk, is_employed
-- note:    is_employed: hours or wage remain after corrections, or DREAM names a branch (DOMAIN 2.2)
-- note:    paid_hours are null where the month is worked and nobody states the hours

select
    person_id,
    month,
    wages.paid_hours,
    wages.wage_dkk,
    has_wage(wages.paid_hours, wages.wage_dkk) or branches.person_id is not null as is_employed
from staging.stg_paid_hours as wages
full join staging.stg_branch_months as branches using (person_id, month)
