-- Reconciliation of an extract: rows = typed + merged + rejected + replaced.
-- grain:   extract
-- inputs:  results.quality_extracts
-- outputs: extract, rows, typed, merged, rejected, replaced, is_balanced
-- note:    disclosure control is applied by evaluator/release.py when the rows become release.quality_extracts
select
    extract,
    rows,
    typed,
    merged,
    rejected,
    replaced,
    is_balanced
from results.quality_extracts
where run_id = getvariable('run_id')
order by extract
