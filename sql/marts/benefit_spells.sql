-- Episodes on one benefit: who, from which week, to which week.
-- grain:   person_id, spell_number
-- inputs:  staging.stg_benefit_spells, staging.stg_dream_codes, marts.week_status, marts.observation
-- outputs: person_id, spell_number, benefit, municipality_code, from_week, to_week, is_open
-- note:    less than four weeks off the benefit do not end an episode, nor does supported work paid by the benefit
-- note:    is_open: the four weeks off it are not yet observed; municipality_code is the paying one in the first week

with benefit_stretches as (
    select
        person_id,
        benefit,
        from_week,
        max(to_week) as to_week
    from marts.week_status
    where status in ('benefit', 'supported_work')
    group by person_id, benefit, from_week
),

marked_stretches as (
    select
        person_id,
        benefit,
        from_week,
        to_week,
        from_week > weeks_after(max(to_week) over earlier, exit_weeks()) as is_new
    from benefit_stretches
    window earlier as (
        partition by person_id, benefit
        order by from_week, to_week
        rows between unbounded preceding and 1 preceding
    )
),

numbered_stretches as (
    select
        person_id,
        benefit,
        from_week,
        to_week,
        count(*) filter (where is_new) over (
            partition by person_id, benefit
            order by from_week, to_week
            rows unbounded preceding
        ) as episode
    from marked_stretches
),

episodes as (
    select
        person_id,
        benefit,
        min(from_week) as from_week,
        max(to_week) as to_week
    from numbered_stretches
    group by person_id, benefit, episode
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
