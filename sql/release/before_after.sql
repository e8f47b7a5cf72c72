-- The before-after number of each outcome beside what the comparison says.
-- grain:   outcome, horizon_weeks
-- inputs:  results.before_after
-- outputs: outcome, horizon_weeks, before_count, before_persons, after_count, after_persons, effect, unit, is_estimable
-- note:    disclosure control is applied by evaluator/release.py when the rows become release.before_after
select
    outcome,
    horizon_weeks,
    before_count,
    before_persons,
    after_count,
    after_persons,
    effect,
    unit,
    is_estimable
from results.before_after
where run_id = getvariable('run_id')
order by outcome, horizon_weeks
