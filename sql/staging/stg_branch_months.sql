-- Months in which DREAM names the branch of a person's job: paid work, of unknown hours.
-- grain:   person_id, month
-- inputs:  raw.dream, raw.rejects
-- outputs: person_id, month

with rejected as (
    select delivery_id as _delivery, line as _line
    from raw.rejects
    where extract = 'dream'
),

branch_runs as (
    select
        as_text(pnr_pseudo) as person_id,
        unnest(brancher, recursive := true)
    from raw.dream
    anti join rejected using (_delivery, _line)
)

select
    person_id,
    unnest(generate_series(fra, til, to_months(1)))::date as month
from branch_runs
