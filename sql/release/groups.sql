-- Effects by group of persons.
-- grain:   grouping, group_name
-- inputs:  results.groups
-- outputs: grouping, group_name, persons, value, low, high, smallest_count, is_estimable, reason
-- note:    disclosure control is applied by evaluator/release.py when the rows become release.groups
select
    grouping,
    group_name,
    persons,
    value,
    low,
    high,
    smallest_count,
    is_estimable,
    reason
from results.groups
where run_id = getvariable('run_id')
order by grouping, group_name
