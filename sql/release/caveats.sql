-- What a reader must bear in mind.
-- grain:   position
-- inputs:  results.caveats
-- outputs: position, text
-- note:    disclosure control is applied by evaluator/release.py when the rows become release.caveats
select
    position,
    text
from results.caveats
where run_id = getvariable('run_id')
order by position
