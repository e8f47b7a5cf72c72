"""How each episode ended."""

from expectations.rules import Suite, between, none_in, none_where, unique

SUITE = Suite(
    "marts.exits",
    (
        unique("person_id", "spell_number", notes="Nøglen. Et forløb kan kun slutte én gang."),
        between("weeks", 0, None, notes="Et forløb på et negativt antal uger."),
        none_where(
            "a finished spell has a destination",
            "not is_censored and (destination is null or exit_week is null)",
            notes="Forløbet er slut uden at være landet noget sted. Andelene ville ikke summe til 100.",
        ),
        none_in(
            "every exit has its spell",
            """select 1 as offence from (select * from {batch}) as ended where not exists (
                select 1 from marts.benefit_spells as spell
                where spell.person_id = ended.person_id and spell.spell_number = ended.spell_number
            )""",
            "En afgang uden forløb: de to tabeller er ikke bygget af samme data.",
        ),
    ),
)
