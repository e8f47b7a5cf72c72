"""Persons on a benefit, month by month."""

from expectations.rules import (
    WARNING,
    Suite,
    between,
    first_of_month,
    known_municipality,
    known_person,
    none_where,
    not_null,
    unique,
)

SUITE = Suite(
    "marts.person_month",
    (
        unique("person_id", "month", notes="Nøglen. En dublet tæller én person to gange i måneden."),
        *not_null("person_id", "month", "benefit", notes="En måned uden person eller ydelse hører ikke til her."),
        *not_null("municipality_code", notes="Måneden kan ikke tælles i nogen kommune.", severity=WARNING),
        first_of_month("month"),
        between("paid_hours", 0, 400, notes="Under 0 eller over 400 timer på en måned.", severity=WARNING),
        none_where("sanctions are not negative", "sanctions < 0", notes="Et antal under nul."),
        none_where(
            "the flag agrees with the count",
            "is_sanctioned <> (sanctions > 0)",
            notes="Mærket og antallet er uenige om, hvorvidt der var en sanktion.",
        ),
        known_municipality(),
        *known_person(),
    ),
)
