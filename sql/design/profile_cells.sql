-- Entry cohorts by traits at entry: persons by municipality, entry period, traits and horizon, and where they are.
-- grain:   municipality_code, period_on, horizon_weeks, age_group, sex, education_level, target_group, benefit
-- inputs:  design.entrants, design.entrant_outcomes
-- outputs: municipality_code, period_on, horizon_weeks, age_group, sex, education_level, target_group, benefit, persons, job, education, other_benefit, supported_work, entry_benefit, self_support, left_register, paid_hours_any, paid_hours_20, paid_hours_87, persons_with_hours, benefit_weeks, sick_weeks, sanctions
-- note:    the seven states sum to persons; other_benefit leaves supported_work out
-- note:    paid_hours_20 and paid_hours_87 are known for persons_with_hours of the persons

select
    entrants.municipality_code,
    entrants.period_on,
    outcomes.horizon_weeks,
    entrants.age_group,
    entrants.sex,
    entrants.education_level,
    entrants.target_group,
    entrants.benefit,
    count(*)::integer as persons,
    count(*) filter (where outcomes.state = 'job')::integer as job,
    count(*) filter (where outcomes.state = 'education')::integer as education,
    count(*) filter (where outcomes.state = 'other_benefit')::integer as other_benefit,
    count(*) filter (where outcomes.state = 'supported_work')::integer as supported_work,
    count(*) filter (where outcomes.state = 'entry_benefit')::integer as entry_benefit,
    count(*) filter (where outcomes.state = 'self_support')::integer as self_support,
    count(*) filter (where outcomes.state = 'left_register')::integer as left_register,
    sum(outcomes.paid_hours_any)::integer as paid_hours_any,
    sum(outcomes.paid_hours_20)::integer as paid_hours_20,
    sum(outcomes.paid_hours_87)::integer as paid_hours_87,
    count(outcomes.paid_hours)::integer as persons_with_hours,
    sum(outcomes.benefit_weeks)::integer as benefit_weeks,
    sum(outcomes.sick_weeks)::integer as sick_weeks,
    sum(outcomes.sanctions)::integer as sanctions
from design.entrants as entrants
inner join design.entrant_outcomes as outcomes using (person_id, entry_week)
group by all
