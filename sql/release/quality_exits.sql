-- Exits from kontanthjaelp and uddannelseshjaelp by the weeks off the benefit that make one, and by destination.
-- grain:   exit_weeks, destination
-- inputs:  results.quality_exits
-- outputs: exit_weeks, destination, exits
-- note:    disclosure control is applied by evaluator/release.py when the rows become release.quality_exits
select
    exit_weeks,
    destination,
    exits
from results.quality_exits
where run_id = getvariable('run_id')
order by exit_weeks, destination
