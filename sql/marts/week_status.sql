-- What each person's weeks are: benefit, supported work, education, job (holiday pay) or out of the register.
-- grain:   person_id, status, benefit, from_week
-- inputs:  staging.stg_benefit_spells, staging.stg_dream_codes, staging.stg_education, staging.stg_persons, marts.observation
-- outputs: person_id, status, benefit, from_week, to_week
-- note:    a status counts in a week from one day on (DREAM's rule), so statuses may share a week; adjoining weeks are one row
-- note:    running spells end at the last observed day; a departure from the register lasts

with coded_spells as (
    select
        spells.person_id,
        status_of(codes.outcome_class, coalesce(codes.is_wage_subsidy, false)) as status,
        coalesce(codes.benefit, benefit_of(spells.benefit_code, null)) as benefit,
        spells.from_on,
        spells.to_on
    from staging.stg_benefit_spells as spells
    left join staging.stg_dream_codes as codes using (benefit_code)
),

study_spells as (
    select
        person_id,
        'education' as status,
        'uddannelse' as benefit,
        from_on,
        to_on
    from staging.stg_education
),

departures as (
    select
        person_id,
        'left_register' as status,
        'udgaaet' as benefit,
        left_on as from_on,
        null::date as to_on
    from staging.stg_persons
    where left_on is not null
),

spell_weeks as (
    select
        spells.person_id,
        spells.status,
        spells.benefit,
        week_of(spells.from_on) as from_week,
        week_of(least(coalesce(spells.to_on, observation.data_to), observation.data_to)) as to_week
    from (
        select person_id, status, benefit, from_on, to_on from coded_spells
        union all
        select person_id, status, benefit, from_on, to_on from study_spells
        union all
        select person_id, status, benefit, from_on, to_on from departures
    ) as spells
    cross join marts.observation as observation
    where spells.status <> 'blank' and spells.from_on <= observation.data_to
),

marked_weeks as (
    select
        person_id,
        status,
        benefit,
        from_week,
        to_week,
        from_week > weeks_after(max(to_week) over earlier, 1) as is_new
    from spell_weeks
    window earlier as (
        partition by person_id, status, benefit
        order by from_week, to_week
        rows between unbounded preceding and 1 preceding
    )
),

numbered_weeks as (
    select
        person_id,
        status,
        benefit,
        from_week,
        to_week,
        count(*) filter (where is_new) over (
            partition by person_id, status, benefit
            order by from_week, to_week
            rows unbounded preceding
        ) as stretch
    from marked_weeks
)

select
    person_id,
    status,
    benefit,
    min(from_week) as from_week,
    max(to_week) as to_week
from numbered_weeks
group by person_id, status, benefit, stretch
