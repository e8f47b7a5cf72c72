-- Every sanction decided, with the benefit and municipality it fell on.
-- grain:   person_id, decided_on, sanction_type
-- inputs:  staging.stg_sanctions, staging.stg_benefit_spells, staging.stg_dream_codes, staging.stg_persons
-- outputs: person_id, decided_on, sanction_type, paragraph, reason, status, is_reversed, warned_on, heard_on, benefit, municipality_code
-- note:    the benefit is that of the latest spell begun by the day of the decision, also when it has ended
-- note:    reversed decisions stay in, marked; without any spell the benefit is null and the municipality the person's own

with coded_spells as (
    select
        spells.person_id,
        spells.from_on,
        coalesce(codes.benefit, benefit_of(spells.benefit_code, null)) as benefit,
        spells.municipality_code
    from staging.stg_benefit_spells as spells
    left join staging.stg_dream_codes as codes using (benefit_code)
)

select
    sanctions.person_id,
    sanctions.decided_on,
    sanctions.sanction_type,
    sanctions.paragraph,
    sanctions.reason,
    sanctions.status,
    is_reversed_status(sanctions.status) as is_reversed,
    sanctions.warned_on,
    sanctions.heard_on,
    coded_spells.benefit,
    coalesce(coded_spells.municipality_code, persons.municipality_code) as municipality_code
from staging.stg_sanctions as sanctions
asof left join coded_spells
    on coded_spells.person_id = sanctions.person_id and coded_spells.from_on <= sanctions.decided_on
left join staging.stg_persons as persons on persons.person_id = sanctions.person_id
