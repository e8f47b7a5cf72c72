-- What the weeks at risk of a sanction are described by.

-- Months before a benefit spell in which paid work is counted: a year, so that seasons do not matter.
create or replace temp macro months_of_work_before() as 12;

-- Weeks since a meeting at which its effect may change: in the first, what led to the meeting may still be at work.
create or replace temp macro meeting_pieces() as [0, 5];
