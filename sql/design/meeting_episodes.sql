-- The sampled spells cut where the first counselling and the first control meeting begin, and where they are past.
-- grain:   person_id, spell_number, start_weeks
-- inputs:  design.sanction_spells, design.sanction_episodes, staging.stg_meetings
-- outputs: person_id, spell_number, start_weeks, stop_weeks, transition, since_counselling_weeks, since_control_weeks, benefit, target_group, age_group, sex, year, is_away, caseload, state
-- note:    which types of meeting are which is said by counselling_types and control_types; without both there are no rows
-- note:    transition is what ended the row: an exit, the first counselling or control meeting, or null; a sanction is none here
-- note:    a meeting counts held or missed; of several in a week the last one does, as in design.risk_weeks
-- note:    state says which meetings there have been: neither, counselled, controlled or both

with weekly_meetings as (
    select
        person_id,
        week_of(held_on) as week,
        arg_max(meeting_type, (held_on, meeting_type)) as meeting_type
    from staging.stg_meetings
    where getvariable('counselling_types') is not null and getvariable('control_types') is not null
    group by all
),

first_meetings as (
    select
        spells.person_id,
        spells.spell_number,
        min(weeks_between(spells.from_week, meetings.week)) filter (
            where list_contains(getvariable('counselling_types'), meetings.meeting_type)
        ) as counselling_weeks,
        min(weeks_between(spells.from_week, meetings.week)) filter (
            where list_contains(getvariable('control_types'), meetings.meeting_type)
        ) as control_weeks
    from design.sanction_spells as spells
    inner join weekly_meetings as meetings
        on meetings.person_id = spells.person_id
        and meetings.week >= spells.from_week
        and meetings.week < weeks_after(spells.from_week, spells.weeks)
    group by all
),

meeting_cuts as (
    select
        person_id,
        spell_number,
        counselling_weeks + unnest(meeting_pieces()) as at_weeks
    from first_meetings
    union
    select
        person_id,
        spell_number,
        control_weeks + unnest(meeting_pieces()) as at_weeks
    from first_meetings
),

cuts as (
    select
        person_id,
        spell_number,
        start_weeks as episode_weeks,
        start_weeks as at_weeks
    from design.sanction_episodes
    where getvariable('counselling_types') is not null and getvariable('control_types') is not null
    union
    select
        episodes.person_id,
        episodes.spell_number,
        episodes.start_weeks as episode_weeks,
        meeting_cuts.at_weeks
    from design.sanction_episodes as episodes
    inner join meeting_cuts
        on meeting_cuts.person_id = episodes.person_id
        and meeting_cuts.spell_number = episodes.spell_number
        and meeting_cuts.at_weeks > episodes.start_weeks
        and meeting_cuts.at_weeks < episodes.stop_weeks
),

parts as (
    select
        cuts.person_id,
        cuts.spell_number,
        cuts.at_weeks::integer as start_weeks,
        coalesce(
            lead(cuts.at_weeks) over (partition by cuts.person_id, cuts.spell_number order by cuts.at_weeks),
            episodes.stop_weeks
        )::integer as stop_weeks,
        episodes.stop_weeks as episode_stop_weeks,
        nullif(episodes.transition, 'sanction') as exit_to,
        episodes.benefit,
        episodes.target_group,
        episodes.age_group,
        episodes.sex,
        episodes.year,
        episodes.is_away,
        episodes.caseload
    from cuts
    inner join design.sanction_episodes as episodes
        on episodes.person_id = cuts.person_id
        and episodes.spell_number = cuts.spell_number
        and episodes.start_weeks = cuts.episode_weeks
)

select
    parts.person_id,
    parts.spell_number,
    parts.start_weeks,
    parts.stop_weeks,
    case
        when parts.stop_weeks = parts.episode_stop_weeks and parts.exit_to is not null then parts.exit_to
        when parts.stop_weeks = meetings.counselling_weeks then 'counselling'
        when parts.stop_weeks = meetings.control_weeks then 'control'
    end as transition,
    case
        when parts.start_weeks >= meetings.counselling_weeks then parts.start_weeks - meetings.counselling_weeks
    end as since_counselling_weeks,
    case
        when parts.start_weeks >= meetings.control_weeks then parts.start_weeks - meetings.control_weeks
    end as since_control_weeks,
    parts.benefit,
    parts.target_group,
    parts.age_group,
    parts.sex,
    parts.year,
    parts.is_away,
    parts.caseload,
    case
        when since_counselling_weeks is not null and since_control_weeks is not null then 'both'
        when since_counselling_weeks is not null then 'counselled'
        when since_control_weeks is not null then 'controlled'
        else 'neither'
    end as state
from parts
left join first_meetings as meetings using (person_id, spell_number)
