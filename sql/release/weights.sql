-- The municipalities that a method compares with, by weight.
-- grain:   outcome, estimator, place
-- inputs:  results.weights
-- outputs: outcome, estimator, place, municipality_name, weight, persons
-- note:    disclosure control is applied by evaluator/release.py when the rows become release.weights
select
    outcome,
    estimator,
    place,
    municipality_name,
    weight,
    persons
from results.weights
where run_id = getvariable('run_id')
order by outcome, estimator, place
