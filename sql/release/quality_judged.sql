-- Columns whose numbers the CPR guard passed: declared to hold none, or told to be other numbers by their dates.
-- grain:   sha256, column_name
-- inputs:  results.quality_judged
-- outputs: extract, file, sha256, column_name, verdict, numbers, dated
-- note:    disclosure control is applied by evaluator/release.py when the rows become release.quality_judged
select
    extract,
    file,
    sha256,
    column_name,
    verdict,
    numbers,
    dated
from results.quality_judged
where run_id = getvariable('run_id')
order by extract, file, sha256, column_name
