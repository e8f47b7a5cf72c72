"""Who carried whose case: the spells behind the counted caseload."""

from expectations.rules import WARNING, Suite, known_person, none_where, not_null, one_of, spells_forward, unique

SUITE = Suite(
    "marts.caseworker_assignments",
    (
        unique("person_id", "role", "from_on", "caseworker_id", notes="Nøglen. En dublet tæller en sag to gange."),
        *not_null("person_id", "from_on", "to_on", "caseworker_id", notes="Tildelingen kan ikke placeres i tid."),
        *not_null("municipality_code", notes="Sagen kan ikke tælles i nogen kommune.", severity=WARNING),
        spells_forward(),
        one_of("move", ("to_intensive", "to_normal"), notes="Et flyt er til eller fra et team med en indsats."),
        none_where("a move has a team", "move is not null and team is null", notes="Et flyt uden team kan ikke ses."),
        *known_person(),
    ),
)
