-- Benefits and end states. DESIGN section 1 decides the order of the states, once, here.

create or replace temp macro end_state(
    has_left, is_supported_work, is_entry_benefit, is_other_benefit, is_education, is_job
) as
    case
        when has_left then 'left_register'
        when is_supported_work then 'supported_work'
        when is_entry_benefit then 'entry_benefit'
        when is_other_benefit then 'other_benefit'
        when is_education then 'education'
        when is_job then 'job'
        else 'self_support'
    end;

-- Status of a week by the outcome class of its code (DESIGN section 1). A code outside the table is kept as a benefit,
-- never dropped; 0 (self-support) is a blank week.
create or replace temp macro status_of(outcome_class, is_wage_subsidy) as
    case
        when is_wage_subsidy or outcome_class = 'stottet_job' then 'supported_work'
        when outcome_class = 'beskaeftigelse' then 'job'
        when outcome_class = 'uddannelse' then 'education'
        when outcome_class = 'censurering' then 'left_register'
        when outcome_class = 'selvforsorgelse' then 'blank'
        else 'benefit'
    end;

-- Loentilskud: last digit 5 (private) or 6 (public) within the groups that carry activation digits (DOMAIN 3).
-- 125, 126 and 785 end alike but are none of them.
create or replace temp macro is_wage_subsidy_code(code) as
    regexp_full_match(code, '(13|14|21|70|71|72|73|74|75|76|81|89)[56]');

-- kontanthjaelp 130-139, 710-719, 730-739 and uddannelseshjaelp 140-149, 720-729; every other code by its own group (DOMAIN 3).
create or replace temp macro benefit_of(code, code_group) as
    case
        when regexp_full_match(code, '(13|71|73)\d') then 'kontanthjaelp'
        when regexp_full_match(code, '(14|72)\d') then 'uddannelseshjaelp'
        else coalesce(code_group, 'ukendt')
    end;

-- The two benefits of the caseload, kontanthjaelp and uddannelseshjaelp, counted together.
create or replace temp macro is_social_assistance(benefit) as benefit in ('kontanthjaelp', 'uddannelseshjaelp');

create or replace temp macro is_sick_pay(benefit) as benefit = 'sygedagpenge';

-- Decisions that did not stand; they were felt when made and stay in the counts (DOMAIN 2.3, sanktioner).
create or replace temp macro is_reversed_status(status) as coalesce(status in ('ophaevet', 'hjemvist'), false);

-- A month counts as worked when hours or wage remain after corrections.
create or replace temp macro has_wage(paid_hours, wage_dkk) as
    coalesce(paid_hours > 0, false) or coalesce(wage_dkk > 0, false);

-- Hours of a final month: none reported is zero, paid work without hours is unknown.
create or replace temp macro stated_hours(paid_hours, is_employed) as
    case when is_employed then paid_hours else coalesce(paid_hours, 0) end;

-- An absent or empty list asks for everybody, also those whose value is unknown.
create or replace temp macro is_in_list(value, wanted) as
    len(coalesce(wanted, [])) = 0 or coalesce(list_contains(wanted, value), false);

-- Roles whose holder carries the case; a virksomhedskonsulent finds placements for colleagues' citizens.
create or replace temp macro carries_case(role) as coalesce(role in ('primaer', 'koordinerende'), false);

-- Of two who carry the case on the same day, the coordinating one is not the one who decides.
create or replace temp macro is_second_role(role) as coalesce(role = 'koordinerende', true);
