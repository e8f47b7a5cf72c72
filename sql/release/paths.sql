-- What happened in the treated municipality and what a method's comparison foretells, period by period.
-- grain:   outcome, estimator, period_on
-- inputs:  results.paths
-- outputs: outcome, estimator, period_on, actual, counterfactual, gap, low, high, is_after, persons
-- note:    disclosure control is applied by evaluator/release.py when the rows become release.paths
select
    outcome,
    estimator,
    period_on,
    actual,
    counterfactual,
    gap,
    low,
    high,
    is_after,
    persons
from results.paths
where run_id = getvariable('run_id')
order by outcome, estimator, period_on
