-- Spells of one benefit code in one municipality, from DREAM's weeks, wide or long.
-- grain:   person_id, from_on
-- inputs:  raw.dream, raw.dream_lang, raw.rejects
-- outputs: person_id, from_on, to_on, benefit_code, municipality_code
-- note:    from a Monday to a Sunday; blank weeks lie between spells; to_on of the last observed week is its Sunday
-- note:    the municipality is that of the ISO year, else of the latest year before; null before the first that is told
-- note:    a person in both forms is taken from the wide one; of several rows for a week the highest code counts

with rejected as (
    select
        extract,
        delivery_id as _delivery,
        line as _line
    from raw.rejects
    where extract in ('dream', 'dream_lang')
),

wide_persons as (
    select
        as_text(pnr_pseudo) as person_id,
        ydelser,
        kommuner
    from raw.dream
    anti join (select _delivery, _line from rejected where extract = 'dream') using (_delivery, _line)
),

code_runs as (
    select
        person_id,
        unnest(ydelser, recursive := true)
    from wide_persons
),

residence_runs as (
    select
        person_id,
        fra,
        til,
        as_municipality(kode) as municipality_code
    from (
        select
            person_id,
            unnest(kommuner, recursive := true)
        from wide_persons
    )
),

placed_runs as (
    select
        codes.person_id,
        greatest(codes.fra, homes.fra) as from_on,
        least(codes.til, homes.til) as to_on,
        codes.kode as benefit_code,
        homes.municipality_code
    from code_runs as codes
    inner join residence_runs as homes
        on homes.person_id = codes.person_id and codes.fra <= homes.til and homes.fra <= codes.til
),

first_residences as (
    select
        person_id,
        min(fra) as known_from
    from residence_runs
    group by person_id
),

unplaced_runs as (
    select
        codes.person_id,
        codes.fra as from_on,
        least(codes.til, (homes.known_from - to_days(1))::date) as to_on,
        codes.kode as benefit_code,
        null::varchar as municipality_code
    from code_runs as codes
    left join first_residences as homes using (person_id)
    where coalesce(codes.fra < homes.known_from, true)
),

long_weeks as (
    select
        as_text(pnr_pseudo) as person_id,
        iso_week_of(as_iso_year(aar), as_iso_week(uge)) as week,
        max(as_text(kode)) as benefit_code,
        max(as_municipality(kommunekode)) as municipality_code
    from raw.dream_lang
    anti join (select _delivery, _line from rejected where extract = 'dream_lang') using (_delivery, _line)
    anti join (select person_id from wide_persons) as wide on wide.person_id = as_text(pnr_pseudo)
    group by all
),

numbered_weeks as (
    select
        person_id,
        week,
        benefit_code,
        municipality_code,
        weeks_after(week, -row_number() over (
            partition by person_id, benefit_code, municipality_code
            order by week
        )::integer) as stretch
    from long_weeks
),

long_runs as (
    select
        person_id,
        min(week) as from_on,
        sunday_of(max(week)) as to_on,
        benefit_code,
        municipality_code
    from numbered_weeks
    group by person_id, benefit_code, municipality_code, stretch
)

select person_id, from_on, to_on, benefit_code, municipality_code from placed_runs
union all
select person_id, from_on, to_on, benefit_code, municipality_code from unplaced_runs
union all
select person_id, from_on, to_on, benefit_code, municipality_code from long_runs
