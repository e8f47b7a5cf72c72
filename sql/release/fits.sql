-- How well a method's comparison follows before the start, and on whom its answer rests.
-- grain:   outcome, estimator
-- inputs:  results.fits
-- outputs: outcome, estimator, donors, before, after, followed, ratio, ratio_rank, ratio_of, ratio_p, effective_donors, slack, hull_p, periods_outside, left_out_low, left_out_high, left_out_name, persons
-- note:    disclosure control is applied by evaluator/release.py when the rows become release.fits
select
    outcome,
    estimator,
    donors,
    before,
    after,
    followed,
    ratio,
    ratio_rank,
    ratio_of,
    ratio_p,
    effective_donors,
    slack,
    hull_p,
    periods_outside,
    left_out_low,
    left_out_high,
    left_out_name,
    persons
from results.fits
where run_id = getvariable('run_id')
order by outcome, estimator
