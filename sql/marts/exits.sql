-- How each benefit episode ended: when, and where the person went.
-- grain:   person_id, spell_number
-- inputs:  marts.benefit_spells, marts.exits_by_rule
-- outputs: person_id, spell_number, benefit, municipality_code, exit_week, destination, is_censored, weeks
-- note:    an exit is four weeks in a row off the benefit, dated at the first; the destination is the state of the fourth week
-- note:    is_censored: no exit seen by observation.exits_to (destination null), or the person left the register
-- note:    weeks counts the weeks after each of which an exit would have been seen, so a censored spell lasts longer than them
-- note:    exits after exits_to are censored whatever their destination, so that late wages do not choose who is counted
-- note:    without any final wage month there are no rows

select
    person_id,
    spells.spell_number,
    benefit,
    spells.municipality_code,
    ended.exit_week,
    ended.destination,
    ended.is_censored,
    ended.weeks
from marts.benefit_spells as spells
inner join marts.exits_by_rule as ended using (person_id, benefit, from_week)
where ended.exit_weeks = exit_weeks()
