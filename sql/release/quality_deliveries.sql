-- One delivered file: where its rows went.
-- grain:   sha256
-- inputs:  results.quality_deliveries
-- outputs: extract, file, sha256, loaded_on, rows, usable, rejected, replaced, period_from, period_to, is_balanced
-- note:    disclosure control is applied by evaluator/release.py when the rows become release.quality_deliveries
select
    extract,
    file,
    sha256,
    loaded_on,
    rows,
    usable,
    rejected,
    replaced,
    period_from,
    period_to,
    is_balanced
from results.quality_deliveries
where run_id = getvariable('run_id')
order by extract, loaded_on, file, sha256
