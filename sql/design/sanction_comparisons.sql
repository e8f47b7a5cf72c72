-- Each sanctioned spell beside one that was comparable and not yet sanctioned: what came of both from there on.
-- grain:   person_id, spell_number
-- inputs:  design.sanction_spells, design.sanction_episodes
-- outputs: person_id, spell_number, is_reversed, weeks_after, destination, compared_weeks_after, compared_destination
-- note:    comparable: the same week of the spell, benefit, target group, age group, calendar year, and missed meetings recent or not
-- note:    drawn at random (seeded hash) with replacement; compared_weeks_after is null where nobody is comparable
-- note:    the compared spell is followed until it is sanctioned itself, where it is censored

with sanctioned as (
    select
        spells.person_id,
        spells.spell_number,
        spells.is_reversed,
        spells.sanction_weeks,
        spells.weeks - spells.sanction_weeks as weeks_after,
        spells.destination,
        episodes.benefit,
        episodes.target_group,
        episodes.age_group,
        episodes.year,
        episodes.is_no_show_recent
    from design.sanction_spells as spells
    inner join design.sanction_episodes as episodes
        on episodes.person_id = spells.person_id
        and episodes.spell_number = spells.spell_number
        and episodes.start_weeks = spells.sanction_weeks
),

free_episodes as (
    select
        episodes.person_id,
        episodes.spell_number,
        episodes.start_weeks,
        episodes.stop_weeks,
        episodes.benefit,
        episodes.target_group,
        episodes.age_group,
        episodes.year,
        episodes.is_no_show_recent,
        least(spells.weeks, coalesce(spells.sanction_weeks, spells.weeks)) as followed_weeks,
        case when spells.sanction_weeks is null then spells.destination end as destination
    from design.sanction_episodes as episodes
    inner join design.sanction_spells as spells using (person_id, spell_number)
    where episodes.state = 'free' and not episodes.is_away
),

drawn as (
    select
        sanctioned.person_id,
        sanctioned.spell_number,
        free_episodes.followed_weeks - sanctioned.sanction_weeks as compared_weeks_after,
        free_episodes.destination as compared_destination
    from sanctioned
    inner join free_episodes
        on free_episodes.benefit = sanctioned.benefit
        and free_episodes.target_group = sanctioned.target_group
        and free_episodes.age_group = sanctioned.age_group
        and free_episodes.year = sanctioned.year
        and free_episodes.is_no_show_recent = sanctioned.is_no_show_recent
        and sanctioned.sanction_weeks >= free_episodes.start_weeks
        and sanctioned.sanction_weeks < free_episodes.stop_weeks
        and free_episodes.person_id <> sanctioned.person_id
    qualify row_number() over (
        partition by sanctioned.person_id, sanctioned.spell_number
        order by
            md5(concat(getvariable('sanction_seed'), sanctioned.person_id, free_episodes.person_id)),
            free_episodes.spell_number
    ) = 1
)

select
    sanctioned.person_id,
    sanctioned.spell_number,
    sanctioned.is_reversed,
    sanctioned.weeks_after,
    sanctioned.destination,
    drawn.compared_weeks_after,
    drawn.compared_destination
from sanctioned
left join drawn using (person_id, spell_number)
