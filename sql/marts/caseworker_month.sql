-- Cases, full-time equivalents and caseload of each caseworker in a team and month.
-- grain:   caseworker_id, team, municipality_code, month
-- inputs:  staging.stg_caseload
-- outputs: caseworker_id, team, municipality_code, month, cases, fte, caseload
-- note:    caseload is cases per full-time equivalent; null when either is unknown or no time was worked

with counts as (
    select
        caseworker_id,
        team,
        municipality_code,
        month,
        sum(cases)::integer as cases,
        sum(fte) as fte
    from staging.stg_caseload
    group by all
)

select
    caseworker_id,
    team,
    municipality_code,
    month,
    cases,
    fte,
    cases / nullif(fte, 0) as caseload
from counts
