-- The checks of a run and their verdicts.
-- grain:   name
-- inputs:  results.diagnostics
-- outputs: name, label, value, threshold, verdict, why
-- note:    disclosure control is applied by evaluator/release.py when the rows become release.diagnostics
select
    name,
    label,
    value,
    threshold,
    verdict,
    why
from results.diagnostics
where run_id = getvariable('run_id')
order by name
