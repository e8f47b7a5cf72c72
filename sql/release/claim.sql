-- What somebody said the intervention did, as arithmetic.
-- grain:   text
-- inputs:  results.claim
-- outputs: text, kind, before, after, parts, persons, change, amount_dkk, amount, dkk_per_person, verdict, green_low, green_high, amber_low, amber_high, source, note
-- note:    disclosure control is applied by evaluator/release.py when the rows become release.claim
select
    text,
    kind,
    before,
    after,
    parts,
    persons,
    change,
    amount_dkk,
    amount,
    dkk_per_person,
    verdict,
    green_low,
    green_high,
    amber_low,
    amber_high,
    source,
    note
from results.claim
where run_id = getvariable('run_id')
order by text
