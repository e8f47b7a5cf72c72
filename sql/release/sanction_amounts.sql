-- Kroner deducted by type of sanction.
-- grain:   sanction_type, is_reversed
-- inputs:  results.sanction_amounts
-- outputs: sanction_type, is_reversed, decisions, persons, without_amount, amount_dkk
-- note:    disclosure control is applied by evaluator/release.py when the rows become release.sanction_amounts
select
    sanction_type,
    is_reversed,
    decisions,
    persons,
    without_amount,
    amount_dkk
from results.sanction_amounts
where run_id = getvariable('run_id')
order by sanction_type, is_reversed
