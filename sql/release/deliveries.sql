-- The files behind a run.
-- grain:   sha256
-- inputs:  results.deliveries
-- outputs: extract, file, rows, rejected, period_from, period_to, sha256
-- note:    disclosure control is applied by evaluator/release.py when the rows become release.deliveries
select
    extract,
    file,
    rows,
    rejected,
    period_from,
    period_to,
    sha256
from results.deliveries
where run_id = getvariable('run_id')
order by extract, file, sha256
