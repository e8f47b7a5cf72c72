-- What a sanction does to each exit, by method, and against earlier studies.
-- grain:   destination, method, subset, group_name, from_weeks
-- inputs:  results.sanction_effects
-- outputs: destination, method, subset, group_name, from_weeks, to_weeks, value, low, high, se, p_value, unit, events, persons, is_headline, is_estimable, reason, what_would_help, green_low, green_high, amber_low, amber_high, plausibility
-- note:    disclosure control is applied by evaluator/release.py when the rows become release.sanction_effects
select
    destination,
    method,
    subset,
    group_name,
    from_weeks,
    to_weeks,
    value,
    low,
    high,
    se,
    p_value,
    unit,
    events,
    persons,
    is_headline,
    is_estimable,
    reason,
    what_would_help,
    green_low,
    green_high,
    amber_low,
    amber_high,
    plausibility
from results.sanction_effects
where run_id = getvariable('run_id')
order by destination, method, subset, group_name, from_weeks
