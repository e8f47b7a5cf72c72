-- The files behind a run.
-- grain:   sha256
-- inputs:  results.deliveries
-- outputs: extract, file, rows, rejected, period_from, period_to, sha256, source
-- note:    disclosure control is applied by evaluator/release.py when the rows become release.deliveries
select
    extract,
    file,
    rows,
    rejected,
    period_from,
    period_to,
    sha256,
    source
from results.deliveries
where run_id = getvariable('run_id')
order by extract, file, sha256
