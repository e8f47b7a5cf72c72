-- Weeks are ISO weeks named by their Monday; a week belongs to the month that holds its Thursday (DOMAIN 2.1).

create or replace temp macro week_of(day) as date_trunc('week', day)::date;

create or replace temp macro month_of(day) as date_trunc('month', day)::date;

create or replace temp macro thursday_of(week) as (week + 3)::date;

create or replace temp macro sunday_of(week) as (week + 6)::date;

create or replace temp macro thursday_month(week) as month_of(thursday_of(week));

create or replace temp macro weeks_after(week, weeks) as (week + 7 * weeks)::date;

create or replace temp macro weeks_between(earlier_week, later_week) as ((later_week - earlier_week) // 7)::integer;

create or replace temp macro months_after(month, months) as (month + to_months(months))::date;

-- The Monday of an ISO week: week 1 holds 4 January. Null for a week 53 that the year has not.
create or replace temp macro iso_week_of(iso_year, iso_week) as
    case
        when isoyear(weeks_after(week_of(make_date(iso_year, 1, 4)), iso_week - 1)) = iso_year
            then weeks_after(week_of(make_date(iso_year, 1, 4)), iso_week - 1)
    end;

-- First day of the calendar quarter that holds the day.
create or replace temp macro quarter_of(day) as date_trunc('quarter', day)::date;

-- First days of the calendar quarters that begin after the earlier day and by the later one.
create or replace temp macro quarters_begun(earlier_day, later_day) as
    generate_series((quarter_of(earlier_day) + to_months(3))::date, later_day, to_months(3));

-- The first week whose Thursday is not before the day: a quarter's first week is that of its first day.
create or replace temp macro first_week_of(day) as week_of((day + 3)::date);

-- The day whose status stands for the month.
create or replace temp macro status_day(month) as (month + 14)::date;

-- First day of the period of 1, 3 or 12 months that holds the month.
create or replace temp macro period_of(month, months) as
    make_date(year(month)::integer, ((month(month) - 1) // months * months + 1)::integer, 1);

-- The last week whose Thursday lies in the month.
create or replace temp macro last_thursday_week(month) as week_of((last_day(month) - 3)::date);

-- Weeks of [from_week, to_week] that lie after entry_week and not after last_week.
create or replace temp macro shared_weeks(from_week, to_week, entry_week, last_week) as
    greatest(weeks_between(greatest(weeks_after(from_week, -1), entry_week), least(to_week, last_week)), 0);

create or replace temp macro next_day(day) as (day + 1)::date;

-- Days of [from_on, to_on], both included.
create or replace temp macro days_of(from_on, to_on) as (to_on - from_on + 1)::integer;

create or replace temp macro first_day_of_year(year) as make_date(year::integer, 1, 1);
create or replace temp macro last_day_of_year(year) as make_date(year::integer, 12, 31);

-- The last week in which an exit of so many weeks can be dated: all of them are observed, the wages of the last are final.
create or replace temp macro exits_seen_to(data_to, outcome_to, wage_to, exit_weeks) as
    case
        when wage_to is not null
            then week_of(
                least(
                    outcome_to,
                    weeks_after(data_to, -exit_weeks),
                    weeks_after(last_thursday_week(wage_to), 1 - exit_weeks)
                )
            )
    end;
