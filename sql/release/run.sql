-- What one run was about, as key and value.
-- grain:   key
-- inputs:  results.run
-- outputs: key, value
-- note:    disclosure control is applied by evaluator/release.py when the rows become release.run
select
    key,
    value
from results.run
where run_id = getvariable('run_id')
order by key
