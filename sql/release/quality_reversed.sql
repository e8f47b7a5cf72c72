-- Decisions on sanctions that were reversed or sent back, and those that stood, by municipality and of all.
-- grain:   municipality_code
-- inputs:  results.quality_reversed
-- outputs: municipality_code, municipality_name, reversed, upheld
-- note:    the total is the row 'all'; disclosure control is applied when the rows become release.quality_reversed
select
    municipality_code,
    municipality_name,
    reversed,
    upheld
from results.quality_reversed
where run_id = getvariable('run_id')
order by municipality_code <> 'all', municipality_code
