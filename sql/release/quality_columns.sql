-- How much of each column is unknown.
-- grain:   extract, column_name
-- inputs:  results.quality_columns
-- outputs: extract, column_name, rows, unknown, may_be_blank
-- note:    disclosure control is applied by evaluator/release.py when the rows become release.quality_columns
select
    extract,
    column_name,
    rows,
    unknown,
    may_be_blank
from results.quality_columns
where run_id = getvariable('run_id')
order by extract, column_name
