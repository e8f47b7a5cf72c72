"""Episodes on one benefit, short gaps closed."""

from expectations.rules import Suite, monday, not_null, spells_apart, spells_forward, unique

SUITE = Suite(
    "marts.benefit_spells",
    (
        unique("person_id", "spell_number", notes="Nøglen. En dublet giver en person to indgange."),
        *not_null("person_id", "benefit", "from_week", "to_week", notes="Et forløb uden start, slut eller ydelse."),
        monday("from_week"),
        monday("to_week"),
        spells_forward("from_week", "to_week"),
        spells_apart("person_id", "benefit", start="from_week", end="to_week"),
    ),
)
