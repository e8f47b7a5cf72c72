-- The sampled spells cut where something changes: sanction, missed meeting, supported work, target group, quarter.
-- grain:   person_id, spell_number, start_weeks
-- inputs:  design.sanction_spells, staging.stg_meetings, staging.stg_visitation, marts.week_status, marts.caseload_month
-- outputs: person_id, spell_number, start_weeks, stop_weeks, transition, since_sanction_weeks, since_notice_weeks, benefit, target_group, age_group, sex, year, no_shows, is_no_show_recent, is_away, caseload, state
-- note:    a row covers [start_weeks, stop_weeks) of the spell; transition is what ended it: an exit, the first sanction, or null
-- note:    state is free before the first sanction and sanctioned after it, when only exits are possible; away: not yet sanctioned and is_away
-- note:    the week that the first sanction ends, or its notice, is a row of its own: at risk of it, whoever was away until then
-- note:    is_away: in supported work, or some weeks off the benefit that end no spell; who is away cannot be sanctioned
-- note:    no_shows counts missed meetings of the spell so far, the row's first week included; a missed meeting is recent for recent_weeks()
-- note:    caseload is the municipality's mean of the quarter, where it is known: active citizens per full-time equivalent

with no_show_weeks as (
    select distinct
        person_id,
        week_of(held_on) as week
    from staging.stg_meetings
    where is_no_show
),

no_shows as (
    select
        spells.person_id,
        spells.spell_number,
        weeks_between(spells.from_week, no_show_weeks.week) as at_weeks,
        (row_number() over (
            partition by spells.person_id, spells.spell_number
            order by no_show_weeks.week
        ))::integer as so_far
    from design.sanction_spells as spells
    inner join no_show_weeks
        on no_show_weeks.person_id = spells.person_id
        and no_show_weeks.week >= spells.from_week
        and no_show_weeks.week < weeks_after(spells.from_week, spells.weeks)
),

benefit_stretches as (
    select
        spells.person_id,
        spells.spell_number,
        weeks_between(spells.from_week, week_status.from_week) as on_weeks,
        weeks_between(spells.from_week, weeks_after(week_status.to_week, 1)) as off_weeks
    from design.sanction_spells as spells
    inner join marts.week_status as week_status
        on week_status.person_id = spells.person_id
        and week_status.benefit = spells.benefit
        and week_status.from_week < weeks_after(spells.from_week, spells.weeks)
        and week_status.to_week >= spells.from_week
    where week_status.status = 'benefit'
),

sanction_starts as (
    select
        person_id,
        spell_number,
        unnest([sanction_weeks, notice_weeks]) as begun_weeks
    from design.sanction_spells
    where sanction_weeks is not null
),

sanction_cuts as (
    select
        person_id,
        spell_number,
        begun_weeks + unnest(list_prepend(-1, sanction_pieces())) as at_weeks
    from sanction_starts
),

visitation_cuts as (
    select
        spells.person_id,
        spells.spell_number,
        weeks_between(spells.from_week, week_of(unnest([visitation.from_on, weeks_after(visitation.to_on, 1)]))) as at_weeks
    from design.sanction_spells as spells
    inner join staging.stg_visitation as visitation using (person_id)
),

quarter_cuts as (
    select
        person_id,
        spell_number,
        weeks_between(
            from_week, first_week_of(unnest(quarters_begun(from_week, weeks_after(from_week, weeks)))::date)
        ) as at_weeks
    from design.sanction_spells
),

cuts as (
    select person_id, spell_number, entry_weeks as at_weeks from design.sanction_spells
    union
    select person_id, spell_number, at_weeks from sanction_cuts
    union
    select person_id, spell_number, at_weeks from no_shows
    union
    select person_id, spell_number, at_weeks + recent_weeks() as at_weeks from no_shows
    union
    select person_id, spell_number, on_weeks as at_weeks from benefit_stretches
    union
    select person_id, spell_number, off_weeks as at_weeks from benefit_stretches
    union
    select person_id, spell_number, at_weeks from visitation_cuts where at_weeks is not null
    union
    select person_id, spell_number, at_weeks from quarter_cuts
),

rows_of_spells as (
    select
        spells.person_id,
        spells.spell_number,
        spells.benefit,
        spells.municipality_code,
        spells.age_group,
        spells.sex,
        spells.sanction_weeks,
        spells.notice_weeks,
        spells.weeks,
        spells.destination,
        cuts.at_weeks::integer as start_weeks,
        coalesce(
            lead(cuts.at_weeks) over (partition by spells.person_id, spells.spell_number order by cuts.at_weeks),
            spells.weeks
        )::integer as stop_weeks,
        weeks_after(spells.from_week, cuts.at_weeks::integer) as week
    from design.sanction_spells as spells
    inner join cuts using (person_id, spell_number)
    where cuts.at_weeks >= spells.entry_weeks and cuts.at_weeks < spells.weeks
),

caseloads as (
    select
        municipality_code,
        quarter_of(month) as quarter_on,
        exact_ratio(sum(caseload * measured_days) / nullif(sum(measured_days), 0)) as caseload
    from marts.caseload_month
    where caseload is not null
    group by all
)

select
    rows_of_spells.person_id,
    rows_of_spells.spell_number,
    rows_of_spells.start_weeks,
    rows_of_spells.stop_weeks,
    case
        when rows_of_spells.stop_weeks = rows_of_spells.weeks then rows_of_spells.destination
        when rows_of_spells.stop_weeks = rows_of_spells.sanction_weeks then 'sanction'
    end as transition,
    case
        when rows_of_spells.start_weeks >= rows_of_spells.sanction_weeks
            then rows_of_spells.start_weeks - rows_of_spells.sanction_weeks
    end as since_sanction_weeks,
    case
        when rows_of_spells.start_weeks >= rows_of_spells.notice_weeks
            then rows_of_spells.start_weeks - rows_of_spells.notice_weeks
    end as since_notice_weeks,
    rows_of_spells.benefit,
    case
        when coalesce(visitation.to_on >= rows_of_spells.week, true) then visitation.target_group
    end as target_group,
    rows_of_spells.age_group,
    rows_of_spells.sex,
    year(thursday_of(rows_of_spells.week))::integer as year,
    coalesce(no_shows.so_far, 0) as no_shows,
    coalesce(rows_of_spells.start_weeks < no_shows.at_weeks + recent_weeks(), false) as is_no_show_recent,
    coalesce(rows_of_spells.start_weeks >= stretches.off_weeks, true) as is_away,
    caseloads.caseload,
    case
        when rows_of_spells.start_weeks >= rows_of_spells.sanction_weeks then 'sanctioned'
        when is_away and rows_of_spells.stop_weeks is distinct from rows_of_spells.sanction_weeks then 'away'
        else 'free'
    end as state
from rows_of_spells
asof left join staging.stg_visitation as visitation
    on visitation.person_id = rows_of_spells.person_id and visitation.from_on <= sunday_of(rows_of_spells.week)
asof left join no_shows
    on no_shows.person_id = rows_of_spells.person_id
    and no_shows.spell_number = rows_of_spells.spell_number
    and no_shows.at_weeks <= rows_of_spells.start_weeks
asof left join benefit_stretches as stretches
    on stretches.person_id = rows_of_spells.person_id
    and stretches.spell_number = rows_of_spells.spell_number
    and stretches.on_weeks <= rows_of_spells.start_weeks
left join caseloads
    on caseloads.municipality_code = rows_of_spells.municipality_code
    and caseloads.quarter_on = quarter_of(thursday_of(rows_of_spells.week))
