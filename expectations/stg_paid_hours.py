"""Paid hours and wages by month, corrections summed."""

from expectations.rules import WARNING, Suite, between, first_of_month, known_person, none_where, not_null, unique

SUITE = Suite(
    "staging.stg_paid_hours",
    (
        unique("person_id", "month", notes="Nøglen. En måned to gange giver dobbelt løn."),
        *not_null("person_id", "month", "paid_hours", notes="Uden timer vides det ikke, om personen var i job."),
        first_of_month("month"),
        between(
            "paid_hours", 0, 400, notes="Under 0 eller over 400 timer på en måned efter rettelser.", severity=WARNING
        ),
        none_where(
            "paid hours within -400 and 800",
            "paid_hours not between -400 and 800",
            notes="Så mange timer findes ikke. Kolonnen eller decimaltegnet er læst forkert.",
        ),
        none_where("wage is not negative", "wage_dkk < 0", notes="Løn under nul efter rettelser.", severity=WARNING),
        *known_person(),
    ),
)
