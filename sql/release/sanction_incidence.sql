-- Where the sanctioned and comparable people went over the year, as cumulated shares.
-- grain:   arm, destination, weeks
-- inputs:  results.sanction_incidence
-- outputs: arm, destination, weeks, share, low, high, events, persons
-- note:    disclosure control is applied by evaluator/release.py when the rows become release.sanction_incidence
select
    arm,
    destination,
    weeks,
    share,
    low,
    high,
    events,
    persons
from results.sanction_incidence
where run_id = getvariable('run_id')
order by arm, destination, weeks
