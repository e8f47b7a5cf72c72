-- The caseload of each municipality month by month: persons, entries, exits by destination, sanctions, meetings.
-- grain:   municipality_code, month
-- inputs:  marts.benefit_spells, marts.exits, marts.person_month, marts.sanction_events, marts.caseworker_month, marts.observation, staging.stg_meetings
-- outputs: municipality_code, month, persons_on_benefit, entries, exits_job, exits_education, exits_other_benefit, exits_self_support, sanctions, no_shows, meetings, caseload
-- note:    kontanthjaelp and uddannelseshjaelp together; a change between them is neither entry nor exit
-- note:    exits_other_benefit includes supported work; exits after the last month in which all can be seen are null
-- note:    entries of the first month of data are null: who was there already cannot be told from who came
-- note:    sanctions, meetings held and no_shows of persons on the two benefits; null when nothing of the kind was delivered

with assistance_spells as (
    select
        person_id,
        spell_number,
        municipality_code,
        from_week,
        to_week,
        max(to_week) over (
            partition by person_id
            order by from_week, spell_number
            rows between unbounded preceding and 1 preceding
        ) as covered_to,
        min(from_week) over (
            partition by person_id
            order by from_week, spell_number
            rows between 1 following and unbounded following
        ) as next_week,
        max(to_week) over (
            partition by person_id
            order by from_week, spell_number
            rows unbounded preceding
        ) as reached_to
    from marts.benefit_spells
    where is_social_assistance(benefit)
),

entries as (
    select
        municipality_code,
        thursday_month(from_week) as month,
        count(*) as entries
    from assistance_spells
    where coalesce(from_week > weeks_after(covered_to, exit_weeks()), true)
    group by all
),

last_spells as (
    select
        person_id,
        reached_to as to_week
    from assistance_spells
    where coalesce(next_week > weeks_after(reached_to, exit_weeks()), true)
),

leavers as (
    select
        spells.municipality_code,
        thursday_month(exits.exit_week) as month,
        exits.destination
    from last_spells
    inner join assistance_spells as spells using (person_id, to_week)
    inner join marts.exits as exits using (person_id, spell_number)
    where not exits.is_censored
    qualify row_number() over (partition by person_id, to_week order by spell_number desc) = 1
),

exit_counts as (
    select
        municipality_code,
        month,
        count(*) filter (where destination = 'job') as exits_job,
        count(*) filter (where destination = 'education') as exits_education,
        count(*) filter (where destination in ('other_benefit', 'supported_work')) as exits_other_benefit,
        count(*) filter (where destination = 'self_support') as exits_self_support
    from leavers
    group by all
),

recipients as (
    select
        municipality_code,
        month,
        count(*) as persons_on_benefit
    from marts.person_month
    where is_social_assistance(benefit)
    group by all
),

sanction_counts as (
    select
        municipality_code,
        month_of(decided_on) as month,
        count(*) as sanctions
    from marts.sanction_events
    where is_social_assistance(benefit)
    group by all
),

meeting_counts as (
    select
        months.municipality_code,
        months.month,
        count(*) filter (where not coalesce(meetings.is_no_show, false)) as meetings,
        count(*) filter (where meetings.is_no_show) as no_shows
    from staging.stg_meetings as meetings
    inner join marts.person_month as months
        on months.person_id = meetings.person_id and months.month = month_of(meetings.held_on)
    where is_social_assistance(months.benefit)
    group by all
),

caseloads as (
    select
        municipality_code,
        month,
        sum(cases) / nullif(sum(fte), 0) as caseload
    from marts.caseworker_month
    where cases is not null and fte is not null
    group by all
),

deliveries as (
    select
        exists (select person_id from marts.sanction_events) as has_sanctions,
        exists (select person_id from staging.stg_meetings) as has_meetings
),

calendar as (
    select
        unnest(generate_series(month_of(data_from), month_of(data_to), to_months(1)))::date as month,
        month > thursday_month(week_of(data_from)) as has_entries,
        month < thursday_month(weeks_after(exits_to, 1)) as has_exits
    from marts.observation
),

municipalities as (
    select distinct municipality_code
    from marts.benefit_spells
    where municipality_code is not null
)

select
    municipality_code,
    month,
    coalesce(recipients.persons_on_benefit, 0)::integer as persons_on_benefit,
    case when calendar.has_entries then coalesce(entries.entries, 0)::integer end as entries,
    case when calendar.has_exits then coalesce(exit_counts.exits_job, 0)::integer end as exits_job,
    case when calendar.has_exits then coalesce(exit_counts.exits_education, 0)::integer end as exits_education,
    case when calendar.has_exits then coalesce(exit_counts.exits_other_benefit, 0)::integer end as exits_other_benefit,
    case when calendar.has_exits then coalesce(exit_counts.exits_self_support, 0)::integer end as exits_self_support,
    case when deliveries.has_sanctions then coalesce(sanction_counts.sanctions, 0)::integer end as sanctions,
    case when deliveries.has_meetings then coalesce(meeting_counts.no_shows, 0)::integer end as no_shows,
    case when deliveries.has_meetings then coalesce(meeting_counts.meetings, 0)::integer end as meetings,
    caseloads.caseload
from municipalities
cross join calendar
cross join deliveries
left join recipients using (municipality_code, month)
left join entries using (municipality_code, month)
left join exit_counts using (municipality_code, month)
left join sanction_counts using (municipality_code, month)
left join meeting_counts using (municipality_code, month)
left join caseloads using (municipality_code, month)
