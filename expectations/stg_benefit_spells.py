"""Benefit spells: who is on which benefit, and the ground under every end state."""

from expectations.rules import (
    WARNING,
    Suite,
    known_municipality,
    known_person,
    none_in,
    none_where,
    not_after_delivery,
    not_null,
    spells_apart,
    spells_forward,
    unique,
)

SUITE = Suite(
    "staging.stg_benefit_spells",
    (
        unique("person_id", "from_on", notes="Nøglen. Samme periode to gange giver dobbelt så mange uger på ydelse."),
        *not_null("person_id", "from_on", "benefit_code", notes="Uden person, start og kode er perioden ubrugelig."),
        spells_forward(),
        spells_apart("person_id"),
        not_after_delivery("from_on"),
        none_where(
            "benefit code is known",
            "benefit_code not in (select benefit_code from staging.stg_dream_codes)",
            notes="Koden findes ikke i kodelisten og tælles som anden ydelse. Føj den til listen, hvis den er ny.",
            severity=WARNING,
        ),
        none_in(
            "benefit code is in use",
            "select 1 as offence from {batch} as spells inner join staging.stg_dream_codes as codes "
            "using (benefit_code) where from_on + 6 < valid_from or from_on > valid_to",
            "Koden var ikke i brug, da perioden begyndte. Kodelisten er skiftet, eller koden er genbrugt.",
            WARNING,
        ),
        *known_person(),
        known_municipality(),
    ),
)
