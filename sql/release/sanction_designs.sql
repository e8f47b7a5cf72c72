-- What a sanction does to the share in each end state, by designs other than the duration model.
-- grain:   design, destination, weeks
-- inputs:  results.sanction_designs
-- outputs: design, destination, weeks, value, low, high, p_value, unit, n, smallest_count, is_estimable, reason, what_would_help
-- note:    value is null for bounds, whose interval holds every effect that the counts agree with
-- note:    disclosure control is applied by evaluator/release.py when the rows become release.sanction_designs
select
    design,
    destination,
    weeks,
    value,
    low,
    high,
    p_value,
    unit,
    n,
    smallest_count,
    is_estimable,
    reason,
    what_would_help
from results.sanction_designs
where run_id = getvariable('run_id')
order by design, destination, weeks
