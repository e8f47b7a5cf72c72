"""Counts by municipality and month: what the municipality panel is estimated on."""

from expectations.rules import Suite, first_of_month, known_municipality, none_where, not_null, unique

SUITE = Suite(
    "marts.municipality_period",
    (
        unique("municipality_code", "month", notes="Nøglen. En dublet giver kommunen dobbelt vægt."),
        *not_null("municipality_code", "month", "persons_on_benefit", notes="Tallet kan ikke placeres."),
        first_of_month("month"),
        known_municipality(),
        none_where(
            "counts are not negative",
            "least(persons_on_benefit, entries, exits_job, exits_education, exits_other_benefit, exits_self_support,"
            " sanctions, no_shows, meetings) < 0",
            notes="Et antal under nul.",
        ),
    ),
)
