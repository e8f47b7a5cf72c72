"""Programmes, among them taking part in a municipal project. Overlaps are allowed."""

from expectations.rules import WARNING, Suite, between, known_person, not_null, spells_forward, unique

SUITE = Suite(
    "staging.stg_programmes",
    (
        *not_null("person_id", "from_on", "programme_type", notes="Et tilbud uden person, start eller type."),
        unique("person_id", "from_on", "programme_type", notes="Samme tilbud står to gange.", severity=WARNING),
        spells_forward(),
        between("hours_per_week", 0, 37, notes="Et tilbud på over 37 timer om ugen er en tastefejl.", severity=WARNING),
        *known_person(),
    ),
)
