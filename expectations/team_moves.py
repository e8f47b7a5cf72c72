"""Moves between normal and intensive teams."""

from expectations.rules import Suite, first_of_month, none_where, not_null, unique

SUITE = Suite(
    "marts.team_moves",
    (
        unique("municipality_code", "month", notes="Nøglen. En dublet tæller flyttede borgere to gange."),
        *not_null("month", "stretches", notes="Måneden kan ikke placeres."),
        first_of_month("month"),
        none_where(
            "moves and changes are stretches that began",
            "changes > stretches or to_intensive > stretches or to_normal > stretches",
            notes="Flere skift eller flyt end tildelinger, der begyndte.",
        ),
    ),
)
