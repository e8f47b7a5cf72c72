-- Every test of a method's answer, or why it is not offered.
-- grain:   outcome, estimator, test
-- inputs:  results.tests
-- outputs: outcome, estimator, place, test, is_offered, is_headline, p_value, low, high, size, reason, unit, n, smallest_count
-- note:    disclosure control is applied by evaluator/release.py when the rows become release.tests
select
    outcome,
    estimator,
    place,
    test,
    is_offered,
    is_headline,
    p_value,
    low,
    high,
    size,
    reason,
    unit,
    n,
    smallest_count
from results.tests
where run_id = getvariable('run_id')
order by outcome, estimator, test
