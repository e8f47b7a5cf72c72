-- Interventions by municipality and team, with the caseload that was planned.
-- grain:   municipality_code, team, start_on, intervention
-- inputs:  raw.indsats, raw.rejects
-- outputs: municipality_code, team, start_on, end_on, intervention, planned_before, planned_after, budget_dkk, target_group
-- note:    team is null when the whole municipality takes part; end_on is null while the intervention runs

with rejected as (
    select delivery_id as _delivery, line as _line
    from raw.rejects
    where extract = 'indsats'
)

select
    as_municipality(kommunekode) as municipality_code,
    as_text(team) as team,
    as_date(fra) as start_on,
    as_date(til) as end_on,
    as_text(indsats_navn) as intervention,
    as_decimal(sagstal_foer) as planned_before,
    as_decimal(sagstal_efter) as planned_after,
    as_decimal(budget_kr) as budget_dkk,
    as_text(maalgruppe) as target_group
from raw.indsats
anti join rejected using (_delivery, _line)
