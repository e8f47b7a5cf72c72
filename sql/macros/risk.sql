-- What the weeks at risk of a sanction are described by.

-- Months before a benefit spell in which paid work is counted: a year, so that seasons do not matter.
create or replace temp macro months_of_work_before() as 12;
