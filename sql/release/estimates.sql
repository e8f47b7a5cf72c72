-- Effects of one run with their intervals.
-- grain:   outcome, horizon_weeks, aggregate, "at"
-- inputs:  results.estimates
-- outputs: outcome, horizon_weeks, aggregate, at, at_label, value, low, high, se, band_low, band_high, p_value, method, n, smallest_count, clusters, treated_clusters, unit, is_estimable, reason, what_would_help, is_primary, relevant_change, is_partly_exposed, freedom, p_family
-- note:    disclosure control is applied by evaluator/release.py when the rows become release.estimates
select
    outcome,
    horizon_weeks,
    aggregate,
    "at",
    at_label,
    value,
    low,
    high,
    se,
    band_low,
    band_high,
    p_value,
    method,
    n,
    smallest_count,
    clusters,
    treated_clusters,
    unit,
    is_estimable,
    reason,
    what_would_help,
    is_primary,
    relevant_change,
    is_partly_exposed,
    freedom,
    p_family
from results.estimates
where run_id = getvariable('run_id')
order by outcome, horizon_weeks, aggregate, "at"
