-- The treated and the comparison municipalities period by period.
-- grain:   outcome, horizon_weeks, arm, period_on
-- inputs:  results.means
-- outputs: outcome, horizon_weeks, arm, period_on, persons, count, reference
-- note:    disclosure control is applied by evaluator/release.py when the rows become release.means
select
    outcome,
    horizon_weeks,
    arm,
    period_on,
    persons,
    count,
    reference
from results.means
where run_id = getvariable('run_id')
order by outcome, horizon_weeks, arm, period_on
