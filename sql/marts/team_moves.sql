-- How many citizens moved between normal and intensive teams, month by month.
-- grain:   municipality_code, month
-- inputs:  marts.caseworker_assignments
-- outputs: municipality_code, month, stretches, changes, to_intensive, to_normal
-- note:    stretches began in the month; changes are those with another caseworker than just before
-- note:    a team is intensive while an intervention that names it runs; one that names no team makes none

select
    municipality_code,
    month_of(from_on) as month,
    count(*)::integer as stretches,
    count(*) filter (where is_change)::integer as changes,
    count(distinct person_id) filter (where move = 'to_intensive')::integer as to_intensive,
    count(distinct person_id) filter (where move = 'to_normal')::integer as to_normal
from marts.caseworker_assignments
group by all
