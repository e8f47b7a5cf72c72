-- The gap of every municipality as if it were the treated one, period by period.
-- grain:   outcome, estimator, place, period_on
-- inputs:  results.placebo_paths
-- outputs: outcome, estimator, place, period_on, gap, is_treated, persons
-- note:    disclosure control is applied by evaluator/release.py when the rows become release.placebo_paths
select
    outcome,
    estimator,
    place,
    period_on,
    gap,
    is_treated,
    persons
from results.placebo_paths
where run_id = getvariable('run_id')
order by outcome, estimator, place, period_on
