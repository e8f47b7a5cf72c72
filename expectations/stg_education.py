"""Education spells. Overlaps are allowed."""

from expectations.rules import WARNING, Suite, known_person, not_null, spells_forward, unique

SUITE = Suite(
    "staging.stg_education",
    (
        *not_null("person_id", "from_on", notes="Uddannelse uden person eller start kan ikke tælles."),
        unique("person_id", "from_on", "education_type", notes="Samme uddannelse står to gange.", severity=WARNING),
        spells_forward(),
        *known_person(),
    ),
)
