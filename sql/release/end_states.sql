-- Where people were at the horizon, treated and without the intervention.
-- grain:   arm, state
-- inputs:  results.end_states
-- outputs: arm, state, count, persons, effect
-- note:    disclosure control is applied by evaluator/release.py when the rows become release.end_states
select
    arm,
    state,
    count,
    persons,
    effect
from results.end_states
where run_id = getvariable('run_id')
order by arm, state
