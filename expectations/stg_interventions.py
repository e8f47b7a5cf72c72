"""Interventions: which municipality started what, and when. The treatment of every evaluation."""

from expectations.rules import WARNING, Suite, known_municipality, none_where, not_null, spells_forward, unique

SUITE = Suite(
    "staging.stg_interventions",
    (
        unique(
            "municipality_code",
            "team",
            "intervention",
            "start_on",
            notes="Nøglen. Samme start to gange giver indsatsen dobbelt vægt.",
        ),
        *not_null(
            "municipality_code", "start_on", "intervention", notes="Uden kommune, start og navn er der ingen indsats."
        ),
        spells_forward("start_on", "end_on"),
        none_where(
            "planned caseloads are positive",
            "planned_before <= 0 or planned_after <= 0",
            notes="Det planlagte sagstal skal være over nul, ellers kan det ikke vises, om indsatsen blev leveret.",
            severity=WARNING,
        ),
        known_municipality(),
    ),
)
