-- How people leave in the weeks after a meeting, by what it is about, and against weeks without one.
-- grain:   destination, method, kind, than, from_weeks
-- inputs:  results.meeting_hazards
-- outputs: destination, method, kind, than, from_weeks, to_weeks, value, low, high, se, p_value, p_family, unit, events, weeks, rate, rate_low, rate_high, is_estimable, reason, what_would_help
-- note:    value is a log hazard ratio of kind to than; rate is exits per week at risk, where the row is of counts
-- note:    events counts the persons who left so, each once
-- note:    p_family is adjusted for all comparisons of counselling with control, null elsewhere
-- note:    disclosure control is applied by evaluator/release.py when the rows become release.meeting_hazards
select
    destination,
    method,
    kind,
    than,
    from_weeks,
    to_weeks,
    value,
    low,
    high,
    se,
    p_value,
    p_family,
    unit,
    events,
    weeks,
    rate,
    rate_low,
    rate_high,
    is_estimable,
    reason,
    what_would_help
from results.meeting_hazards
where run_id = getvariable('run_id')
order by destination, method, kind, than, from_weeks
