-- Every month a person is on a benefit: which, where, in what target group, with what paid hours and sanctions.
-- grain:   person_id, month
-- inputs:  staging.stg_benefit_spells, staging.stg_dream_codes, staging.stg_visitation, staging.stg_persons, marts.wage_months, staging.stg_sanctions, marts.observation
-- outputs: person_id, month, municipality_code, benefit, target_group, age, age_group, is_supported_work, is_sick, paid_hours, is_sanctioned, sanctions
-- note:    the status of a month is that of its 15th; a month without a benefit on that day has no row
-- note:    where spells overlap against the rules, the later one counts from its first day
-- note:    paid_hours are null in months whose wages are not final, and when the employer states none; sanctions counts all decisions of the month

with coded_spells as (
    select
        spells.person_id,
        spells.from_on,
        least(
            coalesce(spells.to_on, observation.data_to),
            observation.data_to,
            (lead(spells.from_on) over (
                partition by spells.person_id
                order by spells.from_on, spells.benefit_code
            ) - to_days(1))::date
        ) as to_on,
        spells.municipality_code,
        coalesce(codes.benefit, benefit_of(spells.benefit_code, null)) as benefit,
        status_of(codes.outcome_class, coalesce(codes.is_wage_subsidy, false)) as status
    from staging.stg_benefit_spells as spells
    left join staging.stg_dream_codes as codes using (benefit_code)
    cross join marts.observation as observation
),

spell_months as (
    select
        person_id,
        unnest(generate_series(month_of(from_on), month_of(to_on), to_months(1)))::date as month,
        from_on,
        to_on,
        municipality_code,
        benefit,
        status
    from coded_spells
    where status in ('benefit', 'supported_work')
),

benefit_months as (
    select
        person_id,
        month,
        municipality_code,
        benefit,
        status
    from spell_months
    where status_day(month) between from_on and to_on
),

placed_months as (
    select
        benefit_months.person_id,
        benefit_months.month,
        benefit_months.municipality_code,
        benefit_months.benefit,
        benefit_months.status,
        case
            when coalesce(visitation.to_on >= status_day(benefit_months.month), true) then visitation.target_group
        end as target_group
    from benefit_months
    asof left join staging.stg_visitation as visitation
        on visitation.person_id = benefit_months.person_id and visitation.from_on <= status_day(benefit_months.month)
),

sanction_months as (
    select
        person_id,
        month_of(decided_on) as month,
        count(*)::integer as sanctions
    from staging.stg_sanctions
    group by all
)

select
    person_id,
    month,
    months.municipality_code,
    months.benefit,
    months.target_group,
    (year(month) - persons.birth_year)::integer as age,
    age_group(age) as age_group,
    months.status = 'supported_work' as is_supported_work,
    is_sick_pay(months.benefit) as is_sick,
    case when month <= observation.wage_to then stated_hours(wages.paid_hours, wages.is_employed) end as paid_hours,
    sanction_months.sanctions is not null as is_sanctioned,
    coalesce(sanction_months.sanctions, 0) as sanctions
from placed_months as months
left join staging.stg_persons as persons using (person_id)
left join marts.wage_months as wages using (person_id, month)
left join sanction_months using (person_id, month)
cross join marts.observation as observation
