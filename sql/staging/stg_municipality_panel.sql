-- Published municipal statistics by period.
-- grain:   municipality_code, period_on, period_kind, benefit, target_group
-- inputs:  raw.kommunepanel, raw.rejects
-- outputs: municipality_code, period_on, period_kind, benefit, target_group, full_time, persons, sanctions, unemployed, population, is_suppressed
-- note:    municipality 000 is the whole country; a suppressed number is null, a published dash is zero; without a target group, alle
-- note:    Christiansø, which is no municipality, is left out

with rejected as (
    select delivery_id as _delivery, line as _line
    from raw.rejects
    where extract = 'kommunepanel'
)

select
    as_municipality(kommunekode) as municipality_code,
    as_period(periode) as period_on,
    as_period_kind(periode) as period_kind,
    as_text(ydelse) as benefit,
    coalesce(as_text(visitation), 'alle') as target_group,
    as_statistic(fuldtid) as full_time,
    as_statistic(antal) as persons,
    as_statistic(sanktioner) as sanctions,
    as_statistic(ledighed) as unemployed,
    as_statistic(befolkning) as population,
    is_suppressed(fuldtid) or is_suppressed(antal) as is_suppressed
from raw.kommunepanel
anti join rejected using (_delivery, _line)
where as_municipality(kommunekode) is distinct from no_municipality()
