-- Entry cohorts: persons by municipality, entry period and horizon, and where they are.
-- grain:   municipality_code, period_on, horizon_weeks
-- inputs:  design.profile_cells
-- outputs: municipality_code, period_on, horizon_weeks, persons, job, education, other_benefit, supported_work, entry_benefit, self_support, left_register, paid_hours_any, paid_hours_20, paid_hours_87, persons_with_hours, benefit_weeks, sick_weeks, sanctions
-- note:    the seven states sum to persons; other_benefit leaves supported_work out
-- note:    paid_hours_20 and paid_hours_87 are known for persons_with_hours of the persons

select
    municipality_code,
    period_on,
    horizon_weeks,
    sum(persons)::integer as persons,
    sum(job)::integer as job,
    sum(education)::integer as education,
    sum(other_benefit)::integer as other_benefit,
    sum(supported_work)::integer as supported_work,
    sum(entry_benefit)::integer as entry_benefit,
    sum(self_support)::integer as self_support,
    sum(left_register)::integer as left_register,
    sum(paid_hours_any)::integer as paid_hours_any,
    sum(paid_hours_20)::integer as paid_hours_20,
    sum(paid_hours_87)::integer as paid_hours_87,
    sum(persons_with_hours)::integer as persons_with_hours,
    sum(benefit_weeks)::integer as benefit_weeks,
    sum(sick_weeks)::integer as sick_weeks,
    sum(sanctions)::integer as sanctions
from design.profile_cells
group by all
