-- Published recipients by municipality and period.
-- grain:   municipality_code, period_on, period_kind, benefit, target_group
-- inputs:  staging.stg_municipality_panel
-- outputs: municipality_code, period_on, period_kind, benefit, target_group, full_time, population, is_suppressed
-- note:    municipality 000 is the whole country and never a municipality to compare with

select
    municipality_code,
    period_on,
    period_kind,
    benefit,
    target_group,
    full_time,
    population,
    is_suppressed
from staging.stg_municipality_panel
