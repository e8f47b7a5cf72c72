-- What a reader must know or do about the deliveries, worst first.
-- grain:   position
-- inputs:  results.quality_actions
-- outputs: position, kind, code, subject, item, month, rows, of, notes
-- note:    disclosure control is applied by evaluator/release.py when the rows become release.quality_actions
select
    position,
    kind,
    code,
    subject,
    item,
    month,
    rows,
    "of",
    notes
from results.quality_actions
where run_id = getvariable('run_id')
order by position
