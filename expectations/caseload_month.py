"""Caseload of each team, month by month, counted from who had whom."""

from expectations.rules import Suite, first_of_month, none_where, not_null, unique

SUITE = Suite(
    "marts.caseload_month",
    (
        unique("municipality_code", "team", "month", notes="Nøglen. En dublet fordobler sagstallet."),
        *not_null("month", "days", "citizen_days", notes="Måneden kan ikke tælles."),
        first_of_month("month"),
        none_where(
            "measured days are days of the month",
            "measured_days > days or days > day(last_day(month))",
            notes="Flere dage end måneden har. Gennemsnittet bliver forkert.",
        ),
    ),
)
