-- Participants of a municipality's own project, the other entrants since its start, and all of them.
-- grain:   outcome, horizon_weeks, who
-- inputs:  results.participants
-- outputs: outcome, horizon_weeks, who, persons, count
-- note:    disclosure control is applied by evaluator/release.py when the rows become release.participants
select
    outcome,
    horizon_weeks,
    who,
    persons,
    count
from results.participants
where run_id = getvariable('run_id')
order by outcome, horizon_weeks, who
