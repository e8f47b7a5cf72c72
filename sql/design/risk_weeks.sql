-- Weeks on a benefit, week by week of the spell: who gets the first sanction, and what was known before the week.
-- grain:   person_id, spell_number, week
-- inputs:  design.risk_spells, marts.week_status, staging.stg_meetings, staging.stg_visitation
-- outputs: person_id, spell_number, week, spell_week, quarter_on, benefit, municipality_code, is_on_benefit, sanction_week, sanction_type, is_reversed, exit_to, is_exit_seen, target_group, age_group, sex, has_children, no_shows, weeks_since_no_show, meeting_type, weeks_since_meeting, earlier_sanctions, work_months
-- note:    while the person is of the population's age and target group; weeks of a gap under four weeks are absent
-- note:    is_on_benefit: the benefit itself, not supported work alone, in which nobody is sanctioned
-- note:    exit_to is the exit that follows the week, null for none; is_exit_seen says whether it would have been observed
-- note:    no_shows counts weeks of the spell with a missed meeting before the week; meeting_type is that of the latest meeting before it or in it, held or missed: the exit follows the week

with no_show_weeks as (
    select
        person_id,
        week_of(held_on) as week,
        row_number() over (partition by person_id order by week_of(held_on)) as so_far
    from staging.stg_meetings
    where is_no_show
    group by person_id, week_of(held_on)
),

meeting_weeks as (
    select
        person_id,
        week_of(held_on) as week,
        arg_max(meeting_type, (held_on, meeting_type)) as meeting_type
    from staging.stg_meetings
    group by all
),

paid_weeks as (
    select
        spells.person_id,
        spells.spell_number,
        unnest(generate_series(paid.from_week, paid.to_week, to_weeks(1)))::date as week,
        paid.status = 'benefit' as is_on_benefit
    from design.risk_spells as spells
    inner join marts.week_status as paid
        on paid.person_id = spells.person_id
        and paid.benefit = spells.benefit
        and paid.from_week between spells.from_week and spells.to_week
    where paid.status in ('benefit', 'supported_work')
),

weeks as (
    select
        person_id,
        spell_number,
        week,
        bool_or(is_on_benefit) as is_on_benefit
    from paid_weeks
    group by all
)

select
    weeks.person_id,
    weeks.spell_number,
    weeks.week,
    weeks_between(spells.from_week, weeks.week) as spell_week,
    quarter_of(thursday_of(weeks.week)) as quarter_on,
    spells.benefit,
    spells.municipality_code,
    weeks.is_on_benefit,
    spells.sanction_week,
    spells.sanction_type,
    spells.is_reversed,
    case when weeks.week = spells.to_week then spells.destination end as exit_to,
    weeks_after(weeks.week, 1) <= spells.exit_week as is_exit_seen,
    case when coalesce(visitation.to_on >= weeks.week, true) then visitation.target_group end as target_group,
    age_group(year(thursday_of(weeks.week)) - spells.birth_year) as age_group,
    spells.sex,
    spells.has_children,
    case
        when no_shows.week >= spells.from_week then no_shows.so_far - spells.no_shows_before
        else 0
    end::integer as no_shows,
    case
        when no_shows.week >= spells.from_week then weeks_between(no_shows.week, weeks.week)
    end as weeks_since_no_show,
    case when meetings.week >= spells.from_week then meetings.meeting_type end as meeting_type,
    case
        when meetings.week >= spells.from_week then weeks_between(meetings.week, weeks.week)
    end as weeks_since_meeting,
    spells.earlier_sanctions,
    spells.work_months
from weeks
inner join design.risk_spells as spells
    on spells.person_id = weeks.person_id and spells.spell_number = weeks.spell_number
asof left join staging.stg_visitation as visitation
    on visitation.person_id = weeks.person_id and visitation.from_on <= sunday_of(weeks.week)
asof left join no_show_weeks as no_shows
    on no_shows.person_id = weeks.person_id and no_shows.week < weeks.week
asof left join meeting_weeks as meetings
    on meetings.person_id = weeks.person_id and meetings.week <= weeks.week
where year(thursday_of(weeks.week)) - spells.birth_year
    between getvariable('age_from') and getvariable('age_to')
    and is_in_list(
        case when coalesce(visitation.to_on >= weeks.week, true) then visitation.target_group end,
        getvariable('target_groups')
    )
