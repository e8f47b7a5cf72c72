"""What each person's weeks are: the ground under spells, exits and end states."""

from expectations.rules import Suite, monday, not_null, spells_forward, unique

SUITE = Suite(
    "marts.week_status",
    (
        unique("person_id", "status", "benefit", "from_week", notes="Nøglen. En dublet tæller de samme uger to gange."),
        *not_null("person_id", "status", "from_week", "to_week", notes="En status uden person, navn eller uger."),
        monday("from_week"),
        spells_forward("from_week", "to_week"),
    ),
)
