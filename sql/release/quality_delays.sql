-- Meetings by the time until they were registered.
-- grain:   delay
-- inputs:  results.quality_delays
-- outputs: delay, meetings
-- note:    disclosure control is applied by evaluator/release.py when the rows become release.quality_delays
select
    delay,
    meetings
from results.quality_delays
where run_id = getvariable('run_id')
order by delay
