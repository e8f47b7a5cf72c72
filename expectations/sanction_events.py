"""Sanctions with the benefit and municipality they fell in."""

from expectations.rules import WARNING, Suite, known_person, none_in, none_where, not_null, unique

SUITE = Suite(
    "marts.sanction_events",
    (
        *not_null("person_id", "decided_on", "sanction_type", notes="En afgørelse uden person, dato eller type."),
        *not_null(
            "benefit", notes="Afgørelsen faldt uden for en ydelse og kan ikke tælles i nogen kommune.", severity=WARNING
        ),
        unique(
            "person_id",
            "decided_on",
            "paragraph",
            "sanction_type",
            notes="Nøglen. En dublet tæller samme afgørelse to gange.",
        ),
        none_where(
            "reversed agrees with the status",
            "is_reversed <> (status in ('ophaevet', 'hjemvist'))",
            notes="Mærket siger noget andet end sagens status.",
        ),
        none_in(
            "no more events than decisions",
            """select 1 as offence from (select count(*) as events from {batch}) as counted
            where events > (select count(*) from staging.stg_sanctions)""",
            "Sammenkædningen har fordoblet afgørelser.",
        ),
        *known_person(),
    ),
)
