"""Meetings held and missed."""

from expectations.rules import WARNING, Suite, known_person, none_where, not_after_delivery, not_null, unique

SUITE = Suite(
    "staging.stg_meetings",
    (
        *not_null("person_id", "held_on", notes="En samtale uden person eller dato kan ikke tælles."),
        unique(
            "person_id",
            "held_on",
            "meeting_type",
            notes="Samme samtale står to gange. Antallet af samtaler bliver for højt.",
            severity=WARNING,
        ),
        not_after_delivery("held_on"),
        none_where(
            "registered on or after the meeting",
            "registered_on < held_on and not is_no_show",
            notes="Registreret før den blev holdt: sandsynligvis en booking, ikke en samtale.",
            severity=WARNING,
        ),
        none_where(
            "registered within 60 days",
            "registered_on > held_on + interval 60 day",
            notes="Sen registrering: de seneste måneder ser ud til at have færre samtaler, end der var.",
            severity=WARNING,
        ),
        *known_person(),
    ),
)
