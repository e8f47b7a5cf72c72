"""Visitation: the target group at entry decides who is in the population."""

from expectations.rules import WARNING, Suite, known_person, not_null, one_of, spells_apart, spells_forward, unique

SUITE = Suite(
    "staging.stg_visitation",
    (
        unique("person_id", "from_on", notes="Nøglen. To målgrupper samme dag: ingen ved, hvilken der gjaldt."),
        *not_null("person_id", "from_on", "target_group", notes="Uden målgruppe kan personen ikke placeres."),
        spells_forward(),
        spells_apart("person_id", severity=WARNING),
        one_of(
            "target_group",
            ("jobparat", "aktivitetsparat", "uddannelsesparat", "aabenlyst_uddannelsesparat"),
            notes="En ukendt målgruppe falder ud af alle populationer.",
        ),
        *known_person(),
    ),
)
