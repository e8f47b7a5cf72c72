-- Caseload of each team month by month: the mean over its days.
-- grain:   municipality_code, team, month
-- inputs:  marts.caseload_day
-- outputs: municipality_code, team, month, days, citizen_days, fte_days, measured_days, caseload
-- note:    citizen_days and fte_days are sums over the days; divided by days they are the month's mean
-- note:    caseload is the mean of the daily caseloads over measured_days, the days on which it is known; null without any

select
    municipality_code,
    team,
    month_of(day) as month,
    count(*)::integer as days,
    sum(citizens)::integer as citizen_days,
    exact_ratio(sum(fte)) as fte_days,
    count(caseload)::integer as measured_days,
    avg(exact_ratio(caseload)) as caseload
from marts.caseload_day
group by all
