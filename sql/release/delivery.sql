-- Planned and measured caseload of each treated municipality.
-- grain:   municipality_code
-- inputs:  results.delivery
-- outputs: municipality_code, municipality_name, start_on, planned_before, planned_after, measured_before, measured_after, delivered_share, verdict, counted_before, counted_after, counted_verdict
-- note:    disclosure control is applied by evaluator/release.py when the rows become release.delivery
select
    municipality_code,
    municipality_name,
    start_on,
    planned_before,
    planned_after,
    measured_before,
    measured_after,
    delivered_share,
    verdict,
    counted_before,
    counted_after,
    counted_verdict
from results.delivery
where run_id = getvariable('run_id')
order by municipality_code
