-- DREAM's codes: the benefit each belongs to and what it counts as.
-- grain:   benefit_code
-- inputs:  raw.dream_codes
-- outputs: benefit_code, code_name, benefit, outcome_class, is_wage_subsidy, valid_from, valid_to
-- note:    valid_from and valid_to: when the code was in use, null without a limit
-- note:    is_wage_subsidy marks loentilskud, supported work inside a benefit

select
    as_text(code) as benefit_code,
    as_text(name) as code_name,
    benefit_of(as_text(code), as_text(benefit)) as benefit,
    as_text(class) as outcome_class,
    is_wage_subsidy_code(as_text(code)) as is_wage_subsidy,
    valid_from,
    valid_to
from raw.dream_codes
