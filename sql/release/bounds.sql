-- Intervals of the answer when the trends may differ by so many times their largest change before the start.
-- grain:   outcome, horizon_weeks, bound
-- inputs:  results.bounds
-- outputs: outcome, horizon_weeks, bound, low, high, unit, n, smallest_count
-- note:    disclosure control is applied by evaluator/release.py when the rows become release.bounds
select
    outcome,
    horizon_weeks,
    bound,
    low,
    high,
    unit,
    n,
    smallest_count
from results.bounds
where run_id = getvariable('run_id')
order by outcome, horizon_weeks, bound
