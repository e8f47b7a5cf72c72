-- Sanctions decided in the panel, by type and whether they were reversed: decisions, persons and kroner.
-- grain:   sanction_type, is_reversed
-- inputs:  marts.sanction_events, staging.stg_sanctions
-- outputs: sanction_type, is_reversed, decisions, persons, without_amount, amount_dkk
-- note:    amount_dkk is what was delivered; where no amount is, the fixed rate of one event stands in, and without_amount counts it
-- note:    everybody on the benefits counts, not a sample

select
    events.sanction_type,
    events.is_reversed,
    count(*)::integer as decisions,
    count(distinct events.person_id)::integer as persons,
    (count(*) filter (where sanctions.amount_dkk is null))::integer as without_amount,
    sum(exact_ratio(coalesce(sanctions.amount_dkk, fixed_deduction_dkk(events.benefit)))) as amount_dkk
from marts.sanction_events as events
inner join staging.stg_sanctions as sanctions using (person_id, decided_on, sanction_type)
where getvariable('sanction_persons') is not null
    and list_contains(getvariable('benefits'), events.benefit)
    and events.decided_on between getvariable('panel_from') and getvariable('panel_to')
group by events.sanction_type, events.is_reversed
