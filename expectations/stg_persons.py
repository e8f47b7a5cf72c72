"""Persons: the register every other extract refers to."""

from expectations.rules import WARNING, Suite, between, known_municipality, none_where, not_null, one_of, unique

SUITE = Suite(
    "staging.stg_persons",
    (
        unique("person_id", notes="Nøglen. En dublet tæller én person to gange."),
        *not_null("person_id", notes="Nøglen. Uden den kan intet kædes sammen."),
        *not_null("birth_year", "municipality_code", notes="Alder og kommune afgør, hvem der er med i populationen."),
        *not_null("sex", notes="Manglende køn gør grupperne mindre, men stopper ikke analysen.", severity=WARNING),
        between(
            "birth_year", 1900, 2025, notes="Et fødselsår uden for 1900-2025 er en tastefejl eller en forkert kolonne."
        ),
        none_where(
            "age at most 70 at the first benefit",
            "person_id in (select person_id from staging.stg_benefit_spells"
            " where year(from_on) - birth_year not between 15 and 70)",
            notes="Ydelserne her gives mellem 15 og 70 år. En anden alder tyder på et forkert fødselsår.",
            severity=WARNING,
        ),
        one_of("sex", ("M", "K"), notes="Kun M og K er aftalt i leverancen."),
        one_of(
            "origin",
            ("dansk", "indvandrer", "efterkommer"),
            notes="En ukendt herkomst falder uden for alle grupper.",
            severity=WARNING,
        ),
        one_of(
            "education_level",
            ("grundskole", "gymnasial", "erhvervsfaglig", "videregaaende", "uoplyst"),
            notes="Et ukendt uddannelsesniveau falder uden for alle grupper.",
            severity=WARNING,
        ),
        one_of("left_code", ("997", "998", "999"), notes="Kun død, udvandring og pension må lukke en person."),
        none_where(
            "left_on and left_code together",
            "(left_on is null) <> (left_code is null)",
            notes="Udgået uden dato eller uden grund: personen kan ikke tælles som udgået.",
            severity=WARNING,
        ),
        known_municipality(),
    ),
)
