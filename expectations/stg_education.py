"""Education spells. Overlaps are allowed."""

from expectations.rules import Suite, known_person, not_null, spells_forward

SUITE = Suite(
    "staging.stg_education",
    (
        *not_null("person_id", "from_on", notes="Uddannelse uden person eller start kan ikke tælles."),
        spells_forward(),
        *known_person(),
    ),
)
