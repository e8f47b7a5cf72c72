"""Caseloads as the municipality reports them: the dose of the intervention."""

from expectations.rules import WARNING, Suite, between, first_of_month, known_municipality, not_null, unique

SUITE = Suite(
    "staging.stg_caseload",
    (
        unique("caseworker_id", "team", "municipality_code", "month", notes="Nøglen. En dublet fordobler sagstallet."),
        *not_null(
            "municipality_code", "month", "cases", "fte", notes="Sagstal er sager pr. årsværk; begge skal kendes."
        ),
        between("cases", 0, 1000, notes="Mere end 1.000 sager på én sagsbehandler er en tastefejl."),
        between("fte", 0, 1.5, notes="Mere end halvandet årsværk på én person er en tastefejl.", severity=WARNING),
        first_of_month("month"),
        known_municipality(),
    ),
)
