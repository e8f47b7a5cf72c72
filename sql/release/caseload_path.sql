-- Measured caseload month by month.
-- grain:   municipality_name, month
-- inputs:  results.caseload_path
-- outputs: municipality_name, month, cases, fte
-- note:    disclosure control is applied by evaluator/release.py when the rows become release.caseload_path
select
    municipality_name,
    month,
    cases,
    fte
from results.caseload_path
where run_id = getvariable('run_id')
order by municipality_name, month
