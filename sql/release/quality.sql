-- The expectations that were checked, as counts.
-- grain:   table_name, rule
-- inputs:  results.quality
-- outputs: table_name, rule, severity, passed, rows, unexpected, notes
-- note:    disclosure control is applied by evaluator/release.py when the rows become release.quality
select
    table_name,
    rule,
    severity,
    passed,
    rows,
    unexpected,
    notes
from results.quality
where run_id = getvariable('run_id')
order by table_name, rule
