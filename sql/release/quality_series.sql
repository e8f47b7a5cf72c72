-- Rows by month of each extract, and persons on a benefit.
-- grain:   series, month
-- inputs:  results.quality_series
-- outputs: series, month, rows
-- note:    disclosure control is applied by evaluator/release.py when the rows become release.quality_series
select
    series,
    month,
    rows
from results.quality_series
where run_id = getvariable('run_id')
order by series, month
