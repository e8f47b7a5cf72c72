-- Months in which a series has a gap or changes its level.
-- grain:   series, month, kind
-- inputs:  results.quality_breaks
-- outputs: series, kind, month, before, after, reform
-- note:    disclosure control is applied by evaluator/release.py when the rows become release.quality_breaks
select
    series,
    kind,
    month,
    before,
    after,
    reform
from results.quality_breaks
where run_id = getvariable('run_id')
order by series, month, kind
