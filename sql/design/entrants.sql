-- The people of a spec: who entered a population benefit, where and when, as they were at entry.
-- grain:   person_id, entry_week
-- inputs:  marts.benefit_spells, marts.person_month, staging.stg_visitation, staging.stg_persons
-- outputs: person_id, municipality_code, entry_week, period_on, benefit, target_group, age_group, sex, education_level, has_children, is_single
-- note:    inflow: the first episode ever seen on one of the benefits, so one row per person; a return is an outcome, never a new unit
-- note:    who is on benefit when the data begin seems to enter then: a panel should begin some weeks after the data
-- note:    stock: everybody on the benefits on the 15th of each period's first month, so one row per person and period
-- note:    the target group is the one in force in the entry week and stays, whatever a later visitation says

with first_spells as (
    select
        person_id,
        municipality_code,
        from_week as entry_week,
        benefit
    from marts.benefit_spells
    where list_contains(getvariable('benefits'), benefit)
    qualify row_number() over (partition by person_id order by from_week, spell_number) = 1
),

inflow as (
    select
        spells.person_id,
        spells.municipality_code,
        spells.entry_week,
        spells.benefit,
        case
            when coalesce(visitation.to_on >= spells.entry_week, true) then visitation.target_group
        end as target_group
    from first_spells as spells
    asof left join staging.stg_visitation as visitation
        on visitation.person_id = spells.person_id and visitation.from_on <= sunday_of(spells.entry_week)
    where getvariable('entry') = 'inflow'
),

stock as (
    select
        person_id,
        municipality_code,
        week_of(status_day(month)) as entry_week,
        benefit,
        target_group
    from marts.person_month
    where getvariable('entry') = 'stock'
        and list_contains(getvariable('benefits'), benefit)
        and month = period_of(month, getvariable('period_months'))
),

candidates as (
    select person_id, municipality_code, entry_week, benefit, target_group from inflow
    union all
    select person_id, municipality_code, entry_week, benefit, target_group from stock
)

select
    person_id,
    candidates.municipality_code,
    candidates.entry_week,
    period_of(thursday_month(candidates.entry_week), getvariable('period_months')) as period_on,
    candidates.benefit,
    candidates.target_group,
    age_group(year(thursday_of(candidates.entry_week)) - persons.birth_year) as age_group,
    persons.sex,
    persons.education_level,
    persons.has_children,
    persons.is_single
from candidates
inner join staging.stg_persons as persons using (person_id)
where thursday_of(candidates.entry_week) between getvariable('panel_from') and getvariable('panel_to')
    and year(thursday_of(candidates.entry_week)) - persons.birth_year
        between getvariable('age_from') and getvariable('age_to')
    and is_in_list(candidates.target_group, getvariable('target_groups'))
