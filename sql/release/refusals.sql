-- What could not be estimated, and why.
-- grain:   outcome, reason
-- inputs:  results.refusals
-- outputs: outcome, reason, what_would_help
-- note:    disclosure control is applied by evaluator/release.py when the rows become release.refusals
select
    outcome,
    reason,
    what_would_help
from results.refusals
where run_id = getvariable('run_id')
order by outcome, reason
