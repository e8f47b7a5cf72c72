"""Sanctions: decisions as they were made, the reversed ones too."""

from expectations.rules import (
    WARNING,
    Suite,
    between,
    known_person,
    none_where,
    not_after_delivery,
    not_null,
    one_of,
    unique,
)

SUITE = Suite(
    "staging.stg_sanctions",
    (
        *not_null("person_id", "decided_on", "sanction_type", notes="En afgørelse uden person, dato eller type."),
        unique(
            "person_id",
            "decided_on",
            "paragraph",
            "sanction_type",
            notes="Nøglen. Samme afgørelse to gange gør antallet af sanktioner for højt.",
        ),
        one_of(
            "sanction_type",
            ("punktsanktion", "periodesanktion", "ophoer", "skaerpet_raadighed", "andre"),
            notes="En ukendt sanktionstype kan ikke sammenlignes mellem kommuner.",
        ),
        one_of(
            "status",
            ("truffet", "ophaevet", "hjemvist"),
            notes="Uden kendt status vides det ikke, om afgørelsen står ved magt.",
            severity=WARNING,
        ),
        between("days", 0, 366, notes="En sanktion på over et år er en tastefejl.", severity=WARNING),
        between("amount_dkk", 0, 100_000, notes="Beløbet er negativt eller over 100.000 kr.", severity=WARNING),
        not_after_delivery("decided_on"),
        none_where(
            "warned and heard before the decision",
            "warned_on > decided_on or heard_on > decided_on",
            notes="Varsel eller partshøring ligger efter afgørelsen: en fejl i data eller i sagen.",
            severity=WARNING,
        ),
        *known_person(),
    ),
)
