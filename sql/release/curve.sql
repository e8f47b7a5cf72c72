-- The primary effect under every combination of choices.
-- grain:   outcome, horizon_weeks, estimator, comparison, base_periods, adjustment, leave_out
-- inputs:  results.curve
-- outputs: outcome, horizon_weeks, estimator, comparison, base_periods, adjustment, leave_out, is_main, value, low, high, unit, n, smallest_count, is_estimable, reason
-- note:    disclosure control is applied by evaluator/release.py when the rows become release.curve
select
    outcome,
    horizon_weeks,
    estimator,
    comparison,
    base_periods,
    adjustment,
    leave_out,
    is_main,
    value,
    low,
    high,
    unit,
    n,
    smallest_count,
    is_estimable,
    reason
from results.curve
where run_id = getvariable('run_id')
order by outcome, horizon_weeks, estimator, comparison, base_periods, adjustment, leave_out
