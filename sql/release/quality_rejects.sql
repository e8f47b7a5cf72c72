-- Rejected rows by what was wrong with them.
-- grain:   extract, column_name, reason
-- inputs:  results.quality_rejects
-- outputs: extract, column_name, reason, rows
-- note:    disclosure control is applied by evaluator/release.py when the rows become release.quality_rejects
select
    extract,
    column_name,
    reason,
    rows
from results.quality_rejects
where run_id = getvariable('run_id')
order by extract, column_name, reason
