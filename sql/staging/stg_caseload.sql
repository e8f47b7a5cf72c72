-- Cases and full-time equivalents of each caseworker, month by month, as the municipality counts them.
-- grain:   caseworker_id, month
-- inputs:  raw.sagstal, raw.rejects
-- outputs: caseworker_id, team, municipality_code, month, cases, fte

with rejected as (
    select delivery_id as _delivery, line as _line
    from raw.rejects
    where extract = 'sagstal'
)

select
    as_text(sagsbehandler_id) as caseworker_id,
    as_text(team) as team,
    as_municipality(kommunekode) as municipality_code,
    as_month(maaned) as month,
    as_integer(antal_sager) as cases,
    as_decimal(aarsvaerk) as fte
from raw.sagstal
anti join rejected using (_delivery, _line)
