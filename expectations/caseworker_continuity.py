"""Continuity of contact by citizen and year."""

from expectations.rules import Suite, between, known_person, none_where, not_null, unique

SUITE = Suite(
    "marts.caseworker_continuity",
    (
        unique("person_id", "year", notes="Nøglen. En dublet tæller en borger to gange i året."),
        *not_null("person_id", "year", "citizen_years", "changes", notes="Året kan ikke tælles."),
        between("citizen_years", 0, 1, notes="Mere end hele året med sagsbehandler. Dage er talt to gange."),
        *(between(name, 0, 1, notes="En andel uden for 0 til 1.") for name in ("upc", "secon", "coc")),
        none_where("changes are not negative", "changes < 0 or meetings < 0", notes="Et antal under nul."),
        *known_person(),
    ),
)
