"""Caseworker assignments: who had whom, and when."""

from expectations.rules import WARNING, Suite, known_person, not_null, one_of, spells_apart, spells_forward, unique

SUITE = Suite(
    "staging.stg_caseworkers",
    (
        *not_null(
            "person_id", "from_on", "caseworker_id", notes="En tildeling uden person, start eller sagsbehandler."
        ),
        unique(
            "person_id",
            "from_on",
            "caseworker_id",
            "role",
            notes="Samme tildeling står to gange. Sagsstammen bliver for stor.",
            severity=WARNING,
        ),
        spells_forward(),
        spells_apart("person_id", "caseworker_id", "role", severity=WARNING),
        one_of(
            "role",
            ("primaer", "koordinerende", "virksomhedskonsulent"),
            notes="En ukendt rolle tælles ikke med i nogen sagsstamme.",
            severity=WARNING,
        ),
        *known_person(),
    ),
)
