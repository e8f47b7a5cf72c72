-- Rows that are not loaded as rows of their own, though nothing is wrong with them, by delivery and rule.
-- grain:   sha256, rule
-- inputs:  results.quality_merged
-- outputs: extract, file, sha256, rule, rows
-- note:    disclosure control is applied by evaluator/release.py when the rows become release.quality_merged
select
    extract,
    file,
    sha256,
    rule,
    rows
from results.quality_merged
where run_id = getvariable('run_id')
order by extract, file, sha256, rule
