"""Published figures, ready for comparison."""

from expectations.rules import Suite, known_municipality, none_where, not_null, unique

SUITE = Suite(
    "marts.municipality_statistics",
    (
        unique(
            "municipality_code",
            "period_on",
            "period_kind",
            "benefit",
            "target_group",
            notes="Nøglen. To tal for samme kommune og periode.",
        ),
        *not_null("municipality_code", "period_on", "period_kind", notes="Tallet kan ikke placeres i tid eller sted."),
        none_where("full_time is not negative", "full_time < 0", notes="Antal fuldtidspersoner under nul."),
        known_municipality(country_allowed=True),
    ),
)
