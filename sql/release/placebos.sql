-- The effect that each municipality would have been given.
-- grain:   outcome, rank
-- inputs:  results.placebos
-- outputs: outcome, rank, effect, scaled, is_treated, persons
-- note:    disclosure control is applied by evaluator/release.py when the rows become release.placebos
select
    outcome,
    rank,
    effect,
    scaled,
    is_treated,
    persons
from results.placebos
where run_id = getvariable('run_id')
order by outcome, rank
