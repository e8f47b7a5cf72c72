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

homes as (
    select
        person_id,
        ydelser,
        home.fra as home_from,
        home.til as home_to,
        as_municipality(home.kode) as municipality_code
    from (
        select
            person_id,
            ydelser,
            unnest(kommuner) as home
        from wide_persons
    )
),

placed_runs as (
    select
        person_id,
        greatest(fra, home_from) as from_on,
        least(til, home_to) as to_on,
        kode as benefit_code,
        municipality_code
    from (
        select
            person_id,
            home_from,
            home_to,
            municipality_code,
            unnest(ydelser, recursive := true)
        from homes
    )
    where fra <= home_to and home_from <= til
),

unplaced_runs as (
    select
        person_id,
        fra as from_on,
        least(til, (known_from - to_days(1))::date) as to_on,
        kode as benefit_code,
        null::varchar as municipality_code
    from (
        select
            person_id,
            kommuner[1].fra as known_from,
            unnest(ydelser, recursive := true)
        from wide_persons
        where coalesce(ydelser[1].fra < kommuner[1].fra, true)
    )
    where coalesce(fra < known_from, true)
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
