-- Typed reading of the text in raw.*; a text that cannot be read is null. The loader finds its rejects with the same macros.

-- Text without surrounding blanks; the empty text is null.
create or replace temp macro as_text(value) as nullif(trim(value), '');

-- yyyy-mm-dd or dd-mm-yyyy, nothing else (DOMAIN 2.3).
create or replace temp macro as_date(value) as
    case
        when regexp_full_match(trim(value), '[12]\d{3}-\d{2}-\d{2}') then try_strptime(trim(value), '%Y-%m-%d')::date
        when regexp_full_match(trim(value), '\d{2}-\d{2}-[12]\d{3}') then try_strptime(trim(value), '%d-%m-%Y')::date
    end;

-- A month (yyyy-mm, or a date inside it) as the first of the month.
create or replace temp macro as_month(value) as
    case
        when regexp_full_match(trim(value), '[12]\d{3}-\d{2}')
            then try_strptime(concat(trim(value), '-01'), '%Y-%m-%d')::date
        else date_trunc('month', as_date(value))::date
    end;

create or replace temp macro as_integer(value) as
    case when regexp_full_match(trim(value), '[+-]?\d{1,9}') then try_cast(trim(value) as integer) end;

-- Danish number: 1234,5 or 1.234,5. `1.234` alone is ambiguous (thousand, or a decimal point) and is not guessed: null.
create or replace temp macro as_decimal(value) as
    case
        when regexp_full_match(trim(value), '[+-]?\d{1,14}(,\d+)?')
            or regexp_full_match(trim(value), '[+-]?[1-9]\d{0,2}(\.\d{3})+,\d+')
            or regexp_full_match(trim(value), '[+-]?[1-9]\d{0,2}(\.\d{3}){2,3}')
            then try_cast(replace(replace(trim(value), '.', ''), ',', '.') as decimal(18, 4))
    end;

create or replace temp macro as_iso_year(value) as
    case when regexp_full_match(trim(value), '(19|20)\d{2}') then trim(value)::integer end;

create or replace temp macro as_iso_week(value) as
    case
        when regexp_full_match(trim(value), '0?[1-9]|[1-4]\d|5[0-3]') then trim(value)::integer
    end;

create or replace temp macro as_flag(value) as
    case
        when lower(trim(value)) in ('1', 'ja', 'true') then true
        when lower(trim(value)) in ('0', 'nej', 'false') then false
    end;

-- Three digits: 0615, 615 -> 615; 0 -> 000 (the whole country). CPR's four digits carry a leading zero (DOMAIN 2.3).
create or replace temp macro as_municipality(value) as
    case
        when regexp_full_match(trim(value), '0?\d{1,3}') then lpad(right(trim(value), 3), 3, '0')
    end;

-- A published count: `-` is zero, `..` is suppressed and therefore unknown (DOMAIN 2.3).
create or replace temp macro as_statistic(value) as
    case when trim(value) = '-' then 0 else as_decimal(value) end;

create or replace temp macro is_suppressed(value) as coalesce(trim(value) in ('..', '.'), false);

-- 2017, 2017K1 or 2017M01 (Statistics Denmark), or 2017-01.
create or replace temp macro as_period_kind(value) as
    case
        when regexp_full_match(trim(value), '[12]\d{3}') then 'year'
        when regexp_full_match(upper(trim(value)), '[12]\d{3}K[1-4]') then 'quarter'
        when regexp_full_match(upper(trim(value)), '[12]\d{3}(M|-)(0[1-9]|1[0-2])') then 'month'
    end;

create or replace temp macro as_period(value) as
    case as_period_kind(value)
        when 'year' then make_date(left(trim(value), 4)::integer, 1, 1)
        when 'quarter' then make_date(left(trim(value), 4)::integer, right(trim(value), 1)::integer * 3 - 2, 1)
        when 'month' then make_date(left(trim(value), 4)::integer, right(trim(value), 2)::integer, 1)
    end;
