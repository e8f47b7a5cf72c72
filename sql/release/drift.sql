-- The drift that the test before the start would have found, and the bias it would leave.
-- grain:   outcome, horizon_weeks
-- inputs:  results.drift
-- outputs: outcome, horizon_weeks, power, slope, bias, bias_if_passed, unit, n, smallest_count
-- note:    disclosure control is applied by evaluator/release.py when the rows become release.drift
select
    outcome,
    horizon_weeks,
    power,
    slope,
    bias,
    bias_if_passed,
    unit,
    n,
    smallest_count
from results.drift
where run_id = getvariable('run_id')
order by outcome, horizon_weeks
