-- Episodes on one benefit: who, from which week, to which week.
-- grain:   person_id, spell_number
-- inputs:  staging.stg_benefit_spells, staging.stg_dream_codes, marts.benefit_episodes, marts.observation
-- outputs: person_id, spell_number, benefit, municipality_code, from_week, to_week, is_open
-- note:    less than four weeks off the benefit do not end an episode, nor does supported work paid by the benefit
-- note:    is_open: the four weeks off it are not yet observed; municipality_code is the paying one in the first week

with episodes as (
    select
        person_id,
        benefit,
        from_week,
        to_week
    from marts.benefit_episodes
    where exit_weeks = exit_weeks()
),

first_payers as (
    select
        episodes.person_id,
        episodes.benefit,
        episodes.from_week,
        arg_min(spells.municipality_code, (spells.from_on, spells.municipality_code)) as municipality_code
    from episodes
    inner join staging.stg_benefit_spells as spells
        on spells.person_id = episodes.person_id and week_of(spells.from_on) = episodes.from_week
    left join staging.stg_dream_codes as codes using (benefit_code)
    where coalesce(codes.benefit, benefit_of(spells.benefit_code, null)) = episodes.benefit
    group by all
)

select
    person_id,
    row_number() over (partition by person_id order by from_week, benefit) as spell_number,
    benefit,
    municipality_code,
    from_week,
    to_week,
    weeks_after(to_week, 1) > outcome_to as is_open
from episodes
left join first_payers using (person_id, benefit, from_week)
cross join marts.observation
