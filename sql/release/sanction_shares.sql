-- Shares that are counted: sanctioned, reversed, back on benefit.
-- grain:   measure, arm, group_name, weeks
-- inputs:  results.sanction_shares
-- outputs: measure, arm, group_name, weeks, count, persons, share, low, high
-- note:    disclosure control is applied by evaluator/release.py when the rows become release.sanction_shares
select
    measure,
    arm,
    group_name,
    weeks,
    count,
    persons,
    share,
    low,
    high
from results.sanction_shares
where run_id = getvariable('run_id')
order by measure, arm, group_name, weeks
