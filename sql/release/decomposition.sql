-- What a two-way coefficient is made of, by kind of comparison.
-- grain:   outcome, horizon_weeks, kind
-- inputs:  results.decomposition
-- outputs: outcome, horizon_weeks, kind, weight, value, unit, n, smallest_count
-- note:    disclosure control is applied by evaluator/release.py when the rows become release.decomposition
select
    outcome,
    horizon_weeks,
    kind,
    weight,
    value,
    unit,
    n,
    smallest_count
from results.decomposition
where run_id = getvariable('run_id')
order by outcome, horizon_weeks, kind
